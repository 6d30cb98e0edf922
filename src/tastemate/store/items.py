"""Items that were added since the data was read."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import items
from tastemate.store.versions import bump, insert_into
from tastemate.types import AttributeValue, Item

ITEM = (items.c.id, items.c.title, items.c.text, items.c.attributes)


class Items:
    """Added items; a later one takes the place of an earlier one of the same id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, added: Sequence[Item]) -> None:
        """Keep items in one transaction; on disk when this returns."""
        if not added:
            return
        check_ids(*(one.id for one in added))
        with self._database.writing("items") as connection:
            last = connection.scalar(select(func.max(items.c.seq))) or 0
            # A later one of the batch takes the earlier one's place, as across batches.
            latest = {one.id: one for one in added}
            made = insert_into(connection, items)
            replacing = made.on_conflict_do_update(
                index_elements=["id"],
                set_={name: made.excluded[name] for name in ("seq", "title", "text", "attributes")},
            )
            connection.execute(
                replacing,
                [
                    {
                        "id": one.id,
                        "seq": seq,
                        "born": seq,
                        "title": one.title,
                        "text": one.text,
                        "attributes": as_kept(one.attributes),
                    }
                    for seq, one in enumerate(latest.values(), start=last + 1)
                ],
            )
            bump(connection, "items")

    def since(self, seq: int) -> list[tuple[int, Item]]:
        """Return what was added or replaced after number `seq`, in that order."""
        found = select(items.c.seq, *ITEM).where(items.c.seq > seq).order_by(items.c.seq)
        with self._database.reading() as connection:
            return [(row[0], _read(row[1:])) for row in connection.execute(found)]

    def last(self) -> int:
        """Return the number of the latest change; 0 where there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(items.c.seq))) or 0

    def all(self) -> list[Item]:
        """Return every added item; a replaced one stands where it stood at first."""
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(select(*ITEM).order_by(items.c.born))]


def as_kept(attributes: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """Return attributes as JSON has them."""
    return {name: kept_value(value) for name, value in attributes.items()}


def kept_value(value: AttributeValue) -> Any:
    """Return a value of an attribute as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


def read_value(value: Any) -> AttributeValue:
    """Return a value of an attribute as it was before it was kept."""
    return tuple(value) if isinstance(value, list) else value


def read_attributes(kept: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return attributes as they were before they were kept."""
    return {name: read_value(value) for name, value in kept.items()}


def _read(row: Sequence[Any]) -> Item:
    item_id, title, words, attributes = row
    return Item(item_id, title, words, read_attributes(attributes))
