"""Reading what other processes wrote: often enough, and never in the way of an answer."""

import threading
import time
from collections.abc import Callable

from tastemate.errors import TastemateError

WAIT = 0.05
"""Seconds that an answer waits for what others wrote."""
SILENT = 2.0
"""Seconds after which a read that does not end is told as one that failed."""


class Fresh:
    """Calls `read` every `seconds` while somebody asks, in a thread of its own.

    `failed` is called when it cannot be read: what was known before is then served, and `trouble`
    says why.
    """

    def __init__(
        self, read: Callable[[], object], seconds: float, failed: Callable[[], None]
    ) -> None:
        self._read, self._seconds, self._failed = read, seconds, failed
        self._at = self._began = float("-inf")
        self._busy = False
        self._trouble = ""
        self._asked = threading.Event()
        self._done = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def now(self) -> bool:
        """Whether it was read a moment ago."""
        return time.monotonic() - self._at < self._seconds

    @property
    def trouble(self) -> str:
        """Why it could not be read the last time; empty where it could."""
        if self._busy and time.monotonic() - self._began > SILENT:
            return self._trouble or "It does not answer."
        return self._trouble

    def ask(self) -> None:
        """Wait until it was read a moment ago, but a moment at most, and once for a slow read."""
        if self.now:
            return
        with self._lock:
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
                self._thread.start()
        self._asked.set()
        if time.monotonic() - self._began < WAIT or not self._busy:
            self._done.wait(WAIT)

    def close(self) -> None:
        """Read no more."""
        with self._lock:
            self._ended = True
            self._asked.set()
        if self._thread is not None:
            self._thread.join(1)

    def _run(self) -> None:
        while True:
            self._asked.wait()
            if self._ended:
                return
            self._asked.clear()
            self._began = began = time.monotonic()
            self._busy = True
            try:
                self._read()
                self._trouble = ""
            except TastemateError as error:
                self._trouble = str(error)
                self._failed()
            self._busy = False
            self._at = began
            self._done.set()
            time.sleep(max(self._seconds - (time.monotonic() - began), 0.0) / 2)
            self._done.clear()
