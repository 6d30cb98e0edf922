import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.errors import ConfigError, DataError
from tastemate.experiment.analyse import LEAST
from tastemate.experiment.interleave import preference, team_draft


@given(
    st.permutations(range(9)), st.permutations(range(4, 12)), st.integers(1, 15), st.integers(0, 9)
)
def test_a_list_of_both_without_repeats(a: list[int], b: list[int], k: int, seed: int) -> None:
    found = team_draft(a, b, k, seed)
    assert len(found.items) == len(set(found.items)) == len(found.teams) == min(k, len({*a, *b}))
    assert found == team_draft(a, b, k, seed)
    assert found.items[0] in (a[0], b[0])
    for team, ranking in (("a", a), ("b", b)):
        mine = [item for item, by in zip(found.items, found.teams, strict=True) if by == team]
        assert mine == sorted(mine, key=ranking.index)
    if min(k, 8) == k:
        assert abs(found.teams.count("a") - found.teams.count("b")) <= 1


def test_credit_goes_to_who_put_it_in() -> None:
    found = team_draft("xy", "zw", 4, seed=1)
    assert found.credit(["x", "x", "w", "unknown"]) == (1, 1)
    assert found.credit([]) == (0, 0)
    assert team_draft([], "zw", 4).teams == ("b", "b")
    assert team_draft([], [], 4).items == ()


def test_who_begins_is_even() -> None:
    first = [team_draft("a", "b", 1, seed).teams[0] for seed in range(2_000)]
    assert first.count("a") / 2_000 == pytest.approx(0.5, abs=0.04)


def test_the_better_ranker_is_preferred_and_equals_are_not() -> None:
    rng = np.random.default_rng(0)
    credits = [(int(rng.random() < 0.3), int(rng.random() < 0.2)) for _ in range(4_000)]
    found = preference(credits)
    assert found.verdict == "a"
    assert found.low < 0.1 < found.high
    assert found.wins + found.losses + found.ties == 4_000
    even = [(int(rng.random() < 0.3), int(rng.random() < 0.3)) for _ in range(4_000)]
    assert preference(even).verdict == "no difference shown"


def test_lists_of_one_person_are_one_vote() -> None:
    credits = [(1, 0)] * 90 + [(0, 1)] * 10
    one = preference(credits, ["u"] * 100)
    assert one.units == 1
    assert one.verdict == "no difference shown"
    assert preference(credits, [str(at) for at in range(100)]).verdict == "a"


def test_nothing_is_claimed_of_nothing() -> None:
    assert preference([]).as_json()["verdict"] == "no difference shown"
    assert preference([(1, 0)] * 50).verdict == "no difference shown", "no spread, nothing known"
    assert preference([(1, 0)] * (LEAST - 1)).as_json()["low"] == -1.0
    even = preference([(1, 1)] * 300)
    assert (even.low, even.high, even.p, even.verdict) == (-1.0, 1.0, 1.0, "no difference shown")


def test_votes_that_are_all_alike_are_a_verdict_once_there_are_enough() -> None:
    for units in (LEAST, 300):
        found, lost = preference([(1, 0)] * units), preference([(0, 1)] * units)
        assert (found.verdict, lost.verdict) == ("a", "b")
        assert (found.low, found.high, found.p) == (-lost.high, -lost.low, lost.p)
        assert found.value == found.high == found.once_high == 1.0
        assert max(found.p, found.once_p) < 0.001
        nearly = preference([(1, 0)] * (units - 1) + [(0, 1)])
        assert nearly.verdict == "a"
        assert nearly.low < found.low < found.once_low < 1.0
        assert nearly.low == pytest.approx(found.low, abs=0.03), "one vote turns little"
    thirds = preference([(1, 0), (1, 1), (1, 1)] * 200, [str(at // 3) for at in range(600)])
    assert thirds.verdict == "a"
    assert thirds.value == pytest.approx(1 / 3)
    assert 0 < thirds.low < thirds.value < thirds.high < 1


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        team_draft("a", "b", 0)
    with pytest.raises(DataError, match="twice"):
        team_draft("aa", "b", 2)
    with pytest.raises(DataError, match="name one for each"):
        preference([(1, 0)], ["u", "v"])
