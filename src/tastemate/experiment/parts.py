"""What an experiment is made of: arms, and the metric they are held to. Each is checked here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from tastemate.errors import ConfigError, nearest
from tastemate.experiment.slots import SLOTS, slots_of

Measure: TypeAlias = Literal["any", "count", "rate"]
Override: TypeAlias = str | float

RERANK = ("none", "model", "llm")
CONTROLS = ("diversity", "novelty", "fair", "explore")
OVERRIDES = ("model", *CONTROLS, "rerank")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of experiments and arms."""


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
    """One way of answering, and the share of units that meet it, 0 to 1 (interleaved: 0)."""

    name: str
    share: float = 0.0
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """What of `OVERRIDES` it sets; what it does not name stays as it is."""

    @property
    def changes(self) -> dict[str, Override]:
        """What it sets that is not so anyway."""
        found = {name: value for name, value in self.overrides.items() if value != 0}
        return {name: one for name, one in found.items() if (name, one) != ("rerank", "model")}


def check_metric(name: str, metric: Metric) -> None:
    """Raise `ConfigError` for a metric of an experiment that cannot be."""
    if not metric.signals or len(set(metric.signals)) < len(metric.signals):
        raise ConfigError(f"{name}: name each kind of signal that counts once, at least one.")
    if metric.measure not in get_args(Measure):
        raise ConfigError(f"{name}: measure is {metric.measure!r}; it must be any, count or rate.")
    if metric.window < 1 or metric.period < 0:
        raise ConfigError(f"{name}: window must be 1 second or more, and period 0 or more.")


def check_arm(name: str, arm: Arm) -> None:
    """Raise `ConfigError` for an arm of an experiment that cannot be."""
    if not NAME.fullmatch(arm.name):
        raise ConfigError(
            f"{name}: {arm.name!r} is no name of an arm: 1 to 64 letters, digits, dots, "
            "dashes, underscores."
        )
    check_share(name, arm)
    _check_overrides(name, arm)


def check_share(name: str, arm: Arm) -> None:
    """Raise `ConfigError` for a share of units that cannot be."""
    if not 0.0 <= arm.share <= 1.0:
        raise ConfigError(
            f"{name}: the share of {arm.name} is {arm.share}; it must lie between 0 and 1."
        )
    if arm.share and not slots_of(arm.share):
        raise ConfigError(
            f"{name}: the share of {arm.name} is {arm.share}; the least is {1 / SLOTS}, or 0."
        )


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
