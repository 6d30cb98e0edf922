"""Who is asked about which item, and when: what a rating predictor is given, never a rating."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tastemate.interactions import Interactions
from tastemate.types import Mask, Rows, Times

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Arrays of one length: user codes, item rows, and when the rating is made (seconds)."""

    user: NDArray[np.int32]
    item: Rows
    timestamp: Times

    @classmethod
    def of(cls, events: Interactions) -> "Pairs":
        """Return the events without their values."""
        return cls(events.user, events.item, events.timestamp)

    def __len__(self) -> int:
        return len(self.user)

    def take(self, at: NDArray[np.intp]) -> "Pairs":
        """Return the pairs at these places."""
        return Pairs(self.user[at], self.item[at], self.timestamp[at])

    def known(self, train: Interactions) -> Mask:
        """Return which pairs have both user and item in training."""
        rated = np.diff(train.offsets)[self.user] > 0
        return np.asarray(rated & (train.counts[self.item] > 0), dtype=np.bool_)


class Predictor(Protocol):
    """Something that learns from ratings and predicts others; cold pairs are predicted too."""

    @property
    def name(self) -> str:
        """The name in tables and weights."""
        ...

    def fit(self, train: Interactions) -> Self:
        """Learn from ratings. Returns self."""
        ...

    def predict(self, pairs: Pairs) -> Numbers:
        """Return a rating for each pair, on the scale of the training ratings."""
        ...


def groups(codes: NDArray[np.int32], n: int) -> list[NDArray[np.intp]]:
    """Return the places of each code 0..n-1, in order."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=n))[:-1])
