"""Neighbourhood models: the items like yours, and the people like you.

Cosine with shrinkage: dot / (|a||b| + shrinkage), so that pairs who share little are pulled
towards zero (Bell and Koren 2007 give the idea). Only the nearest k speak.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, TypeAlias

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense, candidates, top
from tastemate.retrieve.linear import Linear, Weights, dense, neighbours, supported
from tastemate.types import Candidate, Floats, Query, Rows

Events: TypeAlias = Literal["implicit", "explicit"]
"""Implicit: every event weighs 1. Explicit: its value's place on the scale, .1 to 1."""


def worth(values: Floats, scale: Scale, events: Events) -> Floats:
    """Return what events of these values weigh, (n,)."""
    if events == "implicit" or scale.high <= scale.low:
        return np.ones(len(values), dtype=np.float32)
    share = np.clip((values - scale.low) / (scale.high - scale.low), 0, 1)
    return np.asarray(0.1 + 0.9 * share, dtype=np.float32)


def _check(name: str, k: int, shrinkage: float, events: str) -> None:
    if k < 1 or shrinkage < 0:
        raise ConfigError(f"{name}: k must be at least 1 and shrinkage 0 or more.")
    if events not in ("implicit", "explicit"):
        raise ConfigError(f"{name}: events is {events!r}; use 'implicit' or 'explicit'.")


class ItemKNN(Linear):
    """Items whose users overlap with those of the items in the history."""

    name = "item-knn"

    def __init__(
        self,
        *,
        k: int = 50,
        shrinkage: float = 50.0,
        events: Events = "implicit",
        decay: float = 0.8,
        last: int = 50,
        dislike: float = 0.3,
        min_support: int = 1,
    ) -> None:
        """Set the options; an item hears only its `k` nearest in the history.

        Raises `ConfigError` for a value out of range.
        """
        super().__init__(decay=decay, last=last, dislike=dislike)
        _check(self.name, k, shrinkage, events)
        self.k = k
        self.shrinkage = shrinkage
        self.events: Events = events
        self.min_support = min_support

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Measure cosines between the items' columns of users."""
        items = supported(interactions, self.min_support, len(catalog))
        values = worth(interactions.value, interactions.scale, self.events)
        met = sparse.csr_matrix(interactions.matrix(values)[:, items])
        by_item = sparse.csr_matrix(met.T)
        lengths = np.sqrt(np.asarray(by_item.power(2).sum(axis=1))).ravel().astype(np.float32)

        def block(at: slice) -> Floats:
            dots = np.asarray((by_item[at] @ met).toarray(), dtype=np.float32)
            dots /= lengths[at][:, None] * lengths + np.float32(self.shrinkage)
            return dots

        nearest = neighbours(block, len(items), self.k)
        matrix = sparse.csr_matrix(nearest.T)
        self._keep(Weights(items, matrix, interactions.scale, len(catalog)))
        return self

    def _near(self, weights: Weights, place: int) -> Floats:
        """Return the cosines of the item's own nearest, which stand in its column."""
        return dense(sparse.csr_matrix(weights.matrix[:, [place]]))[:, 0]


class UserKNN(Dense):
    """What the people nearest to a history met; the history need not be anybody known."""

    name = "user-knn"

    def __init__(
        self,
        *,
        k: int = 50,
        shrinkage: float = 5.0,
        decay: float = 0.8,
        events: Events = "implicit",
    ) -> None:
        """Set the options: the `k` nearest people speak, newer events of the history weigh more.

        Raises `ConfigError` for a value out of range.
        """
        _check(self.name, k, shrinkage, events)
        if not 0 < decay <= 1:
            raise ConfigError(f"{self.name}: decay is {decay}; it must be above 0, at most 1.")
        self.decay = decay
        self.k = k
        self.shrinkage = shrinkage
        self.events: Events = events
        self._met: sparse.csr_matrix | None = None
        self._lengths: Floats = np.empty(0, dtype=np.float32)
        self._scale = Scale(0.0, 1.0)
        self._width = 0

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Keep everybody's events."""
        values = worth(interactions.value, interactions.scale, self.events)
        self._keep(interactions.matrix(values), interactions.scale, len(catalog))
        return self

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score items by the summed similarity of the neighbours who met them, weighted.

        Shape (queries, items); -inf where no neighbour met the item.
        """
        met = self._fitted()
        wide = np.full((len(queries), self._width), -np.inf, dtype=np.float32)
        for row, query in zip(wide, queries, strict=True):
            asked = self._asked(query, met.shape[1])
            length = np.float32(np.linalg.norm(asked))
            near = np.asarray(met @ asked, dtype=np.float32)
            near /= np.maximum(self._lengths * length + np.float32(self.shrinkage), 1e-9)
            nearest = top(np.where(near > 0, near, -np.inf).astype(np.float32), self.k)
            if not len(nearest):
                continue
            voices = met[nearest]
            votes = np.asarray(voices.T @ near[nearest], dtype=np.float32)
            named = np.zeros(met.shape[1], dtype=bool)
            named[voices.indices] = True
            row[: len(votes)] = np.where(named, votes, -np.inf)
        return wide

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items met by the same people: cosine of their columns, best first."""
        met = self._fitted()
        by_item = sparse.csr_matrix(met.T)
        lengths = np.sqrt(np.asarray(by_item.power(2).sum(axis=1))).ravel()
        found: list[list[Candidate]] = []
        for item in items:
            scores = np.full(self._width, -np.inf, dtype=np.float32)
            if item < len(lengths):
                shared = np.asarray((by_item @ by_item[[item]].T).todense()).ravel()
                cosine = shared / np.maximum(lengths * lengths[item], 1e-9)
                scores[: len(cosine)] = np.where(shared > 0, cosine, -np.inf)
                scores[item] = -np.inf
            found.append(candidates(scores, n, self.name))
        return found

    def _asked(self, query: Query, m: int) -> Floats:
        """Return the weighted history over the `m` items fitted on; the latest of repeats."""
        past = query.history
        age = np.arange(len(past), dtype=np.float32)[::-1]
        values = worth(past.values, self._scale, self.events) * np.float32(self.decay) ** age
        asked = np.zeros(m, dtype=np.float32)
        inside = past.items < m
        asked[past.items[inside]] = values[inside]
        return asked

    def save(self, folder: Path) -> None:
        """Write everybody's events."""
        met = self._fitted()
        meta = {"low": self._scale.low, "high": self._scale.high}
        self._write(folder, met.shape[1], meta, {"met": met})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore them; raise `FormatError` if they do not fit the catalogue."""
        meta, arrays = self._read(folder, len(catalog), ("low", "high", "met"))
        self._keep(arrays["met"], Scale(meta["low"], meta["high"]), len(catalog))
        return self

    def _keep(self, met: sparse.csr_matrix, scale: Scale, width: int) -> None:
        self._met = met
        self._lengths = np.sqrt(np.asarray(met.power(2).sum(axis=1))).ravel().astype(np.float32)
        self._scale = scale
        self._width = width

    def _fitted(self) -> sparse.csr_matrix:
        if self._met is None:
            raise NotFitted(f"{self.name} has not been fitted: call fit or load first.")
        return self._met
