"""How often each part of the store changed: one look tells a process whether to read again."""

from sqlalchemy import Connection, Table, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from tastemate.store.database import Database
from tastemate.store.schema import versions

NAMES = (
    "events", "items", "users", "erased", "model", "experiments", "tastes", "keys", "removed",
)  # fmt: skip
"""What is counted; "removed" is how often signals were taken out of the log."""


class Versions:
    """The counters; each only ever grows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, int]:
        """Return every counter by name; 0 where nothing happened yet."""
        with self._database.reading() as connection:
            rows = connection.execute(select(versions.c.name, versions.c.number)).all()
        return dict.fromkeys(NAMES, 0) | {name: number for name, number in rows}

    def bump(self, name: str, connection: Connection | None = None) -> int:
        """Count one change and return the new number; within a transaction where one is given."""
        if connection is None:
            with self._database.writing() as opened:
                return bump(opened, name)
        return bump(connection, name)


def bump(connection: Connection, name: str) -> int:
    """Count one change within a transaction and return the new number."""
    made = insert_into(connection, versions).values(name=name, number=1)
    counted = made.on_conflict_do_update(
        index_elements=["name"], set_={"number": versions.c.number + literal_column("1")}
    )
    return int(connection.execute(counted.returning(versions.c.number)).scalar_one())


def insert_into(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that knows ON CONFLICT, which both databases have and no standard."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
