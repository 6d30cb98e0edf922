"""In what ways two ratings of one person are alike: the kernels of the taste process.

Each way is a covariance between ratings (an item at a time), 1 for a rating with itself at most:
`always`, shared attribute values, near numbers (years), nearness in time at two lengths, like
popularity, like quality, near texts, shared tags. How much each counts is learned (`weighing`).
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.text.encoder import unit
from tastemate.train.ratings.pairs import Numbers
from tastemate.train.ratings.tags import TagTimes
from tastemate.types import Floats, Rows, Times

PAGE = 360.0
"""Seconds over which ratings of one sitting stay alike."""
MONTH = 30 * 86_400.0
_FEW = 100
"""An attribute with more values than this tells items apart more than it says what they share."""
_BEND = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Ratings as the kernels see them: item rows, times, and tags until then where wanted."""

    item: Rows
    timestamp: Times
    tags: sparse.csr_matrix | None = None

    def take(self, at: NDArray[np.intp]) -> "Seen":
        """Return the ratings at these places."""
        tags = None if self.tags is None else self.tags[at]
        return Seen(self.item[at], self.timestamp[at], tags)


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What is known of the items, (items, …); `blocks` compares ratings in every way."""

    attributes: Floats
    numbers: Floats
    vectors: Floats | None
    tagged: TagTimes | None
    timed: bool
    popularity: Floats
    quality: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The ways, in the order of `blocks`."""
        ways = ["always", "popularity", "quality"]
        ways += ["attributes"] if self.attributes.shape[1] else []
        ways += ["numbers"] if self.numbers.shape[1] else []
        ways += ["sitting", "month"] if self.timed else []
        ways += ["text"] if self.vectors is not None else []
        return (*ways, "tags") if self.tagged is not None else tuple(ways)

    def told(self, popularity: Numbers, quality: Numbers) -> "Likeness":
        """Return the same with what training says of the items."""
        return replace(
            self,
            popularity=popularity.astype(np.float32),
            quality=quality.astype(np.float32),
        )

    def seen(self, item: Rows, timestamp: Times) -> Seen:
        """Return ratings as `blocks` wants them."""
        tags = None if self.tagged is None else self.tagged.rows(item, timestamp)
        return Seen(item, timestamp, tags)

    def blocks(self, a: Seen, b: Seen) -> list[Floats]:
        """Return the likeness of ratings a with ratings b in every way, each (a, b)."""
        left, right = a.item, b.item
        one = np.float32(1)
        found = [
            np.ones((len(left), len(right)), np.float32),
            np.exp(-2 * np.square(_apart(self.popularity, left, right))),
            np.outer(self.quality[left], self.quality[right]),
        ]
        if self.attributes.shape[1]:
            found.append(self.attributes[left] @ self.attributes[right].T)
        if self.numbers.shape[1]:
            apart = sum(_apart(column, left, right) for column in self.numbers.T)
            found.append(np.exp(-apart / np.float32(self.numbers.shape[1])))
        if self.timed:
            gap = np.abs(a.timestamp[:, None] - b.timestamp).astype(np.float32)
            found += [np.exp(-gap / np.float32(PAGE)), np.exp(-gap / np.float32(MONTH))]
        if self.vectors is not None:
            cosine = self.vectors[left] @ self.vectors[right].T
            found.append(np.exp((cosine - one) / np.float32(_BEND)))
        if a.tags is not None and b.tags is not None:
            found.append((a.tags @ b.tags.T).toarray().astype(np.float32))
        return found

    def items(self, left: Rows, right: Rows, weights: Numbers) -> Floats:
        """Return the weighted likeness of items out of time, (left, right)."""
        still = replace(self, timed=False, tagged=None)
        now = dict(zip(self.names, weights, strict=True))
        a, b = Seen(left, np.zeros(0, np.int64)), Seen(right, np.zeros(0, np.int64))
        return weighted(
            still.blocks(a, b), np.array([now[name] for name in still.names], np.float64)
        )


def weighted(blocks: list[Floats], weights: Numbers) -> Floats:
    """Return the sum of blocks times weights."""
    total = np.zeros_like(blocks[0])
    for block, weight in zip(blocks, weights, strict=True):
        total += np.float32(weight) * block
    return total


def likeness(
    catalog: Catalog,
    *,
    vectors: Floats | None = None,
    tagged: TagTimes | None = None,
    timed: bool = True,
) -> Likeness:
    """Read the attributes of a catalogue; `vectors` are those of the items' texts."""
    shared, numbers = [], []
    for name in catalog.attributes:
        if catalog.is_numeric(name):
            numbers.append(_scaled(catalog.numbers(name)))
        elif catalog.frame.schema[name] in (pl.String, pl.List(pl.String)):
            matrix = catalog.incidence(name).matrix
            if 1 < matrix.shape[1] <= _FEW:
                shared.append(matrix.toarray())
    blank = np.zeros((len(catalog), 0), np.float32)
    none = np.zeros(len(catalog), np.float32)
    return Likeness(
        attributes=unit(np.hstack([blank, *shared]).astype(np.float32)),
        numbers=np.column_stack([blank, *numbers]).astype(np.float32),
        vectors=None if vectors is None else unit(vectors - vectors.mean(axis=0)),
        tagged=tagged,
        timed=timed,
        popularity=none,
        quality=none,
    )


def _scaled(values: Floats) -> Floats:
    """Return numbers as shares of the range of the middle nine tenths; unknown ones as the mean."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros_like(values)
    low, high = np.quantile(known, [0.05, 0.95])
    filled = np.where(np.isfinite(values), values, known.mean())
    return np.asarray((filled - known.mean()) / max(high - low, 1e-9), dtype=np.float32)


def _apart(values: Floats, left: Rows, right: Rows) -> Floats:
    return np.asarray(np.abs(values[left][:, None] - values[right]), dtype=np.float32)
