"""The values a search may give to the options of a model, read from settings such as rank=6,8.

A grid tries every combination; random draws take each option on its own.
"""

import inspect
import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tastemate.errors import ConfigError, nearest

Option: TypeAlias = str | int | float | bool
Options: TypeAlias = dict[str, Option]

_STEPS = 5
"""Values a range gives to a grid."""


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `low` to `high`: whole ones when both ends are written as such."""

    low: float
    high: float
    whole: bool

    def grid(self) -> tuple[Option, ...]:
        """Return five values from end to end, in equal ratios where both ends are positive."""
        spread = np.geomspace if self.low > 0 else np.linspace
        return tuple(dict.fromkeys(self._as(v) for v in spread(self.low, self.high, _STEPS)))

    def draw(self, rng: np.random.Generator) -> Option:
        """Return a random value, uniform in the logarithm where both ends are positive."""
        if self.low > 0:
            return self._as(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return self._as(rng.uniform(self.low, self.high))

    def _as(self, value: float) -> Option:
        inside = min(max(float(value), self.low), self.high)
        return round(inside) if self.whole else float(f"{inside:.6g}")


@dataclass(frozen=True, slots=True)
class Choices:
    """These values and no others."""

    values: tuple[Option, ...]

    def grid(self) -> tuple[Option, ...]:
        """Return all values."""
        return self.values

    def draw(self, rng: np.random.Generator) -> Option:
        """Return one of the values."""
        return self.values[int(rng.integers(len(self.values)))]


Space: TypeAlias = dict[str, Range | Choices]


def parse_space(settings: Sequence[str], factory: Callable[..., object]) -> Space:
    """Read settings such as `rank=6,8,12` and `regularisation=0.05..0.8` for a factory.

    Raises `ConfigError` for an option the factory does not have, a value of another type than
    the option's default, or a setting that cannot be read.
    """
    known = inspect.signature(factory).parameters
    space: Space = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not text.strip():
            raise ConfigError(
                f"{setting!r} is no setting; write name=value,value or name=low..high."
            )
        if name not in known:
            raise ConfigError(
                f"There is no option {name!r}.{nearest(name, known)} Options: {', '.join(known)}."
            )
        if name in space:
            raise ConfigError(f"Option {name!r} is set twice; put all its values in one --set.")
        space[name] = _typed(name, _values(name, text.strip()), known[name].default)
    return space


def _values(name: str, text: str) -> Range | Choices:
    low, dots, high = text.partition("..")
    if not dots:
        return Choices(tuple(_literal(part.strip()) for part in text.split(",")))
    ends = _literal(low.strip()), _literal(high.strip())
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        raise ConfigError(f"The ends of {name}={text} must be numbers, as in 0.05..0.8.")
    first, last = float(ends[0]), float(ends[1])
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise ConfigError(f"In {name}={text} the first number must be below the second.")
    return Range(first, last, all(isinstance(end, int) for end in ends))


def _literal(text: str) -> Option:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _typed(name: str, values: Range | Choices, default: object) -> Range | Choices:
    """Bring the values to the type of the option's default; options without one pass."""
    if not isinstance(default, bool | int | float | str):
        return values
    if isinstance(values, Range):
        if isinstance(default, bool | str):
            raise ConfigError(f"Option {name!r} takes no range; list its values.")
        if isinstance(default, int) and not values.whole:
            raise ConfigError(f"Option {name!r} takes whole numbers; write {name}=6..12.")
        return Range(values.low, values.high, isinstance(default, int))
    return Choices(tuple(_as_type(name, value, type(default)) for value in values.values))


def _as_type(name: str, value: Option, kind: type) -> Option:
    if kind is float and type(value) is int:
        return float(value)
    if kind is str:
        return str(value)
    if type(value) is not kind:
        raise ConfigError(f"Option {name!r} takes {kind.__name__} values, not {value!r}.")
    return value


def cells(space: Space, draws: int = 0, seed: int = 0) -> list[Options]:
    """Return the whole grid in the order written, or `draws` random cells without repeats."""
    if not draws:
        grids = [values.grid() for values in space.values()]
        return [dict(zip(space, cell, strict=True)) for cell in itertools.product(*grids)]
    rng = np.random.default_rng(seed)
    drawn = [{name: values.draw(rng) for name, values in space.items()} for _ in range(draws)]
    return list({json.dumps(cell): cell for cell in drawn}.values())
