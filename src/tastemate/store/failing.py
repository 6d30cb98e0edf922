"""What a database says when it cannot, in words that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import exc

from tastemate.errors import DataError, FormatError, TastemateError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class Named(Protocol):
    """What is told of a database in an error; the name holds no password."""

    name: str
    is_sqlite: bool
    path: "Path"


FILE = {
    "file is not a database": (
        FormatError,
        "is not a Tastemate store. Move it away, or restore a backup: tastemate restore.",
    ),
    "malformed": (FormatError, "is damaged. Restore a backup: tastemate restore."),
    "no such table": (
        FormatError,
        "is a database, but not a Tastemate store. Move it away, or name another.",
    ),
    "no such column": (FormatError, "is no store of this version. Restore a backup."),
    "full": (Unavailable, "could not be written: the disk is full. Free some space; try again."),
    "readonly": (Unavailable, "cannot be written. Mend the permissions of the file and folder."),
    "unable to open": (Unavailable, "cannot be opened. Mend the permissions of its folder."),
    "locked": (Unavailable, "is held by another process. Try again, or stop that process."),
    "disk i/o": (Unavailable, "could not be read or written (disk error). Check the disk."),
}
"""What SQLite says, and what that means for the file."""
ODD = "Try again; if it stays so, look into the database's own log."
"""What to do about anything else that a driver raises."""


@contextmanager
def explained(database: Named) -> Iterator[None]:
    """Turn what the driver raises into our errors; what is not the database's fault passes."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError) as error:
        made = explain(error, database)
        if made is None:
            raise
        raise made from error
    except Exception as error:
        # The driver itself raises where SQLAlchemy is not asked: on connecting and in backups.
        made = None if isinstance(error, TastemateError) else _by_driver(error, database)
        if made is None:
            raise
        raise made from error


def explain(error: Exception, database: Named) -> TastemateError | None:
    """Return the error to show instead; None where it is a fault of ours."""
    if isinstance(error, exc.TimeoutError):
        return Unavailable(f"{database.name} is busy: no connection came free. Try again.")
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        return _by_driver(error.orig, database)
    if isinstance(error, exc.DisconnectionError | exc.PendingRollbackError):
        return Unavailable(f"{database.name} was lost in the middle. Try again.")
    if isinstance(error, exc.NoSuchModuleError):
        return Unavailable(f"{database.name} has no driver here. Install it.")
    return None


def _by_driver(error: BaseException, database: Named) -> TastemateError | None:
    home = type(error).__module__.partition(".")[0]
    if home == "sqlite3":
        said = str(error).lower()
        for words, (kind, meaning) in FILE.items():
            if words in said:
                return kind(f"{database.path} {meaning} ({error})")
        return Unavailable(f"{database.path} could not do that ({error}). {ODD}")
    if home not in ("psycopg", "psycopg_pool"):
        return None
    kinds = {one.__name__ for one in type(error).__mro__}
    said = " ".join(str(error).split())
    if "UndefinedTable" in kinds or "UndefinedColumn" in kinds:
        return FormatError(f"{database.name} is not a Tastemate store of this version ({said}).")
    if "InvalidPassword" in kinds or "InsufficientPrivilege" in kinds:
        return Unavailable(f"{database.name} refuses this user ({said}). Check name and password.")
    if "ReadOnlySqlTransaction" in kinds:
        return Unavailable(
            f"{database.name} can only be read ({said}). Name the server that takes writes, or "
            "wait until this one does."
        )
    if kinds & {"OperationalError", "InterfaceError"}:
        return Unavailable(
            f"{database.name} does not answer ({said}). Check that the server runs and can be "
            "reached; what was being written was not acknowledged."
        )
    if "DataError" in kinds:
        return DataError(f"{database.name} cannot hold that ({said}).")
    return Unavailable(f"{database.name} could not do that ({said}). {ODD}")
