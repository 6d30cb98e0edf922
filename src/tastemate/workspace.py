"""What is kept of one data set: what people did since it was read, and what was fitted on it.

Layout of the folder: `events.jsonl`, `items.jsonl` and `features.jsonl` (journals), `fitted.json`
(how much of them the models have seen), `models/<name>-<key>/`, `answers/`, `llm/`.
"""

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from tastemate import build
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import DataError, FormatError, Unavailable
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.precomputed import Composed, Precomputed
from tastemate.protocols import EncodesItems, Progress, Retriever
from tastemate.recommender import Recommender
from tastemate.store.journal import Journal
from tastemate.store.records import read_event, read_item
from tastemate.types import Event, History, Item, history

FORMAT = 1
"""Raised when a newer version can no longer read what an older one fitted."""


class Workspace:
    """The state folder of one data set, and the fitted retrievers in it."""

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        interactions: Interactions,
        resources: build.Resources,
        *,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder
        self.resources = resources
        self._base = (catalog, interactions)
        self._progress = progress or _silent
        self._events = Journal(folder / "events.jsonl")
        self._items = Journal(folder / "items.jsonl")
        self.features = Journal(folder / "features.jsonl", derived=True)
        """What `tastemate features` read of the items."""
        self._fitted: dict[str, Retriever] = {}
        self._composed: dict[object, Recommender] = {}
        self.live: dict[str, list[Event]] = {}
        """What people did after the data was read, by user."""
        self.events: list[Event] = []
        self.items: list[Item] = []
        self._reload()
        self._seen = _absorbed(folder / "fitted.json")

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue with everything added since."""
        return self._grown(self.items)

    @cached_property
    def interactions(self) -> Interactions:
        """The events as the data set has them, over the grown catalogue."""
        return self._base[1].over(self.catalog)

    def history(self, user: str) -> History:
        """Return a user's events, live ones included; raise `UnknownUser`.

        The latest live word on an item replaces what was said of it before.
        """
        live = self.live.get(user, [])
        if user not in self.interactions and not live:
            self.interactions.code(user)
        seen = self.interactions.history_of(user)
        latest = {event.item: event for event in live if event.item in self.catalog}
        events = sorted(latest.values(), key=lambda event: event.timestamp)
        return seen.then(
            history(
                self.catalog.rows(event.item for event in events),
                [event.value for event in events],
                [event.timestamp for event in events],
            )
        )

    def record(self, events: list[Event]) -> None:
        """Keep events; they are on disk when this returns."""
        self._events.append(asdict(event) for event in events)
        self.events += events
        for event in events:
            self.live.setdefault(event.user, []).append(event)

    def add(self, items: list[Item]) -> None:
        """Keep new items; what is loaded is opened again over the grown catalogue."""
        grown = self.catalog.with_items(items)  # refuses what does not fit before it is kept
        self._items.append(asdict(item) for item in items)
        self.items += items
        self._fitted.clear()
        self._composed.clear()
        self.catalog = grown
        self.__dict__.pop("interactions", None)

    def retriever(self, name: str) -> Retriever:
        """Return a fitted retriever: from memory, from disk, or fitted now and kept."""
        if name not in self._fitted:
            self._fitted[name] = self._open(name)
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
        key = (tuple(sorted(mix.weights.items())), mix.method, extras, pool, learned)
        if key not in self._composed:
            self._composed[key] = build.recommender(
                mix,
                self.retriever,
                self.catalog,
                self.interactions,
                extras=extras,
                pool=pool,
                language=language,
            )
        return self._composed[key]

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
        with locked(self.folder):
            self._reload()
            self._seen = (len(self.events), len(self.items))
            for derived in ("catalog", "interactions", "key"):
                self.__dict__.pop(derived, None)
            self._fitted.clear()
            self._composed.clear()
            for name in names:
                start = time.perf_counter()
                self._fit(name).save(self._place(name))
                self._fitted[name] = self._open(name)
                took[name] = time.perf_counter() - start
            _write_json(
                self.folder / "fitted.json", {"events": self._seen[0], "items": self._seen[1]}
            )
            self._prune()
        return took

    def refresh(self) -> list[str]:
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
            if self._seen[1] < len(self.items):
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
        n_events, n_items = self._seen
        catalog = self._grown(self.items[:n_items])
        known = [event for event in self.events[:n_events] if event.item in catalog]
        interactions = self._base[1].over(catalog)
        return catalog, interactions.with_events(known, catalog) if known else interactions

    def _grown(self, items: list[Item]) -> Catalog:
        """Return the base catalogue with items; one that does not fit is left out and said."""
        base = self._base[0]
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

    def _reload(self) -> None:
        """Read the journals: what this process and others recorded."""
        self.events = [read_event(record) for record in self._events.read()]
        self.items = [read_item(record) for record in self._items.read()]
        self.live.clear()
        for event in self.events:
            self.live.setdefault(event.user, []).append(event)

    @cached_property
    def key(self) -> str:
        """A short hash of the data the models are fitted on."""
        catalog, interactions = self._base
        n_events, n_items = self._seen
        absorbed = (self.events[:n_events], self.items[:n_items])
        parts = (catalog.fingerprint, interactions.fingerprint, absorbed)
        return hashlib.sha256(f"{FORMAT} {parts}".encode("utf-8", "replace")).hexdigest()[:8]

    def _place(self, name: str) -> Path:
        key = f"{self.key}{build.options_key(name, self.resources)}"
        return self.folder / "models" / f"{name}-{key}"

    def _prune(self) -> None:
        """Remove models of older fits, and what a killed process left half written."""
        for folder in (self.folder / "models").glob("*-*"):
            if self.key not in folder.name or folder.name.startswith("."):
                shutil.rmtree(folder, ignore_errors=True)


def _silent(_what: str, _share: float) -> None:
    return None


@contextmanager
def locked(folder: Path, name: str = "lock", *, wait: bool = True) -> Iterator[None]:
    """Hold a lock of the folder; raise `Unavailable` where there can be none, or it is held."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / name).open("w")
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written ({error.strerror}). "
            "Mend the permissions, or set TASTEMATE_HOME to another folder."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                f"Another process is at it in {folder}. Wait for it, or stop it."
            ) from error
        yield


def _absorbed(path: Path) -> tuple[int, int]:
    """Return how many events and items the last fit had; none where that is not known."""
    try:
        kept = json.loads(path.read_text())
        return int(kept["events"]), int(kept["items"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return 0, 0


def _write_json(path: Path, value: object) -> None:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(value))
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written ({error.strerror}). Free some space."
        ) from error
