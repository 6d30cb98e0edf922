"""Two rankers in one list: who put in what is clicked more often?

Each person judges both rankers at once, so far fewer are needed than when each sees only one.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError, DataError
from tastemate.experiment.analyse import LEAST
from tastemate.experiment.intervals import Bounds, Moments, always_valid, welch

ItemT = TypeVar("ItemT", bound=Hashable)
Team: TypeAlias = Literal["a", "b"]
NOTHING = Moments(np.asarray(1.0), np.asarray(0.0), np.asarray(0.0))
"""What a mean is held against that is compared with 0 alone."""


@dataclass(frozen=True, slots=True)
class Interleaved(Generic[ItemT]):
    """One list out of two, and which ranker each place belongs to."""

    items: tuple[ItemT, ...]
    teams: tuple[Team, ...]

    def credit(self, clicked: Sequence[ItemT]) -> tuple[int, int]:
        """Return how many of the clicked items each ranker put in; one click counts once."""
        team = dict(zip(self.items, self.teams, strict=True))
        won = [team[item] for item in dict.fromkeys(clicked) if item in team]
        return won.count("a"), won.count("b")


def team_draft(a: Sequence[ItemT], b: Sequence[ItemT], k: int, seed: int = 0) -> Interleaved[ItemT]:
    """Return a list of k by team-draft interleaving (Radlinski, Kurup & Joachims 2008).

    In each round a coin of `seed` says who picks first; either picks its best item that is not
    there yet. A ranker that has run out leaves the rest to the other one. Raises `ConfigError` for
    a k below 1 and `DataError` for a ranking that names an item twice.
    """
    if k < 1:
        raise ConfigError(f"k is {k}; ask for at least 1 item.")
    for name, ranking in (("a", a), ("b", b)):
        if len(set(ranking)) < len(ranking):
            raise DataError(f"Ranking {name} names an item twice.")
    rng = np.random.default_rng(seed)
    items: list[ItemT] = []
    teams: list[Team] = []
    there: set[ItemT] = set()
    left: dict[Team, list[ItemT]] = {"a": list(a)[::-1], "b": list(b)[::-1]}
    while len(items) < k and (left["a"] or left["b"]):
        order: tuple[Team, Team] = ("a", "b") if rng.random() < 0.5 else ("b", "a")
        for team in order:
            while left[team] and left[team][-1] in there:
                left[team].pop()
            if left[team] and len(items) < k:
                items.append(left[team].pop())
                teams.append(team)
                there.add(items[-1])
    return Interleaved(tuple(items), tuple(teams))


@dataclass(frozen=True, slots=True)
class Preference:
    """How much more often ranker a wins a list than b: from -1 (never) to 1 (always)."""

    value: float
    low: float
    high: float
    p: float
    """The interval and p-value hold for any number of looks; those below for one."""
    wins: int
    losses: int
    ties: int
    units: int
    once_low: float = -1.0
    once_high: float = 1.0
    once_p: float = 1.0

    @property
    def verdict(self) -> str:
        """Which ranker is preferred, or that none is shown to be."""
        if self.low > 0:
            return "a"
        return "b" if self.high < 0 else "no difference shown"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"verdict": self.verdict}


def preference(
    credits: Sequence[tuple[int, int]],
    units: Sequence[str] = (),
    *,
    alpha: float = 0.05,
    expected: int = 2_000,
) -> Preference:
    """Return which ranker wins, over the credits of lists, with intervals for one look and any.

    A list is won by the ranker with more clicks. `units` names who saw each list: a person's lists
    are taken as one (their mean), since they are not drawn apart. (wins - losses) / lists, as in
    Chapelle, Joachims, Radlinski & Yue (2012), with `intervals.always_valid`, which needs some
    hundred units to hold, and `intervals.welch` (of one sample: Student's) for a single look.

    Votes that are all alike have no spread of their own: from `LEAST` units on it is taken with
    one opposite vote added. Of fewer, and where every unit is even, nothing is claimed.
    """
    if units and len(units) != len(credits):
        raise DataError(f"{len(credits)} lists of {len(units)} units: name one for each list.")
    won = np.sign([float(a - b) for a, b in credits])
    each = _means(won, units) if units else won
    n = len(each)
    wins, losses = int((won > 0).sum()), int((won < 0).sum())
    ties = len(won) - wins - losses
    value = float(each.mean()) if n else 0.0
    alike = n < 2 or float(each.min()) == float(each.max())
    if alike and (n < LEAST or value == 0):  # nothing is known of the spread
        return Preference(value, -1.0, 1.0, 1.0, wins, losses, ties, n)
    one = _with_an_opposite(each) if alike else Moments.of(each)
    many = always_valid(one.mean, np.sqrt(one.error), one.n, alpha, expected)
    once = welch(one, NOTHING, alpha)
    return Preference(value, *_within(many), wins, losses, ties, n, *_within(once))


def _with_an_opposite(each: NDArray[np.float64]) -> Moments:
    """Return the moments of votes that are all alike, their spread with one against them."""
    found = Moments.of(each)
    against = Moments.of(np.append(each, -np.sign(each[0])))
    return Moments(found.n, found.mean, against.variance)


def _within(found: Bounds) -> tuple[float, float, float]:
    """Return an interval cut to -1 and 1, and its p-value."""
    return max(float(found.low), -1.0), min(float(found.high), 1.0), float(found.p)


def _means(won: NDArray[np.float64], units: Sequence[str]) -> NDArray[np.float64]:
    _, codes = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    return np.asarray(np.bincount(codes, weights=won) / np.bincount(codes))
