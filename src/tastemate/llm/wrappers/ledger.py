"""The account book of a model: tokens and dollars a day and a user, in one SQLite file.

What a call may use is booked before it is made and put right afterwards, in transactions: several
threads and processes keep one limit together, and a process that dies in a call leaves its booking,
never a hole.
"""

import contextlib
import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tastemate import scope

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS spent (
    day TEXT NOT NULL, user TEXT NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (day, user)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS salt (value BLOB NOT NULL);
"""
_ADD = """
INSERT INTO spent VALUES (?, ?, ?, ?) ON CONFLICT (day, user)
DO UPDATE SET tokens = tokens + excluded.tokens, cost = cost + excluded.cost
"""
ROUNDING = 1e-9
"""US dollars that sums of costs may be off by."""
EVERYBODY = ""
"""The row of a day that sums up all users."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and US dollars."""

    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        """Return both together."""
        return Spent(self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: "Spent") -> "Spent":
        """Return this less another; what is left of a cost by rounding is none."""
        cost = self.cost - other.cost
        return Spent(self.tokens - other.tokens, cost if abs(cost) > ROUNDING else 0.0)


@dataclass(frozen=True, slots=True)
class Booking:
    """What one call may use, on whose account, on which day."""

    user: str
    day: str
    most: Spent


def today() -> str:
    """Return the day it is, UTC, such as "2026-01-31"."""
    return datetime.now(UTC).date().isoformat()


class Ledger:
    """The file; users are kept as salted hashes, days older than `keep` days are dropped.

    Every method raises `sqlite3.Error` or `OSError` where the file cannot be used.
    """

    def __init__(self, path: Path, *, keep: int = 31, patience: float = 2.0) -> None:
        self.path = path
        self.keep = keep
        self.patience = patience
        self._file: sqlite3.Connection | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def book(
        self,
        asked: Sequence[tuple[str, Spent]],
        day: str,
        fits: Callable[[Spent, Spent, Spent], str],
    ) -> list[Booking | str]:
        """Book calls in turn, or return why not, by `fits(everybody's day, the user's, the call)`.

        An empty answer of `fits` books.
        """

        def run(file: sqlite3.Connection) -> list[Booking | str]:
            self._drop(file, day)
            salt = _salt(file)
            found: list[Booking | str] = []
            for user, most in asked:
                who = _hashed(user, salt) if user else ""
                mine = _read(file, day, who) if who else Spent()
                refusal = fits(_read(file, day, EVERYBODY), mine, most)
                if not refusal:
                    _write(file, day, who, most.tokens, most.cost)
                found.append(refusal or Booking(user, day, most))
            return found

        return self._transaction(run)

    def settle(self, used: Sequence[tuple[Booking, Spent]]) -> None:
        """Put bookings right: what the calls really used."""

        def run(file: sqlite3.Connection) -> None:
            salt = _salt(file)
            for booking, real in used:
                who = _hashed(booking.user, salt) if booking.user else ""
                tokens = real.tokens - booking.most.tokens
                _write(file, booking.day, who, tokens, real.cost - booking.most.cost)

        # lost with the power, the booking stays: too much is booked rather than too little
        self._transaction(run, sync=False)

    def spent(self, day: str, user: str = "") -> Spent:
        """Return what a user used on a day; without a user, everybody together."""
        return self._transaction(
            lambda file: _read(file, day, _hashed(user, _salt(file)) if user else EVERYBODY)
        )

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._forget()

    def _transaction(self, run: Callable[[sqlite3.Connection], T], *, sync: bool = True) -> T:
        """Run within a transaction; `sync` waits until it is on the disk itself."""
        patience = min(self.patience, max(scope.current().left(), 0.1))
        with self._lock:
            try:
                file = self._opened(patience)
                file.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
                file.execute("BEGIN IMMEDIATE")
                try:
                    result = run(file)
                except BaseException:
                    file.execute("ROLLBACK")
                    raise
                file.execute("COMMIT")
                return result
            except (sqlite3.Error, OSError):
                self._forget()
                raise

    def _opened(self, patience: float) -> sqlite3.Connection:
        # a connection must not be used across a fork
        if self._file is None or self._owner != os.getpid():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._file, self._owner = _prepared(self.path, patience), os.getpid()
        self._file.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        return self._file

    def _forget(self) -> None:
        if self._file is not None and self._owner == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
        self._file = None

    def _drop(self, file: sqlite3.Connection, day: str) -> None:
        first = datetime.fromisoformat(day).toordinal() - self.keep
        oldest = datetime.fromordinal(max(first, 1)).date().isoformat()
        file.execute("DELETE FROM spent WHERE day < ?", (oldest,))


def _prepared(path: Path, patience: float) -> sqlite3.Connection:
    """Open the file with its tables; another process that does the same is waited for."""
    until = time.monotonic() + patience
    file = sqlite3.connect(path, patience, isolation_level=None, check_same_thread=False)
    while True:
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.executescript(_TABLES)
            return file
        except sqlite3.OperationalError:  # no timeout holds for the change of the journal
            if time.monotonic() > until:
                file.close()
                raise
            time.sleep(0.01)
        except BaseException:
            file.close()
            raise


def _salt(file: sqlite3.Connection) -> bytes:
    found = file.execute("SELECT value FROM salt").fetchone()
    if found is None:
        found = (secrets.token_bytes(16),)
        file.execute("INSERT INTO salt VALUES (?)", found)
    return bytes(found[0])


def _hashed(user: str, salt: bytes) -> str:
    return hashlib.blake2b(user.encode("utf-8", "replace"), key=salt, digest_size=16).hexdigest()


def _read(file: sqlite3.Connection, day: str, who: str) -> Spent:
    found = file.execute(
        "SELECT tokens, cost FROM spent WHERE day = ? AND user = ?", (day, who)
    ).fetchone()
    return Spent(int(found[0]), float(found[1])) if found else Spent()


def _write(file: sqlite3.Connection, day: str, who: str, tokens: int, cost: float) -> None:
    for row in {EVERYBODY, who}:
        file.execute(_ADD, (day, row, tokens, cost))
