"""Everything held about a user, as plain values that JSON can take."""

import json
from typing import Any

from sqlalchemy import Row, Table, select

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.erasing import TOLD, about, naming
from tastemate.store.schema import turns, users

INSIDE = {"key", "tries", "worker"}
"""Columns that say how a row is kept, nothing of the user."""


def export(database: Database, user: str) -> dict[str, Any]:
    """Return what is held about a user, by table, as it was at one moment."""
    check_ids(user)
    with database.reading(still=True) as connection:
        held: dict[str, Any] = {"user": user, "attributes": {}}
        for table, which in about(user).items():
            order = table.c.seq if "seq" in table.c else next(iter(table.primary_key))
            rows = connection.execute(select(table).where(which).order_by(order)).all()
            held[table.name] = [_plain(table, row) for row in rows]
        for table in TOLD:
            held[table.name] = [_plain(table, row) for row in naming(connection, table, user)]
    spoken: dict[str, list[Any]] = {}
    for turn in sorted(held.pop(turns.name), key=lambda one: (one["session"], one["number"])):
        spoken.setdefault(turn["session"], []).append(turn["record"])
    for session in held["sessions"]:
        session["turns"] = spoken.get(session["id"], [])
    for entry in held.pop(users.name):
        held["attributes"] = entry["attributes"]
    return held


def _plain(table: Table, row: Row[Any]) -> dict[str, Any]:
    found = {name: value for name, value in row._mapping.items() if name not in INSIDE}
    if table is turns:
        found["record"] = json.loads(found["record"])
    return found
