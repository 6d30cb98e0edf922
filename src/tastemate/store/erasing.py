"""Forgetting a user: one transaction over everything that names them.

What a line of the audit log or a job says besides stays; the name in it does not. In SQLite the
bytes are overwritten (`secure_delete`) and the write-ahead log is emptied; PostgreSQL frees them at
its next vacuum.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    and_,
    delete,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import (
    audit,
    budgets,
    complaints,
    erased,
    events,
    impressions,
    jobs,
    sessions,
    tastes,
    turns,
    users,
)
from tastemate.store.versions import bump, insert_into

GONE = "(erased)"
"""What stands where the name stood."""
TOLD: Mapping[Table, tuple[str, ...]] = {
    audit: ("actor", "target", "detail"),
    jobs: ("asked", "message", "result", "error"),
}
"""Columns that may name anybody."""


def about(user: str) -> dict[Table, ColumnElement[bool]]:
    """Return which rows of which tables are about a user, in an order that may be deleted."""
    own = select(sessions.c.id).where(sessions.c.user == user)
    return {
        # Before a user signed in, what they did carries the conversation only.
        events: or_(events.c.user == user, and_(events.c.user == "", events.c.session.in_(own))),
        impressions: or_(
            impressions.c.user == user,
            and_(impressions.c.user == "", impressions.c.session.in_(own)),
        ),
        turns: turns.c.session.in_(own),
        sessions: sessions.c.user == user,
        tastes: tastes.c.user == user,
        complaints: complaints.c.user == user,
        budgets: budgets.c.who.in_((user, f"user:{user}")),
        users: users.c.id == user,
    }


def erase(database: Database, user: str, hash_of: Callable[[str], str]) -> dict[str, int]:
    """Remove everything that names a user; return rows by table, those changed among them."""
    check_ids(user)
    gone: dict[str, int] = {}
    token = hash_of(user)
    with database.writing("events", "erased", long=True) as connection:
        for table, which in about(user).items():
            gone[table.name] = connection.execute(delete(table).where(which)).rowcount
        for table, columns in TOLD.items():
            gone[table.name] = _unname(connection, table, columns, user)
        now = int(time.time())
        tombstone = insert_into(connection, erased).values(hash=token, at=now)
        again = tombstone.on_conflict_do_update(index_elements=["hash"], set_={"at": now})
        connection.execute(again)
        for name in ("erased", "users", "tastes", "removed"):
            bump(connection, name)
    database.tidy()
    return gone


def held(connection: Connection, user: str) -> bool:
    """Whether anything names a user that `erase` would remove or change."""
    if any(
        connection.execute(select(literal(1)).where(which).select_from(table).limit(1)).first()
        for table, which in about(user).items()
    ):
        return True
    return any(True for table in TOLD for _ in naming(connection, table, user))


def naming(connection: Connection, table: Table, user: str) -> Iterator[Row[Any]]:
    """Yield the rows of a table whose telling columns name a user."""
    columns = TOLD[table]
    written = {_as_text(user), quote(user, safe="")}
    # LIKE finds more than is meant, in any case of letters; `unnamed` looks closely.
    maybe = or_(
        *(
            type_coerce(table.c[name], Text).contains(one, autoescape=True)
            for name in columns
            for one in written
        )
    )
    for row in connection.execute(select(table).where(maybe).order_by(table.c.seq)).all():
        if any(unnamed(getattr(row, name), user) != getattr(row, name) for name in columns):
            yield row


def unnamed(value: Any, user: str) -> Any:
    """Return plain values without a user's name: whole texts, and parts of a path."""
    if isinstance(value, str):
        return _unnamed_text(value, user)
    if isinstance(value, list):
        return [unnamed(one, user) for one in value]
    if isinstance(value, dict):
        return {_unnamed_text(name, user): unnamed(one, user) for name, one in value.items()}
    return value


def _unnamed_text(text: str, user: str) -> str:
    if text in (user, f"user:{user}"):
        return GONE
    for written in {user, quote(user, safe=""), quote(user)}:
        start = text.find(f"users/{written}")
        end = start + len(f"users/{written}")
        if start >= 0 and (end == len(text) or text[end] in "/?# "):
            return f"{text[:start]}users/{GONE}{text[end:]}"
    return text


def _unname(connection: Connection, table: Table, columns: tuple[str, ...], user: str) -> int:
    rows = list(naming(connection, table, user))
    for row in rows:
        said = {name: unnamed(getattr(row, name), user) for name in columns}
        connection.execute(update(table).where(table.c.seq == row.seq).values(said))
    return len(rows)


def _as_text(user: str) -> str:
    return json.dumps(user)[1:-1]
