"""What is sent in many lines, each judged by itself: the good ones are kept, the others named."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from tastemate.data.records import item_from
from tastemate.errors import ConfigError, DataError
from tastemate.serve.schemas import NewEvent, NewItem
from tastemate.types import Item, Signal

if TYPE_CHECKING:
    from tastemate.project import Tastemate

AHEAD = 86_400
"""Seconds that a clock may be ahead of ours."""
MOST = 1_000
"""Rejected lines that are named."""


def added(tm: "Tastemate", given: Sequence[Any]) -> dict[str, Any]:
    """Add or replace items; say of those that cannot be what is wrong with them."""
    rejected: list[dict[str, Any]] = []
    good: dict[str, tuple[int, Item]] = {}
    for line, record in enumerate(given, start=1):
        try:
            checked = NewItem.model_validate(record)
            item = item_from(checked.model_dump(), tm.catalog)
            good[item.id] = (line, item)
        except ValidationError as error:
            rejected.append(_rejection(line, error))
        except DataError as error:
            rejected.append({"line": line, "field": "", "reason": str(error)})
    was = {name for name in good if name in tm.catalog}
    for name, (line, reason) in _add(tm, good).items():
        del good[name]
        rejected.append({"line": line, "field": "", "reason": reason})
    return {
        "added": [name for name in good if name not in was],
        "replaced": [name for name in good if name in was],
        "rejected": sorted(rejected, key=lambda one: one["line"]),
    }


def _add(tm: "Tastemate", good: Mapping[str, tuple[int, Item]]) -> dict[str, tuple[int, str]]:
    """Add items; return by id the line and the reason of those that do not fit."""
    if not good:
        return {}
    try:
        tm.add_items([item for _, item in good.values()])
        return {}
    except DataError:
        pass
    misfits: dict[str, tuple[int, str]] = {}
    for name, (line, item) in good.items():
        try:
            tm.catalog.with_items([item])
        except DataError as error:
            misfits[name] = (line, str(error))
    fits = {name: one for name, one in good.items() if name not in misfits}
    try:
        tm.add_items([item for _, item in fits.values()])
    except DataError as error:  # they do not fit each other
        misfits |= {name: (line, str(error)) for name, (line, _) in fits.items()}
    return misfits


def signals(
    tm: "Tastemate", given: Sequence[Any], now: float | None = None
) -> tuple[list[Signal], list[dict[str, Any]]]:
    """Return what can be kept of some events, and what is wrong with the others."""
    now = time.time() if now is None else now
    good: list[Signal] = []
    rejected: list[dict[str, Any]] = []
    for line, record in enumerate(given, start=1):
        try:
            event = NewEvent.model_validate(record)
        except ValidationError as error:
            rejected.append(_rejection(line, error))
            continue
        wrong = judged(tm, event, now)
        if wrong is not None:
            rejected.append({"line": line, "field": wrong[0], "reason": wrong[1]})
        else:
            good.append(signal_of(event, now))
    return good, rejected


def signal_of(event: NewEvent, now: float) -> Signal:
    """Return an event as a signal: with an id and a time where it brings none."""
    return Signal(
        event.event_id or uuid4().hex,
        event.user_id,
        event.item_id,
        event.kind,
        event.value,
        int(now) if event.timestamp is None else event.timestamp,
        event.session_id,
        event.recommendation_id,
        event.position,
    )


def judged(tm: "Tastemate", event: NewEvent, now: float) -> tuple[str, str] | None:
    """Return field and reason of what is wrong with an event; None where nothing is."""
    if not event.user_id.strip():
        return "user_id", "The user id is blank. Give any id; a new one is welcome."
    if event.item_id not in tm.catalog:
        return "item_id", f"There is no item {event.item_id!r}. GET /v1/items lists them."
    try:
        tm.work.weights_of_signals.check(event.kind)
    except ConfigError as error:
        return "kind", str(error)
    if event.timestamp is not None and event.timestamp > now + AHEAD:
        return "timestamp", "It lies more than a day ahead. Seconds since 1970 are meant."
    return None


def _rejection(line: int, error: ValidationError) -> dict[str, Any]:
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return {"line": line, "field": field, "reason": first["msg"]}
