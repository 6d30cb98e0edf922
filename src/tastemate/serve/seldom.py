"""Figures that are dear to make are made seldom: told again for a while, with how old they are."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

CHEAP = 0.5
"""Seconds up to which figures are made anew each time."""
TIMES = 20.0
"""How many times as long as they took dear figures stand: they take a twentieth of the time."""
MOST = 8
"""Figures kept, those for other days or models among them."""


@dataclass(frozen=True, slots=True)
class _Made:
    value: Mapping[str, Any]
    at: float
    until: float


class Seldom:
    """Makes figures when asked for, one at a time; who asks meanwhile gets the same ones."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return what `make` returns, or returned lately, with `age_s`: how old it is, in seconds.

        Raises what `make` raises, and keeps nothing then.
        """
        with self._lock:
            began = self._clock()
            held = self._made.get(key)
            if held is not None and began < held.until:
                return {**held.value, "age_s": round(began - held.at, 1)}
            self._made.pop(key, None)
            value, now = make(), self._clock()
            if now - began > CHEAP:
                self._made[key] = _Made(value, now, now + TIMES * (now - began))
                while len(self._made) > MOST:
                    self._made.popitem(last=False)
            return {**value, "age_s": 0.0}
