"""What is kept of one data set: what people did since it was read, and what was fitted on it.

Layout of the folder: `store.db` (or a store elsewhere, `[store]`), `features.jsonl` (a journal),
`fitted.json` (what the models have seen: `Generation`), `models/<name>-<key>/`, `answers/`, `llm/`.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import polars as pl

from tastemate import build, scope
from tastemate.artifacts import locked
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import DataError, Unavailable, UnknownUser
from tastemate.generation import FORMAT, Edition, Generation
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.models import Models
from tastemate.people import NOBODY, People, Person
from tastemate.precomputed import Composed, Precomputed
from tastemate.profile.signals import Weights
from tastemate.protocols import Progress, Ranker, Retriever
from tastemate.recommender import Recommender
from tastemate.store.journal import Journal
from tastemate.store.takeover import forget
from tastemate.types import Floats, History, Item, Signal

if TYPE_CHECKING:
    from tastemate.store.events import Recorded
    from tastemate.store.opening import Store

T = TypeVar("T")
Fit: TypeAlias = Callable[[str], Retriever]
TRIES = 2
"""Openings over a catalogue that changes meanwhile; the next one holds changes back."""


class Workspace:
    """The state folder of one data set, and the fitted retrievers in it."""

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        interactions: Interactions,
        resources: build.Resources,
        store: "Store",
        weights: Weights | None = None,
        *,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder
        self.resources = resources
        self.store = store
        self.weights_of_signals = weights or Weights()
        self._read = (catalog, interactions)
        self._progress = progress or _silent
        self.features = Journal(folder / "features.jsonl", derived=True)
        """What `tastemate features` read of the items."""
        self._models = Models(folder / "models", self.features, resources, self._progress)
        self._fitted: dict[str, Retriever] = {}
        self._composed: dict[object, Recommender] = {}
        self._lock = threading.RLock()
        """Of what is served: `retriever` does not hold it while it opens or fits one."""
        self._opening: dict[object, threading.RLock] = {}
        self.sealed = False
        """Whether what was never fitted is refused, not fitted: so in a service (`supply`)."""
        self._supplying = threading.local()
        self.people = People(store, self.weights_of_signals)
        self._now = self._edition(Generation.read(folder / "fitted.json", *self._read))

    def _edition(self, generation: Generation) -> Edition:
        parts = self.store, self.weights_of_signals, self._progress
        return Edition(self._read, generation, *parts)

    @property
    def catalog(self) -> Catalog:
        """The catalogue with everything added since."""
        return self._now.catalog

    @property
    def interactions(self) -> Interactions:
        """The events as the data set has them, without erased people, over the grown catalogue."""
        return self._now.interactions

    @property
    def items(self) -> list[Item]:
        """What was added since."""
        return self._now.items

    @property
    def generation(self) -> Generation:
        """What the fitted models have seen."""
        return self._now.generation

    def person(self, user: str | None, now: Sequence[Signal] = ()) -> Person:
        """Return what is known of a user, with signals that are not kept.

        Raises `UnknownUser` where nothing is known and nothing given.
        """
        person = NOBODY
        if user is not None:
            person = self.people.of(user, self.catalog, self.interactions)
            if not person.known and not now:
                self.interactions.code(user)
                raise UnknownUser(f"Nothing is known of {user!r}. Name what they like instead.")
        return self.people.told(person, now, self.catalog, self.interactions) if now else person

    def pull(self, person: Person) -> Floats | None:
        """Return where somebody's latest signals point in the encoder's space, (dimensions,).

        None without signals, and where no search index is fitted: it is not worth one.
        """
        if not person.signals or not self.weights_of_signals.live:
            return None
        index: Any = self._fitted.get("search")
        if index is None:  # looked for on disk only until it was opened
            there = any((self.folder / "models").glob("search-*")) and self.is_fitted("search")
            if not there:
                return None
            index = self.retriever("search")
        return self.people.pull(person, index.vectors, self.catalog, self.interactions.scale)

    def history(self, user: str) -> History:
        """Return a user's events, live ones included; raise `UnknownUser`."""
        return self.person(user).history

    def record(self, signals: Sequence[Signal]) -> "Recorded":
        """Keep what people did; it is on disk when this returns."""
        kept = self.store.events.record(signals)
        try:
            self.people.hear()
        except Unavailable:  # it is kept all the same: who did it is read again
            self.people.forget({signal.user for signal in signals})
        return kept

    def add(self, items: list[Item]) -> None:
        """Keep new items; what is loaded is opened again over the grown catalogue."""
        self.catalog.with_items(items)  # refuses what does not fit before it is kept
        self.store.items.add(items)
        self.catch_up()

    def resume(self, other: "Workspace") -> None:
        """Go on with what another one knows of people, if it is over the same store and data."""
        mine, theirs = self._now, other._now
        same = mine.generation.base == theirs.generation.base and mine.erased == theirs.erased
        if same and self.store.id == other.store.id and self.catalog.ids == other.catalog.ids:
            self.people.resume(other.people)

    def catch_up(self) -> frozenset[str]:
        """Learn what this and other processes wrote; return the names of what has changed."""
        with self._lock:
            changed = self.people.catch_up()
            if changed & {"items", "erased"}:
                self._reopen()
            return changed

    def _reopen(self) -> None:
        """Serve the items and people that are in the store now."""
        fresh = self._edition(self.generation)
        self._fitted.clear()  # before: what is found there is never older than `_now`
        self._composed.clear()
        self._now = fresh
        self.people.forget()  # somebody may have been read over the old ones meanwhile

    def logged(self, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what was shown and done in the last days, as frames."""
        since = int(time.time()) - days * 86_400
        return self.store.impressions.frame(since), self.store.events.frame(since=since)

    def forget_traces(self, user: str) -> None:
        """Remove what files tell of somebody: old journals; kept prompts and lessons, which may."""
        from tastemate.llm.wrappers.guards import forget as forget_calls

        forget(self.folder, user)
        forget_calls(self.folder / "llm")
        shutil.rmtree(self._models.shelf, ignore_errors=True)

    def retriever(self, name: str) -> Retriever:
        """Return a fitted retriever: from memory, from disk, or fitted now and kept."""
        return self._made(self._fitted, name, lambda now, _: self._open(name, now))

    def supply(self, names: Iterable[str]) -> None:
        """Open retrievers, fitted first where they never were, even in a sealed workspace."""
        self._supplying.on = True
        try:
            for name in names:
                self.retriever(name)
        finally:
            self._supplying.on = False

    def _made(self, held: dict[Any, T], key: object, make: Callable[[Edition, Fit], T]) -> T:
        """Return what is held under a key, or make it: one thread does, the others wait.

        What was made over items and people that were replaced meanwhile is made again.
        """
        if (found := held.get(key)) is not None:
            return found
        with self._opening.setdefault(key, threading.RLock()):
            if (found := held.get(key)) is not None:
                return found
            for _ in range(TRIES):
                now = self._now
                found = make(now, self.retriever)
                with self._lock:
                    if now is self._now:
                        held[key] = found
                        return found
            with self._lock:  # they are replaced faster than this is made
                return held.setdefault(key, make(self._now, self._at_once))

    def _at_once(self, name: str) -> Retriever:
        """Return a fitted retriever to somebody who holds changes back, and so may not wait."""
        if name not in self._fitted:
            self._fitted[name] = self._open(name, self._now)
        return self._fitted[name]

    def recommender(
        self,
        mix: Blend,
        *,
        pool: int,
        extras: tuple[str, ...] = (),
        language: Language | None = None,
    ) -> Recommender:
        """Return the path composed of a mix, over the grown catalogue; with a model if given."""
        learned = None
        if language is not None:
            held, language = language, self.weighed(language, mix)
            learned = (id(held), language.learned)
        key = (tuple(sorted(mix.weights.items())), mix.method, mix.ranker, extras, pool, learned)

        def compose(now: Edition, fitted: Fit) -> Recommender:
            return build.recommender(
                mix,
                fitted,
                now.catalog,
                now.interactions,
                extras=extras,
                pool=pool,
                language=language,
                arranging=replace(self.resources.arranging, log=self.logged),
                ranker=self._ranker(mix, now, fitted) if mix.ranker else None,
            )

        return self._made(self._composed, key, compose)

    def _ranker(self, mix: Blend, now: Edition, fitted: Fit) -> Ranker:
        near: Any = fitted("content") if "content" in mix.weights else None
        return self._models.ranker(mix, now, None if near is None else near.vectors)

    def weighed(self, language: Language, mix: Blend) -> Language:
        """Return the model with what was learned of its order for this data and mix."""
        return language.weighed(self.weights, self.key, mix)

    @property
    def weights(self) -> Path:
        """The file of what was learned of models' orders."""
        return self.folder / "llm" / "weights.json"

    def answers(self, mix: Blend, pool: int) -> Precomputed:
        """Return the path of a mix behind the answers that were made ahead of time."""
        names = (*mix.weights, build.FALLBACK)
        parts = [build.options_key(name, self.resources) for name in names]
        read = self.features.path.stat().st_size if self._models.reads_features(names) else 0
        model = f"{FORMAT} {self.key} {parts} {mix} {pool} {len(self.items)} {read}"
        path = Composed(lambda: self.recommender(mix, pool=pool))
        return Precomputed(path, self.catalog, self.folder / "answers", model=model)

    def fit(self, names: list[str], mixes: Sequence[Blend] = ()) -> dict[str, float]:
        """Fit retrievers on everything known by now, teach rankers; return seconds by name.

        `mixes` are those whose rankers are taught. One process fits at a time; what others
        recorded meanwhile is read first. A ranker that cannot be taught fails in the open scope,
        and its mix ranks alone. Raises `Unavailable` when the result cannot be written.
        """
        took: dict[str, float] = {}
        with locked(self.folder), self._lock:
            self.people.catch_up()
            self._reopen()
            before, self._now = self._now, self._now.next()
            try:
                for name in names:
                    start = time.perf_counter()
                    self._models.fit(name, self._now)
                    self._fitted[name] = self._models.open(name, self._now)
                    took[name] = time.perf_counter() - start
                for mix in mixes:
                    start = time.perf_counter()
                    try:
                        self._models.teach(mix, self._now)
                        took[mix.ranker] = time.perf_counter() - start
                    except (DataError, Unavailable) as error:  # not worth the whole fit
                        scope.current().fail(f"the ranker {mix.ranker}: {error}")
                self.generation.write(self.folder / "fitted.json")
            except BaseException:  # half a generation is none: the last one goes on
                self._now = before
                self._reopen()
                raise
            self.store.versions.bump("model")
            self._models.prune(self.generation)
        return took

    def reread(self) -> list[str]:
        """Let every fitted retriever that reads texts read what they say now; return their names.

        For after features were read: no later answer then waits for it.
        """
        names = [one for one in build.RETRIEVERS if build.reads_text(one) and self.is_fitted(one)]
        with self._lock:
            self._now = self._now.fitted_as(self.generation)  # what is being opened is not kept
            for name in names:
                self._fitted.pop(name, None)
        for name in names:
            self._progress(f"reading the texts again for {name}", 0.0)
            self.retriever(name)
        self._composed.clear()
        return names

    def is_fitted(self, name: str) -> bool:
        """Whether a retriever lies fitted on disk."""
        return (self._models.place(name, self._now) / "meta.json").is_file()

    def _open(self, name: str, now: Edition) -> Retriever:
        fits = not self.sealed or getattr(self._supplying, "on", False)
        return self._models.open(name, now, fits=fits)

    @property
    def key(self) -> str:
        """A short hash of the data the models are fitted on."""
        return self.generation.key


def _silent(_what: str, _share: float) -> None:
    return None
