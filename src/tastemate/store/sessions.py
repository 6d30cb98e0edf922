"""Conversations, a row a turn: turns are only ever added, and only by who knew the last one."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from tastemate.errors import DataError, FormatError, NotFound
from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import sessions, turns
from tastemate.store.versions import insert_into


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A conversation as it is kept: whose, in what format, and its turns as JSON values."""

    id: str
    user: str | None
    format: int
    at: float
    """When it was last written, seconds since 1970, UTC."""
    records: tuple[Any, ...] = ()


class SessionRows:
    """The conversations of a store; what a turn holds is for others to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self,
        session: str,
        user: str | None,
        version: int,
        records: Sequence[Any],
        *,
        must_exist: bool = False,
    ) -> None:
        """Write what is new of a conversation; on disk when this returns.

        One that is not there is begun, unless it `must_exist`: it was read from here.
        Raises `NotFound` where it was deleted meanwhile, `DataError` where it went on elsewhere,
        and `FormatError` where a newer version than `version` wrote it.
        """
        check_ids(session, user or "")
        with self._database.writing() as connection:
            head = self._head(connection, session, lock=True)
            if head is None:
                if must_exist or len(records) > 1:
                    raise NotFound(f"The conversation {session!r} was deleted. Start a new one.")
                self._start(connection, session, user, version, records)
                return
            readable(head, version)
            known, last = self._known(connection, session)
            if known > len(records) or (known and last != _as_read(records[known - 1])):
                raise DataError(
                    f"The conversation {session!r} went on elsewhere. Open it again and "
                    "repeat what was said last."
                )
            self._add(connection, session, records, known)

    def start(
        self,
        session: str,
        user: str | None,
        version: int,
        records: Sequence[Any],
        at: float | None = None,
    ) -> None:
        """Write a whole conversation that is not kept yet; raise `DataError` if one is."""
        check_ids(session, user or "")
        with self._database.writing() as connection:
            if self._head(connection, session) is not None:
                raise DataError(f"There is a conversation {session!r} already. Take another id.")
            self._start(connection, session, user, version, records, at)

    def open(self, session: str, version: int) -> SessionRow:
        """Return a conversation; raise `NotFound`, or `FormatError` for a newer format."""
        check_ids(session)
        with self._database.reading(still=True) as connection:
            head = self._head(connection, session)
            if head is None:
                raise NotFound(f"There is no conversation {session!r}. Start one, or list them.")
            readable(head, version)
            records = tuple(
                _parsed(record, session, number)
                for number, record in connection.execute(_turns_of(session))
            )
        return SessionRow(head.id, head.user, head.format, head.at, records)

    def all(self, user: str | None = None) -> list[SessionRow]:
        """Return the conversations (of a user) without their turns, the one written last first."""
        check_ids(user or "")
        found = select(sessions).order_by(sessions.c.at.desc(), sessions.c.id)
        if user is not None:
            found = found.where(sessions.c.user == user)
        with self._database.reading() as connection:
            return [_row(one) for one in connection.execute(found).mappings()]

    def delete(self, session: str) -> None:
        """Remove a conversation for good; raise `NotFound` if there is none."""
        check_ids(session)
        with self._database.writing() as connection:
            gone = connection.execute(delete(sessions).where(sessions.c.id == session)).rowcount
        if not gone:
            raise NotFound(f"There is no conversation {session!r}; nothing was deleted.")
        self._database.tidy()

    def delete_user(self, user: str) -> int:
        """Remove every conversation of a user for good; return how many there were."""
        check_ids(user)
        with self._database.writing() as connection:
            gone = connection.execute(delete(sessions).where(sessions.c.user == user)).rowcount
        if gone:
            self._database.tidy()
        return gone

    @staticmethod
    def _head(connection: Connection, session: str, lock: bool = False) -> SessionRow | None:
        found = select(sessions).where(sessions.c.id == session)
        if lock:  # whoever else writes to this conversation waits
            found = found.with_for_update()
        row = connection.execute(found).mappings().first()
        return None if row is None else _row(row)

    @staticmethod
    def _known(connection: Connection, session: str) -> tuple[int, Any]:
        """Return how many turns are kept, and the last of them."""
        found = _turns_of(session).order_by(None).order_by(turns.c.number.desc()).limit(1)
        last = connection.execute(found).first()
        return (last[0], _parsed(last[1], session, last[0])) if last else (0, None)

    def _start(
        self,
        connection: Connection,
        session: str,
        user: str | None,
        version: int,
        records: Sequence[Any],
        at: float | None = None,
    ) -> None:
        now = time.time() if at is None else at
        head = {"id": session, "user": user, "format": version, "at": now}
        made = insert_into(connection, sessions).values(head).on_conflict_do_nothing()
        if not connection.execute(made).rowcount:  # PostgreSQL: begun twice in one moment
            raise DataError(f"There is a conversation {session!r} already. Take another id.")
        self._write(connection, session, records, 0)

    def _add(
        self, connection: Connection, session: str, records: Sequence[Any], known: int
    ) -> None:
        if len(records) == known:
            return
        self._write(connection, session, records, known)
        now = update(sessions).where(sessions.c.id == session).values(at=time.time())
        connection.execute(now)

    @staticmethod
    def _write(connection: Connection, session: str, records: Sequence[Any], known: int) -> None:
        if new := records[known:]:
            connection.execute(
                insert(turns),
                [
                    {"session": session, "number": number, "record": json.dumps(one)}
                    for number, one in enumerate(new, start=known + 1)
                ],
            )


def readable(head: SessionRow, version: int) -> None:
    """Raise `FormatError` for a conversation that a newer version wrote."""
    if head.format > version:
        raise FormatError(
            f"The conversation {head.id!r} was written by a newer version (format {head.format}, "
            f"this one reads {version}). Update Tastemate."
        )


def _turns_of(session: str) -> Select[int, str]:
    found = select(turns.c.number, turns.c.record).where(turns.c.session == session)
    return found.order_by(turns.c.number)


def _row(found: Any) -> SessionRow:
    return SessionRow(found["id"], found["user"], found["format"], found["at"])


def _parsed(record: str, session: str, number: int) -> Any:
    try:
        return json.loads(record)
    except (ValueError, RecursionError) as error:
        raise FormatError(
            f"The conversation {session!r}, turn {number} is damaged ({error}). Delete the "
            "conversation, or restore a backup."
        ) from error


def _as_read(record: Any) -> Any:
    return json.loads(json.dumps(record))
