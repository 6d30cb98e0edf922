import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiment.frames import impressions, signals

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError
from tastemate.rank.beliefs import BASE, LinUcb, Log, Thompson
from tastemate.rank.explore import Explorer
from tastemate.types import Candidate, Controls, Floats, Item, Query, Rows


class Known:
    """Believes given chances, by row."""

    def __init__(self, *chances: float) -> None:
        self.known = np.array(chances)

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> np.ndarray:
        return self.known[rows]


def pool(n: int) -> list[Candidate]:
    return [Candidate(row, float(n - row), "blend", row + 1) for row in range(n)]


def asked(k: int, explore: float = 1.0, seed: int = 0, user: str | None = None) -> Query:
    return Query(user=user, k=k, seed=seed, controls=Controls(explore=explore))


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 12), st.integers(1, 12), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1),
    st.integers(0, 2**40),
)  # fmt: skip
def test_a_permutation_with_chances_and_no_more_places_than_the_share(
    n: int, k: int, share: float, floor: float, explore: float, seed: int
) -> None:
    explorer = Explorer(Thompson(), share=share, floor=floor, reach=5)
    made = explorer.arrange(asked(k, explore, seed), pool(n))
    assert sorted(one.row for one in made) == list(range(n))
    assert all(0 < one.propensity <= 1 for one in made)
    assert made == explorer.arrange(asked(k, explore, seed), pool(n))
    left = list(range(n))
    moved = 0
    for one in made[:k]:
        moved += one.row != left[0]
        left.remove(one.row)
    assert moved <= max(int(share * min(k, n) + 1e-9), 1)
    assert [one.row for one in made[k:]] == left


def test_the_propensity_is_the_frequency_given_what_stands_before() -> None:
    explorer = Explorer(Known(0.5, 0.4, 0.7, 0.1), share=0.5, floor=0.1)
    n = 8_000
    lists = [explorer.arrange(asked(4, 0.8, seed), pool(4)) for seed in range(n)]
    seen = Counter(tuple(one.row for one in made) for made in lists)
    told = {
        tuple(one.row for one in made): float(np.prod([one.propensity for one in made]))
        for made in lists
    }
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-6)
    for made, chance in told.items():
        assert seen[made] / n == pytest.approx(chance, abs=4 * np.sqrt(chance / n))
    prefixes = Counter(tuple(one.row for one in made[:2]) for made in lists)
    steps = {tuple(one.row for one in made[:3]): made[2].propensity for made in lists}
    for rows, chance in steps.items():
        if prefixes[rows[:2]] > 1_000:
            share = sum(seen[made] for made in seen if made[:3] == rows) / prefixes[rows[:2]]
            assert share == pytest.approx(chance, abs=0.06)


def test_a_place_that_draws_follows_plackett_luce_at_its_temperature() -> None:
    explorer = Explorer(Known(0.5, 0.8), share=1.0, floor=0.0)
    for heat, odds in ((1.0, 4.0), (0.5, 16.0)):
        made = {
            one[0].row: one[0].propensity
            for one in (explorer.arrange(asked(1, heat, seed), pool(2)) for seed in range(99))
        }
        assert made[1] == pytest.approx(odds / (1 + odds), abs=1e-3)
        assert made[0] + made[1] == pytest.approx(1.0)


def test_no_candidate_within_reach_is_hopeless_and_none_beyond_is_drawn() -> None:
    explorer = Explorer(Known(*[0.999] + [0.001] * 9), share=1.0, reach=5, floor=0.2)
    found: dict[int, float] = {}
    for seed in range(500):
        first = explorer.arrange(asked(1, 0.05, seed), pool(10))[0]
        found[first.row] = first.propensity
    assert set(found) == set(range(5))
    assert min(found.values()) >= 0.2 / 5 - 1e-9


def test_off_means_off() -> None:
    explorer = Explorer(Thompson())
    assert explorer.arrange(asked(3, 0.0), pool(5)) == pool(5)
    assert Explorer(Thompson(), share=0.0).arrange(asked(3), pool(5)) == pool(5)
    assert explorer.arrange(asked(3), []) == []
    assert explorer.arrange(asked(3), pool(1)) == pool(1)


def test_every_place_explores_alike() -> None:
    explorer = Explorer(Known(*[0.01] + [0.5] * 19), share=0.3, floor=0.0)
    first = [explorer.arrange(asked(10, seed=seed), pool(20)) for seed in range(1_500)]
    assert np.mean([made[0].row != 0 for made in first]) == pytest.approx(0.3, abs=0.04)
    few = Explorer(Known(*[0.01] + [0.5] * 9), share=0.2, floor=0.0)
    one = [few.arrange(asked(1, seed=seed), pool(10))[0] for seed in range(3_000)]
    assert np.mean([made.row != 0 for made in one]) == pytest.approx(0.2, abs=0.03)


def test_two_people_draw_apart_and_one_seed_again() -> None:
    explorer = Explorer(Thompson(), share=1.0)
    lists = [explorer.arrange(asked(8, seed=3, user=user), pool(20)) for user in "abcdef"]
    assert len({tuple(one.row for one in made) for made in lists}) > 1
    assert explorer.arrange(asked(8, seed=3, user="a"), pool(20)) == lists[0]


def test_thompson_begins_at_the_score_and_ends_at_what_people_did() -> None:
    rows, scores = np.arange(3, dtype=np.int32), np.array([3, 2, 1], dtype=np.float32)
    one, other = Thompson(base=0.1).posterior(rows, scores)
    before = one / (one + other)
    assert before[0] > before[1] > before[2]
    assert before[1] == pytest.approx(0.1)
    assert one + other == pytest.approx([10.0] * 3)
    log = Log(np.array([2] * 200 + [0] * 200, dtype=np.int32), np.zeros(400),
              np.array([1.0] * 100 + [0.0] * 300), np.ones(400))  # fmt: skip
    one, other = Thompson.fit(log, 2 + 1).posterior(rows, scores)
    after = one / (one + other)
    assert after[2] == pytest.approx(0.5, abs=0.03)
    assert after[0] < 0.03
    new = np.array([7], dtype=np.int32)
    assert Thompson.fit(log, 3).posterior(new, scores[:1])[0] > 0, "an item added since"


def test_an_impression_counts_for_as_much_as_its_place_is_looked_at() -> None:
    catalog = Catalog.of([Item("x", "X"), Item("y", "Y")])
    shown = impressions(
        {"recommendation": "r", "user": "u", "item": "x", "position": 1, "score": 2.0, "at": 1},
        {"recommendation": "r", "user": "u", "item": "y", "position": 9, "score": 1.0, "at": 1},
        {"recommendation": "r", "user": "u", "item": "gone", "position": 2, "at": 1},
    )
    given = signals({"user": "u", "item": "y", "recommendation": "r", "timestamp": 2})
    log = Log.of(shown, given, catalog, kinds=("click",), window=9, examination=(1.0, 0.5))
    assert log.rows.tolist() == [0, 1]
    assert log.rewards.tolist() == [0.0, 1.0]
    assert log.looked.tolist() == [1.0, 0.5]
    with pytest.raises(ConfigError, match="examination"):
        Log.of(shown, given, catalog, kinds=("click",), window=9, examination=(1.0, 0.0))
    with pytest.raises(DataError, match="lack score"):
        Log.of(shown.drop("score"), given, catalog, kinds=("click",), window=9)
    empty = Log.of(impressions(), signals(), catalog, kinds=("click",), window=9)
    assert Thompson.fit(empty, 2).base == pytest.approx(BASE)


def test_linucb_believes_of_the_like_what_it_learned_of_one_and_hopes_for_the_unknown() -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)
    rows = np.repeat([0, 2], 100).astype(np.int32)
    log = Log(rows, np.zeros(200), (rows == 0) * 0.5, np.ones(200))
    found = LinUcb(vectors, width=0.0).fit(log)
    scores = np.zeros(5, dtype=np.float32)
    every = np.arange(5, dtype=np.int32)
    sure = found.chances(every, scores, np.random.default_rng(0))
    assert sure[1] > 0.3 > sure[3] > sure[2]
    hopeful = LinUcb(vectors, width=1.0).fit(log).chances(every, scores, np.random.default_rng(0))
    assert hopeful[3] - sure[3] > 2 * (hopeful[0] - sure[0])
    plain = (
        LinUcb()
        .fit(log)
        .chances(np.array([9], dtype=np.int32), scores[:1], np.random.default_rng(0))
    )
    assert 0 < plain[0] < 1


def test_both_serve_as_beliefs_of_an_explorer() -> None:
    vectors = np.eye(20, dtype=np.float32)
    for beliefs in (Thompson(), LinUcb(vectors)):
        made = Explorer(beliefs, share=0.5).arrange(asked(10, 0.5, 4), pool(20))
        assert len({one.row for one in made}) == 20
        assert min(one.propensity for one in made) < 1


@pytest.mark.parametrize("wrong", [{"share": 1.1}, {"share": -0.1}, {"floor": 2.0}, {"reach": 1}])
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Explorer(Thompson(), **wrong)
    for bad in itertools.product((0.0, 1.0), (10.0,)):
        with pytest.raises(ConfigError):
            Thompson(base=bad[0], strength=bad[1])
    with pytest.raises(ConfigError):
        LinUcb(dimensions=0)
