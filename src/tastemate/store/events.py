"""What people did, in the order it was kept: the log that everything live is rebuilt from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, func, select, text

from tastemate.errors import DataError
from tastemate.store.checked import check_ids, check_number, check_places, check_times
from tastemate.store.database import Database
from tastemate.store.schema import events, meta, versions
from tastemate.store.versions import bump
from tastemate.types import Signal

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 5_000
"""Signals written by one statement."""
CHUNK = 50_000
"""Rows that are Python objects at once while a table is made of them."""
DAY = 86_400
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
    select(events.c.seq, *SIGNAL)
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
        self._counted: tuple[tuple[str, int], int, int] = (("", 0), 0, 0)

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
        return [signal for _, signal in self.numbered(user)]

    def numbered(self, user: str) -> list[tuple[int, Signal]]:
        """Return a user's signals, in the order of `of`, each with its number."""
        check_ids(user)
        with self._database.reading() as connection:
            rows = connection.execute(OF_USER, {"one": user})
            return [(row[0], Signal(*row[1:])) for row in rows]

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

    def count(self, after: int = 0) -> int:
        """Return how many signals there are of a number above `after`.

        Of all of them only those are counted that came since the last time.
        """
        with self._database.reading(still=True) as connection:
            if after:
                return _counted(connection, after)[1]
            state = _removals(connection)
            before, last, known = self._counted
            newest = connection.scalar(select(func.max(events.c.seq))) or 0
            if before != state or newest < last:
                last = known = 0
            last, new = _counted(connection, last)
        self._counted = (state, last, known + new)
        return known + new

    def by_user(self) -> dict[str, int]:
        """Return how many signals there are of everybody who did something."""
        found = select(events.c.user, func.count()).group_by(events.c.user)
        with self._database.reading(long=True) as connection:
            return {user: count for user, count in connection.execute(found)}

    def kinds_per_day(self, since: int) -> list[tuple[int, str, int]]:
        """Return how many signals of each kind each day has, of those from a time on.

        The time is in seconds since 1970; a day is its number since then (UTC), oldest first.
        """
        day = (events.c.timestamp // DAY).label("day")
        found = (
            select(day, events.c.kind, func.count())
            .where(events.c.timestamp >= since)
            .group_by(day, events.c.kind)
            .order_by(day, events.c.kind)
        )
        with self._database.reading(long=True) as connection:
            return [(int(at), kind, count) for at, kind, count in connection.execute(found)]

    def users(self) -> list[str]:
        """Return everybody who did something, by id."""
        found = select(events.c.user).distinct().order_by(events.c.user)
        with self._database.reading(long=True) as connection:
            return list(connection.scalars(found))

    def frame(
        self, until: int | None = None, after: int = 0, since: int | None = None
    ) -> "pl.DataFrame":
        """Return the log as a table, by `seq`: after one number and until another.

        With `since` only what was done from that time on, in seconds since 1970.
        """
        found = select(events.c.seq, *SIGNAL)
        if after:
            found = found.where(events.c.seq > after)
        if until is not None:
            found = found.where(events.c.seq <= until)
        # Sorted by the database it would be read in the order of `seq`, past all of the log.
        found = (
            found.order_by(events.c.seq)
            if since is None
            else found.where(events.c.timestamp >= since)
        )
        types = {"seq": int} | {one.name: one.type for one in fields(Signal)}
        with self._database.reading(still=True, long=True) as connection:
            table = framed(chunked(connection, found), types)
        return table if since is None else table.sort("seq")


def framed(chunks: Iterable[Sequence[Any]], types: Mapping[str, Any]) -> "pl.DataFrame":
    """Return lists of rows as one table whose columns have the given Python types."""
    import polars as pl

    known = {int: pl.Int64, float: pl.Float64, str: pl.String}
    schema = {name: known[kind] for name, kind in types.items()}
    tables = [pl.DataFrame(schema=schema)]
    for rows in chunks:
        columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
        tables.append(pl.DataFrame([pl.Series(one, held, dtype=at) for (one, at), held in columns]))
    return pl.concat(tables)


def chunked(connection: Connection, found: "Select[*tuple[Any, ...]]") -> Iterator[Sequence[Any]]:
    """Yield what a query finds in lists of at most `CHUNK` rows; needs a transaction."""
    yield from connection.execution_options(yield_per=CHUNK).execute(found).partitions()


def _counted(connection: Connection, after: int) -> tuple[int, int]:
    """Return the last number there is, and how many signals have one above `after`."""
    found = select(func.max(events.c.seq), func.count()).where(events.c.seq > after)
    last, count = connection.execute(found).one()
    return last or after, count


def _removals(connection: Connection) -> tuple[str, int]:
    """Return which store it is and how often signals were taken out of it."""
    store = connection.scalar(select(meta.c.value).where(meta.c.name == "id"))
    times = connection.scalar(select(versions.c.number).where(versions.c.name == "removed"))
    return store or "", times or 0


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
