"""What the ranker learns from: pools with the place of the event asked for, taken down and kept."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate import artifacts, scope
from tastemate.errors import FormatError, StageError, Unavailable
from tastemate.rank.features import Case, Features
from tastemate.recommender import Recommender
from tastemate.types import Candidate, Floats, Query

_NONE = np.empty(0, dtype=np.int64)
Stacked = tuple[Floats, NDArray[np.int8], NDArray[np.int64]]


@dataclass(slots=True, eq=False)
class Lessons:
    """Pools with the place of the event asked for, as they are collected."""

    names: tuple[str, ...] = ()
    tables: list[Floats] = field(default_factory=list)
    """One a pool, (candidates, names)."""
    places: list[int] = field(default_factory=list)
    """Where the event stands in each."""
    folds: list[int] = field(default_factory=list)
    asked: dict[int, int] = field(default_factory=dict)
    """Events asked for in each fold, those included that no pool held."""

    @classmethod
    def together(cls, parts: Iterable["Lessons"]) -> "Lessons":
        """Return the pools of several lots, all with the same names."""
        whole = cls()
        for part in parts:
            whole.names = whole.names or part.names
            whole.tables += part.tables
            whole.places += part.places
            whole.folds += part.folds
            whole.asked |= part.asked
        return whole

    def of(self, folds: Collection[int]) -> "Lessons":
        """Return the pools of some folds."""
        at = [at for at, fold in enumerate(self.folds) if fold in folds]
        return Lessons(
            self.names,
            [self.tables[one] for one in at],
            [self.places[one] for one in at],
            [self.folds[one] for one in at],
            {fold: asked for fold, asked in self.asked.items() if fold in folds},
        )

    def stacked(self, chosen: Sequence[int]) -> Stacked:
        """Return the rows of some pools, which of them are the events, and the pools' sizes."""
        if not chosen:
            return np.empty((0, len(self.names)), np.float32), np.empty(0, np.int8), _NONE
        sizes = np.array([len(self.tables[at]) for at in chosen], dtype=np.int64)
        told = np.zeros(int(sizes.sum()), dtype=np.int8)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        told[starts + np.array([self.places[at] for at in chosen], dtype=np.int64)] = 1
        return np.concatenate([self.tables[at] for at in chosen]), told, sizes


class Watcher:
    """A ranker that changes nothing: it takes down the pools in which the event is."""

    name = "watcher"

    def __init__(self, features: Features, depth: int) -> None:
        self.features = features
        self.depth = depth
        self._fold = 0
        self._targets: Iterable[int] = ()
        self.into = Lessons()

    def watch(
        self, path: Recommender, queries: Sequence[Query], targets: Sequence[int], fold: int
    ) -> Lessons:
        """Return what is to be learned from queries to the path that has this ranker.

        Raises `StageError` where a part of the path fails: half a mix would teach the wrong thing.
        """
        self._fold, self._targets, self.into = fold, iter(targets), Lessons()
        slates = path.recommend_all(queries)
        if wrong := next((slate.degraded for slate in slates if slate.degraded), ()):
            raise StageError(f"The ranker cannot be taught: {wrong[0]}")
        return self.into

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came; queries must come in the order of the targets."""
        into = self.into
        for query, pool, target in zip(queries, pools, self._targets, strict=False):
            into.asked[self._fold] = into.asked.get(self._fold, 0) + 1
            front = pool[: self.depth]
            place = next((at for at, one in enumerate(front) if one.row == target), -1)
            if place < 0:
                continue
            case = Case.of(query.history, front)
            if not into.names:
                into.names = tuple(self.features.columns(case))
            into.tables.append(self.features.table(case, into.names))
            into.places.append(place)
            into.folds.append(self._fold)
        return [list(pool) for pool in pools]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Keeps the lessons of finished folds, so that a teaching that was stopped goes on.

    `key` says everything that decides what the lessons are: others are not read.
    """

    folder: Path
    key: str

    @classmethod
    def at(cls, folder: Path, parts: Mapping[str, Any]) -> "Shelf":
        """Return the shelf in a folder for lessons that these parts decide."""
        text = json.dumps(parts, sort_keys=True, default=str)
        return cls(folder, hashlib.sha256(text.encode()).hexdigest()[:16])

    def read(self, fold: int) -> Lessons | None:
        """Return the lessons of a fold; None where they are not kept, or damaged."""
        place = self._place(fold)
        if not place.exists():
            return None
        need = ("names", "asked", "table", "sizes", "places")
        try:
            meta, arrays = artifacts.read(place, need)
        except FormatError:
            return None
        ends = np.cumsum(np.asarray(arrays["sizes"]))[:-1]
        table = np.asarray(arrays["table"], dtype=np.float32)
        places = np.asarray(arrays["places"]).tolist()
        return Lessons(
            tuple(meta["names"]),
            np.split(table, ends) if places else [],
            places,
            [fold] * len(places),
            {fold: int(meta["asked"])},
        )

    def write(self, fold: int, found: Lessons) -> None:
        """Keep the lessons of a fold; a full disk does not end the teaching."""
        sizes = np.array([len(table) for table in found.tables], dtype=np.int64)
        empty = np.empty((0, len(found.names)), dtype=np.float32)
        arrays: dict[str, NDArray[Any]] = {
            "table": np.concatenate(found.tables) if found.tables else empty,
            "sizes": sizes,
            "places": np.array(found.places, dtype=np.int64),
        }
        meta = {"names": list(found.names), "asked": found.asked.get(fold, 0)}
        try:
            artifacts.write(self._place(fold), meta, arrays)
        except Unavailable as error:
            scope.current().note(f"The lessons of fold {fold + 1} are not kept: {error}")

    def _place(self, fold: int) -> Path:
        return self.folder / f"lessons-{self.key}-{fold}"
