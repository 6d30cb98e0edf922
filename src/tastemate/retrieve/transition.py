"""What comes next: ridge regression from the decayed recent past to the item that followed.

For every event, S holds the decayed items before it and T the item itself; the weights are
W = (SᵀS + λI)⁻¹ SᵀT. It is linear like EASE, but directed in time.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.retrieve.linear import Linear, Weights, bounds, empty, places, solve, supported
from tastemate.types import Floats, Rows

_CHUNK = 1 << 16
"""Events whose pasts are laid out at once."""


class Transition(Linear):
    """Next-item ridge over prefixes of the histories; the past is weighted `decay`^age.

    Fit holds three m × m arrays for m known items, at most `max_items`.
    """

    name = "transition"

    def __init__(
        self,
        *,
        regularisation: float = 100.0,
        decay: float = 0.9,
        last: int = 50,
        dislike: float = 1.0,
        min_support: int = 1,
        max_items: int = 5000,
    ) -> None:
        """Set the options; `last` is how much of the past is learned from and asked with.

        Raises `ConfigError` for a value out of range.
        """
        super().__init__(decay=decay, last=last, dislike=dislike)
        bounds(self.name, regularisation, min_support, max_items)
        self.regularisation = regularisation
        self.min_support = min_support
        self.max_items = max_items

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn the weights from every event that has one before it."""
        items = supported(interactions, self.min_support, self.max_items)
        m = len(items)
        place = places(items, len(catalog))[interactions.item]
        back = np.arange(len(interactions)) - interactions.offsets[interactions.user]
        gram = np.zeros((m, m), dtype=np.float32)
        follows = empty(m, m)
        for start in range(0, len(interactions), _CHUNK):
            events = np.arange(start, min(start + _CHUNK, len(interactions)))
            past = self._past(place, back, events, m)
            known = place[events] >= 0
            ones = np.ones(int(known.sum()), dtype=np.float32)
            came = sparse.csr_matrix(
                (ones, (np.flatnonzero(known), place[events[known]])), shape=(len(events), m)
            )
            gram += (past.T @ past).toarray()
            follows = follows + past.T @ came
        gram[np.diag_indices(m)] += np.float32(self.regularisation)
        matrix = solve(gram, follows.toarray()) if m else gram
        self._keep(Weights(items, matrix, interactions.scale, len(catalog)))
        return self

    def _past(
        self, place: Rows, back: NDArray[np.int64], events: NDArray[np.int64], m: int
    ) -> sparse.csr_matrix:
        """Return the decayed past of each event, (events, m); `back` is how long it is."""
        rows: list[NDArray[np.intp]] = []
        columns: list[Rows] = []
        data: list[Floats] = []
        for lag in range(1, min(self.last, int(back[events].max(initial=0))) + 1):
            at = np.flatnonzero(back[events] >= lag)
            before = place[events[at] - lag]
            at, before = at[before >= 0], before[before >= 0]
            rows.append(at)
            columns.append(before)
            data.append(np.full(len(at), self.decay ** (lag - 1), dtype=np.float32))
        if not rows:
            return empty(len(events), m)
        return sparse.csr_matrix(
            (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))),
            shape=(len(events), m),
        )
