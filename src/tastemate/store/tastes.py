"""What users said themselves of what they like, and what never to say of them again."""

import hashlib
import json
import time
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.items import kept_value, read_value
from tastemate.store.schema import tastes
from tastemate.store.versions import bump
from tastemate.types import AttributeValue


@dataclass(frozen=True, slots=True)
class TasteEdit:
    """One thing a user said of their taste."""

    attribute: str
    value: AttributeValue
    likes: bool | None
    """None: never say it again."""
    at: int = 0
    """Seconds since 1970, UTC."""


class Tastes:
    """Edits of tastes; a later one on the same value takes the place of an earlier one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, user: str, attribute: str, value: AttributeValue, likes: bool | None) -> int:
        """Keep what a user said of a value; return the number of the change (`Versions`)."""
        check_ids(user)
        held = kept_value(value)
        key = hashlib.sha256(json.dumps([attribute, held]).encode()).hexdigest()
        said = {"attribute": attribute, "value": held, "likes": likes, "at": int(time.time())}
        with self._database.writing() as connection:
            old = delete(tastes).where(tastes.c.user == user, tastes.c.key == key)
            connection.execute(old)
            connection.execute(insert(tastes).values(user=user, key=key, **said))
            return bump(connection, "tastes")

    def of(self, user: str) -> list[TasteEdit]:
        """Return what a user said, oldest first."""
        check_ids(user)
        found = select(tastes.c.attribute, tastes.c.value, tastes.c.likes, tastes.c.at)
        with self._database.reading() as connection:
            rows = connection.execute(found.where(tastes.c.user == user).order_by(tastes.c.seq))
            return [TasteEdit(name, read_value(value), *more) for name, value, *more in rows]

    def forget(self, user: str, attribute: str, value: str) -> int:
        """Forget what a user said of one value, as text; return the change, 0 for none."""
        check_ids(user)
        about = (tastes.c.user == user, tastes.c.attribute == attribute)
        with self._database.writing() as connection:
            said = connection.execute(select(tastes.c.key, tastes.c.value).where(*about)).all()
            keys = [key for key, held in said if str(read_value(held)) == value]
            if not keys:
                return 0
            connection.execute(delete(tastes).where(*about, tastes.c.key.in_(keys)))
            return bump(connection, "tastes")

    def clear(self, user: str) -> int:
        """Forget what a user said of their taste; return the number of the change, 0 for none."""
        check_ids(user)
        with self._database.writing() as connection:
            if connection.execute(delete(tastes).where(tastes.c.user == user)).rowcount:
                return bump(connection, "tastes")
        return 0
