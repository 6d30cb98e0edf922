"""Who the users are and what they said of themselves; forgetting them, and telling them."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import exists, select, union

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.items import as_kept, read_attributes
from tastemate.store.schema import erased, events, users
from tastemate.store.versions import bump, insert_into
from tastemate.types import AttributeValue


class Users:
    """Users with an entry of their own, and those who only did something."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, user: str, attributes: Mapping[str, AttributeValue]) -> int:
        """Keep what is known of a user, in place of what was known before.

        Return the number of the change (`Versions`).
        """
        check_ids(user)
        now = {"attributes": as_kept(attributes), "at": int(time.time())}
        with self._database.writing() as connection:
            made = insert_into(connection, users).values(id=user, **now)
            connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=now))
            return bump(connection, "users")

    def get(self, user: str) -> dict[str, AttributeValue]:
        """Return what is known of a user; empty where nothing is."""
        check_ids(user)
        with self._database.reading() as connection:
            found = connection.scalar(select(users.c.attributes).where(users.c.id == user))
        return read_attributes(found or {})

    def known(self, user: str) -> bool:
        """Whether a user has an entry or did anything."""
        check_ids(user)
        entry = exists().where(users.c.id == user)
        did = exists().where(events.c.user == user)
        with self._database.reading() as connection:
            return bool(connection.scalar(select(entry | did)))

    def held(self, user: str) -> bool:
        """Whether anything at all is held that names a user: also what others say of them."""
        from tastemate.store.erasing import held

        check_ids(user)
        with self._database.reading(still=True) as connection:
            return held(connection, user)

    def declared(self) -> dict[str, dict[str, AttributeValue]]:
        """Return what everybody with an entry said of themselves, by id."""
        found = select(users.c.id, users.c.attributes).order_by(users.c.id)
        with self._database.reading() as connection:
            return {user: read_attributes(said) for user, said in connection.execute(found)}

    def all(self, after: str = "", limit: int = 100) -> list[str]:
        """Return ids in their order (by code point), those after `after`, at most `limit`."""
        check_ids(after)
        entries = select(users.c.id.label("id")).where(users.c.id > after)
        did = select(events.c.user.label("id")).where(events.c.user > after).distinct()
        both = union(
            entries.order_by(users.c.id).limit(limit).subquery().select(),
            did.order_by(events.c.user).limit(limit).subquery().select(),
        ).subquery()
        with self._database.reading() as connection:
            return list(connection.scalars(select(both.c.id).order_by(both.c.id).limit(limit)))

    def erase(self, user: str) -> dict[str, int]:
        """Remove everything that names a user, in one transaction; return rows by table.

        What stays is a keyed hash of the id (`erased`), so that the next fit leaves out what the
        imported data says of them.
        """
        from tastemate.store.erasing import erase

        return erase(self._database, user, self.hash_of)

    def export(self, user: str) -> dict[str, Any]:
        """Return everything held about a user as plain values, by table."""
        from tastemate.store.exporting import export

        return export(self._database, user)

    def erased(self) -> frozenset[str]:
        """Return the hashes of those who were erased (`hash_of`)."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(erased.c.hash)))

    def hash_of(self, user: str) -> str:
        """Return the hash that stands for an erased user, keyed by the id of this store."""
        return hashed(self._database.id(), user)


def hashed(key: str, user: str) -> str:
    """Return HMAC-SHA256 of a user's id as hexadecimal text."""
    return hmac.new(key.encode(), user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
