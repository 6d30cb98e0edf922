"""Nearest vectors: exact for catalogues of everyday size, a graph index for large ones."""

from typing import Any

import numpy as np

from tastemate.errors import ConfigError
from tastemate.types import Floats, Rows

LARGE = 50_000
"""Vectors from which the graph index is worth its building time."""


class ExactIndex:
    """Every inner product, in blocks of queries; ties by row."""

    def __init__(self, vectors: Floats, *, block: int = 256) -> None:
        if block < 1:
            raise ConfigError(f"block must be at least 1, not {block}.")
        self.vectors = vectors
        self.block = block

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, vectors: Floats, n: int) -> tuple[Rows, Floats]:
        """Return rows and inner products, each (vectors, n), best first; row -1 pads."""
        rows, scores = _padding(len(vectors), n)
        k = min(n, len(self))
        if k <= 0:
            return rows, scores
        for start in range(0, len(vectors), self.block):
            found = np.asarray(vectors[start : start + self.block] @ self.vectors.T, np.float32)
            for at, line in enumerate(found, start):
                best = _best(line, k)
                rows[at, :k], scores[at, :k] = best, line[best]
        return rows, scores


def _padding(queries: int, n: int) -> tuple[Rows, Floats]:
    shape = (queries, max(n, 0))
    return np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32)


def _best(line: Floats, k: int) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """Return the positions of the best k, ties by position: also where the cut falls in a tie."""
    threshold = np.partition(line, len(line) - k)[len(line) - k]
    pool = np.flatnonzero(line >= threshold)
    return pool[np.argsort(-line[pool], kind="stable")][:k]


class UsearchIndex:
    """Approximate search over a graph of half-precision vectors (HNSW, Malkov and Yashunin, 2018).

    Built with one thread, so that the same vectors give the same index. What it finds is scored
    again with the full-precision vectors.
    """

    def __init__(self, vectors: Floats, *, connectivity: int = 16, expansion: int = 128) -> None:
        from usearch.index import Index

        self.vectors = vectors
        self._index: Any = Index(
            ndim=max(int(vectors.shape[1]), 1),
            metric="ip",
            dtype="f16",
            connectivity=connectivity,
            expansion_add=expansion,
            expansion_search=expansion,
        )
        if len(vectors):
            keys = np.arange(len(vectors), dtype=np.uint64)
            self._index.add(keys, np.ascontiguousarray(vectors, np.float32), threads=1)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, vectors: Floats, n: int) -> tuple[Rows, Floats]:
        """Return rows and inner products, each (vectors, n), best first; row -1 pads."""
        rows, scores = _padding(len(vectors), n)
        k = min(n, len(self))
        if k <= 0:
            return rows, scores
        for at, vector in enumerate(np.ascontiguousarray(vectors, np.float32)):
            near = np.sort(np.asarray(self._index.search(vector, k, threads=1).keys, np.int64))
            exact = np.asarray(self.vectors[near] @ vector, np.float32)
            order = np.argsort(-exact, kind="stable")
            rows[at, : len(near)], scores[at, : len(near)] = near[order], exact[order]
        return rows, scores


def open_index(vectors: Floats, *, large: int = LARGE) -> ExactIndex | UsearchIndex:
    """Return the exact index up to `large` vectors, the approximate one above."""
    return UsearchIndex(vectors) if len(vectors) > large else ExactIndex(vectors)
