"""What every item-to-item model shares: a decayed history times a matrix of weights.

Such a model scores an item as Σ over the history of weight(event) · W[event's item, item], so it
serves anybody with a history, splits its score over the events exactly, and has neighbours. The
models differ only in how they learn W.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense, candidates
from tastemate.types import Candidate, Floats, History, Query, Rows

_CELLS = 1 << 23
"""Cells of a dense block of rows held at once while neighbours are picked: 32 MB."""


_NOTHING = 1e-4
"""A weight below this changes no list worth the name, but costs as much as any other."""


Past: TypeAlias = tuple[NDArray[np.intp], Rows, Floats]
"""The events of a history that count: positions in it, places of their items, what they weigh."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Learned weights over the items a model knows.

    `items` are their catalogue rows (m,), ascending; `matrix` is (m, m): row = item of the
    history, column = item to score; dense, or sparse where only the stored entries are opinions.
    """

    items: Rows
    matrix: Floats | sparse.csr_matrix
    scale: Scale
    width: int
    """Items in the catalogue that is served."""

    @property
    def places(self) -> Rows:
        """Place of each catalogue row in `items`, -1 where the model does not know it."""
        return places(self.items, self.width)


def places(items: Rows, width: int) -> Rows:
    """Return the place of each of `width` catalogue rows among `items`, -1 where it is none."""
    found = np.full(width, -1, dtype=np.int32)
    found[items] = np.arange(len(items), dtype=np.int32)
    return found


class Linear(Dense):
    """Serves `Weights`; subclasses learn them in `fit`.

    The newest event of a history weighs 1, the one before it `decay`, then `decay`² and so on;
    only the latest `last` count. An event the person disliked weighs `dislike` times that.
    """

    def __init__(self, *, decay: float, last: int, dislike: float) -> None:
        """Set how a history is weighted; raise `ConfigError` for a value out of range."""
        if not 0 < decay <= 1:
            raise ConfigError(f"{self.name}: decay is {decay}; it must be above 0, at most 1.")
        if last < 1:
            raise ConfigError(f"{self.name}: last is {last}; count at least 1 event.")
        self.decay = decay
        self.last = last
        self.dislike = dislike
        self._heard = last
        if decay < 1:  # none is left out that weighs anything: `_counted` says which do
            self._heard = min(last, int(np.log(_NOTHING) / np.log(decay)) + 2)
        self._weights: Weights | None = None
        self._places: Rows = np.empty(0, dtype=np.int32)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items); -inf where the model knows nothing."""
        weights = self._fitted()
        wide = np.full((len(queries), weights.width), -np.inf, dtype=np.float32)
        past = [self._counted(query.history, weights.scale) for query in queries]
        serves = [at for at, (events, _, _) in enumerate(past) if len(events)]
        if serves:
            scores = _product([past[at] for at in serves], weights.matrix)
            if scores.shape == wide.shape:
                return scores
            for at, row in zip(serves, scores, strict=True):
                wide[at][weights.items] = row
        return wide

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return at most `n` items with the largest positive weight from each item, best first."""
        weights = self._fitted()
        found: list[list[Candidate]] = []
        for item in items:
            place = int(self._places[item])
            scores = np.full(weights.width, -np.inf, dtype=np.float32)
            if place >= 0:
                row = self._near(weights, place)
                scores[weights.items] = np.where(row > 0, row, -np.inf)
                scores[item] = -np.inf
            found.append(candidates(scores, n, self.name))
        return found

    def contributions(self, query: Query, items: Rows) -> Floats:
        """Return the share of each history event in each item's score, (items, events)."""
        weights = self._fitted()
        shares = np.zeros((len(items), len(query.history)), dtype=np.float32)
        events, rows, worth = self._counted(query.history, weights.scale)
        columns = self._places[items]
        known = np.flatnonzero(columns >= 0)
        if len(events) and len(known):
            block = _cells(weights.matrix, rows, columns[known])
            shares[known[:, None], events] = (block * worth[:, None]).T
        return shares

    def save(self, folder: Path) -> None:
        """Write the weights."""
        weights = self._fitted()
        meta = {"low": weights.scale.low, "high": weights.scale.high}
        arrays = {"items": weights.items, "matrix": weights.matrix}
        self._write(folder, weights.width, meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Open the weights, dense ones memory-mapped; raise `FormatError` if they do not fit."""
        need = ("low", "high", "items", "matrix")
        meta, arrays = self._read(folder, len(catalog), need)
        items, matrix = np.array(arrays["items"]), arrays["matrix"]
        if matrix.shape != (len(items), len(items)):
            raise FormatError(f"The {self.name} model in {folder} is not whole: fit it again.")
        scale = Scale(meta["low"], meta["high"])
        self._keep(Weights(items, matrix, scale, len(catalog)))
        return self

    def _near(self, weights: Weights, place: int) -> Floats:
        """Return how near every known item is to one of them, (m,)."""
        return np.asarray(dense(weights.matrix[[place]])[0])

    def _keep(self, weights: Weights) -> None:
        self._weights = weights
        self._places = weights.places

    def _fitted(self) -> Weights:
        if self._weights is None:
            raise NotFitted(f"{self.name} has not been fitted: call fit or load first.")
        return self._weights

    def _counted(self, history: History, scale: Scale) -> Past:
        """Return which events of a history count."""
        start = max(len(history) - self._heard, 0)
        place = self._places[history.items[start:]]
        age = np.arange(len(place) - 1, -1, -1, dtype=np.float32)
        worth = np.float32(self.decay) ** age
        worth[worth < _NOTHING] = 0
        if self.dislike != 1:
            disliked = scale.dislikes(history.values[start:])
            worth = np.where(disliked, np.float32(self.dislike) * worth, worth)
        at = np.flatnonzero((place >= 0) & (worth != 0))
        return start + at, place[at], worth[at]


def _cells(matrix: Floats | sparse.csr_matrix, rows: Rows, columns: Rows) -> Floats:
    """Return the weights from some known items to others, (rows, columns)."""
    if not isinstance(matrix, sparse.csr_matrix):
        return np.asarray(matrix[rows[:, None], columns])
    near, stored, counts = _stored(matrix, rows)
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    column = place[near]
    found = np.flatnonzero(column >= 0)
    block = np.zeros((len(rows), len(columns)), dtype=np.float32)
    row = np.searchsorted(np.cumsum(counts), found, side="right")
    block[row, column[found]] = stored[found]
    return block[:, place[columns]]


def _stored(matrix: sparse.csr_matrix, rows: Rows) -> tuple[Rows, Floats, Rows]:
    """Return the columns and the values that some rows store, and how many each does.

    What `matrix[rows]` holds, in a third of the time where the rows are few.
    """
    starts, stops = matrix.indptr[rows], matrix.indptr[rows + 1]
    parts = [slice(*ends) for ends in zip(starts.tolist(), stops.tolist(), strict=True)]
    columns = np.concatenate([matrix.indices[part] for part in parts])
    values = np.concatenate([matrix.data[part] for part in parts])
    return columns, values, stops - starts


def supported(interactions: Interactions, min_support: int, max_items: int) -> Rows:
    """Return the items with at least `min_support` events, at most `max_items`, ascending.

    The most supported are kept, ties by catalogue order: this bounds the memory of m × m weights.
    """
    counts = interactions.counts
    rows = np.flatnonzero(counts >= max(min_support, 1))
    if len(rows) > max_items:
        rows = np.sort(rows[np.argsort(-counts[rows], kind="stable")[:max_items]])
    return rows.astype(np.int32)


def bounds(name: str, regularisation: float, min_support: int, max_items: int) -> None:
    """Raise `ConfigError` when an option of a dense linear model is out of range."""
    if regularisation <= 0:
        raise ConfigError(f"{name}: regularisation is {regularisation}; it must be above 0.")
    if min_support < 1 or max_items < 1:
        raise ConfigError(f"{name}: min_support and max_items must be at least 1.")


def cholesky(gram: NDArray[Any]) -> NDArray[Any]:
    """Return the lower Cholesky factor of a symmetric positive definite matrix, overwriting it.

    In single precision, which is twice as fast, unless that fails.
    """
    from scipy.linalg import lapack  # heavy, and only fitting needs it

    single, failed = lapack.spotrf(gram.astype(np.float32).T, lower=1, overwrite_a=1)
    if failed:
        return np.linalg.cholesky(gram.astype(np.float64))
    return np.asarray(single)


def inverse(gram: NDArray[Any]) -> Floats:
    """Return the inverse of a symmetric positive definite matrix."""
    from scipy.linalg import lapack

    factor = cholesky(gram)
    invert = lapack.spotri if factor.dtype == np.float32 else lapack.dpotri
    lower = np.tril(invert(factor, lower=1)[0]).astype(np.float32)
    lower += np.tril(lower, -1).T
    return np.ascontiguousarray(lower)


def solve(gram: NDArray[Any], right: NDArray[Any]) -> Floats:
    """Return gram⁻¹ · right for a symmetric positive definite `gram`."""
    from scipy.linalg import lapack

    factor = cholesky(gram)
    divide = lapack.spotrs if factor.dtype == np.float32 else lapack.dpotrs
    answer = divide(factor, np.asarray(right, factor.dtype), lower=1)[0]
    return np.ascontiguousarray(answer, dtype=np.float32)


def empty(rows: int, columns: int) -> sparse.csr_matrix:
    """Return a sparse matrix that stores nothing."""
    none = np.empty(0, dtype=np.int32)
    return sparse.csr_matrix((none.astype(np.float32), (none, none)), shape=(rows, columns))


def neighbours(block: Callable[[slice], Floats], m: int, k: int) -> sparse.csr_matrix:
    """Keep the `k` largest positive weights of each row, never the diagonal; (m, m).

    `block` gives a slice of rows, dense (rows, m). What ties with the last one is kept too.
    """
    step = max(_CELLS // max(m, 1), 1)
    parts = [empty(0, m)]
    for start in range(0, m, step):
        rows = block(slice(start, min(start + step, m)))
        rows[np.arange(len(rows)), np.arange(start, start + len(rows))] = 0
        if k < m:
            floor = np.partition(rows, m - k, axis=1)[:, m - k : m - k + 1]
            rows = np.where(rows >= floor, rows, 0)
        parts.append(sparse.csr_matrix(np.maximum(rows, 0)))
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"), dtype=np.float32)


def dense(block: Floats | sparse.csr_matrix) -> Floats:
    """Return a block of weights as an ordinary array."""
    if isinstance(block, sparse.csr_matrix):
        return np.asarray(block.toarray(), dtype=np.float32)
    return np.asarray(block)


def _product(past: Sequence[Past], matrix: Floats | sparse.csr_matrix) -> Floats:
    """Return weighted histories, none empty, times weights, (histories, m).

    It is -inf where a sparse matrix stores nothing.
    """
    shape = (len(past), matrix.shape[0])
    if not isinstance(matrix, sparse.csr_matrix):
        ends = np.cumsum([0] + [len(rows) for _, rows, _ in past], dtype=np.int32)
        rows = np.concatenate([rows for _, rows, _ in past])
        worth = np.concatenate([worth for _, _, worth in past])
        folded = sparse.csr_matrix((worth, rows, ends), shape=shape)
        return np.asarray(folded @ matrix, dtype=np.float32)
    scores = np.full(shape, -np.inf, dtype=np.float32)
    for row, (_, rows, worth) in zip(scores, past, strict=True):
        near, stored, counts = _stored(matrix, rows)
        row[near] = 0
        np.add.at(row, near, stored * np.repeat(worth, counts))
    return scores
