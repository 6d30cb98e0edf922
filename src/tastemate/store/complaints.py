"""What people said is wrong with a list."""

import time
from dataclasses import dataclass

from sqlalchemy import func, insert, select

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import complaints


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint; what it does not name is empty."""

    id: int
    user: str
    recommendation: str
    item: str
    kind: str
    text: str
    at: int
    """Seconds since 1970, UTC."""


class Complaints:
    """Complaints, in the order they came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: str, recommendation: str, item: str, kind: str, text: str) -> int:
        """Keep a complaint and return its number."""
        check_ids(user, recommendation, item, kind)
        named = {"user": user, "recommendation": recommendation, "item": item, "kind": kind}
        made = insert(complaints).values(**named, text=text, at=int(time.time()))
        with self._database.writing() as connection:
            return int(connection.execute(made.returning(complaints.c.seq)).scalar_one())

    def all(self, after: int = 0, limit: int = 100) -> list[Complaint]:
        """Return complaints of a number above `after`, oldest first, at most `limit`."""
        found = select(complaints).where(complaints.c.seq > after).order_by(complaints.c.seq)
        with self._database.reading() as connection:
            return [Complaint(*row) for row in connection.execute(found.limit(limit))]

    def latest(self, limit: int = 100) -> list[Complaint]:
        """Return the latest complaints, the last one first, at most `limit`."""
        found = select(complaints).order_by(complaints.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return [Complaint(*row) for row in connection.execute(found)]

    def count(self, most: int) -> int:
        """Return how many complaints there are, as far as `most`."""
        some = select(complaints.c.seq).limit(most).subquery()
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0
