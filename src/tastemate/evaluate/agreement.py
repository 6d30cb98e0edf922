"""How far the rankings of two models agree, place by place."""

from collections.abc import Sequence

import numpy as np

from tastemate.metrics import as_lists


def rank_biased_overlap(one: Sequence[int], other: Sequence[int], p: float = 0.9) -> float:
    """Agreement of two rankings, weight p^(depth-1) at each depth, extrapolated; 1 is the same.

    Webber, Moffat & Zobel 2010, equation 32 over the common depth. Two empty rankings agree.
    """
    a, b = (as_lists([ranking], max(len(ranking), 1))[0] for ranking in (one, other))
    depth = min(len(one), len(other))
    if not depth:
        return 1.0 if len(one) == len(other) else 0.0
    agreed = np.array([len(np.intersect1d(a[:d], b[:d])) / d for d in range(1, depth + 1)])
    weights = p ** np.arange(depth)
    return float((1 - p) * (weights @ agreed) + agreed[-1] * p**depth)
