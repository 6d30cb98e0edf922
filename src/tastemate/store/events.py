"""What people did, in the order it was kept: the log that everything live is rebuilt from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, select, text

from tastemate.errors import DataError
from tastemate.store.checked import check_ids, check_number, check_places, check_times
from tastemate.store.database import Database
from tastemate.store.schema import events
from tastemate.store.versions import bump
from tastemate.types import Signal

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 5_000
"""Signals written by one statement."""
COLUMNS = tuple(one.name for one in fields(Signal))
KINDS = {"value": "double precision", "timestamp": "bigint", "position": "integer"}
"""PostgreSQL's types of the columns that are not text."""

_named = ", ".join(f'"{name}"' for name in COLUMNS)
SQLITE_INSERT = (
    f"INSERT INTO events ({_named}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (id) DO NOTHING"
)
# Whole columns as arrays: one statement and one round trip for thousands of rows.
_arrays = ", ".join(f"CAST(:{name} AS {KINDS.get(name, 'text')}[])" for name in COLUMNS)
SERVER_INSERT = text(
    f"INSERT INTO events ({_named}) SELECT * FROM unnest({_arrays}) ON CONFLICT (id) DO NOTHING"
)
SIGNAL = [events.c[name] for name in COLUMNS]
OF_USER = (
    select(*SIGNAL)
    .where(events.c.user == bindparam("one"))
    .order_by(events.c.timestamp, events.c.seq)
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many signals were new, and how many had been recorded before."""

    accepted: int
    duplicates: int


class Events:
    """The log of signals; `seq` grows in the order in which they were committed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, signals: Sequence[Signal]) -> Recorded:
        """Keep signals in one transaction; on disk when this returns.

        An id that was kept before, or that stands earlier in the same batch, is a duplicate.
        Raises `DataError` for what cannot be kept, and then keeps none.
        """
        if not signals:
            return Recorded(0, 0)
        columns = _columns(signals)
        with self._database.writing("events") as connection:
            accepted = sum(
                _insert(connection, [one[start : start + AT_ONCE] for one in columns])
                for start in range(0, len(signals), AT_ONCE)
            )
            if accepted:
                bump(connection, "events")
        return Recorded(accepted, len(signals) - accepted)

    def of(self, user: str) -> list[Signal]:
        """Return a user's signals by time, and of one time as they were kept."""
        check_ids(user)
        with self._database.reading() as connection:
            return [Signal(*row) for row in connection.execute(OF_USER, {"one": user})]

    def get(self, signal: str) -> Signal | None:
        """Return the signal of an id; None where none was kept under it."""
        found = select(*SIGNAL).where(events.c.id == signal)
        with self._database.reading() as connection:
            row = connection.execute(found).first()
            return Signal(*row) if row is not None else None

    def since(self, seq: int, limit: int = 10_000) -> list[tuple[int, Signal]]:
        """Return what was kept after number `seq`, at most `limit` signals, each with its own."""
        found = select(events.c.seq, *SIGNAL).where(events.c.seq > seq)
        with self._database.reading() as connection:
            rows = connection.execute(found.order_by(events.c.seq).limit(limit))
            return [(row[0], Signal(*row[1:])) for row in rows]

    def last(self) -> int:
        """Return the number of the latest signal; 0 where there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(events.c.seq))) or 0

    def count(self) -> int:
        """Return how many signals there are."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(events)) or 0

    def users(self) -> list[str]:
        """Return everybody who did something, by id."""
        found = select(events.c.user).distinct().order_by(events.c.user)
        with self._database.reading() as connection:
            return list(connection.scalars(found))

    def frame(self, until: int | None = None, after: int = 0) -> "pl.DataFrame":
        """Return the log as a table, by `seq`: after one number and until another."""
        found = select(events.c.seq, *SIGNAL).where(events.c.seq > after)
        if until is not None:
            found = found.where(events.c.seq <= until)
        with self._database.reading() as connection:
            rows = connection.execute(found.order_by(events.c.seq)).all()
        return framed(rows, {"seq": int} | {one.name: one.type for one in fields(Signal)})


def framed(rows: Sequence[Any], types: dict[str, Any]) -> "pl.DataFrame":
    """Return rows as a table whose columns have the given Python types."""
    import polars as pl

    known = {int: pl.Int64, float: pl.Float64, str: pl.String}
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return pl.DataFrame(
        [
            pl.Series(name, values, dtype=known[kind])
            for (name, kind), values in zip(types.items(), columns, strict=True)
        ]
    )


def _columns(signals: Sequence[Signal]) -> list[list[Any]]:
    """Return signals as columns, checked; raise `DataError` naming what cannot be kept."""
    columns = [[getattr(one, name) for one in signals] for name in COLUMNS]
    by_name = dict(zip(COLUMNS, columns, strict=True))
    for name, values in by_name.items():
        if name not in KINDS:
            check_ids(*values)
    if not all(by_name["id"]):
        raise DataError("A signal has an empty id. Give each an id of its own.")
    for value in by_name["value"]:
        check_number("A value", value)
    check_times(by_name["timestamp"])
    check_places(by_name["position"])
    return columns


def _insert(connection: Connection, columns: list[list[Any]]) -> int:
    if connection.dialect.name == "sqlite":
        rows = list(zip(*columns, strict=True))
        return connection.exec_driver_sql(SQLITE_INSERT, rows).rowcount
    return connection.execute(SERVER_INSERT, dict(zip(COLUMNS, columns, strict=True))).rowcount
