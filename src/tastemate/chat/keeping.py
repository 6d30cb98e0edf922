"""Conversations as they are kept: turns are added, never changed, and deleting is real.

Where they lie is the store's affair (`store.sessions`); what a turn holds is said here.
"""

from dataclasses import dataclass
from typing import Any

from tastemate.chat.coded import decoded, encoded
from tastemate.chat.session import Session, Turn
from tastemate.store.sessions import SessionRows

FORMAT = 1
"""Raised when an older version can no longer read what this one writes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation in the store, as far as a list of them tells."""

    id: str
    user: str | None
    at: int
    """When it was last written, seconds since 1970, UTC."""


class Sessions:
    """The conversations of a store; any number of processes may use it at once."""

    def __init__(self, rows: SessionRows) -> None:
        self._rows = rows

    def keep(self, session: Session, *, must_exist: bool = False) -> None:
        """Write what is new of a conversation; on disk when this returns.

        One that is not there is begun, unless it `must_exist`: it was opened from here.
        Raises `NotFound` where it was deleted meanwhile, `DataError` where it went on elsewhere,
        `FormatError` where a newer version wrote it, and `Unavailable` where nothing can be
        written.
        """
        records = _records(session)
        self._rows.keep(session.id, session.user, FORMAT, records, must_exist=must_exist)

    def start(self, session: Session) -> None:
        """Write a whole conversation that is not kept yet; raise `DataError` if one is."""
        self._rows.start(session.id, session.user, FORMAT, _records(session))

    def open(self, session_id: str) -> Session:
        """Return a conversation as it was kept.

        Raises `NotFound` for one that is not there, and `FormatError` for a damaged turn or one
        that a newer version wrote.
        """
        row = self._rows.open(session_id, FORMAT)
        turns = (
            decoded(Turn, record, f"The conversation {session_id!r}, turn {number}")
            for number, record in enumerate(row.records, start=1)
        )
        return Session(row.id, row.user, tuple(turns))

    def all(self, user: str | None = None) -> list[Kept]:
        """Return the conversations (of a user), the one written last first.

        Those that a newer version wrote are not among them; `damaged` names these.
        """
        rows = self._rows.all(user)
        return [Kept(one.id, one.user, int(one.at)) for one in rows if one.format <= FORMAT]

    def damaged(self) -> list[str]:
        """Return the ids of conversations that this version cannot open."""
        return [one.id for one in self._rows.all() if one.format > FORMAT]

    def delete(self, session_id: str) -> None:
        """Remove a conversation for good; raise `NotFound` if there is none."""
        self._rows.delete(session_id)

    def delete_user(self, user: str) -> int:
        """Remove every conversation of a user for good; return how many there were."""
        return self._rows.delete_user(user)


def _records(session: Session) -> list[dict[str, Any]]:
    return [encoded(turn) for turn in session.turns]
