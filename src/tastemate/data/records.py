"""One new item, given as a JSON object, brought to the kinds of values its catalogue holds."""

import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from tastemate import ids
from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.types import AttributeValue, Item

LARGEST = 2.0**53
"""Beyond it a number of JSON is no longer a whole one for everybody who reads it."""
LONGEST_NAME = 100
_NAME = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f]+")


def new_item(record: Item | Mapping[str, Any], catalog: Catalog) -> Item:
    """Read an item that is to be kept, as `item_from`; raise `DataError` for what cannot be."""
    item = item_from(record, catalog)
    if wrong := ids.wrong(item.id):
        raise DataError(f"id: {wrong}")
    for name in item.attributes:
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise DataError(
                f"Item {item.id!r} has an attribute called {name[:40]!r}; a name has 1 to "
                f"{LONGEST_NAME} characters, and none that cannot be printed."
            )
    if isinstance(record, Item):
        for name, value in item.attributes.items():
            _value(name, value, catalog, item.id)
    values = [part for one in item.attributes.values() for part in _parts(one)]
    if any("\0" in str(part) for part in (item.title, item.text, *values)):
        raise DataError(f"Item {item.id!r} holds a NUL character. Leave it out.")
    return item


def _parts(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def item_from(record: Item | Mapping[str, Any], catalog: Catalog) -> Item:
    """Read an item out of a JSON object; every other key is an attribute of the catalogue's kind.

    An `Item` is one already. Raises `DataError` naming the item and the field.
    """
    if isinstance(record, Item):
        if not record.id.strip() or not record.title.strip():
            raise DataError(f"An item needs an id and a title; got {record.id!r}.")
        return record
    item_id, title = (_text(record.get(name)) for name in ("id", "title"))
    if not item_id or not title:
        raise DataError(f"An item needs an id and a title; got {str(dict(record))[:120]}.")
    attributes = {
        _whole(str(name)): _value(name, value, catalog, item_id)
        for name, value in record.items()
        if name not in ("id", "title", "text") and value is not None
    }
    return Item(item_id, title, _text(record.get("text")), attributes)


def _text(value: object) -> str:
    return "" if value is None else _whole(str(value)).strip()


def _whole(text: str) -> str:
    """Return a text without half characters (lone surrogates), which nothing can keep."""
    return text.encode("utf-8", "replace").decode()


def _value(name: str, value: object, catalog: Catalog, item_id: str) -> AttributeValue:
    """Bring a value to the kind of its column: list, number or text."""
    kind = catalog.frame.schema.get(name)
    if isinstance(value, list | tuple):
        return tuple(str(_single(name, part, item_id)) for part in value if part is not None)
    value = _single(name, value, item_id)
    if isinstance(kind, pl.List):
        return (str(value),)
    if kind is not None and kind.is_numeric():
        try:
            number = float(value)
        except ValueError as error:
            raise DataError(f"{name} of item {item_id!r} must be a number: {value!r}.") from error
        _single(name, number, item_id)
        return int(number) if number.is_integer() else number
    return value if kind is None else str(value)


def _single(name: str, value: object, item_id: str) -> str | int | float:
    """Return one value, a text without half characters; raise `DataError` for none."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = repr(value)[:80]
        raise DataError(f"{name} of item {item_id!r} is {shown}; give text, a number or a list.")
    if not math.isfinite(value):
        raise DataError(f"{name} of item {item_id!r} must be a finite number, not {value!r}.")
    if abs(value) > LARGEST:
        raise DataError(f"{name} of item {item_id!r} is too large a number: 2**53 is the most.")
    return value
