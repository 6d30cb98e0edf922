"""What an experiment is: a frozen value that goes in and out as JSON and is checked both ways.

The shares of the arms need not reach 1: who falls outside them is held out and sees what everybody
sees without the experiment. Which slots of the hash an arm holds is part of the value, so that
changing a share moves as few people as can be (`Experiment.resized`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from tastemate.errors import ConfigError, nearest
from tastemate.experiment.slots import SLOTS, Range, checked, laid, slots_of
from tastemate.types import Controls

Unit: TypeAlias = Literal["user", "session"]
Measure: TypeAlias = Literal["any", "count", "rate"]
Override: TypeAlias = str | float

RERANK = ("none", "model", "llm")
CONTROLS = ("diversity", "novelty", "fair", "explore")
OVERRIDES = ("model", *CONTROLS, "rerank")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Metric:
    """Which signals count, within what time after an impression, and how they add up to a unit."""

    signals: tuple[str, ...] = ("click", "play", "like", "save", "purchase")
    window: int = 86_400
    """Seconds after an impression within which a signal counts for it."""
    measure: Measure = "rate"
    """"any": whether a unit rewarded anything; "count": impressions it rewarded; "rate": rewarded
    impressions over all impressions, a ratio of means."""
    period: int = 0
    """Seconds from a unit's first impression that it is observed for; a unit counts once that and
    the window are over. 0: everything so far, units that have only begun included."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering, and the share of units that meet it, 0 to 1."""

    name: str
    share: float
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """What of `OVERRIDES` it sets; what it does not name stays as it is."""

    def controls(self, base: Controls) -> Controls:
        """Return the controls with what this arm sets."""
        turned = {name: float(self.overrides[name]) for name in CONTROLS if name in self.overrides}
        return replace(base, **turned)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question put to the users: arms, who is asked, and what is counted.

    Raises `ConfigError` for values that make no sense together.
    """

    id: str
    arms: tuple[Arm, ...]
    control: str = ""
    """The arm that the others are compared with; the first one where none is named."""
    unit: Unit = "user"
    metric: Metric = Metric()
    salt: str = ""
    """Of the hash; the id where none is named. Another salt draws everybody anew."""
    alpha: float = 0.05
    """Chance of a false positive that is accepted, over all comparisons with the control."""
    expected: int = 10_000
    """Units at which the always-valid interval is at its tightest."""
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
        shares = {arm.name: slots_of(arm.share) for arm in self.arms}
        ranges = checked(self.ranges, shares) if self.ranges else laid(shares, ())
        object.__setattr__(self, "ranges", ranges)

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
        return 1.0 - sum(slots_of(arm.share) for arm in self.arms) / SLOTS

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
        arms that shrink.
        """
        for name in shares:
            self.arm(name)
        arms = tuple(replace(arm, share=shares.get(arm.name, arm.share)) for arm in self.arms)
        for arm in arms:
            _share(self.id, arm)
        wanted = {arm.name: slots_of(arm.share) for arm in arms}
        if sum(wanted.values()) > SLOTS:
            raise _too_much(self.id, arms)
        return replace(
            self, arms=arms, ranges=laid(wanted, self.ranges), changed=max(at, self.changed)
        )

    def ended(self, at: int = 0) -> "Experiment":
        """Return it stopped: nobody is assigned any more, what was seen is still analysed."""
        return self if not self.running else replace(self, state="stopped", stopped=at)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values that `reading.read` takes back."""
        plain = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in {"arms", "metric", "ranges"}
        }
        metric = {one.name: getattr(self.metric, one.name) for one in fields(Metric)}
        return plain | {
            "arms": [
                {"name": arm.name, "share": arm.share, "overrides": dict(arm.overrides)}
                for arm in self.arms
            ],
            "metric": metric | {"signals": list(self.metric.signals)},
            "ranges": [[one.arm, one.start, one.end] for one in self.ranges],
            "held_out": self.held_out,
        }


def check_together(experiments: Iterable[Experiment]) -> None:
    """Raise `ConfigError` when two running experiments set the same thing for the same units.

    Then neither would measure what it says. Experiments that set different things run side by
    side: their salts make them independent.
    """
    setting: dict[str, Experiment] = {}
    for one in experiments:
        if not one.running:
            continue
        for name in sorted({name for arm in one.arms for name in arm.overrides}):
            other = setting.setdefault(name, one)
            if other.id != one.id:
                raise ConfigError(
                    f"Experiments {other.id} and {one.id} both set {name}. Stop one of them first."
                )


def _check(one: Experiment) -> None:
    """Raise `ConfigError` for what cannot be."""
    if not _NAME.fullmatch(one.id):
        raise ConfigError(
            f"{one.id!r} is no id: 1 to 64 letters, digits, dots, dashes, underscores."
        )
    if one.unit not in get_args(Unit):
        raise ConfigError(f"{one.id}: unit is {one.unit!r}; it must be user or session.")
    if one.state not in ("running", "stopped"):
        raise ConfigError(f"{one.id}: state is {one.state!r}; it must be running or stopped.")
    if not 0.0 < one.alpha < 0.5:
        raise ConfigError(f"{one.id}: alpha is {one.alpha}; it must lie between 0 and .5.")
    if one.expected < 2:
        raise ConfigError(f"{one.id}: expected is {one.expected}; it must be 2 units or more.")
    if min(one.started, one.changed, one.stopped) < 0:
        raise ConfigError(f"{one.id}: a time lies before 1970; times are seconds since then.")
    _check_metric(one.id, one.metric)
    _check_arms(one)


def _check_metric(name: str, metric: Metric) -> None:
    if not metric.signals or len(set(metric.signals)) < len(metric.signals):
        raise ConfigError(f"{name}: name each kind of signal that counts once, at least one.")
    if metric.measure not in get_args(Measure):
        raise ConfigError(f"{name}: measure is {metric.measure!r}; it must be any, count or rate.")
    if metric.window < 1 or metric.period < 0:
        raise ConfigError(f"{name}: window must be 1 second or more, and period 0 or more.")


def _check_arms(one: Experiment) -> None:
    names = [arm.name for arm in one.arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"{one.id}: give at least two arms, each with a name of its own.")
    for arm in one.arms:
        if not _NAME.fullmatch(arm.name):
            raise ConfigError(
                f"{one.id}: {arm.name!r} is no name of an arm: 1 to 64 letters, digits, dots, "
                "dashes, underscores."
            )
        _share(one.id, arm)
        _check_overrides(one.id, arm)
    if one.control and one.control not in names:
        raise ConfigError(
            f"{one.id}: control is {one.control!r}, which is no arm."
            f"{nearest(one.control, names)} It has {', '.join(names)}."
        )
    slots = sum(slots_of(arm.share) for arm in one.arms)
    if slots > SLOTS:
        raise _too_much(one.id, one.arms)
    if one.running and not slots:
        raise ConfigError(f"{one.id}: no arm has a share, so nobody would be in it. Give them one.")


def _share(name: str, arm: Arm) -> None:
    if not 0.0 <= arm.share <= 1.0:
        raise ConfigError(
            f"{name}: the share of {arm.name} is {arm.share}; it must lie between 0 and 1."
        )
    if arm.share and not slots_of(arm.share):
        raise ConfigError(
            f"{name}: the share of {arm.name} is {arm.share}; the least is {1 / SLOTS}, or 0."
        )


def _too_much(name: str, arms: Sequence[Arm]) -> ConfigError:
    total = sum(arm.share for arm in arms)
    return ConfigError(f"{name}: the shares add up to {total:.4g}; they must not exceed 1.")


def _check_overrides(name: str, arm: Arm) -> None:
    for key, value in arm.overrides.items():
        where = f"{name}: arm {arm.name}"
        if key not in OVERRIDES:
            raise ConfigError(
                f"{where} cannot set {key!r}.{nearest(key, OVERRIDES)} "
                f"It can set {', '.join(OVERRIDES)}."
            )
        if key in CONTROLS:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0.0 <= float(value) <= 1.0:
                raise ConfigError(f"{where}: {key} is {value!r}; it must lie between 0 and 1.")
        elif not isinstance(value, str) or not value:
            raise ConfigError(f"{where}: {key} is {value!r}; it must be a name.")
        elif key == "rerank" and value not in RERANK:
            raise ConfigError(f"{where}: rerank is {value!r}; it must be {', '.join(RERANK)}.")
