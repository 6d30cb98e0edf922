"""The mean of a Gaussian process whose groups (people, or items) are independent."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from tastemate.train.ratings.pairs import Numbers
from tastemate.types import Floats


class Smoother:
    """Splits what is left of ratings into a smooth part and noise, group by group.

    Each group's covariance is factored once; smoothing again costs a back-substitution.
    """

    def __init__(
        self,
        groups: Sequence[NDArray[np.intp]],
        covariance: Callable[[NDArray[np.intp]], Floats],
        noise: float,
    ) -> None:
        """Factor the covariance of each group's ratings; `noise` is the variance of the rest."""
        self.noise = noise
        self._factored = []
        for group in groups:
            if len(group):
                full = covariance(group)
                full[np.diag_indices(len(group))] += np.float32(noise)
                lower = cho_factor(full, lower=True, overwrite_a=True, check_finite=False)
                self._factored.append((group, lower))

    def alphas(self, residual: Numbers) -> Numbers:
        """Return (K + noise·I)⁻¹ residual: what each rating weighs in a prediction."""
        alpha = np.zeros(len(residual))
        for group, lower in self._factored:
            alpha[group] = cho_solve(lower, residual[group].astype(np.float32), check_finite=False)
        return alpha

    def smooth(self, residual: Numbers, alpha: Numbers) -> Numbers:
        """Return the smooth part at the ratings themselves: K alpha."""
        return np.asarray(residual - self.noise * alpha)
