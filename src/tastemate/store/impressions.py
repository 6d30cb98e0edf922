"""What was shown to whom, where and how likely: what experiments and estimates are made of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from tastemate.store.checked import check_ids, check_number, check_places, check_times
from tastemate.store.database import Database
from tastemate.store.events import chunked, framed
from tastemate.store.schema import erased, impressions
from tastemate.store.users import hashed
from tastemate.store.versions import insert_into

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Impression:
    """One item of one list as it was shown."""

    recommendation: str
    user: str
    session: str
    item: str
    position: int
    """Its place in the list, from 1."""
    propensity: float = 1.0
    """Chance of standing at its place, given what stands before it."""
    score: float = 0.0
    arm: str = ""
    """Which arms of which experiments made the list."""
    model: str = ""
    policy: str = ""
    """What drew the list; empty where nothing was drawn."""
    at: int = 0
    """Seconds since 1970, UTC."""


NAMES = tuple(one.name for one in fields(Impression))
COLUMNS = [impressions.c[name] for name in NAMES]
AT_ONCE = 5_000
"""Hashes looked up by one statement."""
TYPES = {one.name: one.type for one in fields(Impression)}
TEXTS = tuple(one.name for one in fields(Impression) if one.type is str)


class Impressions:
    """The log of what was shown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[Impression]) -> None:
        """Keep what was shown; an item of a list that is there already is left as it is.

        What was shown to somebody before they were erased, and waited, is not kept.
        """
        if not rows:
            return
        for name in TEXTS:
            check_ids(*(getattr(one, name) for one in rows))
        for one in rows:
            check_number("A propensity", one.propensity)
            check_number("A score", one.score)
        check_places(one.position for one in rows)
        check_times(one.at for one in rows)
        key = self._database.id()
        with self._database.writing(shared="erased") as connection:
            gone = _erased(connection, key, {one.user for one in rows if one.user})
            kept = [one for one in rows if one.user not in gone or one.at > gone[one.user]]
            if kept:
                made = insert_into(connection, impressions).on_conflict_do_nothing()
                values = [{name: getattr(one, name) for name in NAMES} for one in kept]
                connection.execute(made, values)

    def of(self, recommendation: str) -> list[Impression]:
        """Return a list as it was shown, first place first."""
        check_ids(recommendation)
        found = select(*COLUMNS).where(impressions.c.recommendation == recommendation)
        with self._database.reading() as connection:
            rows = connection.execute(found.order_by(impressions.c.position, impressions.c.seq))
            return [Impression(*row) for row in rows]

    def drawn(
        self, since: int, *, most: int, depth: int, without: str
    ) -> "tuple[pl.DataFrame, int]":
        """Return the latest lists in which anything was drawn, and how many there are in all.

        Of the lists from a time on (seconds since 1970) with a propensity below 1 within the first
        `depth` places and without a text in their policy, the `most` that were logged last: their
        first places as a table like `frame`.
        """
        kept = (
            impressions.c.at >= since,
            impressions.c.position <= depth,
            impressions.c.propensity < 1.0,
            ~impressions.c.policy.contains(without, autoescape=True),
        )
        name = impressions.c.recommendation
        latest = func.max(impressions.c.seq).label("latest")
        lists = select(name, latest).where(*kept).group_by(name)
        some = lists.order_by(latest.desc()).limit(most).subquery()
        found = (
            select(*COLUMNS)
            .join(some, some.c.recommendation == name)
            .where(impressions.c.position <= depth)
            .order_by(impressions.c.seq)
        )
        with self._database.reading(still=True, long=True) as connection:
            count = connection.scalar(select(func.count(name.distinct())).where(*kept)) or 0
            return framed(chunked(connection, found), TYPES), count

    def frame(self, since: int = 0, *, most: int | None = None) -> "pl.DataFrame":
        """Return what was shown from a time on (seconds since 1970) as a table, oldest first.

        With `most` only so many rows, the latest.
        """
        found = select(*COLUMNS).where(impressions.c.at >= since)
        order = impressions.c.seq if most is None else impressions.c.seq.desc()
        with self._database.reading(still=True, long=True) as connection:
            table = framed(chunked(connection, found.order_by(order).limit(most)), TYPES)
        return table if most is None else table.reverse()


def _erased(connection: Connection, key: str, users: Collection[str]) -> dict[str, int]:
    """Return when those of some users were erased who were, in seconds since 1970."""
    if connection.scalar(select(erased.c.hash).limit(1)) is None:
        return {}
    by_hash = {hashed(key, user): user for user in users}
    tokens, found = list(by_hash), dict[str, int]()
    for start in range(0, len(tokens), AT_ONCE):
        some = erased.c.hash.in_(tokens[start : start + AT_ONCE])
        rows = connection.execute(select(erased.c.hash, erased.c.at).where(some))
        found |= {by_hash[token]: at for token, at in rows}
    return found
