import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate import metrics as m
from tastemate.errors import DataError

ITEMS = 12


@st.composite
def judgements(draw):
    users = draw(st.integers(1, 4))
    lists = [
        draw(st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=ITEMS)) for _ in range(users)
    ]
    truths = [draw(st.sets(st.integers(0, ITEMS - 1), min_size=1)) for _ in range(users)]
    return lists, truths


@settings(max_examples=60, deadline=None)
@given(judgements(), st.integers(1, ITEMS))
def test_agrees_with_ir_measures(drawn, k):
    lists, truths = drawn
    judged = m.judge(lists, truths, ITEMS)
    ours = m.measure(judged, list(m.RANKING), [k])
    theirs = {
        "precision": ir_measures.P @ k,
        "recall": ir_measures.R @ k,
        "ndcg": ir_measures.nDCG @ k,
        "mrr": ir_measures.RR @ k,
        "map": ir_measures.AP @ k,
        "hit": ir_measures.Success @ k,
    }
    qrels = [
        ir_measures.Qrel(str(user), str(item), 1)
        for user, truth in enumerate(truths)
        for item in truth
    ]
    run = [
        ir_measures.ScoredDoc(str(user), str(item), float(-place))
        for user, one in enumerate(lists)
        for place, item in enumerate(one)
    ]
    for name, measure in theirs.items():
        found = {r.query_id: r.value for r in ir_measures.iter_calc([measure], qrels, run)}
        expected = [found.get(str(user), 0.0) for user in range(len(lists))]
        np.testing.assert_allclose(ours[f"{name}@{k}"], expected, atol=1e-9, err_msg=name)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 12))
def test_a_rank_is_a_list_with_one_truth(ranks, k):
    by_rank = m.judge_ranks(np.array(ranks), 12)
    lists = [[100 + place if place != rank else 0 for place in range(1, 13)] for rank in ranks]
    by_list = m.judge(lists, [{0}] * len(ranks), 12)
    for name in m.RANKING:
        np.testing.assert_allclose(m.RANKING[name](by_rank, k), m.RANKING[name](by_list, k))
    np.testing.assert_allclose(m.recall(by_rank, k), m.hit_rate(by_rank, k))
    np.testing.assert_allclose(m.mrr(by_rank, k), m.average_precision(by_rank, k))


def test_by_hand():
    judged = m.judge([[7, 1, 8, 2]], [{1, 2, 3}], 4)
    assert m.precision(judged, 4)[0] == 0.5
    assert m.recall(judged, 4)[0] == pytest.approx(2 / 3)
    assert m.mrr(judged, 4)[0] == 0.5
    assert m.average_precision(judged, 4)[0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert m.ndcg(judged, 4)[0] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_what_cannot_be_judged_is_an_error():
    with pytest.raises(DataError, match="names an item twice"):
        m.judge([[1, 2], [3, 3]], [{1}, {3}], 2)
    with pytest.raises(DataError, match="nothing relevant"):
        m.judge([[1]], [set()], 1)
    with pytest.raises(DataError, match="one truth for each"):
        m.judge([[1]], [], 1)
    with pytest.raises(DataError, match="start at 1"):
        m.judge_ranks(np.array([0]), 3)


def test_ranks_put_a_target_last_among_equals_and_at_the_end_when_unranked():
    scores = np.array([[3, 1, 1, 1], [0, 0, 0, 0], [5, 1, -np.inf, 2]], np.float32)
    targets = np.array([2, 0, 2])
    assert m.ranks_of(scores, targets).tolist() == [4, 4, 4]
    assert m.ranks_of(scores, targets, equal="catalogue").tolist() == [3, 1, 4]
    with pytest.raises(DataError, match="NaN"):
        m.ranks_of(np.array([[np.nan]], np.float32), np.array([0]))


def test_rating_errors():
    assert m.rmse(np.array([1.0, 4.0]), np.array([2.0, 2.0])) == pytest.approx(math.sqrt(2.5))
    with pytest.raises(DataError, match="one prediction"):
        m.rmse(np.array([1.0]), np.array([]))


def test_coverage_gini_and_novelty():
    lists = m.as_lists([[0, 1], [0, 1], [0]], 2)
    assert lists.tolist() == [[0, 1], [0, 1], [0, -1]]
    assert m.coverage(lists, 4) == 0.5
    assert m.coverage(lists, 0) == 0.0
    assert m.gini(m.as_lists([[0, 1], [2, 3]], 2), 4) == 0.0
    assert m.gini(m.as_lists([[0], [0]], 1), 4) == pytest.approx(0.75)
    assert m.gini(m.as_lists([[]], 1), 4) == 0.0
    bits = m.self_information(np.array([4, 2, 1, 0]), 4)
    assert bits.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert m.mean_over(m.as_lists([[1, 2], []], 2), bits).tolist() == [1.5, 0.0]


def test_serendipity_counts_what_is_wanted_and_not_obvious():
    shown = m.as_lists([[0, 1, 2, 3]], 4)
    obvious = m.as_lists([[0, 5, 6, 7]], 4)
    assert m.serendipity(shown, [{0, 1, 9}], obvious).tolist() == [0.25]


def test_diversity_of_a_list():
    member = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    lists = m.as_lists([[0, 1, 2], [0], [1, 2]], 3)
    assert m.diversity_of_sets(lists, member) == pytest.approx([(0.5 + 1 + 1) / 3, 0, 1])
    vectors = np.array([[1, 0], [1, 0], [0, 2]], np.float32)
    assert m.diversity_of_vectors(lists, vectors) == pytest.approx([2 / 3, 0, 1])


def test_calibration_is_zero_in_proportion_and_grows_away_from_it():
    member = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    wanted = m.shares(m.as_lists([[0, 1], [0, 2]], 2), member)
    assert wanted == pytest.approx(np.array([[0.5, 0.5], [0.75, 0.25]]))
    same = m.miscalibration(wanted, wanted)
    assert same == pytest.approx([0, 0])
    given_shares = m.shares(m.as_lists([[0], [0]], 1), member)
    away = m.miscalibration(wanted, given_shares)
    expected = 0.5 * math.log(0.5 / (0.99 + 0.005)) + 0.5 * math.log(0.5 / 0.005)
    assert away[0] == pytest.approx(expected)
    assert away[0] > away[1] > 0


def test_lift_exposure_and_overlap():
    assert m.popularity_lift(np.array([30.0]), np.array([20.0])).tolist() == [0.5]
    lists = m.as_lists([[0, 1], [1]], 2)
    second = 1 / math.log2(3)
    expected = np.array([1, 1 + second]) / (2 + second)
    assert m.exposure(lists, np.array([0, 1]), 2) == pytest.approx(expected)
    assert m.overlap(lists, m.as_lists([[1, 9], [9]], 2)).tolist() == [0.5, 0.0]
