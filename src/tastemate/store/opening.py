"""The store behind a URL: what people did, said and were shown, and what the service must keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, make_url, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from tastemate.errors import ConfigError, FormatError, TastemateError
from tastemate.store import schema
from tastemate.store.audit import Audit
from tastemate.store.budgets import Budgets
from tastemate.store.complaints import Complaints
from tastemate.store.database import LOCKS, Database, create_tables
from tastemate.store.events import Events
from tastemate.store.experiments import Experiments
from tastemate.store.failing import explained
from tastemate.store.impressions import Impressions
from tastemate.store.items import Items
from tastemate.store.jobs import Jobs
from tastemate.store.keys import Keys
from tastemate.store.sessions import SessionRows
from tastemate.store.tastes import Tastes
from tastemate.store.users import Users
from tastemate.store.versions import Versions

SCHEMES = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The databases there are, by what a URL begins with, and what reads them."""


class Store:
    """Everything that is kept, one attribute a group of tables; safe in threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.url = database.name
        """Without its password."""
        self.events = Events(database)
        self.items = Items(database)
        self.users = Users(database)
        self.impressions = Impressions(database)
        self.sessions = SessionRows(database)
        self.tastes = Tastes(database)
        self.complaints = Complaints(database)
        self.experiments = Experiments(database)
        self.keys = Keys(database)
        self.budgets = Budgets(database)
        self.audit = Audit(database)
        self.jobs = Jobs(database)
        self.versions = Versions(database)

    @property
    def id(self) -> str:
        """The id the store was made with."""
        return self.database.id()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection; what is done with it is kept as a whole, or not at all."""
        with self.database.writing() as connection:
            yield connection

    def check(self, *, deep: bool = False) -> str:
        """Return "ok", or what is wrong and what to do about it.

        It looks whether the store answers; with `deep`, a SQLite file is read whole.
        """
        try:
            self.versions.all()
            if not deep or not self.database.is_sqlite:
                return "ok"
            with self.database.reading() as connection:
                found = connection.execute(text("PRAGMA quick_check(3)")).scalars().all()
        except TastemateError as error:
            return str(error)
        if found == ["ok"]:
            return "ok"
        return f"{self.url} is damaged ({'; '.join(found)}). Restore a backup: tastemate restore."

    def bytes(self) -> int:
        """Return how much room the store takes: its files, or what the server says."""
        if self.database.is_sqlite:
            path = self.database.path
            files = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
            return sum(one.stat().st_size for one in files if one.is_file())
        with self.database.reading() as connection:
            size = connection.scalar(text("SELECT pg_database_size(current_database())"))
        return int(size or 0)

    def close(self) -> None:
        """Give every connection back; using the store again opens new ones."""
        self.database.close()


def open_store(url: str) -> Store:
    """Return the store behind a URL, such as "sqlite:////home/me/store.db" or "postgresql://…".

    A SQLite file that is not there appears with the first write; an older schema is upgraded.
    Raises `ConfigError` for a URL that names no store, `Unavailable` where the database does not
    answer, and `FormatError` where it is something else or newer than this version.
    """
    database = Database(read_url(url))
    if database.exists():
        try:
            with explained(database):
                _prepare(database)
        except TastemateError:
            database.close()
            raise
    return Store(database)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return str(URL.create("sqlite", database=str(path.absolute())))


def read_url(url: str) -> URL:
    """Return a store's URL with the driver that reads it; raise `ConfigError` for no such URL."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "The store's URL cannot be read. Write sqlite:////path/store.db or "
            "postgresql://user:password@host/database."
        ) from error
    driver = SCHEMES.get(read.get_backend_name())
    if driver is None:
        raise ConfigError(
            f"There is no store of the kind {read.drivername!r}: it is sqlite or postgresql."
        )
    if driver == "sqlite":
        if not read.database or read.database == ":memory:":
            raise ConfigError("A SQLite store is a file: write sqlite:////path/store.db.")
        return URL.create("sqlite", database=str(Path(read.database).absolute()))
    return read.set(drivername=driver)


def _prepare(database: Database) -> None:
    """Make the schema of a server, upgrade an older one; raise `FormatError` for a newer one."""
    with database.engine().connect() as connection:
        revision = _revision(connection)
    if revision == schema.HEAD:
        return
    if revision and revision not in schema.REVISIONS:
        raise FormatError(
            f"{database.name} was written by a newer version (revision {revision}, this one reads "
            f"{schema.HEAD}). Update Tastemate."
        )
    with database.writing(long=True) as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS['schema']})"))
        revision = _revision(connection)  # another process may have been quicker
        if not revision:
            _fill(connection, database)
        elif revision != schema.HEAD:
            from tastemate.store.upgrading import upgrade

            upgrade(connection)


def _revision(connection: Connection) -> str:
    """Return the revision of a database; empty where it holds no store."""
    if not inspect(connection).has_table(schema.VERSION_TABLE):
        return ""
    return connection.scalar(select(schema.stamp.c.version_num)) or ""


def _fill(connection: Connection, database: Database) -> None:
    taken = set(inspect(connection).get_table_names()) & set(schema.METADATA.tables)
    if taken or database.is_sqlite:
        raise FormatError(
            f"{database.name} is a database, but not a Tastemate store. Name one of its own."
        )
    create_tables(connection, database.born_id)
