"""What an experiment is: a frozen value that goes in and out as JSON and is checked both ways.

A split shows each unit one arm; an interleaving drafts each list of a unit out of both its arms.
The shares of the arms need not reach 1: who falls outside them is held out and sees what everybody
sees without the experiment. Which slots of the hash an arm holds is part of the value, so that
changing a share moves as few people as can be (`Experiment.resized`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from tastemate.errors import ConfigError, nearest
from tastemate.experiment.parts import (
    NAME,
    OVERRIDES,
    Arm,
    Metric,
    check_arm,
    check_metric,
    check_share,
)
from tastemate.experiment.slots import SLOTS, Range, checked, laid, slots_of

Unit: TypeAlias = Literal["user", "session"]
Kind: TypeAlias = Literal["split", "interleave"]
INTERLEAVED = "interleaved"
"""The arm of a unit whose lists are drafted out of both."""
EXPECTED: Mapping[Kind, int] = {"split": 10_000, "interleave": 2_000}
"""Units at which the always-valid interval is tightest where no number is named."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question put to the users: arms, who is asked, and what is counted.

    Raises `ConfigError` for values that make no sense together.
    """

    id: str
    arms: tuple[Arm, ...]
    kind: Kind = "split"
    """"split": a unit meets one arm. "interleave": two arms, and each list is drafted from both."""
    traffic: float = 1.0
    """Of an interleaving: the share of units whose lists are drafted."""
    control: str = ""
    """The arm that the others are compared with; the first one where none is named."""
    unit: Unit = "user"
    metric: Metric = Metric()
    salt: str = ""
    """Of the hash; the id where none is named. Another salt draws everybody anew."""
    alpha: float = 0.05
    """Chance of a false positive that is accepted, over all comparisons with the control."""
    expected: int = 0
    """Units at which the always-valid interval is at its tightest; 0: those of `EXPECTED`."""
    note: str = ""
    state: Literal["running", "stopped"] = "running"
    started: int = 0
    changed: int = 0
    """When shares last changed: what was seen before is not analysed with what came after."""
    stopped: int = 0
    ranges: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "control", self.control or self.arms[0].name)
        object.__setattr__(self, "salt", self.salt or self.id)
        object.__setattr__(self, "expected", self.expected or EXPECTED[self.kind])
        groups = self.groups
        ranges = checked(self.ranges, groups) if self.ranges else laid(groups, ())
        object.__setattr__(self, "ranges", ranges)

    @property
    def interleaved(self) -> bool:
        """Whether lists are drafted out of both arms."""
        return self.kind == "interleave"

    @property
    def groups(self) -> dict[str, int]:
        """How many slots each group of units has: the arms, or those whose lists are drafted."""
        if self.interleaved:
            return {INTERLEAVED: slots_of(self.traffic)}
        return {arm.name: slots_of(arm.share) for arm in self.arms}

    @property
    def planned(self) -> dict[str, float]:
        """The part each arm should have in what is seen, adding up to 1; without those of 0."""
        shares = {arm.name: 1.0 if self.interleaved else arm.share for arm in self.arms}
        whole = sum(shares.values())
        return {name: share / whole for name, share in shares.items() if share > 0}

    @property
    def running(self) -> bool:
        """Whether units are still assigned."""
        return self.state == "running"

    @property
    def since(self) -> int:
        """From when on impressions are analysed: the start, or the last change of shares."""
        return max(self.started, self.changed)

    @property
    def held_out(self) -> float:
        """The share of units that are in no arm."""
        return 1.0 - sum(self.groups.values()) / SLOTS

    def arm(self, name: str) -> Arm:
        """Return an arm by name; raise `ConfigError`."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        known = [arm.name for arm in self.arms]
        raise ConfigError(
            f"Experiment {self.id} has no arm {name!r}.{nearest(name, known)} "
            f"It has {', '.join(known)}."
        )

    def resized(self, shares: Mapping[str, float], at: int = 0) -> "Experiment":
        """Return it with other shares; only units whose slot must move change their arm.

        An arm that grows keeps every unit it has. New slots come from what is held out and from
        arms that shrink. Raises `ConfigError` for an interleaving: it has `with_traffic`.
        """
        if self.interleaved:
            raise ConfigError(f"{self.id} has no shares: {_BOTH}")
        for name in shares:
            self.arm(name)
        arms = tuple(replace(arm, share=shares.get(arm.name, arm.share)) for arm in self.arms)
        for arm in arms:
            check_share(self.id, arm)
        wanted = {arm.name: slots_of(arm.share) for arm in arms}
        if sum(wanted.values()) > SLOTS:
            raise _too_much(self.id, arms)
        return replace(
            self, arms=arms, ranges=laid(wanted, self.ranges), changed=max(at, self.changed)
        )

    def with_traffic(self, traffic: float) -> "Experiment":
        """Return an interleaving over another share of units; who is in it stays where it can.

        Both arms always meet the same lists, so what was seen before still counts. Raises
        `ConfigError` for a split: it has `resized`.
        """
        if not self.interleaved:
            raise ConfigError(f"{self.id} has no traffic: {_SPLIT}")
        fresh = replace(self, traffic=traffic, ranges=())
        return replace(fresh, ranges=laid(fresh.groups, self.ranges))

    def ended(self, at: int = 0) -> "Experiment":
        """Return it stopped: nobody is assigned any more, what was seen is still analysed."""
        return replace(self, state="stopped", stopped=self.stopped or at)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values that `reading.read` takes back."""
        apart = _APART if self.interleaved else {*_APART, "traffic"}
        plain = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in apart}
        metric = {one.name: getattr(self.metric, one.name) for one in fields(Metric)}
        return plain | {
            "arms": [self._arm_as_json(arm) for arm in self.arms],
            "metric": metric | {"signals": list(self.metric.signals)},
            "ranges": [[one.arm, one.start, one.end] for one in self.ranges],
            "held_out": self.held_out,
        }

    def _arm_as_json(self, arm: Arm) -> dict[str, Any]:
        share = {} if self.interleaved else {"share": arm.share}
        return {"name": arm.name} | share | {"overrides": dict(arm.overrides)}


_APART = {"arms", "metric", "ranges"}
_BOTH = "everybody in an interleaving meets both arms. Leave the shares out and set traffic."
_SPLIT = "it is of an interleaving. Give the arms shares, or set kind to interleave."


def check_together(experiments: Iterable[Experiment]) -> None:
    """Raise `ConfigError` when two running experiments set the same thing for the same units.

    Then neither would measure what it says. Experiments that set different things run side by
    side: their salts make them independent. Of interleavings one runs at a time: a list can be
    drafted once.
    """
    setting: dict[str, Experiment] = {}
    drafting: Experiment | None = None
    for one in experiments:
        if not one.running:
            continue
        if one.interleaved and drafting is not None and drafting.id != one.id:
            raise ConfigError(
                f"{drafting.id} and {one.id} are both interleaved, and a list can be drafted once. "
                f"Stop one of them first."
            )
        drafting = one if one.interleaved else drafting
        for name in sorted({name for arm in one.arms for name in arm.overrides}):
            other = setting.setdefault(name, one)
            if other.id != one.id:
                raise ConfigError(
                    f"Experiments {other.id} and {one.id} both set {name}. Stop one of them first."
                )


def _check(one: Experiment) -> None:
    """Raise `ConfigError` for what cannot be."""
    if not NAME.fullmatch(one.id):
        raise ConfigError(
            f"{one.id!r} is no id: 1 to 64 letters, digits, dots, dashes, underscores."
        )
    if one.unit not in get_args(Unit):
        raise ConfigError(f"{one.id}: unit is {one.unit!r}; it must be user or session.")
    if one.kind not in get_args(Kind):
        raise ConfigError(f"{one.id}: kind is {one.kind!r}; it must be split or interleave.")
    if one.state not in ("running", "stopped"):
        raise ConfigError(f"{one.id}: state is {one.state!r}; it must be running or stopped.")
    if not 0.0 < one.alpha < 0.5:
        raise ConfigError(f"{one.id}: alpha is {one.alpha}; it must lie between 0 and .5.")
    if one.expected and one.expected < 2:
        raise ConfigError(f"{one.id}: expected is {one.expected}; it must be 2 units or more.")
    if min(one.started, one.changed, one.stopped) < 0:
        raise ConfigError(f"{one.id}: a time lies before 1970; times are seconds since then.")
    check_metric(one.id, one.metric)
    _check_arms(one)


def _check_arms(one: Experiment) -> None:
    names = [arm.name for arm in one.arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"{one.id}: give at least two arms, each with a name of its own.")
    for arm in one.arms:
        check_arm(one.id, arm)
    if one.control and one.control not in names:
        raise ConfigError(
            f"{one.id}: control is {one.control!r}, which is no arm."
            f"{nearest(one.control, names)} It has {', '.join(names)}."
        )
    if one.interleaved:
        _check_pair(one)
        return
    if one.traffic != 1.0:
        raise ConfigError(f"{one.id}: traffic is {one.traffic}, but {_SPLIT}")
    slots = sum(one.groups.values())
    if slots > SLOTS:
        raise _too_much(one.id, one.arms)
    if one.running and not slots:
        raise ConfigError(f"{one.id}: no arm has a share, so nobody would be in it. Give them one.")


def _check_pair(one: Experiment) -> None:
    """Raise `ConfigError` for what cannot be interleaved."""
    if len(one.arms) != 2:
        raise ConfigError(
            f"{one.id}: an interleaving compares two arms, not {len(one.arms)}. Leave the others "
            "to an experiment of their own, or set kind to split."
        )
    if any(arm.share for arm in one.arms):
        raise ConfigError(f"{one.id}: an arm has a share, but {_BOTH}")
    if not 0.0 <= one.traffic <= 1.0 or (one.running and not slots_of(one.traffic)):
        raise ConfigError(
            f"{one.id}: traffic is {one.traffic}; it must lie between {1 / SLOTS} and 1: the share "
            "of units whose lists are drafted."
        )
    if one.metric.measure != "rate":
        raise ConfigError(
            f"{one.id}: an interleaving counts which arm won each list. Leave metric.measure out."
        )
    for arm in one.arms:
        if arm.name == INTERLEAVED:
            raise ConfigError(f"{one.id}: {INTERLEAVED} is what the answers say. Rename that arm.")
        if "explore" in arm.overrides:
            raise ConfigError(
                f"{one.id}: arm {arm.name} sets explore, and a list that is drawn anew each time "
                "cannot be drafted. Leave it out, or set kind to split."
            )
    if one.arms[0].changes == one.arms[1].changes:
        raise ConfigError(
            f"{one.id}: both arms set the same, so there is nothing to compare. Let one of them "
            f"set another {', '.join(name for name in OVERRIDES if name != 'explore')}."
        )


def _too_much(name: str, arms: Sequence[Arm]) -> ConfigError:
    total = sum(arm.share for arm in arms)
    return ConfigError(f"{name}: the shares add up to {total:.4g}; they must not exceed 1.")
