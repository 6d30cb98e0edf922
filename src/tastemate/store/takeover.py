"""What earlier versions kept in journals, taken over into a store once.

Whatever is interrupted can be begun again: a line's id follows from the line, items and
conversations that are there already are left as they are, and a file is renamed only when all of
it is in the store.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tastemate.errors import DataError, FormatError, Unavailable
from tastemate.store.journal import Journal
from tastemate.store.opening import Store
from tastemate.store.records import read_event, read_item
from tastemate.store.sessions import SessionRow
from tastemate.types import Signal

END = ".imported"
"""Added to the name of a journal that was taken over."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How much was taken over, and which files could not be read and were left where they are."""

    events: int = 0
    items: int = 0
    sessions: int = 0
    left: tuple[Path, ...] = ()


def read_session(path: Path) -> SessionRow | None:
    """Return the conversation of a journal; None for one that was torn as it was begun.

    Raises `FormatError` for a damaged one.
    """
    records = Journal(path).read()
    if not records:
        return None
    found: Mapping[str, Any] = records[0]
    written, named, user = (found.get(name) for name in ("format", "id", "user"))
    if not isinstance(written, int) or not isinstance(named, str) or isinstance(user, int | list):
        raise FormatError(f"{path} does not begin like a conversation. Remove it.")
    return SessionRow(named, user, written, path.stat().st_mtime, tuple(records[1:]))


def take_over(
    folder: Path,
    store: Store,
    read_session: Callable[[Path], SessionRow | None] = read_session,
) -> Taken:
    """Put the journals of a folder into a store and rename them; nothing where there are none.

    Raises `FormatError` for a damaged line of events or items (nothing of that file is taken
    then) and `Unavailable` where nothing can be written. A damaged conversation is left alone.
    """
    items = _items(folder / "items.jsonl", store)
    events = _events(folder / "events.jsonl", store)
    sessions, left = _sessions(sorted(folder.glob("sessions/??/*.jsonl")), store, read_session)
    return Taken(events, items, sessions, left)


def forget(folder: Path, user: str) -> int:
    """Remove a user from the journals that were taken over; return how many records that were.

    For erasing: the store no longer needs these files, but they still tell. Raises `Unavailable`.
    """
    gone = 0
    try:
        journal = folder / f"events.jsonl{END}"
        if journal.exists():
            lines = journal.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if _user_of(line) != user]
            gone += len(lines) - len(kept)
            if gone:
                fresh = journal.with_suffix(".new")
                fresh.write_bytes(b"".join(kept))
                fresh.replace(journal)
        for path in folder.glob(f"sessions/??/*.jsonl{END}"):
            with path.open("rb") as file:
                theirs = _user_of(file.readline()) == user
            if theirs:
                path.unlink()
                gone += 1
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written ({error.strerror}); journals of an earlier version there "
            "still name the user. Mend the permissions and erase again, or remove *.imported."
        ) from error
    return gone


def _user_of(line: bytes) -> str:
    """Return whom a line of a journal is about; empty where it does not tell."""
    with suppress(ValueError, RecursionError):
        record = json.loads(line)
        if isinstance(record, dict):
            return str(record.get("user", ""))
    return ""


def _events(path: Path, store: Store) -> int:
    if not path.exists():
        return 0
    signals = []
    for number, record in enumerate(Journal(path).read()):
        event = read_event(record)
        line = f"{number} {json.dumps(record, sort_keys=True)}"
        named = f"journal-{hashlib.sha256(line.encode()).hexdigest()[:32]}"
        signals.append(
            Signal(named, event.user, event.item, "rating", event.value, event.timestamp)
        )
    taken = store.events.record(signals).accepted
    _set_aside(path)
    return taken


def _items(path: Path, store: Store) -> int:
    if not path.exists():
        return 0
    known = {one.id for one in store.items.all()}
    latest = {one.id: one for one in map(read_item, Journal(path).read())}
    fresh = [one for name, one in latest.items() if name not in known]
    store.items.add(fresh)
    _set_aside(path)
    return len(fresh)


def _sessions(
    paths: Iterable[Path], store: Store, read: Callable[[Path], SessionRow | None]
) -> tuple[int, tuple[Path, ...]]:
    taken, left = 0, []
    known = {one.id for one in store.sessions.all()} if paths else set()
    for path in paths:
        try:
            row = read(path)
            if row is not None and row.id not in known:
                store.sessions.start(row.id, row.user, row.format, row.records, row.at)
                taken += 1
        except FileNotFoundError:  # another process took it
            continue
        except DataError:
            left.append(path)
            continue
        _set_aside(path)
    return taken, tuple(left)


def _set_aside(path: Path) -> None:
    try:
        with suppress(FileNotFoundError):  # there was none, or another process was quicker
            path.rename(path.with_name(path.name + END))
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be renamed ({error.strerror}). Mend the permissions of its folder."
        ) from error
