"""An append-only file of what people did since the last import: one JSON object a line.

A record is acknowledged when `append` returns: written, flushed and synced. A kill in the middle
of a write leaves a torn last line, which was never acknowledged; it is cut off by the next append.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tastemate.errors import FormatError, Unavailable


class Journal:
    """The records of one file, in the order they were written.

    `derived` records can be made again, so that a damaged line of them is left out, not an error.
    """

    def __init__(self, path: Path, *, derived: bool = False) -> None:
        self.path = path
        self.derived = derived

    def read(self) -> list[dict[str, Any]]:
        """Return every acknowledged record; raise `FormatError` for a damaged line."""
        if not self.path.exists() or (self.derived and not self.path.is_file()):
            return []
        records: list[dict[str, Any]] = []
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                if self.derived:
                    continue
                raise FormatError(
                    f"{self.path}, line {number} is damaged ({error}). "
                    "Remove that line; the others are intact."
                ) from error
            if not isinstance(record, dict):
                if self.derived:
                    continue
                raise FormatError(f"{self.path}, line {number} is not an object. Remove it.")
            records.append(record)
        return records

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records and wait until they are on disk; raise `Unavailable` if they cannot be."""
        # ASCII: an id that is not valid text comes back as it was
        lines = "".join(json.dumps(dict(record)) + "\n" for record in records).encode("ascii")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _cut_torn_line(file.fileno())
                _write_all(file.fileno(), lines)
        except OSError as error:
            raise Unavailable(
                f"Could not write to {self.path} ({error}); nothing was recorded. "
                "Free some space or mend the permissions and try again."
            ) from error


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    whole = os.pread(descriptor, size, 0).rfind(b"\n") + 1
    os.ftruncate(descriptor, whole)


def _write_all(descriptor: int, data: bytes) -> None:
    """Append and sync; when the disk fills up in the middle, take back what was written."""
    before = os.fstat(descriptor).st_size
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
