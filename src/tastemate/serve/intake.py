"""What is sent in many lines, each judged by itself: the good ones are kept, the others named."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from tastemate.catalog import MOST_ATTRIBUTES
from tastemate.data.records import new_item
from tastemate.errors import ConfigError, DataError
from tastemate.profile.signals import RATING
from tastemate.serve.findings import named
from tastemate.serve.problem import clean
from tastemate.serve.schemas import NewEvent, NewItem
from tastemate.types import Item, Signal

if TYPE_CHECKING:
    from tastemate.project import Tastemate

AHEAD = 86_400
"""Seconds that a clock may be ahead of ours."""
MOST = 1_000
"""Rejected lines that are named."""
MOST_NEW = 64
"""Attributes that one item may bring to the catalogue."""


def added(tm: "Tastemate", given: Sequence[Any]) -> dict[str, Any]:
    """Add or replace items; say of those that cannot be what is wrong with them."""
    rejected: list[dict[str, Any]] = []
    good: dict[str, tuple[int, Item]] = {}
    names = _Names(tm.catalog.attributes)
    for line, record in enumerate(given, start=1):
        try:
            checked = NewItem.model_validate(record)
            item = new_item(dict(checked), tm.catalog)
            names.take(item)
            good[item.id] = (line, item)
        except ValidationError as error:
            rejected.append(_rejection(line, error, record))
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


class _Names:
    """The attributes of a catalogue and what a batch adds to them: not too many, of one kind."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._new: dict[str, str] = {}

    def take(self, item: Item) -> None:
        """Count an item's new attributes; raise `DataError` for one that may not be added."""
        new = {name: _kind(item, name) for name in item.attributes if name not in self._known}
        if len(new) > MOST_NEW:
            raise DataError(
                f"The item brings {len(new)} new attributes; one item may bring {MOST_NEW}."
            )
        for name, kind in new.items():
            if self._new.get(name, kind) != kind:
                raise DataError(
                    f"{name} is a new attribute and holds {self._new[name]} in a line before, "
                    f"{kind} here. Give it one kind of value."
                )
        fresh = self._new | new
        if len(fresh) > len(self._new) and len(self._known) + len(fresh) > MOST_ATTRIBUTES:
            raise DataError(
                f"The catalogue would have {len(self._known) + len(fresh)} attributes; it may "
                f"have {MOST_ATTRIBUTES}. GET /v1/attributes lists those that there are."
            )
        self._new = fresh


def _kind(item: Item, name: str) -> str:
    value = item.attributes[name]
    return "lists" if isinstance(value, tuple) else "texts" if isinstance(value, str) else "numbers"


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
            rejected.append(_rejection(line, error, record))
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
    if event.kind == RATING and (wrong := _rated(tm, event)):
        return "value", wrong
    if event.timestamp is not None and event.timestamp > now + AHEAD:
        return "timestamp", "It lies more than a day ahead. Seconds since 1970 are meant."
    return None


def _rated(tm: "Tastemate", event: NewEvent) -> str:
    """Return what is wrong with the value of a rating; empty where nothing is."""
    scale = tm.interactions.scale
    if "value" not in event.model_fields_set:
        return f"A rating needs a value: here they go from {scale.low:g} to {scale.high:g}."
    if scale.allows(event.value):
        return ""
    return f"{event.value:g} is no rating: here they go from {scale.low:g} to {scale.high:g}."


def _rejection(line: int, error: ValidationError, given: object) -> dict[str, Any]:
    field, reason = named(error.errors(include_url=False), given)[0]
    return {"line": line, "field": clean(field), "reason": clean(reason)}
