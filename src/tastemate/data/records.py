"""One new item, given as a JSON object, brought to the kinds of values its catalogue holds."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.types import AttributeValue, Item


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
        name: _value(name, value, catalog, item_id)
        for name, value in record.items()
        if name not in ("id", "title", "text") and value is not None
    }
    return Item(item_id, title, _text(record.get("text")), attributes)


def _text(value: object) -> str:
    return "" if value is None else str(value).encode("utf-8", "replace").decode().strip()


def _value(name: str, value: object, catalog: Catalog, item_id: str) -> AttributeValue:
    """Bring a value to the kind of its column: list, number or text."""
    kind = catalog.frame.schema.get(name)
    if isinstance(value, list | tuple):
        return tuple(str(part) for part in value if part is not None)
    if not isinstance(value, str | int | float):
        raise DataError(f"{name} of item {item_id!r} is {value!r}; give text, a number or a list.")
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{name} of item {item_id!r} must be a finite number, not {value!r}.")
    if isinstance(kind, pl.List):
        return (str(value),)
    if kind is not None and kind.is_numeric():
        try:
            number = float(value)
        except ValueError as error:
            raise DataError(f"{name} of item {item_id!r} must be a number: {value!r}.") from error
        if not math.isfinite(number):
            raise DataError(f"{name} of item {item_id!r} must be a finite number, not {value!r}.")
        return int(number) if number.is_integer() else number
    return value if kind is None else str(value)
