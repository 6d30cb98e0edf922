"""Matrix factorisation of ratings with biases: the model that predicts a rating on the scale.

A rating is r̂ = μ + b_u + b_i + p_uᵀq_i (Koren, Bell and Volinsky 2009). The means are
shrunken and settled first; alternating least squares then fits the factors to what they leave,
with the penalty of a row multiplied by its number of ratings (weighted-λ: Zhou et al. 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import latest, neighbours, ridge, stacked, widen
from tastemate.types import Candidate, Floats, History, Mask, Query, Rows

_ROUNDS = 3
"""Times the two sets of means are estimated in turn; a fourth changes no third digit."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """What is learned: the mean, the scale, and a bias and a factor for each item."""

    mean: float
    scale: Scale
    bias: Floats
    factors: Floats
    rated: Mask
    width: int


class BiasedAls(Dense):
    """r̂ = μ + b_u + b_i + p_uᵀq_i, from ratings; scores are predicted ratings.

    Where all values are equal (clicks, purchases) there is no rating to predict: the model fits
    without complaint, serves no query (scores are -inf) and predicts the constant.
    """

    name = "als"

    def __init__(
        self,
        *,
        rank: int = 12,
        regularisation: float = 0.2,
        iterations: int = 10,
        user_shrinkage: float = 5.0,
        item_shrinkage: float = 3.0,
        seed: int = 0,
    ) -> None:
        """Set the options; a shrinkage is the number of ratings at the mean added to each mean.

        Raises `ConfigError` for a value out of range.
        """
        if rank < 1 or iterations < 0:
            raise ConfigError("als: rank must be at least 1 and iterations at least 0.")
        if regularisation <= 0 or user_shrinkage < 0 or item_shrinkage < 0:
            raise ConfigError(
                "als: regularisation must be above 0, the shrinkages 0 or more; "
                "0.2, 5 and 3 are good starts."
            )
        self.rank = rank
        self.regularisation = regularisation
        self.iterations = iterations
        self.user_shrinkage = user_shrinkage
        self.item_shrinkage = item_shrinkage
        self.seed = seed
        self._state: _Fitted | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn from the values; of repeated pairs the latest counts."""
        ratings = interactions.matrix(interactions.value)
        mean = float(ratings.data.mean(dtype=np.float64)) if ratings.nnz else 0.0
        rated = np.bincount(ratings.indices, minlength=len(catalog)) > 0
        scale = interactions.scale
        if not ratings.nnz or scale.high <= scale.low:
            blank = np.zeros((len(catalog), self.rank), np.float32)
            self._state = _Fitted(mean, scale, blank[:, 0].copy(), blank, rated, len(catalog))
            return self
        user_bias, bias = self._means(ratings, mean)
        left = sparse.csr_matrix(ratings)
        users = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))
        left.data = left.data - np.float32(mean) - user_bias[users] - bias[left.indices]
        factors = np.zeros((len(catalog), self.rank), np.float32)
        factors[rated] = self._alternate(left[:, rated])
        self._state = _Fitted(mean, scale, bias, factors, rated, len(catalog))
        return self

    def _means(self, ratings: sparse.csr_matrix, mean: float) -> tuple[Floats, Floats]:
        """Return shrunken biases of users and of items, each given the other."""
        users = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr))
        items = ratings.indices
        n_users = np.diff(ratings.indptr) + self.user_shrinkage
        n_items = np.bincount(items, minlength=ratings.shape[1]) + self.item_shrinkage
        above = ratings.data.astype(np.float64) - mean
        user_bias = np.zeros(len(n_users))
        item_bias = np.zeros(len(n_items))
        for _ in range(_ROUNDS):
            rest = np.bincount(items, above - user_bias[users], minlength=len(n_items))
            item_bias = rest / np.maximum(n_items, 1)
            rest = np.bincount(users, above - item_bias[items], minlength=len(n_users))
            user_bias = rest / np.maximum(n_users, 1)
        return user_bias.astype(np.float32), item_bias.astype(np.float32)

    def _alternate(self, left: sparse.csr_matrix) -> Floats:
        """Return the item factors after all iterations, (rated items, rank)."""
        by_item = sparse.csr_matrix(left.T)
        rng = np.random.default_rng(self.seed)
        start = rng.standard_normal((left.shape[1], self.rank)) / np.sqrt(self.rank)
        factors: Floats = start.astype(np.float32)
        for _ in range(self.iterations):
            users = ridge(left, factors, self._penalty(left))
            factors = ridge(by_item, users, self._penalty(by_item))
        return factors if self.iterations else np.zeros_like(factors)

    def _penalty(self, values: sparse.csr_matrix) -> Floats:
        """Return λ·n for each row; λ for a row without ratings."""
        counts = np.maximum(np.diff(values.indptr), 1)
        return (self.regularisation * counts).astype(np.float32)

    def _left(self, state: _Fitted, history: History) -> tuple[float, NDArray[np.intp], Floats]:
        """Return b_u, the events that count, and what they leave over the means."""
        events = latest(history, state.rated)
        above = history.values[events] - np.float32(state.mean) - state.bias[history.items[events]]
        bias = float(above.sum(dtype=np.float64)) / max(len(events) + self.user_shrinkage, 1)
        return bias, events, above - np.float32(bias)

    def _fold_in(self, state: _Fitted, queries: Sequence[Query]) -> tuple[Floats, Floats, Mask]:
        """Return b_u (queries,), p_u (queries, rank), and who has a usable history."""
        found = [self._left(state, query.history) for query in queries]
        rows = [query.history.items[at] for query, (_, at, _) in zip(queries, found, strict=True)]
        left = stacked(rows, [rest for _, _, rest in found], len(state.rated))
        factors = ridge(left, state.factors, self._penalty(left))
        bias = np.array([bias for bias, _, _ in found], np.float32)
        return bias, factors, np.diff(left.indptr) > 0

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return predicted ratings, not clipped, (queries, items); -inf for items never rated.

        A query whose history holds no rated item cannot be served: its row is -inf.
        """
        state = self._fitted()
        if state.scale.high <= state.scale.low or not len(queries):
            return np.full((len(queries), state.width), -np.inf, np.float32)
        bias, factors, served = self._fold_in(state, queries)
        scores = factors @ state.factors.T
        scores += np.float32(state.mean) + bias[:, None] + state.bias
        scores = widen(scores, state.rated, state.width)
        scores[~served] = -np.inf
        return scores

    def predict(self, queries: Sequence[Query], items: Sequence[Rows]) -> list[Floats]:
        """Predict the rating of each item for each query, clipped to the scale of the data.

        Somebody without a history gets the item's mean, an item never rated the person's mean.
        """
        state = self._fitted()
        bias, factors, _ = self._fold_in(state, queries)
        predicted = []
        for user_bias, factor, rows in zip(bias, factors, items, strict=True):
            ratings = np.full(len(rows), np.float32(state.mean) + user_bias, np.float32)
            known = np.flatnonzero(rows < len(state.rated))
            at = rows[known]
            ratings[known] += state.bias[at] + state.factors[at] @ factor
            predicted.append(np.clip(ratings, state.scale.low, state.scale.high))
        return predicted

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the rated items whose factors point the same way (cosine)."""
        state = self._fitted()
        return neighbours(state.factors, state.rated, items, n, self.name)

    def contributions(self, query: Query, items: Rows) -> NDArray[np.float32]:
        """Return what each rating of the history adds to each item's p_uᵀq_i, (items, events).

        p_u is linear in what the ratings leave over the means, so the shares sum to p_uᵀq_i.
        """
        state = self._fitted()
        history = query.history
        share = np.zeros((len(items), len(history)), np.float32)
        _, events, left = self._left(state, history)
        if not len(events):
            return share
        met = state.factors[history.items[events]]
        system = met.T @ met
        system[np.diag_indices(self.rank)] += np.float32(self.regularisation * len(events))
        known = np.flatnonzero(items < len(state.rated))
        # solved for the few items, not for the many events: the system is symmetric
        asked = np.linalg.solve(system, state.factors[items[known]].T)
        share[known[:, None], events] = (asked.T @ met.T) * left
        return share

    def save(self, folder: Path) -> None:
        """Write the biases and factors."""
        state = self._fitted()
        self._write(
            folder,
            len(state.rated),
            {"mean": state.mean, "low": state.scale.low, "high": state.scale.high},
            {"bias": state.bias, "factors": state.factors, "rated": state.rated},
        )

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are unknown to the model."""
        need, by_item = ("mean", "low", "high"), ("bias", "factors", "rated")
        meta, arrays = self._read(folder, len(catalog), need, by_item)
        self._state = _Fitted(
            meta["mean"],
            Scale(meta["low"], meta["high"]),
            arrays["bias"],
            arrays["factors"],
            arrays["rated"],
            len(catalog),
        )
        self.rank = int(arrays["factors"].shape[1])
        return self

    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFitted("The model als has learned nothing yet; call fit or load first.")
        return self._state
