"""Conversations on disk: one journal each, so that a turn is one synced line and deleting is real.

One file a conversation: a damaged one harms no other, processes that talk with different people
do not wait for each other, and deleting removes the bytes, not a mention of them. Files are
named by a hash of the id and spread over 256 folders, each with a lock.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tastemate.chat.coded import decoded, encoded
from tastemate.chat.session import Session, Turn
from tastemate.errors import DataError, FormatError, NotFound, Unavailable
from tastemate.store.journal import Journal

FORMAT = 1
"""Raised when an older version can no longer read what this one writes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation on disk, as far as a list of them tells."""

    id: str
    user: str | None
    at: int
    """When it was last written, seconds since 1970, UTC."""


class Sessions:
    """The conversations in a folder; any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, session: Session) -> None:
        """Write what is new of a conversation; on disk when this returns.

        Raises `NotFound` where it was deleted meanwhile, `DataError` where it went on elsewhere,
        and `Unavailable` where nothing can be written.
        """
        path = self._path(session.id)
        with _locked(path.parent, f"The conversation {session.id!r} was not kept"):
            journal = Journal(path)
            records = journal.read()
            if not records:
                if len(session.turns) > 1:
                    raise NotFound(f"The conversation {session.id!r} was deleted. Start a new one.")
                head = {"format": FORMAT, "id": session.id, "user": session.user}
                journal.append([head, *map(encoded, session.turns)])
                return
            _head(records[0], path)
            on_disk = len(records) - 1
            known = session.turns[on_disk - 1 : on_disk]
            if on_disk > len(session.turns) or (
                on_disk and _as_read(encoded(known[0])) != records[-1]
            ):
                raise DataError(
                    f"The conversation {session.id!r} went on elsewhere. Open it again and "
                    "repeat what was said last."
                )
            if new := session.turns[on_disk:]:
                journal.append(map(encoded, new))

    def start(self, session: Session) -> None:
        """Write a whole conversation that is not kept yet; raise `DataError` if one is."""
        if self._path(session.id).exists():
            raise DataError(f"There is a conversation {session.id!r} already. Take another id.")
        self.keep(Session(session.id, session.user))
        self.keep(session)

    def open(self, session_id: str) -> Session:
        """Return a conversation as it was kept.

        Raises `NotFound` for one that is not there, and `FormatError` for a damaged line or one
        that a newer version wrote.
        """
        path = self._path(session_id)
        records = Journal(path).read()
        if not records:
            raise NotFound(f"There is no conversation {session_id!r}. Start one, or list them.")
        kept_id, user = _head(records[0], path)
        turns = tuple(
            decoded(Turn, record, f"{path}, line {line}")
            for line, record in enumerate(records[1:], start=2)
        )
        return Session(kept_id, user, turns)

    def all(self, user: str | None = None) -> list[Kept]:
        """Return the conversations (of a user), the one written last first.

        Files whose first line cannot be read are not among them; `damaged` names these.
        """
        found = [one for _, one in self._heads() if one is not None]
        found = [one for one in found if user is None or one.user == user]
        return sorted(found, key=lambda one: (-one.at, one.id))

    def damaged(self) -> list[Path]:
        """Return the files of which nobody can tell whose conversation they hold."""
        return [path for path, one in self._heads() if one is None]

    def delete(self, session_id: str) -> None:
        """Remove a conversation for good; raise `NotFound` if there is none."""
        path = self._path(session_id)
        if not path.exists():
            raise NotFound(f"There is no conversation {session_id!r}; nothing was deleted.")
        _remove(path)

    def delete_user(self, user: str) -> int:
        """Remove every conversation of a user for good; return how many there were.

        Raises `FormatError`, after removing these, where a file does not tell whose it is.
        """
        gone = unknown = 0
        for path, one in list(self._heads()):
            if one is None:
                unknown += 1
            elif one.user == user:
                _remove(path)
                gone += 1
        if unknown:
            raise FormatError(
                f"{gone} conversations were deleted; {unknown} files are damaged and do not tell "
                f"whose they are, such as {self.damaged()[0]}. Look at them, or delete them."
            )
        return gone

    def _path(self, session_id: str) -> Path:
        key = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self.folder / key[:2] / f"{key[2:]}.jsonl"

    def _heads(self) -> Iterator[tuple[Path, Kept | None]]:
        """Yield every file with what its first line tells; None for one that tells nothing."""
        for path in sorted(self.folder.glob("??/*.jsonl")):
            try:
                with path.open("rb") as file:
                    line = file.readline()
                    at = int(os.fstat(file.fileno()).st_mtime)
                if not line.endswith(b"\n"):
                    continue  # torn while it was begun: nothing of it was ever acknowledged
                session_id, user = _head(json.loads(line), path)
                yield path, Kept(session_id, user, at)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, RecursionError, FormatError):
                yield path, None


def _head(record: Any, path: Path) -> tuple[str, str | None]:
    """Return id and user of a first line; raise `FormatError` for what is none."""
    found = record if isinstance(record, dict) else {}
    written, session_id, user = (found.get(name) for name in ("format", "id", "user"))
    if isinstance(written, int) and written > FORMAT:
        raise FormatError(
            f"{path} was written by a newer version (format {written}, this one reads {FORMAT}). "
            "Update Tastemate."
        )
    if not isinstance(written, int) or not isinstance(session_id, str):
        raise FormatError(f"{path} does not begin like a conversation. Remove it.")
    if user is not None and not isinstance(user, str):
        raise FormatError(f"{path} does not name its user by text. Remove it.")
    return session_id, user


def _as_read(record: dict[str, Any]) -> Any:
    return json.loads(json.dumps(record))


def _remove(path: Path) -> None:
    """Remove a file and wait until that is on disk."""
    with _locked(path.parent, f"{path} was not deleted"):
        path.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _locked(folder: Path, failed: str) -> Iterator[None]:
    """Let one process at a time write in a folder; raise `Unavailable` where none may."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise Unavailable(
            f"{failed} ({error.strerror or error}). Free some space or mend the permissions "
            f"of {folder}."
        ) from error
