"""A project as a conversation sees it, and how one is opened: in words, with somebody, or once.

The composition root of `chat`: what is passed in there is chosen here.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import numpy as np

from tastemate import build, config
from tastemate.catalog import Catalog
from tastemate.dispatch import Dispatch
from tastemate.errors import ConfigError, UnknownUser
from tastemate.filters import allowed
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.protocols import ChatModel, Encoder, Profiler, Retriever
from tastemate.recommender import Recommender
from tastemate.types import (
    NO_HISTORY,
    Candidate,
    Floats,
    History,
    Item,
    Query,
    Recommendation,
    Slate,
    Taste,
)
from tastemate.workspace import Workspace

if TYPE_CHECKING:
    from tastemate.chat.conversation import Conversation
    from tastemate.chat.intent import Intent
    from tastemate.chat.keeping import Sessions
    from tastemate.chat.lexicon import Lexicon
    from tastemate.chat.session import Session
    from tastemate.chat.settings import Manners
    from tastemate.chat.vector import Preference
    from tastemate.chat.voiced import Voice
    from tastemate.data.graph import Graph
    from tastemate.llm.wording import Style
    from tastemate.text.link import Linker
    from tastemate.text.moments import Moments


PATHS = 2
"""Paths of the graph that an answer to "why" tells."""


class Opened(Protocol):
    """An opened project, as far as it is talked with."""

    settings: config.Settings
    work: Workspace

    @property
    def catalog(self) -> Catalog:
        """What may be shown."""
        ...

    @property
    def interactions(self) -> Interactions:
        """What is known of everybody."""
        ...

    @property
    def dispatch(self) -> Dispatch:
        """Sends queries down their paths."""
        ...

    @property
    def linker(self) -> "Linker":
        """Links written titles."""
        ...

    @property
    def language(self) -> Language | None:
        """The language model, if any."""
        ...

    @property
    def profiler(self) -> Profiler:
        """Reads tastes."""
        ...

    def history(self, user: str) -> History:
        """Return what a user did; raise `UnknownUser`."""
        ...

    def like(self, user: str, item: str) -> Item:
        """Record that a user likes an item."""
        ...

    def dislike(self, user: str, item: str) -> Item:
        """Record that a user dislikes an item."""
        ...

    def recommend_all(self, queries: Sequence[Query], *, model: str | None = None) -> list[Slate]:
        """Answer queries with lists."""
        ...

    def recommender(self, model: str | None = None, extras: tuple[str, ...] = ()) -> Recommender:
        """Return the composed path."""
        ...

    def retriever(self, name: str) -> Retriever:
        """Return a fitted retriever."""
        ...

    def similar(self, item: str, n: int = 10) -> list[Candidate]:
        """Return the items most like one."""
        ...

    def search(self, text: str, n: int = 10) -> list[Candidate]:
        """Return the items that fit free text."""
        ...


class ProjectDesk:
    """The doors of an opened project that the tools of a conversation go through."""

    def __init__(self, project: Opened) -> None:
        self._project = project
        self._graph: Graph | None = None

    @property
    def catalog(self) -> Catalog:
        """What may be shown, with what was added since."""
        return self._project.catalog

    @property
    def interactions(self) -> Interactions:
        """The events of the data set."""
        return self._project.interactions

    @property
    def linker(self) -> "Linker":
        """Links written titles."""
        return self._project.linker

    @property
    def encoder(self) -> Encoder:
        """The encoder of the items."""
        return self._project.work.resources.encoder()

    @property
    def model(self) -> ChatModel | None:
        """The language model in its guards, if one is configured."""
        language = self._project.language
        return None if language is None else language.model

    @property
    def seconds(self) -> float | None:
        """What all calls for one answer may take together; None where no model is asked."""
        language = self._project.language
        return None if language is None else language.wants.answer_seconds

    @cached_property
    def style(self) -> "Style":
        """How prompts are written."""
        from tastemate.llm.wording import Style

        language = self._project.language
        return Style() if language is None else language.style

    def history(self, user: str) -> History:
        """Return what a user did; empty for one that nobody knows yet."""
        try:
            return self._project.history(user)
        except UnknownUser:
            return NO_HISTORY

    def remember(self, user: str, row: int, likes: bool) -> None:
        """Record that a user likes or dislikes an item; on disk when this returns."""
        tell = self._project.like if likes else self._project.dislike
        tell(user, self.catalog.ids[row])

    def recommend(self, query: Query) -> Slate:
        """Answer a query by what is served."""
        return self._project.recommend_all([query], model=self.manners.model or None)[0]

    def pool(self, query: Query, n: int) -> list[Candidate]:
        """Return the n best candidates that may be shown, without reasons."""
        scores = self._path(query).scores([query])[0]
        may, _ = allowed(self.catalog, query.filters)
        may[list(query.exclude)] = False
        if query.exclude_seen:
            may[query.history.items] = False
        scores = np.where(may, scores, -np.inf)
        best = np.argsort(-scores, kind="stable")[:n]
        return [
            Candidate(int(row), float(scores[row]), "pool", rank)
            for rank, row in enumerate(best, start=1)
            if np.isfinite(scores[row])
        ]

    def similar(self, row: int, n: int) -> list[Candidate]:
        """Return the items most like one."""
        return self._project.similar(self.catalog.ids[row], n)

    def search(self, text: str, n: int) -> list[Candidate]:
        """Return the items that fit free text best."""
        return self._project.search(text, n)

    def explain(self, query: Query, rows: Sequence[int]) -> list[Recommendation]:
        """Say where items stand for a query, and why."""
        return self._path(query).explain_items(query, rows)

    def _path(self, query: Query) -> Recommender:
        model = self.manners.model or None
        return self._project.recommender(model, self._project.dispatch.extras(query, model))

    def taste(self, history: History) -> Taste:
        """Read what somebody likes and dislikes."""
        return self._project.profiler.taste([history])[0]

    def vectors(self) -> Floats:
        """Return the item vectors of the encoder, (items, dimensions)."""
        search: Any = self._project.retriever("search")
        found: Floats = search.vectors
        return found

    @cached_property
    def lexicon(self) -> "Lexicon":
        """What words mean over this catalogue."""
        from tastemate.chat.lexicon import Lexicon

        return Lexicon.of(self.catalog)

    def read(self, text: str, session: "Session") -> "Intent":
        """Return what a message means: by the model where it may read, else by the grammar."""
        from tastemate.chat.reading import read_with
        from tastemate.chat.understand import understand

        shown, lexicon = session.shown, self.lexicon
        if self.model is None or not self.manners.understand:
            return understand(text, lexicon, shown=shown, before=session)
        return read_with(self.model, text, lexicon, shown=shown, before=session, style=self.style)

    @property
    def graph(self) -> "Graph":
        """The knowledge graph of the catalogue as it is now."""
        if self._graph is None or self._graph.n_items != len(self.catalog):
            self._graph = build.graph(self._project.work.resources, self.catalog)
        return self._graph

    @cached_property
    def paths(self) -> "Callable[[Recommendation, History], list[str]]":
        """Says how an item hangs together with what somebody liked, by the knowledge graph."""
        from tastemate.explain.paths import Paths

        found, scale = Paths(self.graph), self.interactions.scale

        def said(line: Recommendation, past: History) -> list[str]:
            ends = dict.fromkeys(past.items[scale.likes(past.values)].tolist())
            return found.told(self.catalog.row(line.item.id), ends, PATHS)

        return said

    @cached_property
    def moments(self) -> "Moments":
        """Reads moments as leanings over this catalogue."""
        from tastemate.text.moments import Moments

        return Moments(self.catalog, self._project.settings.context)

    @cached_property
    def preference(self) -> "Preference":
        """Reads beliefs as a vector in the space of the encoder."""
        from tastemate.chat.vector import Preference, Rates

        said = self._project.settings.chat.get("rates", {})
        if not isinstance(said, dict):
            raise ConfigError("rates in [chat] must be a table, [chat.rates].")
        rates = Rates(**config.arguments(Rates, said, "[chat.rates]"))
        return Preference(self.catalog, self.vectors(), self.encoder, rates)

    @cached_property
    def manners(self) -> "Manners":
        """The table `[chat]`; raises `ConfigError` for a key it does not have."""
        from tastemate.chat.settings import Manners

        said = {k: v for k, v in self._project.settings.chat.items() if k != "rates"}
        return Manners(**config.arguments(Manners, said, "[chat]"))

    @cached_property
    def sessions(self) -> "Sessions":
        """The conversations kept of this project."""
        from tastemate.chat.keeping import Sessions

        return Sessions(self._project.work.store.sessions)

    @cached_property
    def voice(self) -> "Voice | None":
        """What words replies, where a model may."""
        from tastemate.chat.voiced import Voice
        from tastemate.explain.writer import PLAIN
        from tastemate.text.named import Named
        from tastemate.traits import Traits

        if self.model is None or not self.manners.word:
            return None
        named = Named(self.catalog.titles, Traits.of(self.catalog).values, PLAIN)
        return Voice(self.model, named, self.style)


def open_conversation(desk: ProjectDesk, user: str | None, session: str | None) -> "Conversation":
    """Begin a conversation, or go on with a kept one.

    Raises `NotFound` where it is not kept and `ConfigError` where it is another user's.
    """
    from tastemate.chat.conversation import Conversation, Parts
    from tastemate.chat.session import Session

    config.written(user=user or "", session=session or "")
    if session is None:
        begun = Session(uuid4().hex[:12], user)
    else:
        begun = desk.sessions.open(session)
        if user is not None and begun.user != user:
            raise ConfigError(f"The conversation {session!r} is not one of {user!r}.")
    return Conversation(
        desk,
        begun,
        Parts(
            read=desk.read,
            # looked up when first used: a greeting needs neither item vectors nor the graph
            lean=lambda context: desk.moments.leanings(context),
            prefer=lambda now: desk.preference.of(now),
            keep=partial(desk.sessions.keep, must_exist=session is not None),
            voice=desk.voice,
            paths=lambda line, past: desk.paths(line, past),
            manners=desk.manners,
        ),
    )
