"""How sure a difference is, looked at once or at any time: numbers in, numbers out, over arrays.

Everything is elementwise, so that a simulation of a thousand experiments is one call.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tastemate.errors import ConfigError

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Units, mean and variance (of one unit, by n - 1) of an arm; numbers or equal shapes."""

    n: Numbers
    mean: Numbers
    variance: Numbers

    @classmethod
    def of(cls, values: Numbers) -> "Moments":
        """Return the moments of the values of one arm, (units,)."""
        n = len(values)
        return cls(
            np.asarray(float(n)),
            np.asarray(values.mean() if n else 0.0),
            np.asarray(values.var(ddof=1) if n > 1 else 0.0),
        )

    @property
    def error(self) -> Numbers:
        """Squared standard error of the mean."""
        return np.asarray(self.variance / np.maximum(self.n, 1.0))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Intervals and p-values, elementwise."""

    low: Numbers
    high: Numbers
    p: Numbers


def welch(one: Moments, other: Moments, alpha: float) -> Bounds:
    """Return the interval of the difference `one` - `other` at level 1 - alpha (Welch 1947).

    It holds for one look at a time chosen beforehand. Degrees of freedom after Satterthwaite.
    """
    a, b = one.error, other.error
    square = a + b
    spread = a**2 / np.maximum(one.n - 1, 1.0) + b**2 / np.maximum(other.n - 1, 1.0)
    freedom = np.maximum(np.where(spread > 0, square**2 / np.maximum(spread, 1e-300), 1.0), 1.0)
    error = np.sqrt(square)
    difference = one.mean - other.mean
    reach = special.stdtrit(freedom, 1.0 - alpha / 2) * error
    z = np.abs(difference) / np.maximum(error, 1e-300)
    p = np.where(error > 0, 2.0 * special.stdtr(freedom, -z), np.where(difference == 0, 1.0, 0.0))
    return Bounds(np.asarray(difference - reach), np.asarray(difference + reach), np.asarray(p))


def always_valid(
    difference: Numbers, error: Numbers, n: Numbers, alpha: float, expected: int
) -> Bounds:
    """Return an interval that holds at every look at once, asymptotically.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas
    ("Time-uniform central limit theory and asymptotic confidence sequences", 2024):
    with V = n·rho², radius = error · sqrt((V + 1) / V · 2·log(sqrt(V + 1) / alpha)), where `error`
    is the standard error of the difference and n the units of both arms. rho is chosen so that the
    radius is at its smallest near n = `expected`. p inverts it: sqrt(V + 1)·exp(-z²V / 2(V + 1)),
    which is the mixture sequential probability ratio test of Johari, Koomen, Pekelis & Walsh
    (2017) for a normal mixture.
    """
    if not 0.0 < alpha < 1.0 or expected < 2:
        raise ConfigError("alpha must lie between 0 and 1, and expected be 2 units or more.")
    grown = np.maximum(n, 1.0) * scale(alpha, expected)
    reach = error * np.sqrt((grown + 1) / grown * 2.0 * np.log(np.sqrt(grown + 1) / alpha))
    z = np.minimum(np.abs(difference) / np.maximum(error, 1e-300), 1e6)
    log_p = 0.5 * np.log(grown + 1) - z**2 * grown / (2.0 * (grown + 1))
    p = np.where(error > 0, np.exp(np.minimum(log_p, 0.0)), 1.0)
    return Bounds(np.asarray(difference - reach), np.asarray(difference + reach), np.asarray(p))


def scale(alpha: float, expected: int) -> float:
    """Return rho² of the mixture, which makes the interval tightest near `expected` units."""
    wide = -2.0 * np.log(alpha)
    return float((wide + np.log(wide) + 1.0) / expected)


def linearised(rewards: Numbers, exposures: Numbers) -> Numbers:
    """Return one value a unit whose mean is sum(rewards) / sum(exposures), (units,).

    The delta method for a ratio of means (Deng, Knoblich & Lu 2018): the unit, not the impression,
    is what was drawn, so the ratio is taken as the mean of ratio + (reward - ratio·exposure) /
    mean exposure, whose variance over units is that of the ratio to first order.
    """
    if not len(rewards) or not exposures.sum():
        return np.zeros(len(rewards))
    ratio = rewards.sum() / exposures.sum()
    return np.asarray(ratio + (rewards - ratio * exposures) / exposures.mean())


def adjusted(
    values: tuple[Numbers, Numbers], covariates: tuple[Numbers, Numbers]
) -> tuple[tuple[Numbers, Numbers], float]:
    """Return the values of two arms less what a covariate of before explains, and the share of it.

    CUPED (Deng, Xu, Kohavi & Walker 2013): y - theta·(x - mean x), theta the slope within arms.
    The share is of the variance within arms. The difference of the means keeps its expectation,
    since x was fixed before the arms were drawn.
    """
    y = np.concatenate([one - one.mean() if len(one) else one for one in values])
    x = np.concatenate([one - one.mean() if len(one) else one for one in covariates])
    spread = float(x @ x)
    if spread <= 0.0:
        return values, 0.0
    theta = float(x @ y) / spread
    middle = np.concatenate(covariates).mean()
    made = tuple(
        np.asarray(y - theta * (x - middle)) for y, x in zip(values, covariates, strict=True)
    )
    whole = float(y @ y)
    return (made[0], made[1]), theta**2 * spread / whole if whole > 0 else 0.0
