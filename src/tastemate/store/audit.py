"""Who did what to the service: changes that somebody may have to answer for."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select

from tastemate.store.database import Database
from tastemate.store.schema import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    id: int
    at: int
    """Seconds since 1970, UTC."""
    actor: str
    action: str
    target: str
    detail: Mapping[str, Any]


class Audit:
    """The log, in the order it was written; nothing takes a line out of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, actor: str, action: str, target: str, detail: Mapping[str, Any]) -> None:
        """Write one line; on disk when this returns."""
        said = {"actor": actor, "action": action, "target": target, "detail": dict(detail)}
        with self._database.writing() as connection:
            connection.execute(insert(audit).values(at=int(time.time()), **said))

    def all(self, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return lines of a number above `after`, oldest first, at most `limit`."""
        found = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [Entry(*row) for row in connection.execute(found)]

    def latest(self, limit: int = 100) -> list[Entry]:
        """Return the latest lines, the last one first, at most `limit`."""
        found = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return [Entry(*row) for row in connection.execute(found)]

    def count(self, most: int) -> int:
        """Return how many lines there are, as far as `most`."""
        some = select(audit.c.seq).limit(most).subquery()
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0
