import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.evaluate.agreement import rank_biased_overlap


@given(st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_the_same_ranking_agrees_fully_and_another_no_more(order):
    same = list(range(6))
    assert rank_biased_overlap(same, same) == pytest.approx(1.0)
    assert 0 <= rank_biased_overlap(same, order) <= 1.0 + 1e-9
    assert rank_biased_overlap(same, order) == pytest.approx(rank_biased_overlap(order, same))


def test_by_hand():
    assert rank_biased_overlap([1, 2], [2, 1], p=0.5) == pytest.approx(0.5 * 0.5 + 0.25)


def test_rankings_with_nothing_in_common():
    assert rank_biased_overlap([], []) == 1.0
    assert rank_biased_overlap([], [1]) == 0.0
    assert rank_biased_overlap([1], [2]) == 0.0
