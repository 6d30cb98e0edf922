"""How much each way of being alike counts: the marginal likelihood of the training ratings.

Rasmussen & Williams 2006, chapter 5. No validation rating is used. A few ratings of a few people
are enough for a dozen numbers, so the largest histories are thinned.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from tastemate.train.ratings.pairs import Numbers
from tastemate.types import Floats

_PEOPLE = 250
_RATINGS = 80
_LEAST, _MOST = np.log(1e-4), np.log(4.0)
_QUIET = np.log(0.1)
"""The noise stays above a tenth of the variance: ratings repeat no better than that."""


def weigh(
    groups: Sequence[NDArray[np.intp]],
    blocks: Callable[[NDArray[np.intp]], list[Floats]],
    residual: Numbers,
    start: Numbers,
    *,
    seed: int = 0,
    steps: int = 25,
) -> Numbers:
    """Return the weight of each block and last the noise, as shares of the residual's variance.

    `groups` are the places of each person's ratings; `blocks` compares ratings at places.
    """
    rng = np.random.default_rng(seed)
    asked = [group for group in groups if len(group) > 1]
    chosen = [asked[at] for at in rng.permutation(len(asked))[:_PEOPLE]]
    variance = float(np.mean(np.square(residual))) if len(residual) else 0.0
    if not chosen or variance <= 0:
        return start
    cases = []
    for group in chosen:
        some = group
        if len(group) > _RATINGS:
            some = np.sort(rng.choice(group, _RATINGS, replace=False))
        cases.append((blocks(some), residual[some] / np.sqrt(variance)))

    def cost(logs: Numbers) -> tuple[float, Numbers]:
        return _cost(logs, cases)

    limits = [(_LEAST, _MOST)] * (len(start) - 1) + [(_QUIET, _MOST)]
    began = np.clip(np.log(start), [low for low, _ in limits], [high for _, high in limits])
    found = minimize(
        cost, began, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": steps}
    )
    return np.asarray(np.exp(found.x))


def _cost(logs: Numbers, cases: Sequence[tuple[list[Floats], Numbers]]) -> tuple[float, Numbers]:
    """Return minus the log marginal likelihood and its slope, up to a constant."""
    weights, noise = np.exp(logs[:-1]), float(np.exp(logs[-1]))
    total, slope = 0.0, np.zeros(len(logs))
    for blocks, left in cases:
        covariance = np.zeros(blocks[0].shape)
        for weight, block in zip(weights, blocks, strict=True):
            covariance += weight * block
        covariance[np.diag_indices(len(left))] += noise
        lower = np.linalg.cholesky(covariance)
        inverse = cho_solve((lower, True), np.eye(len(left)), check_finite=False)
        alpha = inverse @ left
        total += 0.5 * float(left @ alpha) + float(np.log(np.diag(lower)).sum())
        pull = inverse - np.outer(alpha, alpha)
        for at, block in enumerate(blocks):
            slope[at] += 0.5 * weights[at] * float(np.vdot(pull, block))
        slope[-1] += 0.5 * noise * float(np.trace(pull))
    return total, slope
