"""Beginning again: what a user did and said goes, the user stays."""

from typing import TYPE_CHECKING

from sqlalchemy import delete

from tastemate.store.checked import check_ids
from tastemate.store.erasing import about
from tastemate.store.schema import events, sessions, tastes, turns
from tastemate.store.versions import bump

if TYPE_CHECKING:
    from tastemate.store.opening import Store

FORGOTTEN = (events, turns, sessions, tastes)
"""What goes, in an order that may be deleted."""


def reset(store: "Store", user: str) -> dict[str, int]:
    """Remove what a user did, said of their taste, and talked about; return rows by table."""
    check_ids(user)
    which = about(user)
    with store.transaction() as connection:
        gone = {
            table.name: connection.execute(delete(table).where(which[table])).rowcount
            for table in FORGOTTEN
        }
        bump(connection, "removed")
        bump(connection, "tastes")  # every process then reads its people again
    return gone
