"""How like somebody's items a candidate is by what they are: attributes, years, words and texts."""

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.rank import cells
from tastemate.rank.crowd import DAY
from tastemate.traits import Traits, is_year
from tastemate.types import Floats, Rows

Columns: TypeAlias = dict[str, NDArray[np.floating] | float]
"""Features by name: (candidates,), or one number for the whole pool."""
NEAR = 10
"""Latest events whose items are looked at one by one."""
FAR = 20
"""Latest events among whose items the most similar one is looked for."""
COMMON = 0.2
"""A word in a larger share of the titles tells nothing."""
_WORD = re.compile(r"\w+")


class Likeness:
    """Compares candidates with a history by the items alone; `exclude` names attributes not read.

    `vectors` are unit rows of the items' texts, None where nothing reads them.
    """

    def __init__(self, catalog: Catalog, vectors: Floats | None, exclude: Sequence[str]) -> None:
        self.vectors = vectors
        years = [name for name in catalog.attributes if is_year(name) and catalog.is_numeric(name)]
        self._years = catalog.numbers(years[0]).astype(np.float64) if years else None
        self._traits = Traits.of(catalog, (*exclude, *years)).matrix
        self._size = np.maximum(np.diff(self._traits.indptr), 1).astype(np.float32)
        self._words, self._first = words(catalog.titles)

    def columns(self, rows: Rows, items: Rows, values: Floats, now: int, mean: Floats) -> Columns:
        """Return the features of candidates `rows` against `items`, latest first, by name.

        `mean` is the mean rating of each candidate, (rows,).
        """
        found = self._attributes(rows, items, values, mean)
        found |= self._named(rows, items)
        if self._years is not None:
            found |= _years(self._years, rows, items, now)
        if self.vectors is not None:
            found |= _texts(self.vectors, rows, items)
        return found

    def _attributes(self, rows: Rows, items: Rows, values: Floats, mean: Floats) -> Columns:
        """What it shares with the last items and with all, and how those were rated."""
        n, width = len(rows), self._traits.shape[1]
        own, size = self._size[rows], self._size[items]
        of, _, owner = cells.gathered(self._traits, rows)
        mine, _, event = cells.gathered(self._traits, items)
        shared = cells.products(self._traits, items[:NEAR], rows)
        union = np.maximum(own + size[0] - shared[0], 1)
        found: Columns = {"attributes of last": shared[0] / union}
        for name, last in (("last 5", 5), ("last 20", 20), ("all", len(items))):
            late = event < last
            weights = _counted(mine[late], 1 / size[event[late]], width) / min(last, len(items))
            found[f"attributes of {name}"] = cells.summed(weights, of, owner, n) / np.sqrt(own)
        off = (values - values.mean())[event]
        liked = _counted(mine, off, width) / (np.bincount(mine, minlength=width) + 5)
        rated = cells.summed(liked, of, owner, n) / own
        return found | {
            "attributes, how many share one": (shared > 0).mean(axis=0),
            "attributes, as rated": rated,
            "rating to expect": mean + rated,
        }

    def _named(self, rows: Rows, items: Rows) -> Columns:
        """What words its title shares with those of the last items, and what it begins with."""
        late = items[:FAR]
        near = cells.products(self._words, late, rows, weighed=True)
        same = (self._first[late][:, None] == self._first[rows]) & (self._first[rows] >= 0)
        return {
            "words of last": near[0],
            "words of last 5": near[:5].mean(axis=0),
            "words of last 20": near.mean(axis=0),
            "words, nearest of 20": near.max(axis=0),
            "first word of last": same[0].astype(np.float32),
            "first word, of how many": same.sum(axis=0).astype(np.float32),
        }


def words(titles: Sequence[str]) -> tuple[sparse.csr_matrix, NDArray[np.int32]]:
    """Return titles as unit rows of tf-idf over their words, (items, words), and their first words.

    Words of one title or of more than `COMMON` of them are left out; a first word is a number,
    -1 for one that begins no other title.
    """
    split = [_WORD.findall(title.casefold()) for title in titles]
    codes: dict[str, int] = {}
    for one in split:
        for word in one:
            codes.setdefault(word, len(codes))
    lengths = np.array([len(one) for one in split], dtype=np.int64)
    column = np.array([codes[word] for one in split for word in one], dtype=np.int32)
    owner = np.repeat(np.arange(len(split)), lengths)
    ones = np.ones(len(column), dtype=np.float32)
    table = sparse.csr_matrix((ones, (owner, column)), shape=(len(split), max(len(codes), 1)))
    table.data[:] = 1
    many = np.bincount(table.indices, minlength=table.shape[1])
    tells = (many > 1) & (many <= max(COMMON * len(split), 2))
    table.data *= np.where(tells, np.log((len(split) + 1) / np.maximum(many, 1)), 0)[table.indices]
    table.eliminate_zeros()
    row = np.repeat(np.arange(len(split)), np.diff(table.indptr))
    norms = np.sqrt(np.bincount(row, table.data**2, minlength=len(split)))
    table.data /= norms[row]
    first = np.array([codes[one[0]] if one else -1 for one in split], dtype=np.int32)
    begins = np.bincount(first[first >= 0], minlength=max(len(codes), 1))
    lone = (first >= 0) & (begins[np.maximum(first, 0)] < 2)
    first[lone] = -1
    return table.astype(np.float32), first


def _counted(columns: Rows, weights: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """Return the summed weight of each column, (width,)."""
    return np.bincount(columns, weights, minlength=width).astype(np.float64)


def _years(years: NDArray[np.float64], rows: Rows, items: Rows, now: int) -> Columns:
    """Return how near in years it is to the last items; nan where a year is not known."""
    own, past = years[rows], years[items[:FAR]]
    off = np.abs(own[:, None] - past[None, :5])
    return {
        "year": own,
        "year less last": own - past[0],
        "year off last": off[:, 0],
        "year off last 5": _mean(off),
        "year less last 20": own - _mean(past[None])[0],
        "year spread of last 10": _spread(past[:NEAR]),
        "years old": 1970 + now / (365.25 * DAY) - own,
    }


def _texts(vectors: Floats, rows: Rows, items: Rows) -> Columns:
    """Return cosines with the texts of the last items and with the mean of all."""
    own, past = vectors[rows], vectors[items]
    near = own @ past[:FAR].T
    return {
        "text of last": near[:, 0],
        "text of last 5": near[:, :5].mean(axis=1),
        "text of all": own @ past.mean(axis=0),
        "text, nearest of 20": near.max(axis=1),
    }


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row over what is known in it; nan where nothing is."""
    told = np.isfinite(table)
    many = told.sum(axis=1)
    sums = np.where(told, table, 0.0).sum(axis=1)
    return np.where(many > 0, sums / np.maximum(many, 1), np.nan)


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of what is known; nan where nothing is."""
    told = values[np.isfinite(values)]
    return float(told.std()) if len(told) else float("nan")
