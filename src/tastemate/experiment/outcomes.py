"""What each unit of an experiment did: impressions and signals, gathered arm by arm."""

import re
from dataclasses import dataclass

import polars as pl

from tastemate.experiment.definition import INTERLEAVED, Experiment
from tastemate.rank.credit import credited, require, standing


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One row a unit, in the order in which they were first seen."""

    frame: pl.DataFrame
    """unit, arm, first (seconds), impressions, rewards."""
    crossed: int = 0
    """Units seen in more than one arm; each counts for the arm it was first seen in."""
    unfinished: int = 0
    """Units whose period is not over and which are therefore left out."""

    def counts(self, experiment: Experiment) -> dict[str, int]:
        """Return how many units each arm has."""
        found = dict(self.frame.group_by("arm").len().iter_rows())
        return {arm.name: int(found.get(arm.name, 0)) for arm in experiment.arms}


def outcomes(
    experiment: Experiment,
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    now: int | None = None,
) -> Outcomes:
    """Return the outcomes of an experiment's units up to `now` (default: the last that is known).

    The frames are those of the store (`Impressions.frame`, `Events.frame`). Impressions before
    `experiment.since` and after its end do not count, nor those whose unit has no name.
    """
    mine, unfinished = seen(experiment, impressions, signals, now)
    found = mine.group_by("unit", maintain_order=True).agg(
        pl.col("arm").first(),
        pl.col("first").first(),
        pl.len().cast(pl.Int64).alias("impressions"),
        pl.col("reward").sum().alias("rewards"),
        pl.col("arm").n_unique().alias("_arms"),
    )
    crossed = int((found["_arms"] > 1).sum())
    return Outcomes(found.drop("_arms"), crossed, unfinished)


def seen(
    experiment: Experiment,
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    now: int | None = None,
) -> tuple[pl.DataFrame, int]:
    """Return the impressions that count, oldest first, and how many units are unfinished.

    Beside the columns of the store each has `arm` (of this experiment), `unit`, `first` (when its
    unit was first seen) and `reward`.
    """
    require(impressions, ("arm",), "impressions")
    metric = experiment.metric
    rewarded = credited(impressions, signals, metric.signals, metric.window)
    moment = _last(impressions, signals) if now is None else now
    mine = (
        rewarded.with_columns(_arm(experiment.id), pl.col(experiment.unit).alias("unit"))
        .filter(
            pl.col("arm").is_in([arm.name for arm in experiment.arms]),
            pl.col("unit") != "",
            pl.col("at").is_between(experiment.since, _end(experiment, moment)),
        )
        .sort("at", maintain_order=True)
        .with_columns(pl.col("at").first().over("unit").alias("first"))
    )
    unfinished = 0
    if metric.period:
        over = pl.col("first") + metric.period + metric.window <= moment
        unfinished = mine.filter(~over)["unit"].n_unique()
        mine = mine.filter(over, pl.col("at") < pl.col("first") + metric.period)
    return mine, unfinished


def undrafted(experiment: Experiment, impressions: pl.DataFrame, now: int | None = None) -> int:
    """Return how many lists of an interleaving had no line of an arm: both lists were the same."""
    last = experiment.stopped or now
    mine = impressions.select("recommendation", "at", _arm(experiment.id)).filter(
        pl.col("arm") == INTERLEAVED,
        pl.col("at") >= experiment.since,
        pl.lit(True) if last is None else pl.col("at") <= last,
    )
    return mine["recommendation"].n_unique()


def before(experiment: Experiment, signals: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """Return unit and `covariate`: counted signals in the `seconds` before the experiment.

    What was done before anybody was assigned cannot depend on the arm, which is what CUPED needs.
    Units without a row did nothing.
    """
    start = experiment.since
    return (
        standing(signals)
        .filter(
            pl.col("kind").is_in(list(experiment.metric.signals)),
            pl.col("timestamp") >= start - seconds,
            pl.col("timestamp") < start,
            pl.col(experiment.unit) != "",
        )
        .group_by(pl.col(experiment.unit).alias("unit"), maintain_order=True)
        .agg(pl.len().cast(pl.Float64).alias("covariate"))
    )


def _arm(name: str) -> pl.Expr:
    """The arm of one experiment out of what an impression keeps (`assign.written`)."""
    pattern = rf"(?:^|;){re.escape(name)}=([^;]*)"
    return pl.col("arm").str.extract(pattern, 1).fill_null("").alias("arm")


def _end(experiment: Experiment, moment: int) -> int:
    return min(moment, experiment.stopped) if experiment.stopped else moment


def _last(impressions: pl.DataFrame, signals: pl.DataFrame) -> int:
    times = [impressions["at"].max(), signals["timestamp"].max()]
    return max((int(str(time)) for time in times if time is not None), default=0)
