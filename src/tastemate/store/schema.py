"""The tables of the store: one description for both databases.

Ids sort by code point on both (PostgreSQL would sort by its locale). Values of several shapes are
kept as JSON in ASCII: any text comes back as it was, also what no database takes as text.
"""

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

HEAD = "0001"
"""The revision of `migrations/` that these tables are."""
REVISIONS = ("0001",)
"""Every revision this version can read, oldest first."""

ID = Text().with_variant(Text(collation="C"), "postgresql")
COUNTER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up only in a column it knows as INTEGER."""


class Json(TypeDecorator[Any]):
    """Plain values as JSON text in ASCII; tuples come back as lists."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Return the text that is kept."""
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the value of a kept text."""
        return json.loads(value)


def _counter() -> "Column[int]":
    return Column("seq", COUNTER, primary_key=True, autoincrement=True)


def _id(name: str, **more: Any) -> "Column[str]":
    return Column(name, ID, nullable=False, **more)


def _time(name: str) -> "Column[int]":
    return Column(name, BigInteger, nullable=False)


def _number(name: str) -> "Column[float]":
    return Column(name, Double, nullable=False)


def _plain(name: str) -> "Column[Any]":
    return Column(name, Json, nullable=False)


def _text(name: str) -> "Column[str]":
    return Column(name, Text, nullable=False)


METADATA = MetaData()

meta = Table("meta", METADATA, _id("name", primary_key=True), _text("value"))

versions = Table("versions", METADATA, _id("name", primary_key=True), _time("number"))

# A number is never given twice (AUTOINCREMENT), or who has read up to it would miss a signal
# recorded after an erasure.
events = Table(
    "events",
    METADATA,
    _counter(),
    _id("id", unique=True),
    _id("user"),
    _id("item"),
    _id("kind"),
    _number("value"),
    _time("timestamp"),
    _id("session"),
    _id("recommendation"),
    Column("position", Integer, nullable=False),
    Index("ix_events_user", "user", "timestamp", "seq"),
    Index("ix_events_timestamp", "timestamp", "kind"),
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    METADATA,
    _id("id", primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),
    # The number it had first: a replaced item keeps its place in the catalogue.
    Column("born", BigInteger, nullable=False, unique=True),
    _plain("title"),
    _plain("text"),
    _plain("attributes"),
)

users = Table("users", METADATA, _id("id", primary_key=True), _plain("attributes"), _time("at"))

erased = Table("erased", METADATA, _id("hash", primary_key=True), _time("at"))

impressions = Table(
    "impressions",
    METADATA,
    _counter(),
    _id("recommendation"),
    _id("user"),
    _id("session"),
    _id("item"),
    Column("position", Integer, nullable=False),
    _number("propensity"),
    _number("score"),
    _id("arm"),
    _id("model"),
    _id("policy"),
    _time("at"),
    UniqueConstraint("recommendation", "item", name="uq_impressions"),
    Index("ix_impressions_user", "user"),
    Index("ix_impressions_session", "session"),
    Index("ix_impressions_at", "at"),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    METADATA,
    _id("id", primary_key=True),
    Column("user", ID, nullable=True),
    Column("format", Integer, nullable=False),
    _number("at"),
    Index("ix_sessions_user", "user"),
)

turns = Table(
    "turns",
    METADATA,
    Column("session", ID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("record"),
)

tastes = Table(
    "tastes",
    METADATA,
    _counter(),
    _id("user"),
    _id("key"),
    _plain("attribute"),
    _plain("value"),
    _plain("likes"),
    _time("at"),
    UniqueConstraint("user", "key", name="uq_tastes"),
    sqlite_autoincrement=True,
)

complaints = Table(
    "complaints",
    METADATA,
    _counter(),
    _id("user"),
    _id("recommendation"),
    _id("item"),
    _id("kind"),
    _plain("text"),
    _time("at"),
    Index("ix_complaints_user", "user"),
    sqlite_autoincrement=True,
)

experiments = Table(
    "experiments", METADATA, _id("id", primary_key=True), _plain("body"), _time("at")
)

keys = Table(
    "keys",
    METADATA,
    _id("id", primary_key=True),
    _plain("name"),
    _plain("scopes"),
    _text("hash"),
    _time("made"),
    _time("revoked"),
)

budgets = Table(
    "budgets",
    METADATA,
    _id("who", primary_key=True),
    _id("day", primary_key=True),
    _time("tokens"),
    _number("cost"),
)

audit = Table(
    "audit",
    METADATA,
    _counter(),
    _time("at"),
    _plain("actor"),
    _plain("action"),
    _plain("target"),
    _plain("detail"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    METADATA,
    _counter(),
    _id("id", unique=True),
    _id("kind"),
    _id("state"),
    _id("worker"),
    Column("tries", Integer, nullable=False),
    _number("progress"),
    _plain("message"),
    _plain("asked"),
    _plain("result"),
    _plain("error"),
    _number("made"),
    _number("started"),
    _number("finished"),
    _number("beat"),
    Index("ix_jobs_state", "state", "seq"),
    sqlite_autoincrement=True,
)

VERSION_TABLE = "tastemate_version"
"""Where Alembic keeps the revision; a name of our own, should others use the database too."""
STAMP = MetaData()
stamp = Table(
    VERSION_TABLE,
    STAMP,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
