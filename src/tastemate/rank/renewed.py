"""Beliefs that are made again from the log now and then, so that exploration learns."""

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tastemate.rank.explore import Beliefs
from tastemate.types import Floats, Rows


class Renewed:
    """Beliefs made when first asked for, and again once they are `seconds` old."""

    def __init__(
        self,
        make: Callable[[], Beliefs],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[float, Beliefs] | None = None

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a chance of reward of each candidate, (candidates,)."""
        return self._now().chances(rows, scores, rng)

    def _now(self) -> Beliefs:
        with self._lock:
            held = self._held
            if held is None or self._clock() - held[0] >= self._seconds:
                held = (self._clock(), self._make())
                self._held = held
            return held[1]
