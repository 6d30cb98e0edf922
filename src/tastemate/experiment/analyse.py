"""What an experiment shows so far, and what may be said of it.

Two intervals stand beside each other: one for a single look at a time fixed beforehand, one that
holds however often it is looked at. The verdict rests on the second, because somebody always looks.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tastemate.errors import ConfigError
from tastemate.experiment.definition import Experiment
from tastemate.experiment.intervals import (
    Bounds,
    Moments,
    Numbers,
    adjusted,
    always_valid,
    linearised,
    welch,
)
from tastemate.experiment.outcomes import Outcomes, outcomes
from tastemate.experiment.ratio import Alarm, check

LEAST = 100
"""Units an arm needs before anything is said of it: both intervals rest on a normal mean."""
REWARDED = 20
"""Units with a reward that an arm and its control need together, for the same reason."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, the interval around it, and the p-value of no difference."""

    value: float
    low: float
    high: float
    p: float

    def as_json(self) -> dict[str, float]:
        """Return the numbers under their names."""
        return {"value": self.value, "low": self.low, "high": self.high, "p": self.p}


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """What the units of one arm did."""

    name: str
    control: bool
    units: int
    impressions: int
    rewards: int
    mean: float
    """Of the metric's measure."""
    error: float
    """Standard error of the mean."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against the control; empty of estimates while it is too early."""

    arm: str
    against: str
    verdict: str
    fixed: Estimate | None = None
    """The difference of the means, for one look."""
    anytime: Estimate | None = None
    """The difference of the means, for any number of looks."""
    lift: Estimate | None = None
    """The relative difference, for one look; there is none over a control of 0."""
    anytime_lift: Estimate | None = None
    explained: float = 0.0
    """Share of the variance that the covariate took away."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The state of an experiment: arms, comparisons, whether the split is sound."""

    experiment: Experiment
    arms: tuple[ArmFigures, ...]
    comparisons: tuple[Comparison, ...]
    split: Alarm
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is not there yet has no key."""
        metric = self.experiment.metric
        return {
            "id": self.experiment.id,
            "kind": self.experiment.kind,
            "state": self.experiment.state,
            "unit": self.experiment.unit,
            "metric": {"signals": list(metric.signals), "measure": metric.measure}
            | {"window": metric.window, "period": metric.period},
            "level": 1.0 - self.experiment.alpha,
            "arms": [_plain(one) for one in self.arms],
            "comparisons": [_plain(one) for one in self.comparisons],
            "split": self.split.as_json(),
            "notes": list(self.notes),
        }


def analyse(
    experiment: Experiment,
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    *,
    now: int | None = None,
    covariate: pl.DataFrame | None = None,
) -> Analysis:
    """Analyse an experiment over the frames of the store, up to `now`.

    `covariate` (unit, covariate) is something known of the units before the experiment
    (`outcomes.before`). Each comparison is at level 1 - alpha / comparisons (Bonferroni), so that
    alpha is the chance of any false one. Raises `ConfigError` for an interleaving, whose arms share
    their units: `drafted.drafted` reads that.
    """
    if experiment.interleaved:
        raise ConfigError(f"{experiment.id} is interleaved: read it with drafted.drafted.")
    found = outcomes(experiment, impressions, signals, now)
    return analyse_outcomes(experiment, found, covariate)


def analyse_outcomes(
    experiment: Experiment, found: Outcomes, covariate: pl.DataFrame | None = None
) -> Analysis:
    """Analyse outcomes that were gathered before."""
    frame = found.frame.with_columns(pl.lit(0.0).alias("covariate"))
    if covariate is not None:
        known = covariate.select("unit", pl.col("covariate").cast(pl.Float64))
        frame = found.frame.join(known, on="unit", how="left", maintain_order="left")
        frame = frame.with_columns(pl.col("covariate").fill_null(0.0))
    parts = {arm.name: frame.filter(pl.col("arm") == arm.name) for arm in experiment.arms}
    figures = tuple(_figures(experiment, name, part) for name, part in parts.items())
    split = check(experiment, found.counts(experiment))
    others = [name for name in parts if name != experiment.control]
    alpha = experiment.alpha / len(others)
    compared = tuple(
        _compared(experiment, name, parts[name], parts[experiment.control], alpha, split)
        for name in others
    )
    early = any(one.verdict == "too early" for one in compared)
    return Analysis(experiment, figures, compared, split, _notes(found, split, early))


def _compared(
    experiment: Experiment,
    name: str,
    arm: pl.DataFrame,
    control: pl.DataFrame,
    alpha: float,
    split: Alarm,
) -> Comparison:
    rewarded = sum(part.filter(pl.col("rewards") > 0).height for part in (arm, control))
    if min(len(arm), len(control)) < LEAST or rewarded < REWARDED:
        return Comparison(name, experiment.control, "too early")
    covariates = _numbers(arm, "covariate"), _numbers(control, "covariate")
    values = _values(experiment, arm), _values(experiment, control)
    (ours, theirs), explained = adjusted(values, covariates)
    one, other = Moments.of(ours), Moments.of(theirs)
    fixed = _estimate(one.mean - other.mean, welch(one, other, alpha))
    error = np.sqrt(one.error + other.error)
    many = always_valid(one.mean - other.mean, error, one.n + other.n, alpha, experiment.expected)
    anytime = _estimate(one.mean - other.mean, many)
    lift, anytime_lift = _lifts(one, other, alpha, experiment.expected)
    verdict = "split broken" if split.broken else _verdict(anytime)
    return Comparison(
        name, experiment.control, verdict, fixed, anytime, lift, anytime_lift, explained
    )


def _lifts(
    one: Moments, other: Moments, alpha: float, expected: int
) -> tuple[Estimate | None, Estimate | None]:
    """Return the relative lift by the delta method on the logarithm of the ratio of the means."""
    if one.mean <= 0 or other.mean <= 0:
        return None, None
    ratio = np.log(one.mean / other.mean)
    part, base = one.error / one.mean**2, other.error / other.mean**2
    logs = (
        Moments(one.n, np.log(one.mean), part * one.n),
        Moments(other.n, np.log(other.mean), base * other.n),
    )
    once = welch(*logs, alpha)
    many = always_valid(ratio, np.sqrt(part + base), one.n + other.n, alpha, expected)
    return _estimate(ratio, once, relative=True), _estimate(ratio, many, relative=True)


def _estimate(value: Numbers, bounds: Bounds, relative: bool = False) -> Estimate:
    numbers = [float(value), float(bounds.low), float(bounds.high)]
    if relative:
        numbers = [math.expm1(min(one, 700.0)) for one in numbers]
    return Estimate(numbers[0], numbers[1], numbers[2], float(bounds.p))


def _verdict(found: Estimate) -> str:
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "no difference shown"


def _values(experiment: Experiment, part: pl.DataFrame) -> Numbers:
    """Return the metric of each unit, (units,)."""
    rewards = _numbers(part, "rewards")
    if experiment.metric.measure == "any":
        return np.asarray(rewards > 0, dtype=np.float64)
    if experiment.metric.measure == "count":
        return rewards
    return linearised(rewards, _numbers(part, "impressions"))


def _numbers(part: pl.DataFrame, column: str) -> Numbers:
    return np.asarray(part[column].cast(pl.Float64).to_numpy(), dtype=np.float64)


def _figures(experiment: Experiment, name: str, part: pl.DataFrame) -> ArmFigures:
    moments = Moments.of(_values(experiment, part))
    return ArmFigures(
        name,
        name == experiment.control,
        len(part),
        int(part["impressions"].sum()),
        int(part["rewards"].sum()),
        float(moments.mean),
        float(np.sqrt(moments.error)),
    )


def _notes(found: Outcomes, split: Alarm, early: bool) -> tuple[str, ...]:
    notes = []
    if not split.expected:
        notes.append("No arm has a share, so nobody is in it. Begin another with shares above 0.")
    if split.broken:
        notes.append(
            "The units are not split as planned; find out why before believing any comparison."
        )
    if found.crossed:
        notes.append(
            f"{found.crossed} units were seen in more than one arm; they count for the first."
        )
    if found.unfinished:
        notes.append(f"{found.unfinished} units are left out until their period is over.")
    if early and split.expected:
        notes.append(
            f"Too early to say anything: {LEAST} units an arm are needed, and {REWARDED} with a "
            "reward in an arm and its control together."
        )
    return tuple(notes)


def _plain(value: ArmFigures | Comparison) -> dict[str, Any]:
    """Return JSON values of the fields that are there."""
    plain: dict[str, Any] = {}
    for name in value.__slots__:
        found = getattr(value, name)
        if isinstance(found, Estimate):
            plain[name] = found.as_json()
        elif found is not None:
            plain[name] = found
    return plain
