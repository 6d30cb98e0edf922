"""Beliefs that are made again from the log now and then, so that exploration learns.

No list waits for it: they are made in a thread of their own, and what was believed before serves
meanwhile.
"""

import logging
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tastemate.rank.explore import Beliefs
from tastemate.types import Floats, Rows

_LOG = logging.getLogger("tastemate.rank")


class Renewed:
    """Beliefs that begin as `prior` and are made when asked for, again once `seconds` old.

    Where they cannot be made those of before stay, and `seconds` later it is tried again.
    """

    def __init__(
        self,
        prior: Beliefs,
        make: Callable[[], Beliefs],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._held = prior
        self._began = float("-inf")
        self._thread: threading.Thread | None = None

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a chance of reward of each candidate, (candidates,), by what is believed now."""
        self._see()
        return self._held.chances(rows, scores, rng)

    def wait(self) -> None:
        """Wait until what is being made is there."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _see(self) -> None:
        """Begin to make them again where it is time and nobody does."""
        with self._lock:
            busy = self._thread is not None and self._thread.is_alive()
            if busy or self._clock() - self._began < self._seconds:
                return
            self._began = self._clock()
            self._thread = threading.Thread(target=self._renew, name="beliefs", daemon=True)
            self._thread.start()

    def _renew(self) -> None:
        try:
            self._held = self._make()
        except Exception as error:  # whatever it is, lists are still made
            _LOG.warning("what the log says cannot be learned: %s: %s", type(error).__name__, error)
