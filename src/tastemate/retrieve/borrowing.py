"""A new item borrows what its nearest described neighbours are worth to somebody.

A collaborative model knows nothing of an item nobody has met; items that are described alike it
may know well. So the new item gets their mean score, by how near they are: the item mapping for
cold start (Gantner et al. 2010 learn such a map from attributes to factors; here it is k-NN).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, StageError
from tastemate.interactions import Interactions
from tastemate.protocols import Attributing, Retriever, Similar
from tastemate.retrieve.dense import Dense
from tastemate.types import Floats, Mask, Query, Rows

_PART = 512
"""Items whose neighbours are looked up at once."""
_COMPARED = 500
"""Met items whose borrowed means new ones are compared with, at most."""
LENDERS = ("ease-likes",)
"""Models of a mix that new items borrow from: what is liked, not what is met next."""


def lent(
    parts: Sequence[tuple[Retriever, float]], near: object, met: Mask
) -> list[tuple[Retriever, float]]:
    """Return the parts of a mix, those in `LENDERS` wrapped where something is new.

    Nothing is wrapped where `near` has no neighbours to give, or nobody has met anything.
    """
    if not isinstance(near, Similar) or met.all() or not met.any():
        return list(parts)
    return [
        (Borrowing(part, near, met) if part.name in LENDERS else part, weight)
        for part, weight in parts
    ]


class Borrowing(Dense):
    """Scores of `base`, and for items not `met` what their `neighbours` by `near` are worth.

    A mean of neighbours is no score yet: means lie closer together. So it is put in its place
    among the means that met items would borrow, and gets the score that stands in that place among
    theirs: new items as a group are neither ahead nor behind.
    """

    def __init__(
        self, base: Retriever, near: Similar, met: Mask, *, neighbours: int = 10, seed: int = 0
    ) -> None:
        if neighbours < 1:
            raise ConfigError(f"Borrowing needs at least 1 neighbour, not {neighbours}.")
        self.name = base.name
        self.base = base
        self.met = met
        cold, known = np.flatnonzero(~met), np.flatnonzero(met)
        drawn = np.random.default_rng(seed).permutation(known)[:_COMPARED]
        shares = self._mapping(cold, near, neighbours)
        mapped = np.diff(shares.indptr) > 0
        self._cold, self._shares = cold[mapped], shares[mapped]
        compared = self._mapping(np.sort(drawn), near, neighbours)
        mapped = np.diff(compared.indptr) > 0
        self._drawn, self._compared = np.sort(drawn)[mapped], compared[mapped]

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items); a row without an opinion stays without one."""
        found = np.array(self.base.scores(queries), dtype=np.float32)
        if not len(self._cold):
            return found
        for row, query in zip(found, queries, strict=True):
            known = self.met & np.isfinite(row)
            if not known.any():
                continue
            worth = np.where(known, row, row[known].min())
            # What somebody has met scores high and is never shown: no place to compare with.
            known[query.history.items] = False
            others = self._compared[known[self._drawn]] @ worth
            if known.any():
                row[self._cold] = self._placed(self._shares @ worth, np.sort(others), row[known])
        return found

    def _placed(self, lent: Floats, others: Floats, known: Floats) -> Floats:
        """Return the score of each new item: what stands in its place among the known ones."""
        if not len(others):
            return np.asarray(lent, dtype=np.float32)
        first, last = (np.searchsorted(others, lent, side) for side in ("left", "right"))
        place = ((first + last) / 2 + 0.5) / (len(others) + 1)
        return np.asarray(np.quantile(known, place), dtype=np.float32)

    def contributions(self, query: Query, items: Rows) -> Floats:
        """Return what the base's events carry of the items it knows; nothing of the others."""
        if not isinstance(self.base, Attributing):
            return np.zeros((len(items), len(query.history)), dtype=np.float32)
        return np.asarray(self.base.contributions(query, items), dtype=np.float32)

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Refuse: the base is fitted already."""
        raise StageError("Borrowing wraps a fitted model. Fit that one, and wrap it again.")

    def save(self, folder: Path) -> None:
        """Save the base: neighbours are looked up again where it is wrapped again."""
        self.base.save(folder)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Refuse: the base is loaded, and wrapped again."""
        raise StageError("Borrowing wraps a loaded model. Load that one, and wrap it again.")

    def _mapping(self, items: NDArray[np.integer], near: Similar, n: int) -> sparse.csr_matrix:
        """Return some items × all: shares of their met neighbours, each row summing to 1 or 0."""
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for start in range(0, len(items), _PART):
            part = np.asarray(items[start : start + _PART], dtype=np.int32)
            for at, line in enumerate(near.similar(part, 5 * n), start=start):
                kept = [one for one in line if self.met[one.row] and one.score > 0][:n]
                total = sum(one.score for one in kept)
                rows += [at] * len(kept)
                columns += [one.row for one in kept]
                values += [one.score / total for one in kept]
        shape = (len(items), len(self.met))
        return sparse.csr_matrix((values, (rows, columns)), shape=shape)
