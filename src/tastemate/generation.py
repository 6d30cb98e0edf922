"""What the fitted models have seen: one file beside them, and the data it stands for.

A generation is named by a hash of the data set and of how much of the store was absorbed. Models
lie under that name, so that those of the generation before can still be served.
"""

import copy
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.errors import DataError, Unavailable
from tastemate.interactions import Interactions, Scale
from tastemate.profile.signals import Weights, events
from tastemate.protocols import Progress
from tastemate.train import position
from tastemate.types import Event, Floats, Item, Signal

if TYPE_CHECKING:
    from tastemate.store.opening import Store

SHOWN = 90 * 86_400
"""Seconds before the last signal whose lists say what places did."""
MOST_SHOWN = 1_000_000
"""Lines of lists that are looked at for it, the latest."""
ANSWERED = 86_400
"""Seconds after a list was shown within which a choice answers it."""
FORMAT = 2
"""Raised when a newer version can no longer read what an older one fitted."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One fit: the data set, and how far the store was read for it."""

    base: str
    """Names the data set as it was read."""
    key: str
    events: int = 0
    """The last event that was absorbed, by its number in the store."""
    items: int = 0
    """How many added items were."""
    erased: int = 0
    """How many people had been erased by then."""
    places: bool = False
    """Whether what places in lists did was undone."""
    previous: str = ""
    """The key of the generation before; empty where there was none."""

    @classmethod
    def read(cls, path: Path, catalog: Catalog, interactions: Interactions) -> "Generation":
        """Return what `write` wrote; a first generation where it was of other data, or damaged."""
        base = _short(FORMAT, catalog.fingerprint, interactions.fingerprint)
        first = cls(base, base)
        try:
            kept = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return first
        return kept if kept.base == base and kept.is_whole() else first

    def is_whole(self) -> bool:
        """Whether every value is one that `write` writes."""
        texts = (self.base, self.key, self.previous)
        counts = (self.events, self.items, self.erased)
        kinds = all(isinstance(one, str) for one in texts) and isinstance(self.places, bool)
        return kinds and all(
            isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**62
            for one in counts
        )

    def next(
        self, events: int, items: int, erased: int, store: str, *, places: bool = False
    ) -> "Generation":
        """Return the generation that is fitted now; the same one where nothing is new."""
        if (events, items, erased, places) == (self.events, self.items, self.erased, self.places):
            return self
        key = _short(self.base, store, events, items, erased, *(["places"] if places else []))
        return Generation(self.base, key, events, items, erased, places, self.key)

    def write(self, path: Path) -> None:
        """Write beside the file, wait until it is on disk, rename; raise `Unavailable`."""
        fresh = path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be written ({error.strerror}). Free some space."
            ) from error


class Edition:
    """The items and people that are served at one moment, and what models are fitted on.

    Never changed, only replaced as a whole: what was made over one is told from what is made over
    the next by the object itself. Safe in threads.
    """

    def __init__(
        self,
        read: tuple[Catalog, Interactions],
        generation: Generation,
        store: "Store",
        weights: Weights,
        said: Progress,
    ) -> None:
        """`read` is the data set; everything else comes out of the store now."""
        self.generation = generation
        self.items = store.items.all()
        self.erased = store.users.erased()
        self.catalog = grown(read[0], self.items, said)
        """The catalogue with everything added since."""
        self.interactions = without(read[1], self.erased, store.users.hash_of).over(self.catalog)
        """The events as the data set has them, without erased people, over the grown catalogue."""
        self._base, self._store, self._weights, self._said = read[0], store, weights, said
        self._lock = threading.Lock()
        self._training: tuple[Catalog, Interactions] | None = None

    def fitted_as(self, generation: Generation) -> "Edition":
        """Return the same items and people, with models of another generation."""
        other = copy.copy(self)
        other.generation, other._lock, other._training = generation, threading.Lock(), None
        return other

    def next(self) -> "Edition":
        """Return it with everything that is kept by now absorbed."""
        store = self._store
        counts = len(self.items), len(self.erased)
        places = self._weights.correct_places
        fresh = self.generation.next(store.events.last(), *counts, store.id, places=places)
        return self.fitted_as(fresh)

    def training(self) -> tuple[Catalog, Interactions]:
        """Return the data as of the last `fit`, built once: the base and what was absorbed then."""
        with self._lock:
            if self._training is None:
                now = self.generation
                catalog, base = self.catalog, self.interactions
                if now.items < len(self.items):
                    catalog = grown(self._base, self.items[: now.items], self._said)
                    base = base.over(catalog)
                store, weights, said = self._store, self._weights, self._said
                told = absorbed(base, catalog, store, now.events, weights, said, places=now.places)
                self._training = catalog, told
            return self._training


def grown(base: Catalog, items: Sequence[Item], said: Progress) -> Catalog:
    """Return a catalogue with items; one that does not fit is left out and said."""
    if not items:
        return base
    try:
        return base.with_items(list(items))
    except DataError:
        for item in items:
            try:
                base = base.with_items([item])
            except DataError as error:
                said(f"An added item is left out: {error}", 0.0)
        return base


def without(
    interactions: Interactions, erased: Collection[str], hash_of: Callable[[str], str]
) -> Interactions:
    """Return interactions without the people whose hash is among `erased`, ids included."""
    if not erased:
        return interactions
    gone = np.array([hash_of(user) in erased for user in interactions.users], dtype=bool)
    return interactions.without(gone) if gone.any() else interactions


def absorbed(
    interactions: Interactions,
    catalog: Catalog,
    store: "Store",
    until: int,
    weights: Weights,
    said: Progress,
    *,
    places: bool = False,
) -> Interactions:
    """Return interactions with what people did up to event `until` of the store.

    With `places` what their places in lists did is undone, as far as the log tells it.
    """
    if not until:
        return interactions
    by_user: dict[str, list[Signal]] = {}
    frame = store.events.frame(until=until).sort("user", "timestamp", "seq")
    names = ("id", "user", "item", "kind", "value", "timestamp")
    for row in frame.select(names).iter_rows():
        by_user.setdefault(row[1], []).append(Signal(*row))
    found: list[Event] = []
    for signals in by_user.values():
        known = [signal for signal in signals if signal.item in catalog]
        found += events(known, interactions.scale, weights)
    counted = _corrected(found, frame, interactions.scale, store, weights, said) if places else None
    return interactions.with_events(found, catalog, counted) if found else interactions


def _corrected(
    found: Sequence[Event],
    signals: pl.DataFrame,
    scale: Scale,
    store: "Store",
    weights: Weights,
    said: Progress,
) -> Floats | None:
    """Return what events count once the places of lists are undone; None where they cannot be."""
    last = min(int(signals["timestamp"].to_numpy().max(initial=0)), int(time.time()))
    shown = store.impressions.frame(last - SHOWN, most=MOST_SHOWN).filter(pl.col("at") <= last)
    chosen = [kind for kind, weight in weights.weights.items() if weight >= weights.counts]
    try:
        if not found:
            raise DataError(f"Nothing counts as a choice yet ({', '.join(chosen)} do).")
        examined, places = position.learned(shown, signals, chosen, ANSWERED)
    except DataError as error:
        said(f"Places in lists are not corrected for: {error}", 0.0)
        return None
    said(f"Places in lists are corrected for ({examined.source}, {len(shown)} lines shown)", 0.0)
    return position.weighted(found, places, examined, scale)


def _short(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:8]
