"""Reading a few rows of a sparse matrix, many times a second.

What scipy's indexing and products give, without what it costs to make a matrix of each step.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.types import Floats, Rows

_DENSE = 1 << 21
"""Cells up to which two lots of rows are multiplied as dense blocks."""


def gathered(matrix: sparse.csr_matrix, rows: Rows) -> tuple[Rows, Floats, NDArray[np.intp]]:
    """Return columns and values that some rows store, and the place in `rows` of each."""
    starts = matrix.indptr[rows].astype(np.int64)
    counts = matrix.indptr[rows + 1] - starts
    owner = np.repeat(np.arange(len(rows)), counts)
    ends = np.cumsum(counts)
    at = np.arange(len(owner)) + np.repeat(starts - ends + counts, counts)
    return matrix.indices[at], matrix.data[at], owner


def block(matrix: sparse.csr_matrix, past: Rows, rows: Rows) -> Floats:
    """Return the cells of some rows and columns, (past, rows); `rows` are distinct."""
    columns, values, owner = gathered(matrix, past)
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    column = place[columns]
    found = np.flatnonzero(column >= 0)
    cells = np.zeros((len(past), len(rows)), dtype=np.float32)
    cells[owner[found], column[found]] = values[found]
    return cells


def products(matrix: sparse.csr_matrix, past: Rows, rows: Rows, *, weighed: bool = False) -> Floats:
    """Return in how many columns both of two rows store something, (past, rows).

    `weighed` sums the products of what they store there instead.
    """
    theirs, worth, past_of = gathered(matrix, past)
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[theirs] = 0
    some = np.flatnonzero(place == 0)
    if len(some) * (len(past) + len(rows)) > _DENSE:
        before, after = (_taken(matrix, one, weighed) for one in (past, rows))
        return np.asarray((before @ after.T).toarray())
    place[some] = np.arange(len(some), dtype=np.int32)
    left = np.zeros((len(past), len(some)), dtype=np.float32)
    left[past_of, place[theirs]] = worth if weighed else 1
    ours, own, row_of = gathered(matrix, rows)
    column = place[ours]
    found = np.flatnonzero(column >= 0)
    right = np.zeros((len(rows), len(some)), dtype=np.float32)
    right[row_of[found], column[found]] = own[found] if weighed else 1
    return np.asarray(left @ right.T, dtype=np.float32)


def _taken(matrix: sparse.csr_matrix, rows: Rows, weighed: bool) -> sparse.csr_matrix:
    """Return some rows as they are, or with a 1 wherever something is stored."""
    some = sparse.csr_matrix(matrix[rows])
    if not weighed:
        some.data = np.ones_like(some.data, dtype=np.float32)
    return some


def summed(weights: NDArray[np.floating], columns: Rows, owner: NDArray[np.intp], n: int) -> Floats:
    """Return the sum over what each of `n` rows stores of the weights of its columns, (n,)."""
    return np.bincount(owner, weights[columns], minlength=n).astype(np.float32)
