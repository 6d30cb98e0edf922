"""What everybody did, as the learned ranker reads it: counted once, kept beside the trees.

Counts of items, ratings and times, and what came after what; all of the events that retrievers
were fitted on and no others, so that what trains and what serves see the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.interactions import Interactions
from tastemate.types import Floats, Rows, Times

LAGS = 3
"""Steps that are counted apart: what came one, two and three events after an item."""
WINDOW = 15
"""Steps within which an item counts as following, each `STEP` of the one before."""
STEP = 0.8
DAY = 86_400
_PRIOR = 5.0
"""Ratings of the overall mean that every item starts with."""


@dataclass(frozen=True, eq=False)
class Crowd:
    """Counts over n items; sparse matrices have what came first (or the item) as rows."""

    counts: Floats
    """Events of each item, (n,)."""
    mean: Floats
    """Its mean value, drawn to the overall one."""
    spread: Floats
    """Standard deviation of its values, drawn to the overall one."""
    place: Floats
    """Mean of ln(1 + events before it) in the histories it is in."""
    times: Times
    """Times of all events, by item, ascending within one."""
    starts: NDArray[np.int64]
    """Where the times of each item begin, (n + 1,)."""
    follows: sparse.csr_matrix
    """How often column followed row within `WINDOW` steps, decayed."""
    lags: tuple[sparse.csr_matrix, ...]
    """How often it did so exactly 1, 2, … steps later."""
    met: sparse.csr_matrix
    """(n, people): the place, from 1, of the item in the history; the latest of repeats."""
    days: sparse.csr_matrix
    """(n, days of people), binary: two items share a column when somebody met both on one day."""

    @classmethod
    def of(cls, interactions: Interactions) -> Self:
        """Count events."""
        n, item, value = interactions.n_items, interactions.item, interactions.value
        counts = interactions.counts.astype(np.float64)
        overall = float(value.mean()) if len(value) else 0.0
        mean = overall + np.bincount(item, value - overall, n) / (counts + _PRIOR)
        squares = np.bincount(item, (value - mean[item]) ** 2, n)
        around = float(value.var()) if len(value) else 0.0
        back = np.arange(len(item)) - interactions.offsets[interactions.user]
        order = np.lexsort((interactions.timestamp, item))
        lags = [_after(interactions, back, lag) for lag in range(1, WINDOW + 1)]
        follows = _empty(n, n)
        for lag, matrix in enumerate(lags):
            follows = follows + matrix * np.float32(STEP**lag)
        day = interactions.timestamp // DAY
        _, of_day = np.unique(
            np.column_stack((interactions.user, day)), axis=0, return_inverse=True
        )
        return cls(
            counts=counts.astype(np.float32),
            mean=mean.astype(np.float32),
            spread=np.sqrt((squares + _PRIOR * around) / (counts + _PRIOR)).astype(np.float32),
            place=(np.bincount(item, np.log1p(back), n) / np.maximum(counts, 1)).astype(np.float32),
            times=interactions.timestamp[order],
            starts=np.searchsorted(item[order], np.arange(n + 1)).astype(np.int64),
            follows=sparse.csr_matrix(follows),
            lags=tuple(lags[:LAGS]),
            met=sparse.csr_matrix(interactions.matrix((back + 1).astype(np.float32)).T),
            days=_binary(item, of_day.reshape(-1), n),
        )

    @cached_property
    def followed(self) -> sparse.csr_matrix:
        """`follows` the other way round."""
        return sparse.csr_matrix(self.follows.T)

    @cached_property
    def first(self) -> NDArray[np.float64]:
        """When each item was first met, (n,); nan for what nobody has met."""
        found = np.full(len(self.counts), np.nan)
        some = self.starts[1:] > self.starts[:-1]
        found[some] = self.times[self.starts[:-1][some]]
        return found

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], int, int]:
        """All times as one ascending array, an item's after those of the one before it."""
        first = int(self.times.min(initial=0))
        span = int(self.times.max(initial=0)) - first + 2
        item = np.repeat(np.arange(len(self.counts)), np.diff(self.starts))
        return item * span + (self.times - first + 1), first, span

    def until(self, rows: Rows, whens: Sequence[int]) -> NDArray[np.int64]:
        """Return how many events each of some items had up to some times, (times, rows)."""
        keys, first, span = self._keys
        shifted = np.clip(np.array(whens, dtype=np.int64) - first + 1, 0, span - 1)
        wanted = rows.astype(np.int64)[None, :] * span + shifted[:, None]
        return np.searchsorted(keys, wanted, "right") - self.starts[rows]

    def arrays(self) -> dict[str, Any]:
        """Return the counts by name, as `artifacts` writes them."""
        plain = ("counts", "mean", "spread", "place", "times", "starts", "follows", "met", "days")
        named = {name: getattr(self, name) for name in plain}
        return named | {f"lag{at}": matrix for at, matrix in enumerate(self.lags, start=1)}

    @classmethod
    def read(cls, arrays: Mapping[str, Any], n: int) -> Self:
        """Return what `arrays` gave, over a catalogue of `n` items, perhaps grown at its end."""
        more = n - len(arrays["counts"])
        overall = float(np.mean(arrays["mean"])) if len(arrays["mean"]) else 0.0
        around = float(np.mean(arrays["spread"])) if len(arrays["spread"]) else 0.0
        starts = np.asarray(arrays["starts"])

        def longer(name: str, value: float) -> Floats:
            return np.append(arrays[name], np.full(more, value)).astype(np.float32)

        def square(name: str) -> sparse.csr_matrix:
            return _resized(arrays[name], n, n)

        return cls(
            counts=longer("counts", 0.0),
            mean=longer("mean", overall),
            spread=longer("spread", around),
            place=longer("place", 0.0),
            times=np.asarray(arrays["times"]),
            starts=np.append(starts, np.full(more, starts[-1])).astype(np.int64),
            follows=square("follows"),
            lags=tuple(square(f"lag{lag}") for lag in range(1, LAGS + 1)),
            met=_resized(arrays["met"], n, arrays["met"].shape[1]),
            days=_resized(arrays["days"], n, arrays["days"].shape[1]),
        )


NAMES = (
    *("counts", "mean", "spread", "place", "times", "starts", "follows", "met", "days"),
    *(f"lag{lag}" for lag in range(1, LAGS + 1)),
)
"""Arrays that `Crowd.read` needs."""


def _after(interactions: Interactions, back: NDArray[np.int64], lag: int) -> sparse.csr_matrix:
    """Return how often column came exactly `lag` events after row."""
    n, item = interactions.n_items, interactions.item
    at = np.flatnonzero(back >= lag)
    ones = np.ones(len(at), dtype=np.float32)
    return sparse.csr_matrix((ones, (item[at - lag], item[at])), shape=(n, n))


def _binary(item: Rows, column: NDArray[np.integer], n: int) -> sparse.csr_matrix:
    width = int(column.max(initial=-1)) + 1
    ones = np.ones(len(item), dtype=np.float32)
    found = sparse.csr_matrix((ones, (item, column)), shape=(n, width))
    found.data[:] = 1.0
    return found


def _empty(rows: int, columns: int) -> sparse.csr_matrix:
    nothing = np.empty(0, dtype=np.int32)
    values = np.empty(0, dtype=np.float32)
    return sparse.csr_matrix((values, (nothing, nothing)), shape=(rows, columns))


def _resized(matrix: Any, rows: int, columns: int) -> sparse.csr_matrix:
    """Return the same with rows and columns of nothing at its end."""
    kept = sparse.csr_matrix(matrix)
    ends = np.append(kept.indptr, np.full(rows - kept.shape[0], kept.indptr[-1]))
    return sparse.csr_matrix((kept.data, kept.indices, ends), shape=(rows, columns))
