"""A store in one file, and back: taken while it is in use, checked on both ways.

Of SQLite the backup is a SQLite file, of PostgreSQL a zip of JSON lines; either can be restored
into either, so that a store moves from one to the other.
"""

import os
import sqlite3
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from tastemate.errors import ConfigError, FormatError, NotFound, TastemateError, Unavailable
from tastemate.store import schema
from tastemate.store.copying import (
    Reading,
    copy_into,
    counts_of_changes,
    is_empty,
    overtake,
    row_counts,
)
from tastemate.store.database import Database, connected, linked, make_file
from tastemate.store.failing import explained
from tastemate.store.opening import Store, open_store, read_url, sqlite_url
from tastemate.store.zipped import SAY, NoBackup, Zipped, write_zip

SQLITE = b"SQLite format 3\0"
"""What a SQLite file begins with."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: the file, and how many rows of each table."""

    path: Path
    rows: Mapping[str, int]


def backup(store: Store, path: Path) -> Copied:
    """Write everything a store holds into a new file, as it is at one moment; others go on.

    Raises `ConfigError` where the file is there already and `Unavailable` where it cannot be
    written; then there is no file.
    """
    taken = f"{path} is there already. Name another file, or move it away."
    if path.exists():
        raise ConfigError(taken)
    fresh = path.with_name(f"{path.name}.new-{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        write = _copy_file if store.database.is_sqlite else write_zip
        rows = write(store.database, fresh)
        if not linked(fresh, path):
            raise ConfigError(taken)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written ({error.strerror}). Free some space, mend the permissions, "
            "or name another file."
        ) from error
    finally:
        _remove(fresh)
    return Copied(path, rows)


def restore(path: Path, url: str, *, replace: bool = False) -> Copied:
    """Put a backup into the store behind a URL; in use or not, its readers see all or nothing.

    The backup is read and checked before the store is touched. Raises `NotFound` for no file,
    `NoBackup` for another one or the store itself, `FormatError` for a backup that is damaged or
    newer, `Unavailable` for one that cannot be read, and `ConfigError` where the store holds
    something and `replace` is not set. With it, a file that is damaged is set aside under another
    name.
    """
    with _checked_source(path, url) as put:
        target = _target(url, replace)
        try:
            rows = put(target.database)
            if (found := target.check(deep=True)) != "ok":
                raise FormatError(f"{path} was restored, but {found}")
        finally:
            target.close()
    return Copied(path, rows)


@contextmanager
def _checked_source(path: Path, url: str) -> Iterator[Callable[[Database], dict[str, int]]]:
    """Read and check a backup; yield what puts it into a database and returns its rows."""
    if _is_sqlite(path, read_url(url)):
        with tempfile.TemporaryDirectory() as folder:
            # A copy: a backup is never written to, not even to read it or to upgrade its schema.
            copy = Path(folder) / "store.db"
            _take_copy(path, copy)
            try:
                expected = _checked(copy, path)
            except FormatError as error:  # what a store says of itself names the copy
                said = str(error).replace(sqlite_url(copy), str(path)).replace(str(copy), str(path))
                raise FormatError(said) from error
            yield lambda into: _from_file(copy, expected, path, into)
        return
    with Zipped(path) as zipped:
        zipped.check()
        yield lambda into: _from_zip(zipped, path, into)


def _is_sqlite(path: Path, target: URL) -> bool:
    """Whether a file may be a SQLite backup, or else a zip; raise what says that it is neither."""
    try:
        if path.is_dir():
            raise NoBackup(f"{path} is a folder. {SAY} Those of the service lie in `backups`.")
        if not path.exists():
            raise NotFound(f"There is no file {path}. {SAY}")
        if not path.is_file():  # reading it might never end
            raise NoBackup(f"{path} is a pipe or a device, not a file. {SAY}")
        own = Path(target.database or "")
        if target.get_backend_name() == "sqlite" and own.exists() and own.samefile(path):
            raise NoBackup(f"{path} is the store itself, not a backup of it. {SAY}")
        with path.open("rb") as begun:
            head = begun.read(len(SQLITE))
        # In this order: any file may happen to end as a zip does.
        if head == SQLITE:
            return True
        if zipfile.is_zipfile(path):
            return False
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    if head.startswith(b"PK"):
        raise FormatError(f"{path} is damaged: a part of it is missing. Take another backup.")
    raise NoBackup(f"{path} {'is no backup' if head else 'is empty'}. {SAY}")


def _unreadable(path: Path, why: object) -> Unavailable:
    return Unavailable(
        f"{path} cannot be read ({why}). Mend the permissions of the file and its folder, and see "
        "that the disk of temporary files has room for a copy. Nothing was changed."
    )


def _take_copy(path: Path, copy: Path) -> None:
    """Copy a SQLite file as it is at one moment, with what its write-ahead log holds.

    Raises `NoBackup` where it holds no store, `FormatError` for damage, and `Unavailable` where it
    cannot be read or changes meanwhile.
    """
    real = path.resolve()
    logged = any(real.with_name(real.name + end).exists() for end in ("-wal", "-journal"))
    # Without a log it is taken as unchanging, or SQLite would leave an empty one beside it.
    mode = "ro" if logged else "ro&immutable=1"
    try:
        before = real.stat()
        with closing(sqlite3.connect(f"{real.as_uri()}?mode={mode}", uri=True)) as look:
            tables = {name for (name,) in look.execute("SELECT name FROM sqlite_master")}
            if schema.VERSION_TABLE not in tables:
                raise NoBackup(f"{path} is a database, but no backup. {SAY}")
            with closing(sqlite3.connect(copy)) as written:
                look.backup(written)
        after = real.stat()
    except (sqlite3.OperationalError, OSError) as error:
        raise _unreadable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise FormatError(f"{path} is damaged ({error}). Take another backup.") from error
    if not logged and (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise Unavailable(f"{path} changed while it was read. Nothing was changed; try again.")


def _target(url: str, replace: bool) -> Store:
    """Return the store to restore into; a damaged file makes place where it may be replaced."""
    try:
        target = open_store(url)
        held = _held(target)
    except FormatError:
        damaged = Path(read_url(url).database or "")
        if not replace or not damaged.is_file():
            raise
        for end in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                aside = f"{damaged.name}.damaged-{int(time.time())}{end}"
                damaged.with_name(damaged.name + end).rename(damaged.with_name(aside))
        return open_store(url)
    if not replace and not is_empty(held):
        target.close()
        raise ConfigError(
            f"{target.url} is not empty ({held['events']} events, {held['users']} users). "
            "Nothing was changed. Restore into another one, or say --replace."
        )
    return target


def _held(store: Store) -> dict[str, int]:
    """Return how many rows a store has; where it cannot be read, it is closed."""
    try:
        with store.database.reading(long=True) as connection:
            return row_counts(connection)
    except TastemateError:
        store.close()
        raise


def _copy_file(database: Database, fresh: Path) -> dict[str, int]:
    """Copy a SQLite store page by page; return its rows."""
    place = Database(URL.create("sqlite", database=str(fresh)))
    if not database.exists():
        fresh.unlink()
        make_file(fresh, database.born_id)
    else:
        with (
            explained(place),
            closing(connected(database.path)) as source,
            closing(sqlite3.connect(fresh, isolation_level=None)) as copy,
        ):
            source.backup(copy)
    return _checked(fresh, fresh)


def _from_file(
    copy: Path, expected: Mapping[str, int], path: Path, database: Database
) -> dict[str, int]:
    """Put a checked copy of `path` into a database; return its rows."""
    if not database.is_sqlite:
        source = open_store(sqlite_url(copy))
        try:
            with source.database.reading() as connection:
                return _verified(copy_into(database, Reading(connection)), expected, path)
        finally:
            source.close()
    _replace_file(copy, database)
    with database.reading() as connection:
        return _verified(row_counts(connection), expected, path)


def _from_zip(zipped: Zipped, path: Path, database: Database) -> dict[str, int]:
    """Put the checked rows of `path` into a database; return how many, by table."""
    try:
        return copy_into(database, zipped)
    except Unavailable as error:
        if not isinstance(error.__cause__, IntegrityError):
            raise
        raise FormatError(
            f"{path} is damaged: its rows contradict each other ({error.__cause__.orig}). Nothing "
            "was changed. Take another backup."
        ) from error


def _replace_file(copy: Path, database: Database) -> None:
    """Write a file's pages over a store's, in one transaction that processes at it take part in."""
    database.engine()  # makes the file where there is none
    with database.reading() as connection:
        before = counts_of_changes(connection)
    with (
        explained(database),
        closing(connected(copy)) as source,
        closing(connected(database.path)) as target,
    ):
        source.backup(target)
    with database.writing() as connection:
        overtake(connection, before)


def _checked(file: Path, named: Path) -> dict[str, int]:
    """Return the rows of a SQLite file; raise `FormatError` where `named` is damaged or newer."""
    try:
        with closing(sqlite3.connect(file)) as look:
            found = [str(said) for (said,) in look.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise FormatError(f"{named} is damaged ({'; '.join(found)}). Take another backup.")
    store = open_store(sqlite_url(file))
    try:
        with store.database.reading() as connection:
            return row_counts(connection)
    finally:
        store.close()


def _verified(copied: Mapping[str, int], expected: Mapping[str, int], path: Path) -> dict[str, int]:
    """Return how many rows were copied; raise `FormatError` where there should be others."""
    different = [
        name
        for name, n in expected.items()
        if copied.get(name) != n and name != schema.versions.name
    ]
    if different:
        raise FormatError(
            f"{path} does not hold what it says ({', '.join(different)}). Take another backup."
        )
    return dict(copied)


def _remove(fresh: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            fresh.with_name(fresh.name + end).unlink()
