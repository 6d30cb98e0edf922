"""What an interleaving shows so far: in whose favour each list was answered, and how sure that is.

A line of a drafted list is logged with the arm that put it there. The arm whose lines were
rewarded more often won the list; a list without a reward says nothing of either.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from tastemate.experiment.analyse import LEAST, Estimate, analyse
from tastemate.experiment.definition import Experiment
from tastemate.experiment.interleave import Preference, preference
from tastemate.experiment.outcomes import seen, undrafted
from tastemate.experiment.ratio import Alarm, check


@dataclass(frozen=True, slots=True)
class Side:
    """What became of the lines of one arm."""

    name: str
    control: bool
    lines: int
    rewards: int
    wins: int
    """Lists in which more of its lines were rewarded than of the other arm's."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """The state of an interleaving: its arms, who wins, whether the draft was even."""

    experiment: Experiment
    sides: tuple[Side, ...]
    lists: int
    """Lists that were drafted and shown."""
    found: Preference
    """Of the other arm over the control, over the lists with a reward."""
    draft: Alarm
    """Units by the arm that opened their first list: a coin decides that."""
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the other arm is better or worse than the control, as far as may be said."""
        if self.found.units < LEAST:
            return "too early"
        if self.draft.broken:
            return "split broken"
        return {"a": "better", "b": "worse"}.get(self.found.verdict, self.found.verdict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is not there yet has no key."""
        one, found = self.experiment, self.found
        other = next(side.name for side in self.sides if not side.control)
        compared: dict[str, Any] = {"arm": other, "against": one.control, "verdict": self.verdict}
        if found.units >= LEAST:
            once = _share(found.value, found.once_low, found.once_high, found.once_p)
            many = _share(found.value, found.low, found.high, found.p)
            compared |= {"fixed": once.as_json(), "anytime": many.as_json()}
        counts = {"wins": found.wins, "losses": found.losses, "ties": found.ties}
        metric = one.metric
        return {
            "id": one.id,
            "kind": one.kind,
            "state": one.state,
            "unit": one.unit,
            "metric": {"signals": list(metric.signals), "measure": "wins"}
            | {"window": metric.window, "period": metric.period},
            "level": 1.0 - one.alpha,
            "arms": [{name: getattr(side, name) for name in Side.__slots__} for side in self.sides],
            "lists": self.lists,
            "rewarded": found.wins + found.losses + found.ties,
            "units": found.units,
            "comparisons": [compared | counts],
            "split": self.draft.as_json(),
            "notes": list(self.notes),
        }


def results(
    experiment: Experiment,
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    *,
    now: int | None = None,
    covariate: pl.DataFrame | None = None,
) -> dict[str, Any]:
    """Return what an experiment of either kind shows, as JSON values.

    A `covariate` (`outcomes.before`) is of use to a split only: an interleaving compares within a
    list.
    """
    if experiment.interleaved:
        return drafted(experiment, impressions, signals, now=now).as_json()
    return analyse(experiment, impressions, signals, now=now, covariate=covariate).as_json()


def drafted(
    experiment: Experiment,
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    *,
    now: int | None = None,
) -> Drafted:
    """Return the state of an interleaving over the frames of the store, up to `now`.

    The lists of a unit are one vote, their mean: it met the same two arms in all of them.
    """
    control = experiment.control
    other = next(arm.name for arm in experiment.arms if arm.name != control)
    mine, unfinished = seen(experiment, impressions, signals, now)
    lists = mine.group_by("recommendation", maintain_order=True).agg(
        pl.col("unit").first(),
        pl.col("arm").sort_by("position").first().alias("opened"),
        *(pl.col("reward").filter(pl.col("arm") == name).sum().alias(f"of {at}")
          for at, name in enumerate((other, control))),
    )  # fmt: skip
    told = lists.filter(pl.col("of 0") + pl.col("of 1") > 0)
    found = preference(
        list(told.select("of 0", "of 1").iter_rows()),
        told["unit"].to_list(),
        alpha=experiment.alpha,
        expected=experiment.expected,
    )
    opened = dict(lists.unique("unit", keep="first")["opened"].value_counts().iter_rows())
    draft = check(experiment, {name: int(opened.get(name, 0)) for name in experiment.planned})
    won = {other: found.wins, control: found.losses}
    sides = tuple(_side(mine, arm.name, control, won[arm.name]) for arm in experiment.arms)
    notes = _notes(draft, found, unfinished, undrafted(experiment, impressions, now))
    return Drafted(experiment, sides, len(lists), found, draft, notes)


def _side(mine: pl.DataFrame, name: str, control: str, wins: int) -> Side:
    part = mine.filter(pl.col("arm") == name)
    return Side(name, name == control, len(part), int(part["reward"].sum()), wins)


def _share(value: float, low: float, high: float, p: float) -> Estimate:
    """Return (wins - losses) / lists as a share of wins, a tie counted half to each."""
    return Estimate((1 + value) / 2, (1 + low) / 2, (1 + high) / 2, p)


def _notes(draft: Alarm, found: Preference, unfinished: int, same: int) -> tuple[str, ...]:
    notes = []
    if draft.broken:
        notes.append(
            "One arm opens more lists than a coin allows; find out why (lists that are empty or "
            "not logged) before believing the comparison."
        )
    if found.units < LEAST:
        notes.append(
            f"{found.units} units have rewarded a list; nothing is said before {LEAST} have."
        )
    if same:
        notes.append(
            f"{same} lists were the same of both arms: they were not drafted and are no votes."
        )
    if unfinished:
        notes.append(f"{unfinished} units are left out until their period is over.")
    return tuple(notes)
