"""Experiments out of JSON: every field is checked, and every complaint names what to change."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from tastemate.errors import ConfigError, FormatError, nearest
from tastemate.experiment.definition import Experiment
from tastemate.experiment.parts import Arm, Metric
from tastemate.experiment.slots import Range


def read(value: object) -> Experiment:
    """Return an experiment from JSON values; raise `FormatError` or `ConfigError`."""
    given = dict(_table(value, "An experiment"))
    given.pop("held_out", None)
    known = {one.name for one in fields(Experiment)}
    _known(given, known, "An experiment")
    for name in ("id", "arms"):
        if name not in given:
            raise FormatError(f"An experiment needs {name!r}: give it an id and a list of arms.")
    _typed(given, "An experiment", _TYPES)
    arms = given["arms"]
    if not isinstance(arms, list):
        raise FormatError('"arms" must be a list of {"name", "share", "overrides"}.')
    needs = ("name", "share") if given.get("kind", "split") == "split" else ("name",)
    given["arms"] = tuple(_arm(one, at, needs) for at, one in enumerate(arms, start=1))
    if "metric" in given:
        given["metric"] = _metric(given["metric"])
    if "ranges" in given:
        given["ranges"] = _ranges(given["ranges"])
    return Experiment(**given)


def stored(value: object) -> Experiment:
    """Return an experiment as a store keeps it; raise what `read` raises.

    One that an older version let run without a share is read as stopped: it assigns nobody, and it
    must be there to be shown and ended.
    """
    try:
        return read(value)
    except ConfigError:
        if not isinstance(value, Mapping) or value.get("state", "running") != "running":
            raise
        return read({**value, "state": "stopped"})


_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,), "control": (str,), "unit": (str,), "salt": (str,), "note": (str,),
    "state": (str,), "alpha": (int, float), "expected": (int,), "started": (int,),
    "changed": (int,), "stopped": (int,), "name": (str,), "share": (int, float),
    "window": (int,), "measure": (str,), "period": (int,), "kind": (str,), "traffic": (int, float),
}  # fmt: skip
_CALLED = {str: "text", int: "a whole number", float: "a number"}


def _typed(given: Mapping[str, Any], what: str, types: Mapping[str, tuple[type, ...]]) -> None:
    for name, value in given.items():
        wanted = types.get(name)
        if wanted is None:
            continue
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise FormatError(f"{what}: {name} is {value!r}; it must be {_CALLED[wanted[-1]]}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise FormatError(f"{what}: {name} is {value!r}; it must be a finite number.")


def _table(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise FormatError(f"{what} must be a JSON object, not {type(value).__name__}.")
    return value


def _known(given: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    names = sorted(known)
    for name in given:
        if name not in names:
            raise FormatError(
                f"{what} has no {name!r}.{nearest(name, names)} Known: {', '.join(names)}."
            )


def _arm(value: object, at: int, needs: Iterable[str]) -> Arm:
    what = f"Arm {at}"
    given = dict(_table(value, what))
    _known(given, ("name", "share", "overrides"), what)
    for name in needs:
        if name not in given:
            raise FormatError(f"{what} needs {name!r}.")
    _typed(given, what, _TYPES)
    given["overrides"] = dict(_table(given.get("overrides", {}), f"{what}: overrides"))
    return Arm(**given)


def _metric(value: object) -> Metric:
    given = dict(_table(value, "metric"))
    _known(given, [one.name for one in fields(Metric)], "metric")
    _typed(given, "metric", _TYPES)
    if "signals" in given:
        signals = given["signals"]
        if not isinstance(signals, list) or not all(isinstance(one, str) for one in signals):
            raise FormatError('metric: signals must be a list of kinds, such as ["click"].')
        given["signals"] = tuple(signals)
    return Metric(**given)


def _ranges(value: object) -> tuple[Range, ...]:
    if not isinstance(value, list):
        raise FormatError(
            "ranges must be a list of [arm, start, end]; leave it out to lay it anew."
        )
    found = []
    for one in value:
        whole = isinstance(one, list | tuple) and len(one) == 3 and isinstance(one[0], str)
        if not whole or not all(type(end) is int for end in one[1:]):
            raise FormatError(f"ranges: {one!r} is not [arm, start, end].")
        found.append(Range(*one))
    return tuple(found)
