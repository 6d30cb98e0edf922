"""API keys: what is kept is a hash, so that nobody can read a key out of the store.

A key has 256 bits of chance in it, so that one fast hash is enough: there is nothing to guess.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from tastemate.errors import NotFound
from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import keys
from tastemate.store.versions import bump

PREFIX = "tm"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; never the key itself."""

    id: str
    name: str
    scopes: frozenset[str]
    made: int
    """Seconds since 1970, UTC."""
    revoked: int = 0
    """When it was taken back; 0 while it holds."""


class Keys:
    """The keys that were given out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, name: str, scopes: Iterable[str]) -> tuple[str, str]:
        """Make a key; return its id and the key, which is never to be had again."""
        key_id = secrets.token_hex(6)
        secret = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
        kept = {"name": name, "scopes": sorted(set(scopes)), "hash": _hash(secret)}
        with self._database.writing() as connection:
            made = insert(keys).values(id=key_id, **kept, made=int(time.time()), revoked=0)
            connection.execute(made)
            bump(connection, "keys")
        return key_id, secret

    def verify(self, secret: str) -> Key | None:
        """Return the key of a secret; None where it is no key, or was revoked."""
        parts = secret.split("_", 2)
        if len(parts) != 3 or not secret.isascii() or "\0" in secret:
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(keys).where(keys.c.id == parts[1])).first()
        # Compared with something in any case: how long it takes tells nothing.
        same = hmac.compare_digest(_hash(secret), row.hash if row else _hash(""))
        if row is None or not same or row.revoked:
            return None
        return Key(row.id, row.name, frozenset(row.scopes), row.made, row.revoked)

    def revoke(self, key: str) -> None:
        """Take a key back for good; raise `NotFound` if there is none of that id."""
        check_ids(key)
        with self._database.writing() as connection:
            known = connection.scalar(select(keys.c.revoked).where(keys.c.id == key))
            if known is None:
                raise NotFound(f"There is no key {key!r}. List them: tastemate keys list.")
            if not known:
                now = update(keys).where(keys.c.id == key).values(revoked=int(time.time()))
                connection.execute(now)
                bump(connection, "keys")

    def all(self) -> list[Key]:
        """Return every key, revoked ones too, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.made, keys.c.id))
            return [Key(r.id, r.name, frozenset(r.scopes), r.made, r.revoked) for r in rows]

    def any(self) -> bool:
        """Whether there is a key that holds."""
        found = select(keys.c.id).where(keys.c.revoked == 0).limit(1)
        with self._database.reading() as connection:
            return connection.scalar(found) is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
