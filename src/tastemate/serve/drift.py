"""What was shown lately: how much of the catalogue, and whether the mix of popular and rare moved.

Drift is the population stability index (PSI) between the popularity deciles of what was shown in
the last day and in the first: PSI = sum over deciles d of (p_d - q_d) ln(p_d / q_d), p now and q
then, each share taken as (n_d + 0.5) / (N + 5). By custom below .1 is calm, above .25 is a change.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
HOUR = 3600.0
DAY = 24
"""Hours that are looked back."""
LEAST = 1_000
"""Items shown below which shares say nothing."""


class Shown:
    """Counts what is shown, by the hour, for a day; rows may be those of a new catalogue."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, reference: Path | None = None
    ) -> None:
        """`reference` is the file that keeps the first day, so that a restart does not end it."""
        self._clock, self._path = clock, reference
        self._lock = threading.Lock()
        self._hours: dict[int, Counts] = {}
        self._last: dict[str, int] = {}
        self._began = clock()
        self._first = np.zeros(10, np.int64)
        self._reference = _read(reference)

    def add(self, ids: Iterable[str], deciles: Iterable[int]) -> None:
        """Count items that were shown now, each with its decile, 0 (the most popular) to 9."""
        hour = int(self._clock() // HOUR)
        with self._lock:
            counts = self._hours.setdefault(hour, np.zeros(10, np.int64))
            first = self._reference is None
            for item, decile in zip(ids, deciles, strict=True):
                self._last[item] = hour
                counts[decile] += 1
                if first:
                    self._first[decile] += 1
            if len(self._hours) > DAY:
                self._forget(hour)
            if first and self._clock() - self._began >= DAY * HOUR:
                self._close_first()

    def coverage(self, items: int) -> float:
        """Return the share of `items` that was shown to somebody within the last day."""
        with self._lock:
            self._forget(int(self._clock() // HOUR))
            return min(len(self._last) / items, 1.0) if items else 0.0

    def drift(self) -> float | None:
        """Return the PSI of the last day against the first; None where there is too little."""
        with self._lock:
            self._forget(int(self._clock() // HOUR))
            now = sum(self._hours.values(), np.zeros(10, np.int64))
            then = self._reference
        if then is None or min(now.sum(), then.sum()) < LEAST:
            return None
        return stability(now, then)

    def _forget(self, hour: int) -> None:
        for old in [one for one in self._hours if one <= hour - DAY]:
            del self._hours[old]
        gone = [item for item, last in self._last.items() if last <= hour - DAY]
        for item in gone:
            del self._last[item]

    def _close_first(self) -> None:
        """End the first day, and keep it: whichever process is first writes, the others read."""
        self._reference = self._first
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("x") as kept:
                json.dump({"shown_by_decile": self._first.tolist()}, kept)
        except FileExistsError:
            found = _read(self._path)
            self._reference = self._first if found is None else found
        except OSError:
            return  # a folder that cannot be written: this process remembers by itself


def stability(now: Counts, then: Counts) -> float:
    """Return the population stability index between two counts of the same bins."""
    p = (now + 0.5) / (now.sum() + 0.5 * len(now))
    q = (then + 0.5) / (then.sum() + 0.5 * len(then))
    return float(np.sum((p - q) * np.log(p / q)))


def _read(path: Path | None) -> Counts | None:
    if path is None or not path.is_file():
        return None
    try:
        found = np.asarray(json.loads(path.read_text())["shown_by_decile"], np.int64)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return found if found.shape == (10,) and bool((found >= 0).all()) else None
