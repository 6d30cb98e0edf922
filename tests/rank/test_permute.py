import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from tastemate.rank.permute import balanced, merge_orders, merge_scores

FAVOURS = {
    "linear": lambda at: 3.0 * at,
    "middle": lambda at: 8.0 * (at - 0.5) ** 2,
    "uneven": lambda at: np.sin(40.0 * at) + np.cos(23.0 * at),
}


@given(st.integers(1, 26), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_designs_hold_permutations_and_start_with_what_came(n: int, count: int) -> None:
    orders = balanced(n, count)
    assert 1 <= len(orders) <= count
    assert len(set(orders)) == len(orders)
    assert orders[0] == tuple(range(n))
    assert all(sorted(order) == list(range(n)) for order in orders)
    assert orders == balanced.__wrapped__(n, count)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_items_stand_in_every_place_once(n: int) -> None:
    assert sorted(zip(*balanced(n, 4), strict=True)) == sorted(
        tuple(np.roll(range(n), -by).tolist()) for by in range(n)
    )


def test_places_of_an_item_have_about_the_same_mean() -> None:
    orders = np.array(balanced(20, 4))
    places = np.argsort(orders, axis=1)
    drawn = np.random.default_rng(0).permuted(np.tile(np.arange(20), (4, 1)), axis=1)
    assert places.mean(axis=0).std() < drawn.mean(axis=0).std()


@pytest.mark.parametrize("name", FAVOURS)
def test_scores_lose_any_additive_favour(name: str) -> None:
    worth = np.random.default_rng(1).permutation(20) / 4.0
    favour = FAVOURS[name](np.linspace(0, 1, 20)) * 5
    shown = balanced(20, 4)
    found = merge_scores(20, shown, [worth[list(way)] + favour - p for p, way in enumerate(shown)])
    np.testing.assert_allclose(found - found.mean(), worth - worth.mean(), atol=0.05)


@pytest.mark.parametrize("name", FAVOURS)
def test_orders_lose_most_of_a_favour(name: str) -> None:
    worth = np.random.default_rng(2).permutation(20) / 5.0
    favour = FAVOURS[name](np.linspace(0, 1, 20))
    favour *= 2 / favour.std()
    shown = balanced(20, 4)
    replies = [np.array(way)[np.argsort(-(worth[list(way)] + favour))].tolist() for way in shown]
    single = kendalltau(-np.argsort(replies[0]), worth)[0]
    merged = kendalltau(merge_orders(20, shown, replies), worth)[0]
    assert single < 0.75
    assert merged > 0.9


def test_chunks_that_overlap_come_on_one_scale() -> None:
    worth = np.arange(10.0)
    shown = [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9]]
    scores = [worth[:6] - 3.0, worth[4:] - 100.0]
    found = merge_scores(10, shown, scores)
    np.testing.assert_allclose(np.diff(found), 1.0, atol=1e-3)


def test_a_single_order_is_taken_at_its_word_and_scores_as_they_are() -> None:
    worth = merge_orders(5, [[0, 1, 2, 3, 4]], [[3, 1]])
    assert np.argsort(-worth, kind="stable").tolist() == [3, 1, 0, 2, 4]
    scores = merge_scores(3, [[0, 1, 2]], [np.array([-3.0, -1.0, -2.0])])
    np.testing.assert_allclose(np.diff(scores), [2.0, -1.0], atol=1e-3)


def test_failed_passes_are_left_out() -> None:
    shown = balanced(6, 4)
    order = [5, 3, 1, 0, 2, 4]
    worth = merge_orders(6, shown, [[], order, [], []])
    assert np.argsort(-worth, kind="stable").tolist() == order
    assert np.isnan(merge_orders(6, shown, [[], [], [], []])).all()
    nothing = np.full(6, np.nan)
    scores = [nothing, np.array([1.0, 2, 3, 4, 5, 6]), nothing, nothing]
    merged = merge_scores(6, shown, scores)
    assert np.argsort(merged).tolist() == list(shown[1])
    assert np.isnan(merge_scores(6, shown, [nothing] * 4)).all()


def test_items_no_reply_names_come_after_those_it_names() -> None:
    shown = balanced(8, 4)
    worth = merge_orders(8, shown, [[7, 6]] * 4)
    assert np.argsort(-worth, kind="stable").tolist()[:2] == [7, 6]


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_any_replies_give_a_finite_worth(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))
    shown = balanced(n, data.draw(st.integers(1, 4)))
    replies = [data.draw(st.lists(st.integers(0, n - 1), unique=True, max_size=n)) for _ in shown]
    worth = merge_orders(n, shown, replies)
    assert np.isfinite(worth).all() == any(replies)
