"""Matrix factorisation of what people met, without ratings: the classic of implicit feedback.

Minimises Σ_ui c_ui (r_ui − x_uᵀy_i)² + λ(Σ‖x_u‖² + Σ‖y_i‖²), where r_ui is 1 for an item met
and 0 for every other, and c_ui is 1 + α for an item met and 1 otherwise (Hu, Koren and
Volinsky 2008). The fit is that of the package `implicit`; answers are solved from the history.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import ItemFactors, history_matrix, neighbours, positives, widen
from tastemate.types import Candidate, Floats, Query, Rows


class ImplicitAls(Dense):
    """x_uᵀy_i with the confidence of Hu et al.; x_u is solved in closed form from the history."""

    name = "implicit-als"

    def __init__(
        self,
        *,
        rank: int = 64,
        regularisation: float = 20.0,
        alpha: float = 3.0,
        iterations: int = 15,
        likes_only: bool = False,
        seed: int = 0,
    ) -> None:
        """Set the options; `likes_only` leaves out what people met and did not like.

        Raises `ConfigError` for a value out of range.
        """
        if rank < 1 or iterations < 1 or regularisation <= 0 or alpha < 0:
            raise ConfigError(
                "implicit-als: rank and iterations must be at least 1, regularisation above 0, "
                "alpha 0 or more; 64, 15, 20 and 3 are good starts."
            )
        self.rank = rank
        self.regularisation = regularisation
        self.alpha = alpha
        self.iterations = iterations
        self.likes_only = likes_only
        self.seed = seed
        self._state: ItemFactors | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn from which items people met (or liked)."""
        met = positives(
            interactions.matrix(interactions.value), interactions.scale, self.likes_only
        )
        known = np.bincount(met.indices, minlength=len(catalog)) > 0
        factors = np.zeros((len(catalog), self.rank), np.float32)
        if met.nnz:
            factors[known] = self._alternate(sparse.csr_matrix(met[:, known]))
        self._state = ItemFactors(factors, known, interactions.scale, len(catalog))
        return self

    def _alternate(self, met: sparse.csr_matrix) -> Floats:
        """Return the item factors, (items met, rank)."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        met.sort_indices()
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.rank,
                regularization=self.regularisation,
                iterations=self.iterations,
                num_threads=1,
                random_state=self.seed,
            )
            model.fit(met * np.float32(1 + self.alpha), show_progress=False)
        return np.asarray(model.item_factors, np.float32)

    def _systems(self, state: ItemFactors, met: sparse.csr_matrix) -> NDArray[np.float32]:
        """Return YᵀY + α Σ y yᵀ + λI for each row of `met`, (queries, rank, rank)."""
        shared = state.gram + self.regularisation * np.eye(self.rank, dtype=np.float32)
        systems = np.empty((met.shape[0], self.rank, self.rank), np.float32)
        for at in range(met.shape[0]):
            y = state.factors[met.indices[met.indptr[at] : met.indptr[at + 1]]]
            systems[at] = shared + np.float32(self.alpha) * (y.T @ y)
        return systems

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return x_uᵀy_i, (queries, items); a history without a known item is not served."""
        state = self._fitted()
        met = positives(history_matrix(queries, state.known), state.scale, self.likes_only)
        target = np.float32(1 + self.alpha) * (met @ state.factors)
        solved = np.linalg.solve(self._systems(state, met), target[..., None])[..., 0]
        users = solved.astype(np.float32)
        scores = widen(users @ state.factors.T, state.known, state.width)
        scores[np.diff(met.indptr) == 0] = -np.inf
        return scores

    def contributions(self, query: Query, items: Rows) -> NDArray[np.float32]:
        """Return the share of each event in each score, (items, events); shares sum to it.

        The split of section 5 of Hu et al.: (1 + α) y_iᵀ(YᵀCY + λI)⁻¹ y_j for a met item j.
        """
        state = self._fitted()
        met = positives(history_matrix([query], state.known), state.scale, self.likes_only)
        parts = np.linalg.solve(self._systems(state, met)[0], state.factors[met.indices].T)
        return state.shares(query.history, met.indices, parts * np.float32(1 + self.alpha), items)

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items whose factors point the same way (cosine)."""
        state = self._fitted()
        return neighbours(state.factors, state.known, items, n, self.name)

    def save(self, folder: Path) -> None:
        """Write the item factors."""
        state = self._fitted()
        self._write(folder, len(state.known), *state.packed())

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are unknown to the model."""
        kept = self._read(folder, len(catalog), ("low", "high"), ("factors", "known"))
        self._state = ItemFactors.unpacked(*kept, len(catalog))
        self.rank = int(self._state.factors.shape[1])
        return self

    def _fitted(self) -> ItemFactors:
        if self._state is None:
            raise NotFitted("The model implicit-als has learned nothing yet; call fit or load.")
        return self._state
