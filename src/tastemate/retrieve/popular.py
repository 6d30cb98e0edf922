"""What many people met: the answer for somebody unknown, and the bar every model must clear."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense
from tastemate.types import Floats, Query

By: TypeAlias = Literal["count", "recent", "genre"]

_PRIOR = 10.0
"""Events at the overall mean that are added to an item's mean value."""
_COLD = 0.1
"""Share of the mean count of its genres that an item gets beside its own count."""
_DAY = 86_400.0
_LAST = 0.999
"""Quantile of the times that counts as now for "recent"."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Popularity by item (items,), -inf where there is none, and each item's genres."""

    popularity: Floats
    scale: Scale
    genres: sparse.csr_matrix
    """(items, values), each row of length 1; no columns where there is no such attribute."""
    values: dict[str, int]


class Popular(Dense):
    """Items by how many met them; ties by their shrunken mean value.

    `by="recent"` halves an event's weight every `half_life` days before the last events of the
    data, the 99.9 % quantile of its times. `by="genre"` multiplies by how well the item's genres
    agree with those of the history (what was not disliked) and of the filters; it also serves
    items nobody has met yet.
    There is no `similar`: popular items have nothing in common but how many people met them.
    """

    name = "popular"

    def __init__(
        self, *, by: By = "count", half_life: float = 180.0, attribute: str = "genres"
    ) -> None:
        """Set the options; `attribute` is what "genre" reads. Raises `ConfigError`."""
        if by not in ("count", "recent", "genre"):
            raise ConfigError(f"popular: by is {by!r}; use 'count', 'recent' or 'genre'.")
        if half_life <= 0:
            raise ConfigError(f"popular: half_life is {half_life} days; it must be above 0.")
        self.by: By = by
        self.half_life = half_life
        self.attribute = attribute
        self._state: _Fitted | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Count events per item, each by its weight (`Interactions.weighed`)."""
        weight = interactions.weighed(np.ones(len(interactions), np.float32)).astype(np.float64)
        if self.by == "recent" and len(interactions):
            # Few live events must not make all others old, whose times are positions or long past.
            last = np.quantile(interactions.timestamp, _LAST, method="lower")
            age = np.maximum(last - interactions.timestamp, 0) / _DAY
            weight *= 0.5 ** (age / self.half_life)
        counts = np.zeros(len(catalog))
        np.add.at(counts, interactions.item, weight)
        met = interactions.counts > 0
        popularity = np.where(met, counts + 0.5 * _quality(interactions), -np.inf)
        self._keep(popularity.astype(np.float32), interactions.scale, catalog)
        return self

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items); -inf for items nobody met, unless by genre."""
        state = self._fitted()
        wide = np.tile(state.popularity, (len(queries), 1))
        if self.by == "genre" and state.values:
            spread = _spread(state.popularity, state.genres)
            for row, query in zip(wide, queries, strict=True):
                wanted = self._wanted(state, query)
                if wanted.any():
                    row[:] = np.where(spread > 0, spread * (state.genres @ wanted), -np.inf)
        return wide

    def save(self, folder: Path) -> None:
        """Write the counts."""
        state = self._fitted()
        meta = {"low": state.scale.low, "high": state.scale.high}
        self._write(folder, len(state.popularity), meta, {"popularity": state.popularity})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore the counts; raise `FormatError` if they do not fit the catalogue."""
        meta, arrays = self._read(folder, len(catalog), ("low", "high"), ("popularity",))
        kept, scale = arrays["popularity"], Scale(meta["low"], meta["high"])
        popularity = np.full(len(catalog), -np.inf, dtype=np.float32)
        popularity[: len(kept)] = kept
        self._keep(popularity, scale, catalog)
        return self

    def _keep(self, popularity: Floats, scale: Scale, catalog: Catalog) -> None:
        genres = sparse.csr_matrix(np.zeros((len(catalog), 0), dtype=np.float32))
        codes: dict[str, int] = {}
        if self.by == "genre" and self.attribute in catalog.attributes:
            incidence = catalog.incidence(self.attribute)
            size = np.maximum(np.asarray(incidence.matrix.sum(axis=1)).ravel(), 1)
            scaled = incidence.matrix.multiply((size**-0.5)[:, None])
            genres, codes = sparse.csr_matrix(scaled, dtype=np.float32), incidence.codes
        self._state = _Fitted(popularity, scale, genres, codes)

    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFitted(f"{self.name} has not been fitted: call fit or load first.")
        return self._state

    def _wanted(self, state: _Fitted, query: Query) -> Floats:
        """Return how much the history and the filters ask for each genre, (values,)."""
        history = query.history
        liked = history.items[~state.scale.dislikes(history.values)]
        wanted = np.asarray(state.genres[liked].sum(axis=0), dtype=np.float32).ravel()
        wanted /= max(float(np.linalg.norm(wanted)), 1e-9)
        for wish in query.filters:
            if wish.attribute == self.attribute and wish.operator in ("is", "any of"):
                asked = wish.value if isinstance(wish.value, tuple) else (str(wish.value),)
                for value in asked:
                    if value in state.values:
                        wanted[state.values[value]] += 1
        return wanted


def _quality(interactions: Interactions) -> NDArray[np.float64]:
    """Return each item's shrunken mean value as its place on the scale, 0 to 1."""
    scale = interactions.scale
    if not len(interactions) or scale.high <= scale.low:
        return np.zeros(interactions.n_items)
    value = (interactions.value.astype(np.float64) - scale.low) / (scale.high - scale.low)
    total = np.bincount(interactions.item, value, minlength=interactions.n_items)
    shrunken = (total + _PRIOR * value.mean()) / (interactions.counts + _PRIOR)
    return np.asarray(shrunken, dtype=np.float64)


def _spread(popularity: Floats, genres: sparse.csr_matrix) -> Floats:
    """Return popularity with a little of the genres' own, so that new items have some."""
    met = np.where(np.isfinite(popularity), popularity, 0)
    by_genre = genres.T @ met / np.maximum(np.asarray(genres.sum(axis=0)).ravel(), 1e-9)
    return np.asarray(met + _COLD * (genres @ by_genre), dtype=np.float32)
