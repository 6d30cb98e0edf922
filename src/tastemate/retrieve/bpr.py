"""Bayesian personalised ranking: factors learned from pairs, an item met before one not met.

Minimises −Σ_(u,i,j) log σ(r̂_ui − r̂_uj) + λ‖Θ‖² with r̂_ui = x_uᵀy_i + b_i, where u met i
and j is drawn (Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009). The fit is that of the
package `implicit`, which draws j as often as it was met. An answer keeps the items' side and
minimises the same loss over x_u for the history at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import expit

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import ItemFactors, history_matrix, neighbours, positives, widen
from tastemate.types import Candidate, Floats, Query, Rows

_NEGATIVES = 2000
"""Items drawn once at fit, by how often they were met, to stand against those of a history."""
_PAIRS = 500
"""Pairs at least in the loss of one history; a longer history has one pair an event."""
_STEPS = 5
"""Newton steps on the convex loss of one history; a sixth moves nothing visible."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Item factors, item biases (items,), and the rows that stand in for what is not met."""

    items: ItemFactors
    bias: Floats
    negatives: Rows


class Bpr(Dense):
    """x_uᵀy_i + b_i, ranked; x_u is found from the history by Newton steps on the pair loss."""

    name = "bpr"

    def __init__(
        self,
        *,
        rank: int = 32,
        learning_rate: float = 0.05,
        regularisation: float = 0.05,
        iterations: int = 100,
        likes_only: bool = False,
        seed: int = 0,
    ) -> None:
        """Set the options; `likes_only` leaves out what people met and did not like.

        Raises `ConfigError` for a value out of range.
        """
        if rank < 1 or iterations < 1 or regularisation <= 0 or learning_rate <= 0:
            raise ConfigError(
                "bpr: rank and iterations must be at least 1, learning_rate and regularisation "
                "above 0; 32, 100, 0.05 and 0.05 are good starts."
            )
        self.rank = rank
        self.learning_rate = learning_rate
        self.regularisation = regularisation
        self.iterations = iterations
        self.likes_only = likes_only
        self.seed = seed
        self._state: _Fitted | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn from which items people met (or liked)."""
        met = positives(
            interactions.matrix(interactions.value), interactions.scale, self.likes_only
        )
        known = np.bincount(met.indices, minlength=len(catalog)) > 0
        learned = np.zeros((len(catalog), self.rank + 1), np.float32)
        negatives = np.empty(0, np.int32)
        if met.nnz:
            learned[known] = self._descend(sparse.csr_matrix(met[:, known]))
            rng = np.random.default_rng(self.seed)
            negatives = rng.choice(np.sort(met.indices), _NEGATIVES).astype(np.int32)
        factors = np.ascontiguousarray(learned[:, :-1])
        items = ItemFactors(factors, known, interactions.scale, len(catalog))
        self._state = _Fitted(items, learned[:, -1].copy(), negatives)
        return self

    def _descend(self, met: sparse.csr_matrix) -> Floats:
        """Return item factors and, as the last column, item biases, (items met, rank + 1)."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        met.sort_indices()
        model = BayesianPersonalizedRanking(
            factors=self.rank,
            learning_rate=self.learning_rate,
            regularization=self.regularisation,
            iterations=self.iterations,
            num_threads=1,
            random_state=self.seed,
        )
        model.fit(met, show_progress=False)
        return np.asarray(model.item_factors, np.float32)

    def _fold_in(self, state: _Fitted, met: Rows) -> Floats:
        """Return x_u for the items met, (rank,); zero when nothing stands against them."""
        user = np.zeros(self.rank, np.float64)
        against = state.negatives[~np.isin(state.negatives, met)]
        if not len(against):
            return user.astype(np.float32)
        wins = np.repeat(met, -(-_PAIRS // len(met)))
        loses = np.resize(against, len(wins))
        y, bias = state.items.factors, state.bias
        apart = (y[wins] - y[loses]).astype(np.float64)
        ahead = (bias[wins] - bias[loses]).astype(np.float64)
        # Each pair weighs so that the loss has one unit an event, as in the fit.
        weight = len(met) / len(wins)
        penalty = self.regularisation * len(met)
        for _ in range(_STEPS):
            doubt = expit(-(apart @ user + ahead))
            slope = weight * (doubt @ apart) - penalty * user
            curve = weight * (apart.T * (doubt * (1 - doubt))) @ apart
            curve[np.diag_indices(self.rank)] += penalty
            user += np.linalg.solve(curve, slope)
        return user.astype(np.float32)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return x_uᵀy_i + b_i, (queries, items); a history without a known item is not served."""
        state = self._fitted()
        known = state.items.known
        met = positives(history_matrix(queries, known), state.items.scale, self.likes_only)
        users = np.zeros((len(queries), self.rank), np.float32)
        served = np.diff(met.indptr) > 0
        for at in np.flatnonzero(served):
            users[at] = self._fold_in(state, met.indices[met.indptr[at] : met.indptr[at + 1]])
        scores = widen(users @ state.items.factors.T + state.bias, known, state.items.width)
        scores[~served] = -np.inf
        return scores

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items whose factors point the same way (cosine)."""
        state = self._fitted().items
        return neighbours(state.factors, state.known, items, n, self.name)

    def save(self, folder: Path) -> None:
        """Write the item factors, the biases and the drawn negatives."""
        state = self._fitted()
        meta, arrays = state.items.packed()
        arrays = {**arrays, "bias": state.bias, "drawn": state.negatives}
        self._write(folder, len(state.bias), meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are unknown to the model."""
        by_item = ("factors", "known", "bias")
        meta, arrays = self._read(folder, len(catalog), ("low", "high", "drawn"), by_item)
        items = ItemFactors.unpacked(meta, arrays, len(catalog))
        self._state = _Fitted(items, arrays["bias"], arrays["drawn"])
        self.rank = int(items.factors.shape[1])
        return self

    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFitted("The model bpr has learned nothing yet; call fit or load first.")
        return self._state
