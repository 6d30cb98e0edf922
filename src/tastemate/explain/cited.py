"""Which events of a history carry a score: from the shares of events to those of liked items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tastemate.types import Floats, History, Rows


class Cited(NamedTuple):
    """A liked item that carries some of a score: its catalogue row, its value, its share."""

    row: int
    value: float
    share: float
    stated: bool
    """Whether the value is a rating in the data, not a like told since."""


def by_item(history: History, shares: Floats) -> tuple[Rows, Floats, Floats]:
    """Sum the shares of events, (lines, events), into those of items, (lines, items).

    Returns the items, ascending, their latest values, and the sums. The history is not empty.
    """
    order = np.argsort(history.items, kind="stable")
    events, values, shares = history.items[order], history.values[order], shares.take(order, axis=1)
    change = np.flatnonzero(events[1:] != events[:-1])
    if len(change) + 1 == len(events):
        return events, values, shares
    last = np.append(change, len(events) - 1)
    starts = np.append(0, change + 1)
    return events[last], values[last], np.add.reduceat(shares, starts, axis=1)


def largest(shares: Floats, n: int) -> tuple[NDArray[np.intp], Floats]:
    """Return where the n largest of each row stand, largest first, and what they are.

    Both are (rows, n), or as many as there are; of equals the first comes first. All are ≥ 0.
    """
    left, rows = shares.copy(), np.arange(len(shares))
    places = np.empty((len(shares), min(n, shares.shape[1])), dtype=np.intp)
    found = np.empty(places.shape, dtype=np.float32)
    for at in range(places.shape[1]):
        best = left.argmax(axis=1)
        places[:, at], found[:, at] = best, left[rows, best]
        left[rows, best] = -1.0
    return places, found
