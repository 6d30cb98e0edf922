"""The chain of arrangers, and beliefs that are made again."""

import numpy as np

from tastemate.rank.arranging import Chain
from tastemate.rank.beliefs import Thompson
from tastemate.rank.renewed import Renewed
from tastemate.types import Candidate, Query

POOL = [Candidate(row, 1.0 - row / 10, "blend", row + 1) for row in range(5)]


class Reversed:
    def arrange(self, query: Query, candidates: list[Candidate]) -> list[Candidate]:
        return list(reversed(candidates))


class Rotated:
    def arrange(self, query: Query, candidates: list[Candidate]) -> list[Candidate]:
        return [*candidates[1:], candidates[0]]


def rows(pool: list[Candidate]) -> list[int]:
    return [one.row for one in pool]


def test_parts_arrange_one_after_the_other() -> None:
    assert rows(Chain([Reversed(), Rotated()]).arrange(Query(), POOL)) == [3, 2, 1, 0, 4]
    assert rows(Chain([Rotated(), Reversed()]).arrange(Query(), POOL)) == [0, 4, 3, 2, 1]
    assert Chain([]).arrange(Query(), POOL) == POOL


def test_beliefs_are_made_again_once_they_are_old() -> None:
    made, now = [], [0.0]

    def make() -> Thompson:
        made.append(now[0])
        return Thompson()

    beliefs = Renewed(make, 60.0, clock=lambda: now[0])
    scores = np.array([1.0, 0.5], np.float32)
    for now[0] in (0.0, 59.0, 60.0, 61.0):
        chances = beliefs.chances(np.array([0, 1], np.int32), scores, np.random.default_rng(0))
        assert ((chances > 0) & (chances < 1)).all()
    assert made == [0.0, 60.0]
