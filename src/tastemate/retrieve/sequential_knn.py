"""Neighbours in time: items that often come soon after what somebody met last.

The weights are (directed·T + C) D^-½: T counts decayed transitions within a window, C
co-occurrence in a history, D the users of the scored item. It needs no solve, so it serves
catalogues that are too large for `ease` and `transition`.
"""

from typing import Self

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.linear import Linear, Weights, empty, neighbours, places, supported
from tastemate.types import Floats, Rows


class SequentialItemKNN(Linear):
    """Sparse weights from transitions and co-occurrence; the history is weighted `decay`^age."""

    name = "sequential-knn"

    def __init__(
        self,
        *,
        window: int = 10,
        window_decay: float = 0.7,
        direction: float = 3.0,
        normalisation: float = 0.5,
        decay: float = 0.5,
        last: int = 50,
        dislike: float = 1.0,
        k: int = 1000,
        min_support: int = 1,
    ) -> None:
        """Set the options; `direction` weighs transitions against co-occurrence.

        `normalisation` is the power of the item's users that divides: .5 suits the films, .3 the
        sparser Beauty. Each item keeps its `k` best neighbours. Raises `ConfigError` for a value
        out of range.
        """
        super().__init__(decay=decay, last=last, dislike=dislike)
        if k < 1 or window < 1 or min_support < 1:
            raise ConfigError(f"{self.name}: k, window and min_support must be at least 1.")
        if not 0 < window_decay <= 1 or direction < 0 or normalisation < 0:
            raise ConfigError(
                f"{self.name}: window_decay must be in (0, 1], direction and normalisation 0 or "
                "more."
            )
        self.window = window
        self.window_decay = window_decay
        self.direction = direction
        self.normalisation = normalisation
        self.k = k
        self.min_support = min_support

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Count; of repeated pairs of user and item co-occurrence takes one."""
        items = supported(interactions, self.min_support, len(catalog))
        m = len(items)
        place = places(items, len(catalog))[interactions.item]
        follows = _directed(interactions, place, m, self.window, self.window_decay)
        met = sparse.csr_matrix(interactions.matrix()[:, items])
        by_item = sparse.csr_matrix(met.T)
        users = np.maximum(np.diff(by_item.indptr), 1)
        scaling = (users**-self.normalisation).astype(np.float32)

        def block(at: slice) -> Floats:
            together = self.direction * follows[at] + by_item[at] @ met
            return np.asarray(together.toarray() * scaling, dtype=np.float32)

        matrix = neighbours(block, m, self.k)
        self._keep(Weights(items, matrix, interactions.scale, len(catalog)))
        return self


def _directed(
    interactions: Interactions, place: Rows, m: int, window: int, decay: float
) -> sparse.csr_matrix:
    """Return how often column followed row within `window` steps, each step `decay`, (m, m).

    `place` is (events,): each event's item among the m known ones, -1 where it is none.
    """
    back = np.arange(len(interactions)) - interactions.offsets[interactions.user]
    counts = empty(m, m)
    for lag in range(1, min(window, int(back.max(initial=0))) + 1):
        at = np.flatnonzero(back >= lag)
        before, after = place[at - lag], place[at]
        both = (before >= 0) & (after >= 0)
        step = np.full(int(both.sum()), decay ** (lag - 1), dtype=np.float32)
        counts = counts + sparse.csr_matrix((step, (before[both], after[both])), shape=(m, m))
    return counts
