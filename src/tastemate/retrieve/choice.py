"""Weights of signals learned from choices: one item taken from a pool, many times over.

The conditional logit (McFadden 1974): the chance that an item is taken is the softmax of its
weighted signals over the pool. Concave, so one answer whatever the start; no library is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.types import Floats, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Pools below each other: signals (rows, signals), which pool a row is of, which were taken.

    Rows of a pool stand together. Pools of which nothing was taken teach nothing.
    """

    signals: Floats
    pool: NDArray[np.int64]
    taken: Mask


def learn(choices: Choices, penalty: float, rounds: int = 60) -> Floats:
    """Return the weight of each signal, (signals,), by penalised maximum likelihood (L-BFGS).

    The penalty is `penalty`/2 times the squared weights of signals scaled to deviation 1. Zeros
    where there is nothing to learn from.
    """
    from scipy.optimize import minimize

    width = choices.signals.shape[1]
    taught = np.zeros(int(choices.pool.max(initial=-1)) + 1, dtype=np.bool_)
    taught[choices.pool[choices.taken]] = True
    rows = taught[choices.pool] if len(choices.pool) else np.zeros(0, dtype=np.bool_)
    if not rows.any():
        return np.zeros(width, dtype=np.float32)
    signals, taken = choices.signals[rows], choices.taken[rows]
    scale = signals.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-6, scale, np.inf)
    signals = (signals / scale).astype(np.float32)
    fresh = np.r_[True, np.diff(choices.pool[rows]) != 0]
    start, pool = np.flatnonzero(fresh), np.cumsum(fresh) - 1
    times = np.bincount(pool[taken], minlength=len(start)).astype(np.float64)
    wanted = signals[taken].sum(axis=0, dtype=np.float64)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = (signals @ weights.astype(np.float32)).astype(np.float64)
        best = np.maximum.reduceat(score, start)
        share = np.exp(score - best[pool])
        total = np.add.reduceat(share, start)
        share *= (times / total)[pool]
        value = float((times * (np.log(total) + best)).sum() - score[taken].sum())
        slope = share.astype(np.float32) @ signals - wanted
        return value + penalty / 2 * float(weights @ weights), slope + penalty * weights

    found = minimize(
        loss, np.zeros(width), jac=True, method="L-BFGS-B", options={"maxiter": rounds}
    )
    return np.asarray(found.x / scale, dtype=np.float32)
