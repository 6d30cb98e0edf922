"""What the factor models share: histories as matrices, ridge solves in bulk, neighbours by cosine.

A factor model answers from the history of a query, never from a stored user vector: the user's
factor is the solution of one small linear system, and a batch of them is solved together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.interactions import Scale
from tastemate.retrieve.dense import candidates
from tastemate.types import Candidate, Floats, History, Mask, Query, Rows

_FEW = 8
_CELLS = 1 << 22
"""Numbers held at once while systems are solved: 16 MB of float32."""


@dataclass(frozen=True, eq=False)
class ItemFactors:
    """What is kept of a model that needs only item factors (items, rank) to serve a history."""

    factors: Floats
    known: Mask
    """Which items have a factor."""
    scale: Scale
    width: int
    """Length of the catalogue served, at least that of `factors`."""

    @cached_property
    def gram(self) -> Floats:
        """FᵀF, (rank, rank)."""
        return self.factors.T @ self.factors

    def shares(self, history: History, met: Rows, parts: Floats, items: Rows) -> Floats:
        """Return f_iᵀ·parts placed at the events, (items, events).

        `parts` is (rank, met): what each item in `met` adds to the user's factor. An item met
        twice has its share at the later event.
        """
        share = np.zeros((len(items), len(history)), np.float32)
        if len(met):
            last = {int(row): at for at, row in enumerate(history.items)}
            events = np.array([last[int(row)] for row in met])
            inside = np.flatnonzero(items < len(self.factors))
            share[np.ix_(inside, events)] = self.factors[items[inside]] @ parts
        return share

    def packed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return JSON values and arrays for `artifacts.write`."""
        arrays = {"factors": self.factors, "known": self.known}
        return {"low": self.scale.low, "high": self.scale.high}, arrays

    @classmethod
    def unpacked(cls, meta: dict[str, Any], arrays: dict[str, Any], width: int) -> "ItemFactors":
        """Restore what `packed` gave, over a catalogue of `width` items."""
        scale = Scale(meta["low"], meta["high"])
        return cls(arrays["factors"], arrays["known"], scale, width)


def latest(history: History, known: Mask) -> NDArray[np.intp]:
    """Return the last event of each `known` item of a history, by the items' rows, (met,)."""
    met = np.flatnonzero(history.items < len(known))
    met = met[known[history.items[met]]]
    order = met[np.argsort(history.items[met], kind="stable")]
    rows = history.items[order]
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = rows[1:] != rows[:-1]
    return order[last]


def history_matrix(queries: Sequence[Query], known: Mask) -> sparse.csr_matrix:
    """Return the values of the histories over the `known` items, shape (queries, items).

    `known` is (items,): other items are left out. An item met twice keeps its latest value.
    A value of 0 stays a stored entry.
    """
    met = [latest(query.history, known) for query in queries]
    rows = [query.history.items[events] for query, events in zip(queries, met, strict=True)]
    values = [query.history.values[events] for query, events in zip(queries, met, strict=True)]
    return stacked(rows, values, len(known))


def stacked(rows: Sequence[Rows], values: Sequence[Floats], width: int) -> sparse.csr_matrix:
    """Return values at item rows as a matrix, (histories, width)."""
    ends = np.cumsum([0] + [len(row) for row in rows], dtype=np.int32)
    data = np.concatenate(values) if values else np.empty(0, np.float32)
    indices = np.concatenate(rows) if rows else np.empty(0, np.int32)
    return sparse.csr_matrix((data, indices, ends), shape=(len(rows), width))


def positives(values: sparse.csr_matrix, scale: Scale, likes_only: bool) -> sparse.csr_matrix:
    """Return which entries of a matrix of values count as positive, as ones."""
    keep = scale.likes(values.data) if likes_only else np.ones(values.nnz, dtype=bool)
    kept = np.concatenate(([0], np.cumsum(keep)))
    ones = np.ones(int(keep.sum()), np.float32)
    return sparse.csr_matrix((ones, values.indices[keep], kept[values.indptr]), values.shape)


def ridge(values: sparse.csr_matrix, factors: Floats, penalty: Floats) -> Floats:
    """Solve (Σ f fᵀ + penalty·I) x = Σ value·f for every row, sums over its stored entries.

    `values` is (rows, columns), `factors` (columns, rank), `penalty` (rows,) and positive.
    Returns (rows, rank), float32. All rows of a block are eliminated at once without pivoting,
    which is safe because the systems are positive definite; numpy's batched LAPACK solve took
    four times as long at rank 12.
    """
    n, rank = values.shape[0], factors.shape[1]
    if n <= _FEW:
        return _ridge_each(values, factors, penalty)
    upper, right = np.triu_indices(rank)
    outer = np.ascontiguousarray(factors[:, upper] * factors[:, right])
    solution = np.empty((n, rank), np.float32)
    block = max(_CELLS // max(len(upper), 1), 64)
    for start in range(0, n, block):
        part = values[start : start + block]
        pattern = sparse.csr_matrix(
            (np.ones(part.nnz, np.float32), part.indices, part.indptr), part.shape
        )
        packed = np.ascontiguousarray((pattern @ outer).T)
        target = np.ascontiguousarray((part @ factors).T)
        packed[upper == right] += penalty[start : start + block]
        solution[start : start + block] = _eliminate(packed, target).T
    return solution


def _ridge_each(values: sparse.csr_matrix, factors: Floats, penalty: Floats) -> Floats:
    """Solve a few systems by LAPACK: for one query, a tenth of the time of the bulk way."""
    n, rank = values.shape[0], factors.shape[1]
    systems = np.empty((n, rank, rank), np.float32)
    target = np.empty((n, rank, 1), np.float32)
    for row in range(n):
        stored = slice(values.indptr[row], values.indptr[row + 1])
        met = factors[values.indices[stored]]
        systems[row] = met.T @ met
        target[row, :, 0] = met.T @ values.data[stored]
    systems[:, np.arange(rank), np.arange(rank)] += penalty[:, None]
    return np.asarray(np.linalg.solve(systems, target)[..., 0])


def _eliminate(packed: Floats, target: Floats) -> Floats:
    """Solve symmetric systems in place; the last axis of both arrays runs over the systems.

    `packed` (rank·(rank+1)/2, n) holds the upper triangles row by row, `target` is (rank, n).
    """
    rank = len(target)
    ends = np.cumsum(np.arange(rank, 0, -1))
    rows = [packed[end - rank + k : end] for k, end in enumerate(ends)]
    for k in range(rank):
        pivot = rows[k]
        scaled = pivot[1:] / pivot[0]
        for below in range(1, rank - k):
            rows[k + below] -= scaled[below - 1] * pivot[below:]
        target[k + 1 :] -= scaled * target[k]
    for k in range(rank - 1, -1, -1):
        target[k] -= np.einsum("jn,jn->n", rows[k][1:], target[k + 1 :])
        target[k] /= rows[k][0]
    return target


def widen(scores: Floats, known: Mask, width: int) -> Floats:
    """Return scores over a catalogue of `width` items, -inf where an item is not `known`."""
    wide = np.full((len(scores), width), -np.inf, np.float32)
    wide[:, : len(known)] = np.where(known, scores, -np.inf)
    return wide


def neighbours(
    factors: Floats, known: Mask, items: Rows, n: int, source: str
) -> list[list[Candidate]]:
    """Return the `n` nearest known items by cosine; none for an item that is not known."""
    lengths = np.linalg.norm(factors, axis=1)
    unit = factors / np.where(lengths > 0, lengths, 1)[:, None]
    found: list[list[Candidate]] = []
    for item in items:
        if item >= len(known) or not known[item]:
            found.append([])
            continue
        scores: NDArray[np.float32] = np.where(known, unit @ unit[item], -np.inf)
        scores[item] = -np.inf
        found.append(candidates(scores.astype(np.float32), n, source))
    return found
