import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.llm.person import Person
from tastemate.rank.pairwise import Pairwise, insertion

NOBODY = Person()


def _run(numbers, top, comparisons):
    sort = insertion(len(numbers), top, comparisons)
    asked = []
    try:
        pair = next(sort)
        while True:
            asked.append(pair)
            pair = sort.send(float(numbers[pair[1]] - numbers[pair[0]]))
    except StopIteration as done:
        return done.value, asked


@given(st.lists(st.integers(0, 9), max_size=25), st.integers(1, 30))
def test_the_best_lead_in_order_and_no_pair_is_asked_twice(numbers, top) -> None:
    order, asked = _run(numbers, top, 10_000)
    assert sorted(order) == list(range(len(numbers)))
    want = sorted(range(len(numbers)), key=lambda at: (-numbers[at], at))
    assert order[:top] == want[:top]
    assert len({frozenset(pair) for pair in asked}) == len(asked)


def test_a_retriever_that_is_right_costs_one_comparison_an_item() -> None:
    order, asked = _run(list(range(20, 0, -1)), 10, 1000)
    assert order == list(range(20))
    assert len(asked) == 19


@given(st.lists(st.integers(0, 9), max_size=25), st.integers(1, 40))
def test_comparisons_are_limited(numbers, limit) -> None:
    order, asked = _run(numbers, 10, limit)
    assert len(asked) <= limit
    assert len(set(order)) == len(order)
    assert {at for pair in asked[:-1] for at in pair} <= {*order, *asked[-1]} if asked else True


def test_both_orders_cancel_a_favour_for_the_first(scripted, pool, mind) -> None:
    model = scripted(mind(lambda place: 50.0 * (place == 0)))
    (scores,) = Pairwise(model).judge([NOBODY], [pool([3, 9, 1, 4])])
    assert scores.tolist() == [-2, 0, -3, -1]


def test_a_written_contradiction_leaves_the_order_that_came_in(scripted, pool) -> None:
    model = scripted(lambda prompt: "A", labels=False)
    (scores,) = Pairwise(model).judge([NOBODY], [pool([3, 9, 1])])
    assert scores.tolist() == [0, -1, -2]


def test_without_labels_the_reply_is_read(scripted, pool) -> None:
    (scores,) = Pairwise(scripted(labels=False)).judge([NOBODY], [pool([3, 9, 1])])
    assert scores.tolist() == [-1, 0, -2]


def test_pools_advance_together(scripted, pool) -> None:
    model = scripted()
    rounds = []
    whole = model.complete
    model.complete = lambda prompts: rounds.append(len(prompts)) or whole(prompts)
    pools = [pool([3, 2, 1]), pool([9, 8, 7]), pool([]), pool([4])]
    judged = Pairwise(model).judge([NOBODY] * 4, pools)
    assert rounds == [4, 4]
    assert [scores.tolist() for scores in judged[:3]] == [[0, -1, -2], [0, -1, -2], []]
    assert np.isnan(judged[3]).all()


def test_what_was_not_compared_has_no_opinion(scripted, pool) -> None:
    (scores,) = Pairwise(scripted(), comparisons=1).judge([NOBODY], [pool([3, 9, 1, 4])])
    np.testing.assert_equal(scores, np.float32([-1, 0, np.nan, np.nan]))


def test_a_failed_call_ends_the_sort_and_is_recorded(scripted, pool, broken) -> None:
    model = scripted(lambda prompt: broken)
    with scope.opened() as account:
        (scores,) = Pairwise(model).judge([NOBODY], [pool([3, 9, 1, 4])])
    assert np.isnan(scores).all()
    assert len(model.prompts) == 2
    assert "The server is down." in account.errors[0]


@pytest.mark.parametrize("options", [{"top": 0}, {"comparisons": 0}])
def test_options_out_of_range_are_refused(scripted, options) -> None:
    with pytest.raises(ConfigError):
        Pairwise(scripted(), **options)
