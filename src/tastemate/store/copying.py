"""Rows from one database into another, whichever the two are, in one transaction."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from tastemate.store.database import Database
from tastemate.store.schema import METADATA, meta, versions
from tastemate.store.versions import NAMES, insert_into

AT_ONCE = 2_000
"""Rows written by one statement."""
TABLES: tuple[Table, ...] = tuple(METADATA.sorted_tables)
"""Every table, those before that others refer to."""
COUNTED = tuple(one for one in TABLES if "seq" in one.primary_key.columns)
"""Those whose rows the database numbers."""


class Rows(Protocol):
    """What rows are read from."""

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Return the last number given out, by table."""
        ...


class Reading:
    """The rows that a connection sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table in the order of its key."""
        found = select(table).order_by(*table.primary_key.columns)
        streamed = self._connection.execution_options(yield_per=AT_ONCE).execute(found)
        for row in streamed.mappings():
            yield dict(row)

    def counters(self) -> dict[str, int]:
        """Return the last number given out, by table: more than the last row's after an erasure."""
        return {one.name: _last(self._connection, one) for one in COUNTED}


def copy_into(database: Database, source: Rows) -> dict[str, int]:
    """Put rows in place of everything a database holds; return how many, by table."""
    copied: dict[str, int] = {}
    with database.writing("events", long=True) as connection:
        before = counts_of_changes(connection)
        for table in reversed(TABLES):
            connection.execute(delete(table))
        for table in TABLES:
            copied[table.name] = 0
            for chunk in batched(source.rows(table)):
                connection.execute(insert(table), chunk)
                copied[table.name] += len(chunk)
        for name, last in source.counters().items():
            _go_on_from(connection, METADATA.tables[name], last)
        overtake(connection, before)
    return copied


def counts_of_changes(connection: Connection) -> dict[str, int]:
    """Return every counter of changes."""
    return {name: number for name, number in connection.execute(select(versions)).all()}


def overtake(connection: Connection, before: Mapping[str, int]) -> None:
    """Count on from whichever is more, before or now: whoever looks sees that all has changed."""
    now = counts_of_changes(connection)
    for name in {*NAMES, *before, *now}:
        number = max(before.get(name, 0), now.get(name, 0)) + 1
        made = insert_into(connection, versions).values(name=name, number=number)
        connection.execute(
            made.on_conflict_do_update(index_elements=["name"], set_={"number": number})
        )


def row_counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        one.name: connection.scalar(select(func.count()).select_from(one)) or 0 for one in TABLES
    }


def is_empty(counted: Mapping[str, int]) -> bool:
    """Whether nobody's rows are among these counts."""
    return not any(n for name, n in counted.items() if name not in (meta.name, versions.name))


def batched(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in lists of at most `AT_ONCE`."""
    left = iter(rows)
    while chunk := list(itertools.islice(left, AT_ONCE)):
        yield chunk


def _last(connection: Connection, table: Table) -> int:
    if connection.dialect.name == "sqlite":
        found = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.scalar(found, {"name": table.name}) or 0
    found = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table.name}_seq_seq")
    return connection.scalar(found) or 0


def _go_on_from(connection: Connection, table: Table, last: int) -> None:
    """Number later rows from `last` on."""
    if not last:
        return
    named = {"name": table.name, "last": last}
    if connection.dialect.name == "sqlite":
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), named)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), named)
    else:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'seq'), :last)"), named
        )
