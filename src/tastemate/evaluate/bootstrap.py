"""How sure a figure is: 95% intervals by drawing the users again, and paired differences.

Users are the sample, so users are what is drawn: a user with several cuts or seeds is one draw.
Two models over the same users are compared by the difference of each user, which is far surer
than comparing two intervals (Efron & Tibshirani 1993, chapter 13).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import DataError
from tastemate.metrics import Values

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the percentile interval around it."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Return the three numbers under their names."""
        return {"value": self.value, "low": self.low, "high": self.high}


def intervals(
    values: Mapping[str, Values],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return mean and interval of each metric; all arrays are (users,) over the same users.

    Every metric sees the same draws, so their intervals are comparable. No users: all zero.
    """
    if not values:
        return {}
    lengths = {len(one) for one in values.values()}
    if len(lengths) != 1:
        raise DataError(f"Metrics over different users: lengths {sorted(lengths)}.")
    users = lengths.pop()
    if not users:
        return dict.fromkeys(values, Interval(0.0, 0.0, 0.0))
    stacked = np.column_stack([np.asarray(one, np.float64) for one in values.values()])
    means = resampled_means(stacked, seed=seed, resamples=resamples)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    value = stacked.mean(axis=0)
    return {
        name: Interval(float(value[at]), float(low[at]), float(high[at]))
        for at, name in enumerate(values)
    }


def resampled_means(
    values: NDArray[np.float64], *, seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Return the mean of each column over each redrawn set of users, (resamples, columns)."""
    users = len(values)
    rng = np.random.default_rng(seed)
    step = max(1, 4_000_000 // users)
    parts = []
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.integers(0, users, (size, users))
        drawn += np.arange(size)[:, None] * users
        weights = np.bincount(drawn.ravel(), minlength=size * users).reshape(size, users)
        parts.append(weights @ values / users)
    return np.concatenate(parts)


def differences(
    ours: Mapping[str, Values],
    theirs: Mapping[str, Values],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Return ours minus theirs for the metrics both have, paired by user.

    "Better" is an interval above zero; anything else is a higher point estimate.
    """
    both = [name for name in ours if name in theirs]
    for name in both:
        if len(ours[name]) != len(theirs[name]):
            raise DataError(
                f"{name}: {len(ours[name])} users against {len(theirs[name])}; "
                "compare two models over the same users."
            )
    return intervals(
        {name: ours[name] - theirs[name] for name in both}, seed=seed, resamples=resamples
    )
