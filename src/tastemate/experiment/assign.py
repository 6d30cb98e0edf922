"""Who meets which arm: a hash of the unit, salted by the experiment, and nothing else.

The same unit gets the same arm from every process and on every day, nothing is stored, and two
experiments with different salts are independent of each other.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tastemate.experiment.definition import INTERLEAVED, Experiment
from tastemate.experiment.parts import Arm, Override
from tastemate.experiment.slots import SLOTS

HELD_OUT = ""
"""The arm of a unit that is in none."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arm of one unit in one experiment, and what that arm sets."""

    experiment: str
    arm: str
    overrides: Mapping[str, Override] = field(default_factory=dict)
    draft: tuple[Arm, ...] = ()
    """Of an interleaving: the two arms that its lists are drafted from."""


def slot(salt: str, unit: str) -> int:
    """Return the slot of a unit, 0 to `SLOTS` - 1: even over units, independent between salts."""
    key = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).digest()
    said = unit.encode("utf-8", "surrogatepass")
    drawn = hashlib.blake2b(said, key=key, digest_size=8).digest()
    return (int.from_bytes(drawn, "big") * SLOTS) >> 64


def arm_of(experiment: Experiment, unit: str) -> str:
    """Return the name of the arm of a unit; `HELD_OUT` where it is in none or has no name.

    In an interleaving that is `INTERLEAVED`, for both arms.
    """
    if not unit:
        return HELD_OUT
    at = slot(experiment.salt, unit)
    for one in experiment.ranges:
        if one.start <= at < one.end:
            return one.arm
    return HELD_OUT


def arms_of(experiment: Experiment, units: Sequence[str]) -> list[str]:
    """Return the arm of each unit."""
    names = [HELD_OUT, *experiment.groups]
    held: NDArray[np.intp] = np.zeros(SLOTS, dtype=np.intp)
    for one in experiment.ranges:
        held[one.start : one.end] = names.index(one.arm)
    slots = np.array([slot(experiment.salt, unit) for unit in units], dtype=np.intp)
    return [names[at] if unit else HELD_OUT for at, unit in zip(held[slots], units, strict=True)]


def assign(
    experiments: Iterable[Experiment], user: str = "", session: str = ""
) -> tuple[Assignment, ...]:
    """Return the arms of a request in the running experiments, by experiment id.

    Held out of an experiment, or without the unit it assigns by, one is not in the list.
    """
    found = []
    for one in sorted(experiments, key=lambda one: one.id):
        if not one.running:
            continue
        arm = arm_of(one, user if one.unit == "user" else session)
        if arm == INTERLEAVED and one.interleaved:
            found.append(Assignment(one.id, arm, draft=one.arms))
        elif arm != HELD_OUT:
            found.append(Assignment(one.id, arm, one.arm(arm).overrides))
    return tuple(found)


def written(arms: Iterable[tuple[str, str]]) -> str:
    """Return pairs of experiment and arm as an impression keeps them: "one=a;other=b"."""
    return ";".join(f"{experiment}={arm}" for experiment, arm in arms)
