"""The linear autoencoder with a closed form: strong, exact to explain, fitted in seconds.

Steck 2019, "Embarrassingly shallow autoencoders for sparse data": with P = (XᵀX + λI)⁻¹ the
weights are B = -P / diag(P), column by column, with a zero diagonal.
"""

from typing import Self

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.linear import Linear, Weights, bounds, inverse, solve, supported
from tastemate.types import Floats


class Ease(Linear):
    """EASE over all events; the history asked with is weighted `decay`^age.

    `train_decay` weights the events learned from in the same way: 1 keeps them equal, which is
    clearly better on MovieLens. Memory is 4·m² bytes for m known items, at most `max_items`.
    """

    name = "ease"

    def __init__(
        self,
        *,
        regularisation: float = 100.0,
        decay: float = 0.8,
        train_decay: float = 1.0,
        last: int = 50,
        dislike: float = 0.3,
        min_support: int = 1,
        max_items: int = 5000,
    ) -> None:
        """Set the options; `dislike` scales the weight of a disliked event in the history.

        Raises `ConfigError` for a value out of range.
        """
        super().__init__(decay=decay, last=last, dislike=dislike)
        bounds(self.name, regularisation, min_support, max_items)
        if not 0 < train_decay <= 1:
            raise ConfigError(f"ease: train_decay is {train_decay}; it must be in (0, 1].")
        self.regularisation = regularisation
        self.train_decay = train_decay
        self.min_support = min_support
        self.max_items = max_items

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn the weights; of repeated pairs of user and item the latest counts.

        Events enter by their weight (`Interactions.weighed`).
        """
        items = supported(interactions, self.min_support, self.max_items)
        worth = np.float32(self.train_decay) ** interactions.from_end().astype(np.float32)
        worth = interactions.weighed(worth)
        met = sparse.csr_matrix(interactions.matrix(worth)[:, items])
        matrix = _precision(met, self.regularisation)
        matrix /= -np.diag(matrix).copy()
        np.fill_diagonal(matrix, 0)
        self._keep(Weights(items, matrix, interactions.scale, len(catalog)))
        return self


def _precision(met: sparse.csr_matrix, regularisation: float) -> Floats:
    """Return (XᵀX + λI)⁻¹ up to a positive factor, by the smaller of its two forms.

    With fewer users than items, λ(XᵀX + λI)⁻¹ = I - Xᵀ(XXᵀ + λI)⁻¹X needs only a system of the
    size of the users.
    """
    users, m = met.shape
    if not m:
        return np.zeros((0, 0), dtype=np.float32)
    if users < m:
        gram = (met @ met.T).toarray().astype(np.float64)
        gram[np.diag_indices(users)] += regularisation
        dense = met.toarray()
        matrix = np.ascontiguousarray(-(dense.T @ solve(gram, dense)))
        matrix[np.diag_indices(m)] += 1
        return matrix
    gram = (met.T @ met).toarray()
    gram[np.diag_indices(m)] += np.float32(regularisation)
    return inverse(gram)
