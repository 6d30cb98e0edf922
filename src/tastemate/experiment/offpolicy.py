"""What another policy would have earned, from the logs of the one that served.

Lists of an exploring policy carry the chance with which each place was drawn. Weighted by how much
likelier (or unlikelier) another policy would have shown the same, they stand for its lists. The
estimate says how many lists its weight really rests on, and refuses where those are too few.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tastemate.errors import ConfigError, DataError, StageError

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
Method: TypeAlias = Literal["ips", "snips", "dr"]
Reach: TypeAlias = Literal["list", "cascade", "step"]

LEAST = 100.0
"""Effective lists below which nothing is estimated."""
LOST = 5.0
"""Standard errors by which the mean weight may miss 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Lists as they were shown: arrays (lists, places); a place that was not filled is not there.

    Raises `DataError` for shapes that differ and propensities outside (0, 1].
    """

    rewards: Numbers
    propensity: Numbers
    """Chance of the item at its place, given what stands before it."""
    there: Mask
    users: NDArray[np.intp]
    """Who saw each list, as codes (lists,): lists of one person are not independent."""

    def __post_init__(self) -> None:
        shapes = {self.rewards.shape, self.propensity.shape, self.there.shape}
        if len(shapes) != 1 or len(self.users) != len(self.rewards):
            raise DataError("Rewards, propensities and places of logged lists differ in shape.")
        shown = self.propensity[self.there]
        if not ((shown > 0.0) & (shown <= 1.0 + 1e-9)).all():
            raise DataError("A logged propensity is not above 0 and at most 1. Leave its list out.")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What the policy to judge would do where the logged lists stand: arrays (lists, places)."""

    chance: Numbers
    """Its chance of the logged item at its place, given the logged items before it."""
    logged: Numbers
    """A model's expected reward of the logged item at its place; zeros: no model."""
    wanted: Numbers
    """The model's expected reward of what the target would put there, given those before it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected reward of a list of the target policy, and what the estimate rests on."""

    method: str
    reach: str
    value: float
    low: float
    high: float
    lists: int
    effective: float
    """Effective sample size at the place where it is least: (sum w)² / sum w²."""
    weight: float
    """Mean weight at the last place before clipping; 1 where the log covers the target."""
    clipped: float
    """Share of lists with a weight that was cut: the estimate is then too low, if anything."""
    clip: float
    """What weights were cut at; 0: nothing was."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def estimate(
    logged: Logged,
    target: Target,
    method: Method = "dr",
    *,
    reach: Reach = "cascade",
    clip: float = 0.0,
    least: float = LEAST,
    alpha: float = 0.05,
) -> Estimate:
    """Estimate the mean reward of a list under the target, with a normal interval over users.

    With r_j = target chance / logged propensity at place j, the weight of place j is the product
    of r over the whole "list", over the places up to j ("cascade": a reward may depend on what
    stands above it; McInerney et al. 2020), or r_j alone ("step": neither; it is only right where
    the target's lists begin as the logged ones do). "ips" is the mean of weight · reward (Horvitz &
    Thompson 1952; Swaminathan et al. 2017), "snips" divides each place by its mean weight
    (Swaminathan & Joachims 2015), "dr" adds the model's expectation and weights only what it
    missed (Dudík et al. 2011; for cascades Kiyohara et al. 2022); its model must not have seen the
    lists it is used on. `clip` cuts weights at that value (0: never).

    Raises `StageError` where the effective sample size is below `least`, or where the mean weight
    is `LOST` standard errors away from 1: then the log never showed what the target would show.
    """
    _check(logged, target, method, reach, clip, alpha)
    whole, before = _weights(logged, target, reach)
    lists = len(whole)
    effective = _effective(whole, logged.there)
    if lists < 2 or effective < least:
        raise StageError(
            f"The logs say too little of this policy: {lists} lists are worth {effective:.0f}, and "
            f"{least:.0f} are needed. Log more lists, explore more, or judge a policy nearer to "
            "the one that served."
        )
    weight = _covered(whole[:, -1], logged.users)
    clipped = 0.0
    if clip:
        clipped = float((whole > clip).any(axis=1).mean())
        whole, before = np.minimum(whole, clip), np.minimum(before, clip)
    each, value = _each(logged, target, method, whole, before)
    error = _error(each, logged.users)
    groups = len(np.unique(logged.users))
    wide = float(special.stdtrit(max(groups - 1, 1), 1.0 - alpha / 2)) * error
    return Estimate(
        method, reach, value, value - wide, value + wide, lists, effective, weight, clipped, clip
    )


def _check(
    logged: Logged, target: Target, method: str, reach: str, clip: float, alpha: float
) -> None:
    if method not in get_args(Method) or reach not in get_args(Reach):
        raise ConfigError(
            f"{method!r} with {reach!r}: the method is one of {', '.join(get_args(Method))}, the "
            f"reach one of {', '.join(get_args(Reach))}."
        )
    if clip < 0.0 or not 0.0 < alpha < 1.0:
        raise ConfigError(f"clip is {clip}, alpha {alpha}: clip >= 0, and alpha within 0..1.")
    shapes = {one.shape for one in (target.chance, target.logged, target.wanted)}
    if shapes != {logged.rewards.shape}:
        raise DataError("The target's arrays and the logged lists differ in shape.")
    chance = target.chance[logged.there]
    if not ((chance >= 0.0) & (chance <= 1.0 + 1e-9)).all():
        raise DataError("A target's chance lies outside 0..1.")


def _weights(logged: Logged, target: Target, reach: Reach) -> tuple[Numbers, Numbers]:
    """Return the weight of each place, and that of what stands before it, (lists, places)."""
    likelier = target.chance / np.maximum(logged.propensity, 1e-300)
    ratio = np.asarray(np.where(logged.there, likelier, 1.0), dtype=np.float64)
    if reach == "step":
        return ratio, np.ones_like(ratio)
    upto: Numbers = np.asarray(np.cumprod(ratio, axis=1), dtype=np.float64)
    before: Numbers = np.column_stack((np.ones(len(upto)), upto[:, :-1]))
    if reach == "list":
        upto = np.repeat(upto[:, -1:], ratio.shape[1], axis=1)
    return upto, before


def _effective(whole: Numbers, there: Mask) -> float:
    """Return the smallest effective sample size over the places that are there."""
    used = there.any(axis=0)
    if not used.any():
        return 0.0
    found = whole[:, used]
    square = (found**2).sum(axis=0)
    return float((found.sum(axis=0) ** 2 / np.maximum(square, 1e-300)).min())


def _covered(last: Numbers, users: NDArray[np.intp]) -> float:
    """Return the mean weight; raise `StageError` where it cannot be 1."""
    mean = float(last.mean())
    error = _error(last, users)
    if abs(mean - 1.0) > LOST * error + 1e-6:
        raise StageError(
            f"The weights average {mean:.2f} and not 1: the log never showed some of what this "
            "policy would show, or its propensities are wrong. Judge a policy that explores the "
            "same candidates."
        )
    return mean


def _each(
    logged: Logged, target: Target, method: Method, whole: Numbers, before: Numbers
) -> tuple[Numbers, float]:
    """Return each list's part in the estimate (its mean is the value), and the value."""
    rewards = np.where(logged.there, logged.rewards, 0.0)
    if method == "ips":
        each = (whole * rewards).sum(axis=1)
        return each, float(each.mean())
    if method == "dr":
        model = np.where(logged.there, target.logged, 0.0)
        wanted = np.where(logged.there, target.wanted, 0.0)
        each = (whole * (rewards - model) + before * wanted).sum(axis=1)
        return each, float(each.mean())
    scale = np.maximum(whole.mean(axis=0), 1e-300)
    places = (whole * rewards).mean(axis=0) / scale
    value = float(places.sum())
    # The delta method for a sum of ratios.
    return (whole * (rewards - places) / scale).sum(axis=1) + value, value


def _error(each: Numbers, users: NDArray[np.intp]) -> float:
    """Return the standard error of the mean, lists of one user taken together."""
    _, codes = np.unique(users, return_inverse=True)
    sums = np.bincount(codes, weights=each - each.mean())
    groups = len(sums)
    if groups < 2:
        return float("inf")
    return float(np.sqrt((sums**2).sum() * groups / (groups - 1)) / len(each))
