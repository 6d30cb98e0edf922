"""Neighbours: what like items got from this person, or this item from like people."""

from typing import Literal, Self

import numpy as np
from scipy import sparse

from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.train.ratings.means import Settled, settle
from tastemate.train.ratings.pairs import Numbers, Pairs, groups


class Neighbours:
    """Means plus the weighted mean of what the k nearest ratings leave over the means.

    Likeness is the correlation of what is left over, over the raters (or items) two rows share,
    shrunken by n / (n + shrinkage) (Bell & Koren 2007). It is computed for the pairs asked only.
    """

    def __init__(
        self,
        side: Literal["item", "user"],
        *,
        k: int = 40,
        shrinkage: float = 10.0,
        damping: float = 0.5,
    ) -> None:
        """Set the side; `damping` is the weight of a neighbour that says "as the means do"."""
        if k < 1 or shrinkage < 0 or damping <= 0:
            raise ConfigError("Neighbours: k at least 1, shrinkage 0 or more, damping above 0.")
        self.side = side
        self.name = f"{side}-neighbours"
        self.k, self.shrinkage, self.damping = k, shrinkage, damping
        self._state: tuple[Settled, sparse.csr_matrix] | None = None

    def fit(self, train: Interactions) -> Self:
        """Keep what the ratings leave over the means, users × items."""
        settled = settle(train, 5.0, 3.0)
        left = train.value - settled.of(Pairs.of(train))
        self._state = settled, train.matrix(left.astype(np.float32))
        return self

    def predict(self, pairs: Pairs) -> Numbers:
        """Return means plus neighbours; a pair without neighbours gets the means."""
        if self._state is None:
            raise NotFitted(f"The predictor {self.name} has learned nothing yet; call fit first.")
        settled, left = self._state
        # Seen from the item side a group is a user, whose ratings are what is averaged.
        by_item = self.side == "item"
        rows = left if by_item else sparse.csr_matrix(left.T)
        code, other = (pairs.user, pairs.item) if by_item else (pairs.item, pairs.user)
        columns = sparse.csr_matrix(rows.T)
        predicted = settled.of(pairs)
        for group, asked in enumerate(groups(code, rows.shape[0])):
            said = slice(rows.indptr[group], rows.indptr[group + 1])
            near, values = rows.indices[said], rows.data[said]
            if len(asked) and len(near):
                likeness = self._likeness(columns[other[asked]], columns[near])
                predicted[asked] += self._mean(likeness, values)
        return predicted

    def _likeness(self, asked: sparse.csr_matrix, near: sparse.csr_matrix) -> Numbers:
        """Return the shrunken correlation over shared raters, (asked, near)."""
        near_t = sparse.csc_matrix(near.T)
        both = (asked @ near_t).toarray().astype(np.float64)
        met_a, met_n = _pattern(asked), _pattern(near)
        shared = (met_a @ met_n.T).toarray()
        size_a = (asked.multiply(asked) @ met_n.T).toarray()
        size_n = (met_a @ near.multiply(near).T).toarray()
        length = np.sqrt(np.maximum(size_a * size_n, 1e-12))
        return np.asarray(both / length * shared / (shared + self.shrinkage + 1e-12))

    def _mean(self, likeness: Numbers, values: Numbers) -> Numbers:
        if likeness.shape[1] > self.k:
            kth = np.partition(np.abs(likeness), -self.k, axis=1)[:, -self.k][:, None]
            likeness = np.where(np.abs(likeness) >= kth, likeness, 0.0)
        return np.asarray(likeness @ values / (np.abs(likeness).sum(axis=1) + self.damping))


def _pattern(values: sparse.csr_matrix) -> sparse.csr_matrix:
    ones = np.ones_like(values.data)
    return sparse.csr_matrix((ones, values.indices, values.indptr), shape=values.shape)
