"""What people turn to at what time, learned from the times of their events.

The question is asked within each person: somebody who only ever watches at night tells nothing
about the night. So what a person met at a time is compared with what the same person met at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.context import AXES, CLOCK, moment
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.traits import Traits, is_year
from tastemate.types import Floats, Leaning, Operator

CLOCK_STARTS = 86_400 * 365
"""Times below are places in a list, not seconds since 1970."""
_AN_HOUR = 3_600
MOMENTS: tuple[tuple[str, str], ...] = tuple(
    (axis, value) for axis in CLOCK for value in AXES[axis]
)
"""The moments a clock tells, in the order of the rows of `Learned.lift`."""


@dataclass(frozen=True)
class Learned:
    """How much more often each trait is met at each moment: log lift, shrunk towards 0.

    `lift` is (moments, traits), rows as `MOMENTS`; `names` says what each trait is; `events` is
    how many events it was learned from.
    """

    lift: Floats
    names: tuple[tuple[str, str], ...]
    events: int

    def leanings(
        self, context: Mapping[str, str], n: int = 6, least: float = 0.05
    ) -> tuple[Leaning, ...]:
        """Return the `n` strongest leanings of a moment, those of a lift of at least `least`."""
        found: list[Leaning] = []
        for row, (axis, value) in enumerate(MOMENTS):
            if context.get(axis) == value:
                found += [
                    Leaning(*self._is(int(at)), float(self.lift[row, at]), _said(axis, value))
                    for at in np.flatnonzero(np.abs(self.lift[row]) >= least)
                ]
        found.sort(key=lambda one: -abs(one.weight))
        return tuple(found[:n])

    def _is(self, at: int) -> tuple[str, Operator, str]:
        attribute, value = self.names[at]
        return attribute, "is", value


def learn(
    interactions: Interactions,
    catalog: Catalog,
    *,
    zone: tzinfo = UTC,
    southern: bool = False,
    prior: float = 30.0,
    traits: Traits | None = None,
) -> Learned:
    """Learn from the times of events: ln((observed + prior) / (expected + prior)) a trait.

    Expected is what each person's events would hold if their traits came at any moment alike.
    Events whose times are no clock's (positions in a list) are left out. Raises `ConfigError` for
    a prior that is not above 0.
    """
    if not prior > 0:
        raise ConfigError(f"prior is {prior}; it must be above 0, or one event decides.")
    held = traits if traits is not None else Traits.of(catalog, exclude=_years(catalog))
    timed = interactions.where(interactions.timestamp >= CLOCK_STARTS)
    names = tuple(held.name(trait) for trait in range(held.matrix.shape[1]))
    if not len(timed):
        return Learned(np.zeros((len(MOMENTS), len(names)), np.float32), names, 0)
    at = _moments(timed, zone, southern=southern)
    carried = sparse.csr_matrix(held.matrix[timed.item], dtype=np.float64)
    ones = np.ones(len(timed))
    who = sparse.csr_matrix(
        (ones, (timed.user, np.arange(len(timed)))), shape=(timed.n_users, len(timed))
    )
    observed = np.asarray((at.T @ carried).todense())
    times, each = who @ at, who @ carried
    total = np.maximum(np.asarray(who.sum(axis=1)).ravel(), 1)
    expected = np.asarray((sparse.diags(1 / total) @ times).T @ each.todense())
    lift = np.log((observed + prior) / (expected + prior)).astype(np.float32)
    return Learned(lift, names, len(timed))


def _moments(timed: Interactions, zone: tzinfo, *, southern: bool) -> sparse.csr_matrix:
    """Return events × `MOMENTS`, binary; the clock is read once an hour that occurs."""
    hours, which = np.unique(timed.timestamp // _AN_HOUR, return_inverse=True)
    table = np.zeros((len(hours), len(MOMENTS)))
    for row, hour in zip(table, hours.tolist(), strict=True):
        told = moment(hour * _AN_HOUR, zone, southern=southern)
        for column, (axis, value) in enumerate(MOMENTS):
            row[column] = told[axis] == value
    return sparse.csr_matrix(table[which])


def _years(catalog: Catalog) -> tuple[str, ...]:
    """Return the numeric years: a decade is no value that a leaning could name."""
    return tuple(n for n in catalog.attributes if catalog.is_numeric(n) and is_year(n))


def _said(axis: str, value: str) -> str:
    if axis == "season":
        return f"in {value}"
    if axis == "weekday":
        return "at the weekend" if value == "weekend" else "on a weekday"
    return "at night" if value == "night" else f"in the {value}"
