"""Events and items as the journals hold them: one JSON object each, read with suspicion."""

import math
from collections.abc import Mapping
from typing import Any

from tastemate.errors import FormatError
from tastemate.types import Event, Item

LAST_TIME = 2**40
"""Seconds no clock shows; later is damage."""


def read_event(record: Mapping[str, Any]) -> Event:
    """Return an event from its record; raise `FormatError` for a damaged one."""
    try:
        value, timestamp = float(record["value"]), int(record["timestamp"])
        if not math.isfinite(value) or abs(timestamp) > LAST_TIME:
            raise ValueError("out of range")
        return Event(str(record["user"]), str(record["item"]), value, timestamp)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"A kept event is damaged: {dict(record)}. Remove its line.") from error


def read_item(record: Mapping[str, Any]) -> Item:
    """Return an item from its record; raise `FormatError` for a damaged one."""
    try:
        attributes = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record["attributes"].items()
        }
        return Item(str(record["id"]), str(record["title"]), str(record["text"]), attributes)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"A kept item is damaged: {dict(record)}. Remove its line.") from error
