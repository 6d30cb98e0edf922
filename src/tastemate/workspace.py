"""What is kept of one data set: what people did since it was read, and what was fitted on it.

Layout of the folder: `store.db` (or a store elsewhere, `[store]`), `features.jsonl` (a journal),
`fitted.json` (what the models have seen: `Generation`), `models/<name>-<key>/`, `answers/`, `llm/`.
"""

import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tastemate import build
from tastemate.artifacts import locked
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import DataError, FormatError, Unavailable, UnknownUser
from tastemate.generation import FORMAT, Generation, absorbed, without
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.people import NOBODY, People, Person
from tastemate.precomputed import Composed, Precomputed
from tastemate.profile.signals import Weights
from tastemate.protocols import EncodesItems, Progress, Retriever
from tastemate.recommender import Recommender
from tastemate.store.journal import Journal
from tastemate.store.takeover import forget
from tastemate.types import Floats, History, Item, Signal

if TYPE_CHECKING:
    from tastemate.store.events import Recorded
    from tastemate.store.opening import Store


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
        self._fitted: dict[str, Retriever] = {}
        self._composed: dict[object, Recommender] = {}
        self._lock = threading.RLock()
        self.people = People(store, self.weights_of_signals)
        self.items: list[Item] = store.items.all()
        self._erased = store.users.erased()
        self.generation = Generation.read(folder / "fitted.json", catalog, interactions)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue with everything added since."""
        return self._grown(self.items)

    @cached_property
    def interactions(self) -> Interactions:
        """The events as the data set has them, without erased people, over the grown catalogue."""
        kept = without(self._read[1], self._erased, self.store.users.hash_of)
        return kept.over(self.catalog)

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
        if not any((self.folder / "models").glob("search-*")) or not self.is_fitted("search"):
            return None
        index: Any = self.retriever("search")
        return self.people.pull(person, index.vectors, self.catalog, self.interactions.scale)

    def history(self, user: str) -> History:
        """Return a user's events, live ones included; raise `UnknownUser`."""
        return self.person(user).history

    def record(self, signals: Sequence[Signal]) -> "Recorded":
        """Keep what people did; it is on disk when this returns."""
        kept = self.store.events.record(signals)
        self.people.forget({signal.user for signal in signals})
        return kept

    def add(self, items: list[Item]) -> None:
        """Keep new items; what is loaded is opened again over the grown catalogue."""
        self.catalog.with_items(items)  # refuses what does not fit before it is kept
        self.store.items.add(items)
        self.catch_up()

    def catch_up(self) -> frozenset[str]:
        """Learn what this and other processes wrote; return the names of what has changed."""
        with self._lock:
            changed = self.people.catch_up()
            if changed & {"items", "erased"}:
                self._reopen()
            return changed

    def _reopen(self) -> None:
        """Serve the items and people that are in the store now."""
        self.items = self.store.items.all()
        self._erased = self.store.users.erased()
        for derived in ("catalog", "interactions"):
            self.__dict__.pop(derived, None)
        self._fitted.clear()
        self._composed.clear()

    def logged(self, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what was shown in the last days, and all signals there are, as frames."""
        since = int(time.time()) - days * 86_400
        return self.store.impressions.frame(since), self.store.events.frame()

    def forget_traces(self, user: str) -> None:
        """Remove what files tell of somebody: old journals, and kept prompts, which may."""
        from tastemate.llm.wrappers.guards import forget as forget_calls

        forget(self.folder, user)
        forget_calls(self.folder / "llm")

    def retriever(self, name: str) -> Retriever:
        """Return a fitted retriever: from memory, from disk, or fitted now and kept."""
        found = self._fitted.get(name)
        if found is None:
            with self._lock:  # one thread opens or fits it, the others wait
                if name not in self._fitted:
                    self._fitted[name] = self._open(name)
                found = self._fitted[name]
        return found

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
        key = (tuple(sorted(mix.weights.items())), mix.method, extras, pool, learned)
        found = self._composed.get(key)
        if found is None:
            with self._lock:
                found = build.recommender(
                    mix,
                    self.retriever,
                    self.catalog,
                    self.interactions,
                    extras=extras,
                    pool=pool,
                    language=language,
                    arranging=replace(self.resources.arranging, log=self.logged),
                )
                self._composed[key] = found
        return found

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
        read = self.features.path.stat().st_size if self._is_read_by(names) else 0
        model = f"{FORMAT} {self.key} {parts} {mix} {pool} {len(self.items)} {read}"
        path = Composed(lambda: self.recommender(mix, pool=pool))
        return Precomputed(path, self.catalog, self.folder / "answers", model=model)

    def fit(self, names: list[str]) -> dict[str, float]:
        """Fit these retrievers on everything known by now; return seconds by name.

        One process fits at a time; what others recorded meanwhile is read first. Raises
        `Unavailable` when the result cannot be written.
        """
        took: dict[str, float] = {}
        with locked(self.folder), self._lock:
            self.people.catch_up()
            self._reopen()
            before = self.generation
            self.generation = before.next(
                self.store.events.last(), len(self.items), len(self._erased), self.store.id
            )
            try:
                for name in names:
                    start = time.perf_counter()
                    self._fit(name).save(self._place(name))
                    self._fitted[name] = self._open(name)
                    took[name] = time.perf_counter() - start
                self.generation.write(self.folder / "fitted.json")
            except BaseException:  # half a generation is none: the last one goes on
                self.generation = before
                self._reopen()
                raise
            self.store.versions.bump("model")
            self._prune()
        return took

    def reread(self) -> list[str]:
        """Let every fitted retriever that reads texts read what they say now; return their names.

        For after features were read: no later answer then waits for it.
        """
        names = [one for one in build.RETRIEVERS if build.reads_text(one) and self.is_fitted(one)]
        for name in names:
            self._progress(f"reading the texts again for {name}", 0.0)
            self._fitted.pop(name, None)
            self.retriever(name)
        self._composed.clear()
        return names

    def is_fitted(self, name: str) -> bool:
        """Whether a retriever lies fitted on disk."""
        return (self._place(name) / "meta.json").is_file()

    def _open(self, name: str) -> Retriever:
        stand_in = self.resources.stand_in() if build.reads_text(name) else ""
        if stand_in:
            self._progress(f"{name}: {stand_in}", 0.0)
        place = self._place(name)
        if (place / "meta.json").is_file():
            try:
                return self._load(name, place)
            except FormatError as error:
                self._progress(f"{name}: {error} Fitting it again.", 0.0)
        fitted = self._fit(name)
        try:
            fitted.save(place)
        except Unavailable as error:
            if self.generation.items < len(self.items):
                raise  # only what is loaded from disk can serve a catalogue that has grown
            self._progress(f"{error} Serving {name} from memory.", 0.0)
            return fitted
        return self._load(name, place)

    def _load(self, name: str, place: Path) -> Retriever:
        made = build.retriever(name, self.resources).load(place, self._read_by(name, self.catalog))
        if isinstance(made, EncodesItems) and made.encoded():
            self._progress(f"{name} has encoded {made.encoded()} new or changed items", 1.0)
            # Kept, or every process would encode them again.
            with suppress(Unavailable):
                made.save(place)
        return build.equipped(made, self.resources, self.catalog, self.interactions)

    def _fit(self, name: str) -> Retriever:
        self._progress(f"fitting {name}", 0.0)
        catalog, interactions = self._training
        read = self._read_by(name, catalog)
        fitted = build.fitted(name, self.resources, read, interactions)
        self._progress(f"fitting {name}", 1.0)
        return fitted

    def _read_by(self, name: str, catalog: Catalog) -> Catalog:
        """Return what a retriever reads: with features in the texts, for one that reads texts."""
        if not self._is_read_by([name]):
            return catalog
        from tastemate.features.store import enriched, read_features

        return enriched(catalog, read_features(self.features, catalog))

    def _is_read_by(self, names: Iterable[str]) -> bool:
        """Whether there are features, and one of the retrievers reads texts."""
        return self.features.path.exists() and any(build.reads_text(name) for name in names)

    @property
    def _training(self) -> tuple[Catalog, Interactions]:
        """The data as of the last `fit`: the base and what was absorbed then."""
        now = self.generation
        catalog = self._grown(self.items[: now.items])
        base = self.interactions.over(catalog) if catalog is not self.catalog else self.interactions
        return catalog, absorbed(base, catalog, self.store, now.events, self.weights_of_signals)

    def _grown(self, items: list[Item]) -> Catalog:
        """Return the base catalogue with items; one that does not fit is left out and said."""
        base = self._read[0]
        if not items:
            return base
        try:
            return base.with_items(items)
        except DataError:
            for item in items:
                try:
                    base = base.with_items([item])
                except DataError as error:
                    self._progress(f"An added item is left out: {error}", 0.0)
            return base

    @property
    def key(self) -> str:
        """A short hash of the data the models are fitted on."""
        return self.generation.key

    def _place(self, name: str) -> Path:
        key = f"{self.key}{build.options_key(name, self.resources)}"
        return self.folder / "models" / f"{name}-{key}"

    def _prune(self) -> None:
        """Remove models of older fits but the last, and what a killed process left half written.

        The one before stays: another process may be serving it, or have to go back to it.
        """
        kept = (self.generation.key, self.generation.previous)
        for folder in (self.folder / "models").glob("*-*"):
            if folder.name.startswith(".") or not any(key and key in folder.name for key in kept):
                shutil.rmtree(folder, ignore_errors=True)


def _silent(_what: str, _share: float) -> None:
    return None
