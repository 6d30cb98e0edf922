"""What was shown, written behind the answer: no request waits for it.

Unlike events these are not acknowledged; what a crash takes is at most the last moment's.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from tastemate.errors import DataError, TastemateError
from tastemate.experiment.assign import written
from tastemate.serve.answers import Kept
from tastemate.serve.logs import places
from tastemate.store.impressions import Impression

Logged: TypeAlias = tuple[str, Kept, int]
"""The id of a list, the list, and when it was sent, in seconds since 1970."""
R = TypeVar("R")
TRIES = 30
"""Failed writes in one go, after which the rest waits for the next one."""
_LOG = logging.getLogger("tastemate.serve")


class Behind(Generic[R]):
    """Rows that `write` gets every `seconds`, and when closed; at most `most` wait.

    While they cannot be written they wait, and the oldest go first: `dropped` counts those, and
    a row that cannot be written by itself while others can. `failed` is called for an error that
    nobody foresaw.
    """

    def __init__(
        self,
        write: Callable[[Sequence[R]], None],
        *,
        seconds: float = 0.1,
        most: int = 100_000,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.error = ""
        """Why the last write failed; empty where it did not."""
        self._write = write
        self._seconds = seconds
        self._most = most
        self._failed = failed
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
            parts, tries = [rows] if rows else [], 0
            while parts:
                part = parts.pop()
                said = self._put(part)
                if said is not None and tries < TRIES and not _passes(said):
                    tries += 1
                    middle = len(part) // 2  # one of them may be what cannot be written
                    if middle:
                        parts += [part[middle:], part[:middle]]
                    else:
                        self.dropped += 1
                elif said is not None:
                    self._back([*part, *(row for rest in reversed(parts) for row in rest)])
                    return

    def _put(self, rows: Sequence[R]) -> Exception | None:
        """Write; return what kept it from that."""
        try:
            self._write(rows)
        except TastemateError as error:
            self.error = str(error)
            return error
        except Exception as error:  # whatever it is, what comes next has to be written
            self.error = f"{type(error).__name__} at {places(error)}"
            _LOG.error("what was shown cannot be written: %s", self.error)
            self._failed()
            return error
        self.error = ""
        self.written += len(rows)
        return None

    def _back(self, rows: Sequence[R]) -> None:
        """Let rows wait again, before those that came since."""
        with self._lock:
            room = max(self._most - len(self._rows), 0)
            kept = rows[max(len(rows) - room, 0) :]
            self.dropped += len(rows) - len(kept)
            self._rows.extendleft(reversed(kept))

    def close(self) -> None:
        """Stop, and write what waits."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self.flush()


def _passes(error: Exception) -> bool:
    """Whether an error is the store's and may pass, not one of what is written."""
    return isinstance(error, TastemateError) and not isinstance(error, DataError)


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
            written(line.arms or kept.arms),
            kept.model,
            kept.policy,
            at,
        )
        for name, kept, at in lists
        for line in kept.shown
    ]
