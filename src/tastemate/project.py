"""The front door: a data set or project folder, opened, with what is fitted and stored in it.

tm = Tastemate.open("films")
slate = tm.recommend(user="p012", k=10, query="a tense heist")
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tastemate import build, config, ids, looking, opening, ranked, stages
from tastemate.catalog import Catalog
from tastemate.data.datasets import Dataset
from tastemate.data.records import new_item
from tastemate.dispatch import Dispatch
from tastemate.edits import edited
from tastemate.errors import UnknownUser
from tastemate.interactions import Interactions
from tastemate.language import Language, open_language
from tastemate.messages import Prompt
from tastemate.precomputed import Precomputed, common_queries
from tastemate.protocols import Profiler, Progress, Retriever
from tastemate.querying import query_of
from tastemate.recommender import Recommender
from tastemate.scope import opened
from tastemate.store.opening import Store
from tastemate.types import (
    Candidate,
    Controls,
    Filter,
    History,
    Item,
    Query,
    Recommendation,
    Signal,
    Slate,
    Taste,
)

if TYPE_CHECKING:
    from tastemate.asking import Answer
    from tastemate.chat.conversation import Conversation
    from tastemate.conversing import ProjectDesk
    from tastemate.evaluate.protocol import NextItemResult
    from tastemate.explain.compare import Comparison
    from tastemate.store.events import Recorded
    from tastemate.text.link import Linker


class Tastemate:
    """An opened data set or project: ask it for lists, similar items, tastes, reasons."""

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        settings: config.Settings = config.DEFAULTS,
        *,
        progress: Progress | None = None,
        show: Callable[[Prompt], None] | None = None,
    ) -> None:
        """`show` is called with every prompt before it is sent."""
        self.show = show
        self.name = dataset.name
        self.notes = dataset.notes
        self.settings = settings
        known = len(dataset.interactions)
        self.profile = build.profile_for(settings.recommend.profile, settings.blend, known)
        parts = build.resources(settings.retrievers, settings.encoder.name, lambda: self.language)
        self.work = opening.workspace(dataset, folder, settings, parts, progress)

    @classmethod
    def open(
        cls,
        source: str | Path = "films",
        *,
        profile: str | None = None,
        text: str | None = None,
        home: Path | None = None,
        progress: Progress | None = None,
        llm: str | None = None,
        show: Callable[[Prompt], None] | None = None,
        **wants: Any,
    ) -> "Tastemate":
        """Open a project folder, a named data set, or a folder or file of data.

        `text` joins texts and credits by item id ("movie-text", "movie-text,redial"). `llm` is
        `model` of `[llm]` ("none" asks no model), `wants` are other keys of it. Raises
        `UnknownDataset`, `ConfigError` for a bad `tastemate.toml`, `DataError` for bad data.
        """
        dataset, folder, said = opening.found(Path(source), text, home)
        chosen = config.chosen(said, profile, llm, **wants)
        return cls(dataset, folder, chosen, progress=progress, show=show)

    @property
    def catalog(self) -> Catalog:
        """Every item, those added since included."""
        return self.work.catalog

    @property
    def interactions(self) -> Interactions:
        """The events of the data set."""
        return self.work.interactions

    def recommend(
        self,
        user: str | None = None,
        k: int = 10,
        *,
        query: str = "",
        likes: Iterable[str] = (),
        filters: Iterable[str | Filter] = (),
        exclude: Iterable[str] = (),
        exclude_seen: bool = True,
        diversity: float = 0.0,
        novelty: float = 0.0,
        context: Mapping[str, str] | None = None,
        model: str | None = None,
    ) -> Slate:
        """Return the k best items for a user, for likes named now, or for nobody in particular.

        `likes` are ids or titles; `filters` are wishes such as "year>=1990" or "genre=Crime";
        `context` is the moment, such as {"company": "kids"} (`context.AXES`); `model` is a
        profile or a single retriever. Raises `UnknownUser`, `UnknownItem`, `ConfigError`.
        """
        asked = self.query(
            *(user, k),
            text=query,
            likes=likes,
            wishes=filters,
            exclude=exclude,
            exclude_seen=exclude_seen,
            controls=Controls(diversity, novelty),
            context=context or {},
            lean=self.desk.moments.leanings if context else None,
        )
        return self.recommend_all([asked], model=model)[0]

    def recommend_all(
        self, queries: Sequence[Query], *, model: str | None = None, llm: bool = True
    ) -> list[Slate]:
        """Answer many queries at once; without the language model where `llm` is false."""
        return self.dispatch.recommend_all(queries, model, llm=llm)

    def query(
        self, user: str | None = None, k: int = 10, *, events: Sequence[Signal] = (), **said: Any
    ) -> Query:
        """Turn what a person wrote into a `Query`: the keywords of `querying.query_of`.

        `events` are signals that count for this query only. Raises `UnknownUser`.
        """
        config.written(user="" if user is None else user)
        person = self.work.person(user, events)
        vector = self.work.pull(person)
        parts = self.catalog, self.interactions.scale, self.find
        return query_of(user, k, person, *parts, vector=vector, **said)

    def history(self, user: str) -> History:
        """Return a user's events, those since the last import included; raise `UnknownUser`."""
        return self.work.history(user)

    def similar(self, item: str, n: int = 10, *, model: str | None = None) -> list[Candidate]:
        """Return the n items most like one: `looking.similar`."""
        return looking.similar(self.work, self.find(item), n, model)

    def search(self, text: str, n: int = 10) -> list[Candidate]:
        """Return the n items that fit free text best; raise `ConfigError` for an empty one."""
        return looking.search(self.retriever("search"), text, n)

    def predict(self, user: str, items: Sequence[str], *, model: str = "als") -> list[float]:
        """Predict the ratings a user would give; raise `StageError` without ratings to learn."""
        rows = [self.find(item) for item in items]
        return looking.predicted(self.work, self.query(user), rows, model)

    def taste(self, user: str | None = None, *, likes: Iterable[str] = ()) -> Taste:
        """Read what somebody likes and dislikes, each statement with its items."""
        language = self.language
        with opened(None if language is None else language.wants.seconds, user or ""):
            read = self.profiler.taste([self.query(user, likes=likes).history])[0]
        return edited(read, self.work.person(user).edits)

    def explain(self, user: str, item: str, *, model: str | None = None) -> Recommendation:
        """Say where an item stands for a user and why, whether or not they have seen it."""
        return self.recommender(model).explain_items(self.query(user), [self.find(item)])[0]

    def compare(self, user: str, items: Sequence[str]) -> "Comparison":
        """Hold two or three items against one's taste."""
        from tastemate.explain.compare import compare

        lines = self.recommender().explain_items(self.query(user), [self.find(i) for i in items])
        return compare(lines, self.taste(user))

    def chat(self, user: str | None = None, session: str | None = None) -> "Conversation":
        """Begin a conversation, or go on with a kept one by its id; raise `NotFound`."""
        from tastemate.conversing import open_conversation

        return open_conversation(self.desk, user, session)

    @cached_property
    def desk(self) -> "ProjectDesk":
        """The project as a conversation sees it."""
        from tastemate.conversing import ProjectDesk

        return ProjectDesk(self)

    def ask(self, question: str, user: str | None = None, k: int = 5) -> "Answer":
        """Answer a question in words, from the catalogue alone; raise `ConfigError` for none."""
        from tastemate.asking import ask

        config.written(question=question, user="" if user is None else user)
        if user is not None:
            self.history(user)
        return ask(self.desk, question, user, k)

    @property
    def store(self) -> Store:
        """What people did and said, on disk."""
        return self.work.store

    @property
    def model_version(self) -> str:
        """Names the mix that is served and what it was fitted on."""
        return f"{self.settings.recommend.profile}-{self.work.key}"

    def record(self, signals: Sequence[Signal]) -> "Recorded":
        """Keep what people did; on disk when this returns, and the next answer knows it.

        Raises `UnknownItem` and `ConfigError` for a kind that is not taken; nothing is kept then.
        """
        self.catalog.rows(signal.item for signal in signals)
        for signal in signals:
            config.written(user=signal.user)
            if not signal.user.strip():
                raise UnknownUser("The user id is empty. Give any id; a new one is welcome.")
            ids.check("user", signal.user)
            self.work.weights_of_signals.check(signal.kind)
        return self.work.record(signals)

    def like(self, user: str, item: str) -> Item:
        """Record that a user likes an item; the next answer knows it."""
        return self._tell(user, item, "like")

    def dislike(self, user: str, item: str) -> Item:
        """Record that a user dislikes an item; the next answer leaves it out."""
        return self._tell(user, item, "dislike")

    def catch_up(self) -> bool:
        """Learn what other processes wrote; return whether anything was new."""
        if (changed := self.work.catch_up()) & {"items", "erased"}:
            self._forget()
        return bool(changed)

    def erase(self, user: str) -> dict[str, int]:
        """Remove everything held of a user; return how many rows of each table went.

        Models forget them at the next `fit`; until then none names them.
        """
        gone = self.store.users.erase(user)
        self.work.forget_traces(user)
        self.catch_up()
        return gone

    def add_items(self, items: Sequence[Item | Mapping[str, Any]]) -> list[str]:
        """Add items, or JSON objects of them; return their ids.

        Search and filters find them at once, mixes with content recommend them.
        """
        new = [new_item(one, self.catalog) for one in items]
        self.work.add(new)
        self._forget()
        return [item.id for item in new]

    def fit(self, names: Sequence[str] = (), also: Sequence[str] = ()) -> dict[str, float]:
        """Fit retrievers and profiles (its own, all fitted before, `also`); return seconds."""
        mixes = [build.profile(name) for name in names] or [self.profile]
        old = () if names else (build.FALLBACK, *filter(self.work.is_fitted, build.RETRIEVERS))
        wanted = [*(part for mix in mixes for part in mix.weights), *old, *also]
        took = self.work.fit(list(dict.fromkeys(wanted)), [mix for mix in mixes if mix.ranker])
        self._forget()
        self.answers.clear()
        if not names:
            start = time.perf_counter()
            self.answers.warm(common_queries(self.catalog, self.interactions))
            took["common answers"] = time.perf_counter() - start
        return took

    def evaluate(self, model: str | None = None, **options: Any) -> "NextItemResult":
        """Measure what is served (or `model`): `evaluate.protocol.next_item` with its options."""
        from tastemate.evaluate.protocol import next_item

        factory = ranked.factory(model or self.profile, self.work.resources)
        options["model"] = model or "project"
        return next_item(factory, self.catalog, self.interactions, **options)

    def retriever(self, name: str) -> Retriever:
        """Return a retriever, fitted now if it was not."""
        return self.work.retriever(name)

    def recommender(
        self, model: str | None = None, extras: tuple[str, ...] = (), *, llm: bool = True
    ) -> Recommender:
        """Return the composed path for a profile or a single retriever."""
        return self.dispatch.path(model, extras, llm=llm)

    @cached_property
    def dispatch(self) -> Dispatch:
        """Sends each query down the path it calls for."""
        pool = self.settings.recommend.pool
        return Dispatch(self.work, self.profile, pool, lambda: self.language)

    @cached_property
    def language(self) -> Language | None:
        """The language model with what it is asked to do; None where none is configured."""
        return open_language(self.settings, self.work.folder / "llm", self.show)

    @property
    def answers(self) -> Precomputed:
        """The default path behind the answers that were made ahead of time."""
        return self.dispatch.answers

    def find(self, written: str) -> int:
        """Return the row of an id or a title as somebody wrote it; raise `UnknownItem`."""
        config.written(item=written)
        if written in self.catalog:
            return self.catalog.row(written)
        return self.linker.find(written, self.name)

    @cached_property
    def linker(self) -> "Linker":
        """Links a written title to an item."""
        from tastemate.text.link import Linker

        return Linker(self.catalog)

    @cached_property
    def profiler(self) -> Profiler:
        """Reads what somebody likes out of a history."""
        return stages.profiler(self.language, self.catalog, self.interactions)

    def _tell(self, user: str, item: str, kind: str) -> Item:
        row, at = self.find(item), int(time.time())
        self.record([Signal(uuid4().hex, user, self.catalog.ids[row], kind, timestamp=at)])
        return self.catalog.item(row)

    def _forget(self) -> None:
        for derived in ("linker", "profiler", "dispatch", "desk"):
            self.__dict__.pop(derived, None)
