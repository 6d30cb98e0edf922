"""Reading what other processes wrote: often enough, and never in the way of an answer."""

import logging
import threading
import time
from collections.abc import Callable

from tastemate.errors import TastemateError
from tastemate.serve.logs import places

WAIT = 0.05
"""Seconds that an answer waits for what others wrote."""
SILENT = 2.0
"""Seconds after which a read that does not end is told as one that failed."""
PAUSE = 1.0
"""Seconds for which nothing is read after a read that failed."""
_LOG = logging.getLogger("tastemate.serve")


class Fresh:
    """Calls `read` every `seconds` while somebody asks, in a thread of its own.

    `failed` is called when it cannot be read: what was known before is then served, `trouble` says
    why, and nobody but this thread should try for as long.
    """

    def __init__(
        self, read: Callable[[], object], seconds: float, failed: Callable[[], None]
    ) -> None:
        self._read, self._seconds, self._failed = read, seconds, failed
        self._at = self._began = self._broken = float("-inf")
        self._busy = False
        self._trouble = ""
        self._asked = threading.Event()
        self._done = threading.Event()
        self._ended = threading.Event()
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

    def broke(self, why: str) -> None:
        """Hear from somebody else that it cannot be read: that holds for `PAUSE` at least."""
        self._broken = time.monotonic()
        self._trouble = why

    def ask(self) -> None:
        """Wait until it was read a moment ago, but a moment at most, and once for a slow read."""
        if self.now:
            return
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
                self._thread.start()
        self._asked.set()
        if self._trouble:  # there is nothing to wait for
            return
        if time.monotonic() - self._began < WAIT or not self._busy:
            self._done.wait(WAIT)

    def close(self) -> None:
        """Read no more."""
        with self._lock:
            self._ended.set()
            self._asked.set()
        if self._thread is not None:
            self._thread.join(1)

    def _run(self) -> None:
        while True:
            self._asked.wait()
            if self._ended.is_set():
                return
            self._asked.clear()
            self._began = began = time.monotonic()
            self._busy = True
            why = self._tried()
            if why:
                self._trouble = why
            elif began - self._broken >= PAUSE:
                self._trouble = ""
            self._busy = False
            self._at = began
            self._done.set()
            took = time.monotonic() - began
            self._ended.wait(PAUSE if why else max(self._seconds - took, 0.0) / 2)
            self._done.clear()

    def _tried(self) -> str:
        """Read; return why that could not be done."""
        try:
            self._read()
        except TastemateError as error:
            why = str(error)
        except Exception as error:  # whatever it is, this thread has to read again
            _LOG.error("cannot be refreshed: %s at %s", type(error).__name__, places(error))
            why = f"It cannot be read ({type(error).__name__})."
        else:
            return ""
        self._failed()
        return why
