"""What was shown, written behind the answer: no request waits for it.

Unlike events these are not acknowledged; what a crash takes is at most the last moment's.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from tastemate.errors import TastemateError
from tastemate.serve.answers import Kept
from tastemate.store.impressions import Impression

Logged: TypeAlias = tuple[str, Kept, int]
"""The id of a list, the list, and when it was sent, in seconds since 1970."""
R = TypeVar("R")


class Behind(Generic[R]):
    """Rows that `write` gets every `seconds`, and when closed; at most `most` wait.

    While they cannot be written they wait, and the oldest go first: `dropped` counts those.
    """

    def __init__(
        self, write: Callable[[Sequence[R]], None], *, seconds: float = 0.1, most: int = 100_000
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.error = ""
        """Why the last write failed; empty where it did not."""
        self._write = write
        self._seconds = seconds
        self._most = most
        self._rows: deque[R] = deque()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[R]) -> None:
        """Let rows be written soon."""
        with self._lock:
            self._rows.extend(rows)
            while len(self._rows) > self._most:
                self._rows.popleft()
                self.dropped += 1
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="impressions", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write what waits now; what cannot be written goes on waiting.

        What another thread is writing is written too when this returns.
        """
        with self._writing:
            with self._lock:
                rows = list(self._rows)
                self._rows.clear()
            if rows:
                self._put(rows)

    def _put(self, rows: Sequence[R]) -> None:
        try:
            self._write(rows)
        except TastemateError as error:
            self.error = str(error)
            with self._lock:
                room = max(self._most - len(self._rows), 0)
                kept = rows[max(len(rows) - room, 0) :]
                self.dropped += len(rows) - len(kept)
                self._rows.extendleft(reversed(kept))
        else:
            self.error = ""
            self.written += len(rows)

    def close(self) -> None:
        """Stop, and write what waits."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self.flush()


def rows_of(lists: Sequence[Logged]) -> list[Impression]:
    """Return what was shown as the store keeps it."""
    return [
        Impression(
            name,
            kept.user,
            kept.session,
            line.item,
            line.position,
            line.propensity,
            line.score,
            ";".join(f"{trial}={arm}" for trial, arm in kept.arms),
            kept.model,
            kept.policy,
            at,
        )
        for name, kept, at in lists
        for line in kept.shown
    ]
