"""The front door: a data set or project folder, opened, with what is fitted and stored in it.

tm = Tastemate.open("films")
slate = tm.recommend(user="p012", k=10, query="a tense heist")
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemate import build, config
from tastemate.catalog import Catalog
from tastemate.data.datasets import Dataset, open_dataset
from tastemate.data.places import place
from tastemate.data.records import item_from
from tastemate.data.triples import Kept
from tastemate.errors import ConfigError, StageError, UnknownUser
from tastemate.interactions import Interactions
from tastemate.language import Language, open_language
from tastemate.messages import Prompt
from tastemate.precomputed import Precomputed, common_queries
from tastemate.protocols import Profiler, Progress, RatingPredictor, Retriever, Similar
from tastemate.querying import query_of
from tastemate.recommender import Recommender
from tastemate.scope import opened
from tastemate.types import (
    NO_HISTORY,
    Candidate,
    Controls,
    Event,
    Filter,
    History,
    Item,
    Query,
    Recommendation,
    Slate,
    Step,
    Taste,
)
from tastemate.workspace import Workspace

if TYPE_CHECKING:
    from tastemate.asking import Answer
    from tastemate.chat.conversation import Conversation
    from tastemate.conversing import ProjectDesk
    from tastemate.evaluate.protocol import NextItemResult
    from tastemate.explain.compare import Comparison
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
        events = dataset.interactions
        self.profile = build.profile_for(settings.recommend.profile, settings.blend, len(events))
        parts = build.resources(settings.retrievers, settings.encoder.name, lambda: self.language)
        parts = replace(parts, facts=Kept(folder / "graph.tsv"), sources=dataset.sources)
        self.work = Workspace(folder, dataset.catalog, events, parts, progress=progress)

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
        at = Path(source)
        said = config.settings(at / config.FILE)
        text = text or said.data.text
        named, folder = place(at, said, text, home)
        dataset = open_dataset(named, text=text)
        if not said.data.dataset and (at / config.FILE).is_file():
            dataset = replace(dataset, name=at.resolve().name)
        said = config.chosen(said, profile, llm, **wants)
        return cls(dataset, folder, said, progress=progress, show=show)

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
            user,
            k,
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

    def recommend_all(self, queries: Sequence[Query], *, model: str | None = None) -> list[Slate]:
        """Answer many queries at once."""
        found: dict[int, Slate] = {}
        asked = [build.asked_for(query, whole=model is None) for query in queries]
        for extras in dict.fromkeys(asked):  # alike ones together: a batch answers as each alone
            mine = [at for at, one in enumerate(asked) if one == extras]
            slates = self._answered([queries[at] for at in mine], extras, model)
            found.update(zip(mine, slates, strict=True))
        return [found[at] for at in range(len(queries))]

    def _answered(
        self, queries: Sequence[Query], extras: tuple[str, ...], model: str | None
    ) -> list[Slate]:
        """Answer queries that call for the same extras."""
        if model is None and not extras and not (self.language and self.language.joins):
            return self.answers.recommend_all(queries)
        slates = self.recommender(model, extras).recommend_all(queries)
        stand_in = self.work.resources.stand_in() if "search" in extras else ""
        if stand_in:
            step = Step("encoder", 0, 0.0, error=stand_in)
            slates = [replace(slate, trace=(*slate.trace, step)) for slate in slates]
        return slates

    def query(self, user: str | None = None, k: int = 10, **said: Any) -> Query:
        """Turn what a person wrote into a `Query`: the keywords of `querying.query_of`."""
        config.written(user="" if user is None else user)
        seen = self.history(user) if user is not None else NO_HISTORY
        return query_of(user, k, seen, self.catalog, self.interactions, self.find, **said)

    def history(self, user: str) -> History:
        """Return a user's events, those since the last import included; raise `UnknownUser`."""
        return self.work.history(user)

    def similar(self, item: str, n: int = 10, *, model: str | None = None) -> list[Candidate]:
        """Return the n items most like one, by `model`.

        By default `content` where most items are described, else `ease` and then `content`.
        """
        described = int((self.catalog.frame["text"] != "").sum() > len(self.catalog) / 2)
        row = np.array([self.find(item)], dtype=np.int32)
        for name in [model] if model else ["ease", "content"][described:]:
            part = self.retriever(name)
            if not isinstance(part, Similar):
                raise ConfigError(f"{name!r} has no item-to-item neighbours. Try ease or content.")
            if near := part.similar(row, n)[0]:
                return near
        return []

    def search(self, text: str, n: int = 10) -> list[Candidate]:
        """Return the n items that fit free text best; raise `ConfigError` for an empty one."""
        config.written(query=text)
        if not text.strip():
            raise ConfigError("There is nothing to search for. Give some words.")
        return self.retriever("search").retrieve([Query(text=text, k=n)], n)[0]

    def predict(self, user: str, items: Sequence[str], *, model: str = "als") -> list[float]:
        """Predict the ratings a user would give; raise `StageError` without ratings to learn."""
        if not self.interactions.scale.rates:
            raise StageError(
                f"{self.name} holds no ratings to predict, only that people met items. "
                "Use recommend for a ranking."
            )
        part = self.retriever(model)
        if not isinstance(part, RatingPredictor):
            raise ConfigError(f"{model!r} does not predict ratings. Use --model als.")
        rows = np.array([self.find(item) for item in items], dtype=np.int32)
        return [float(value) for value in part.predict([self.query(user)], [rows])[0]]

    def taste(self, user: str | None = None, *, likes: Iterable[str] = ()) -> Taste:
        """Read what somebody likes and dislikes, each statement with its items."""
        language = self.language
        with opened(None if language is None else language.wants.seconds, user or ""):
            return self.profiler.taste([self.query(user, likes=likes).history])[0]

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

    def like(self, user: str, item: str) -> Item:
        """Record that a user likes an item; the next answer knows it."""
        return self._tell(user, item, self.interactions.scale.high)

    def dislike(self, user: str, item: str) -> Item:
        """Record that a user dislikes an item; the next answer leaves it out."""
        return self._tell(user, item, self.interactions.scale.worst)

    def add_items(self, items: Sequence[Item | Mapping[str, Any]]) -> list[str]:
        """Add items, or JSON objects of them; return their ids.

        Search and filters find them at once, mixes with content recommend them.
        """
        new = [item_from(one, self.catalog) for one in items]
        self.work.add(new)
        self._forget()
        return [item.id for item in new]

    def fit(self, names: Sequence[str] = ()) -> dict[str, float]:
        """Fit `names`, by default the profile's parts and all fitted before; return seconds."""
        before = [name for name in build.RETRIEVERS if self.work.is_fitted(name)]
        wanted = list(names) or [*self.profile.weights, build.FALLBACK, *before]
        took = self.work.fit(list(dict.fromkeys(wanted)))
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

        factory = build.factory(model or self.profile, self.work.resources)
        name = model or "project"
        return next_item(factory, self.catalog, self.interactions, model=name, **options)

    def retriever(self, name: str) -> Retriever:
        """Return a retriever, fitted now if it was not."""
        return self.work.retriever(name)

    def recommender(self, model: str | None = None, extras: tuple[str, ...] = ()) -> Recommender:
        """Return the composed path for a profile or a single retriever."""
        mix = build.profile(model) if model else self.profile
        return self.work.recommender(
            mix, extras=extras, pool=self.settings.recommend.pool, language=self.language
        )

    @cached_property
    def language(self) -> Language | None:
        """The language model with what it is asked to do; None where none is configured."""
        return open_language(self.settings, self.work.folder / "llm", self.show)

    @cached_property
    def answers(self) -> Precomputed:
        """The default path behind the answers that were made ahead of time."""
        return self.work.answers(self.profile, self.settings.recommend.pool)

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
        return build.profiler(self.language, self.catalog, self.interactions)

    def _tell(self, user: str, item: str, value: float) -> Item:
        config.written(user=user)
        if not user.strip():
            raise UnknownUser("The user id is empty. Give any id; a new one is welcome.")
        row = self.find(item)
        self.work.record([Event(user, self.catalog.ids[row], value, int(time.time()))])
        return self.catalog.item(row)

    def _forget(self) -> None:
        for derived in ("linker", "profiler", "answers", "desk"):
            self.__dict__.pop(derived, None)
