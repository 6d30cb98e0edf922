"""Figures that are dear to make are made seldom: told again for a while, with how old they are."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0


class Seldom:
    """Makes figures when asked for; who asks for the same ones meanwhile gets them too."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()
        self._turns: dict[Hashable, _Turn] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return what `make` returns, or returned lately, with `age_s`: how old it is, in seconds.

        Raises what `make` raises, and keeps nothing then.
        """
        with self._turn(key):
            began = self._clock()
            held = self._held(key, began)
            if held is not None:
                return {**held.value, "age_s": round(began - held.at, 1)}
            value, now = make(), self._clock()
            if now - began > CHEAP:
                self._keep(key, _Made(value, now, now + TIMES * (now - began)))
            return {**value, "age_s": 0.0}

    @contextmanager
    def _turn(self, key: Hashable) -> Iterator[None]:
        """Let one at a time make what has this key; a lock lasts while somebody wants it."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._turns[key]

    def _held(self, key: Hashable, now: float) -> _Made | None:
        with self._lock:
            held = self._made.get(key)
            if held is not None and now < held.until:
                return held
            self._made.pop(key, None)
            return None

    def _keep(self, key: Hashable, made: _Made) -> None:
        with self._lock:
            self._made[key] = made
            while len(self._made) > MOST:
                self._made.popitem(last=False)
