"""One database behind a URL: connections, transactions, and errors that say what to do.

A SQLite file is made whole beside its place and linked there at the first write, so that nobody
ever sees half a schema and a store that was only read leaves nothing behind.
"""

import contextlib
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool, SingletonThreadPool
from sqlalchemy.schema import CreateIndex, CreateTable

from tastemate.errors import Unavailable
from tastemate.store import schema
from tastemate.store.failing import explained

BUSY = 10.0
"""Seconds to wait for another writer."""
TIDYING = 2.0
"""Seconds to wait for readers before the log is left for the next time."""
PATIENCE = 2
"""Seconds to wait for a server: to connect, for a free connection, for bytes it does not take."""
LIMIT = 10.0
"""Seconds that a statement of a request may take on a server."""
LONG = 900.0
"""The same for work that reads or writes whole tables."""
LOCKS = {
    "schema": 7_305_001,
    "events": 7_305_002,
    "items": 7_305_003,
    "jobs": 7_305_004,
    "erased": 7_305_005,
}
"""PostgreSQL's advisory locks, by what they order."""


class Database:
    """A SQLite file or a PostgreSQL database; safe in threads and after a fork.

    In SQLite one thread of a process writes at a time: waiting for each other there is fair,
    waiting for the file's lock is polling.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.name = url.render_as_string(hide_password=True)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database or "") if self.is_sqlite else Path()
        self.born_id = str(uuid.uuid4())
        """The id of the store, should this process be the one that makes it."""
        self._guard = threading.RLock()
        self._writing = threading.RLock()
        self._engine: Engine | None = None
        self._long: Engine | None = None
        self._empty: Engine | None = None
        self._process = os.getpid()
        self._file = (0, 0)
        self._id = ("", 0.0)

    @contextmanager
    def reading(self, *, still: bool = False, long: bool = False) -> Iterator[Connection]:
        """Yield a connection to read from; where nothing was written yet, to an empty store.

        With `still`, all it reads is of one moment; in SQLite it always is. A statement that is
        `long` may take `LONG` seconds on a server, another one `LIMIT`.
        """
        with explained(self), (self._existing(long) or self._nothing()).connect() as connection:
            if not self.is_sqlite:
                # Without a transaction, reading is one way to the server and back, not three.
                level = "REPEATABLE READ" if still else "AUTOCOMMIT"
                connection.execution_options(isolation_level=level)
            yield connection

    @contextmanager
    def writing(self, *locks: str, shared: str = "", long: bool = False) -> Iterator[Connection]:
        """Yield a connection whose changes are on disk when the block ends, or were never made.

        Who names the same of `locks` (keys of `LOCKS`) writes one after the other; in SQLite all
        do. Who names it as `shared` waits for these only. `long` as for reading.
        """
        with explained(self):
            engine = self._existing(long) or self._made()
            with self._turn(), engine.connect() as connection:
                connection.execution_options(writes=True)
                with connection.begin():
                    if not self.is_sqlite:
                        held = [f"pg_advisory_xact_lock({LOCKS[one]})" for one in locks]
                        if shared:
                            held.append(f"pg_advisory_xact_lock_shared({LOCKS[shared]})")
                        for one in held:
                            connection.execute(text(f"SELECT {one}"))
                    yield connection

    def id(self) -> str:
        """Return the id the store was made with; one read at most a second ago."""
        held, until = self._id
        if time.monotonic() < until:
            return held
        with self.reading() as connection:
            read = kept_id(connection)
        if read:
            self._id = (read, time.monotonic() + 1.0)
        return read or self.born_id

    def exists(self) -> bool:
        """Whether there is anything to read: a SQLite file appears with its first write."""
        return not self.is_sqlite or os.path.exists(self.path)

    def engine(self) -> Engine:
        """Return the engine, with the database made where there is none."""
        return self._existing() or self._made()

    def tidy(self) -> None:
        """Let what was deleted leave the write-ahead log too; PostgreSQL sees to that itself."""
        if not self.is_sqlite or not self.path.exists():
            return
        with explained(self), self._turn(), closing(connected(self.path, TIDYING)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give every connection back; the next use opens new ones."""
        with self._guard:
            for one in (self._engine, self._long, self._empty):
                if one is not None:
                    one.dispose(close=self._process == os.getpid())
            self._engine = self._long = self._empty = None

    def _turn(self) -> Any:
        return self._writing if self.is_sqlite else contextlib.nullcontext()

    def _existing(self, long: bool = False) -> Engine | None:
        """Return the engine of what is there; None where a SQLite file is yet to be written."""
        if self._process != os.getpid():
            self._forked()
        if not self.is_sqlite:
            return (self._long if long else self._engine) or self._of_server(long)
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unavailable(
                f"{self.path} cannot be read ({error.strerror}). Mend the permissions."
            ) from error
        if self._engine is None or self._file != (found.st_dev, found.st_ino):
            return self._opened((found.st_dev, found.st_ino))
        return self._engine

    def _opened(self, file: tuple[int, int]) -> Engine:
        """Return a new engine: at first, and where another file took the place of the old one."""
        with self._guard:
            if self._engine is None or self._file != file:
                if self._engine is not None:
                    self._engine.dispose()
                self._engine = sqlite_engine(self.path)
                self._file = file
            return self._engine

    def _of_server(self, long: bool) -> Engine:
        """Return a new engine of a server; raise `Unavailable` where its driver is missing."""
        try:
            from tastemate.store.server import server
        except ImportError as error:
            raise Unavailable(
                f"PostgreSQL needs a driver ({error}). Install it: "
                "pip install 'tastemate[postgres]'."
            ) from error
        with self._guard:
            if long:
                self._long = self._long or server(self.url, PATIENCE, LONG, pooled=False)
                return self._long
            self._engine = self._engine or server(self.url, PATIENCE, LIMIT)
            return self._engine

    def _forked(self) -> None:
        """Leave the parent's connections and locks to the parent."""
        self._guard, self._writing = threading.RLock(), threading.RLock()
        self.close()
        self._process = os.getpid()

    def _nothing(self) -> Engine:
        """Return an empty store in memory, one a thread: what reads see before the first write."""
        with self._guard:
            if self._empty is None:
                self._empty = create_engine("sqlite://", poolclass=SingletonThreadPool)
                event.listen(self._empty, "connect", _filled)
            return self._empty

    def _made(self) -> Engine:
        """Write the SQLite file, unless another process is quicker."""
        with self._guard:
            if not self.path.exists():
                make_file(self.path, self.born_id)
            found = self._existing()
        if found is None:
            raise Unavailable(f"{self.path} was removed as it was made. Try again.")
        return found


def make_file(path: Path, store_id: str) -> None:
    """Write a new empty store at `path`, whole or not at all; leaves one that is there as it is.

    Raises `Unavailable` where nothing can be written.
    """
    fresh = path.with_name(f"{path.name}.new-{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Before SQLite opens it, so that what is personal is the owner's alone to read.
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(fresh)) as empty:
            empty.execute("PRAGMA journal_mode=WAL")
        engine = sqlite_engine(fresh, pooled=False)
        with engine.begin() as connection:
            create_tables(connection, store_id)
        engine.dispose()
        linked(fresh, path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written ({error.strerror}). Free some space, mend the permissions, "
            "or set TASTEMATE_HOME to another folder."
        ) from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                fresh.with_name(fresh.name + end).unlink()


def linked(fresh: Path, path: Path) -> bool:
    """Give a whole file its name, synced; False where another has it, which is left as it is."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def create_tables(connection: Connection, store_id: str) -> None:
    """Write the newest schema into an empty database."""
    schema.METADATA.create_all(connection)
    schema.STAMP.create_all(connection)
    connection.execute(insert(schema.stamp).values(version_num=schema.HEAD))
    connection.execute(insert(schema.meta).values(name="id", value=store_id))


def kept_id(connection: Connection) -> str:
    """Return the id of the store; empty where nothing was written yet."""
    found = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == "id"))
    return found or ""


def sqlite_engine(path: Path, *, pooled: bool = True) -> Engine:
    """Return the engine of a file: write-ahead log, every commit synced before it returns."""

    def connect() -> sqlite3.Connection:
        return connected(path)

    more: dict[str, Any] = {"poolclass": NullPool}
    if pooled:
        more = {"pool_size": 8, "max_overflow": 56}
    engine = create_engine(f"sqlite:///{path}", creator=connect, **more)
    event.listen(engine, "begin", _begin)
    return engine


def connected(path: Path, busy: float = 0.0) -> sqlite3.Connection:
    """Return a connection to a file, to read only where its folder cannot be written."""
    mode = "rw"
    if not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK):
        # Without a place for the log's index, SQLite reads only what it may think unchanging.
        logged = path.with_name(path.name + "-wal").exists()
        mode = "ro" if logged else "ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy or BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if mode == "rw" and connection.execute("PRAGMA page_count").fetchone()[0]:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    """Take the write lock at once where there will be writing: later it might be refused."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _filled(raw: sqlite3.Connection, _record: object) -> None:
    raw.executescript(_script())


@lru_cache(1)
def _script() -> str:
    made: list[str] = []
    for table in schema.METADATA.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        made += [str(CreateIndex(one).compile(dialect=sqlite.dialect())) for one in table.indexes]
    return ";\n".join(made)
