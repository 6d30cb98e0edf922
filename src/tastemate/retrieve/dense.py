"""From scores of the whole catalogue to the best n: the part every dense retriever shares."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import artifacts
from tastemate.types import Candidate, Floats, Mask, Query


class Dense(ABC):
    """A retriever that scores the whole catalogue; subclasses give `name` and `scores`."""

    name: str

    @abstractmethod
    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); -inf where there is no opinion."""

    def retrieve(
        self, queries: Sequence[Query], n: int, allowed: Mask | None = None
    ) -> list[list[Candidate]]:
        """Return at most `n` candidates a query, best first, ties in catalogue order."""
        scores = np.array(self.scores(queries), dtype=np.float32)
        if allowed is not None:
            scores[~allowed] = -np.inf
        mask_seen(scores, queries)
        return [candidates(row, n, self.name) for row in scores]

    def _write(
        self, folder: Path, width: int, meta: Mapping[str, Any], arrays: Mapping[str, Any]
    ) -> None:
        """Write what was learned over `width` items, under the name of the class."""
        artifacts.write_model(folder, type(self).__name__, width, meta, arrays)

    def _read(
        self,
        folder: Path,
        n_items: int,
        need: Collection[str] = (),
        by_item: Collection[str] = (),
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what `_write` wrote; raise `FormatError` when it does not fit."""
        return artifacts.read_model(folder, type(self).__name__, n_items, need, by_item)


def mask_seen(scores: Floats, queries: Sequence[Query]) -> None:
    """Set what a query has seen (if it says so) and what it excludes to -inf, in place."""
    for row, query in zip(scores, queries, strict=True):
        if query.exclude_seen:
            row[query.history.items] = -np.inf
        if query.exclude:
            row[list(query.exclude)] = -np.inf


def candidates(scores: Floats, n: int, source: str) -> list[Candidate]:
    """Return the best `n` of one row of scores as candidates; -inf is never one."""
    return [
        Candidate(int(row), float(scores[row]), source, rank)
        for rank, row in enumerate(top(scores, n), start=1)
    ]


def top(scores: Floats, n: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the positions of the best `n` finite scores, best first, ties by position."""
    n = min(n, len(scores))
    if n <= 0:
        return np.empty(0, dtype=np.intp)
    if n < len(scores):
        threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
        pool = np.flatnonzero(scores >= threshold)
    else:
        pool = np.arange(len(scores))
    pool = pool[scores[pool] > -np.inf]
    return pool[np.argsort(-scores[pool], kind="stable")][:n]
