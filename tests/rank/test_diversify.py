"""Reordering never loses or invents anything, and does what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.rank.diversify import Arranger, mmr
from tastemate.rank.novelty import rescore, scaled, self_information
from tastemate.types import Candidate, Controls, Item, Query

TWINS = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
SCORES = np.array([1.0, 0.9, 0.5], dtype=np.float32)


def test_a_twin_waits_until_something_else_was_shown():
    assert mmr(SCORES, 3, 0.7, vectors=TWINS).tolist() == [0, 2, 1]
    assert mmr(SCORES, 3, 0.7, incidence=sparse.csr_matrix(TWINS)).tolist() == [0, 2, 1]
    both = mmr(SCORES, 3, 0.7, vectors=TWINS, incidence=sparse.csr_matrix(TWINS))
    assert both.tolist() == [0, 2, 1]
    assert mmr(SCORES, 3, 0.1, vectors=TWINS).tolist() == [0, 1, 2]


def test_a_trade_of_nothing_keeps_the_order_given():
    assert mmr(SCORES[::-1], 2, 0.0, vectors=TWINS).tolist() == [0, 1]
    assert mmr(SCORES, 2, 0.9).tolist() == [0, 1]
    assert mmr(SCORES, 9, 0.5, vectors=TWINS).shape == (3,)
    assert mmr(SCORES[:0], 3, 0.5, vectors=TWINS[:0]).tolist() == []


def greedy(scores, k, trade, vectors):
    """The formula word for word, the slow way."""
    picked = []
    relevance = scaled(scores)
    while len(picked) < k:
        gains = [
            -np.inf
            if i in picked
            else (1 - trade) * relevance[i]
            - trade * max((round(float(vectors[i] @ vectors[j]), 6) for j in picked), default=0.0)
            for i in range(len(scores))
        ]
        picked.append(int(np.argmax(gains)))
    return picked


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 14), st.floats(0, 1), st.integers(0, 10_000))
def test_positions_are_distinct_and_a_longer_list_starts_with_the_shorter(n, k, trade, seed):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).astype(np.float32)
    vectors = rng.normal(size=(n, 3)).astype(np.float32)
    picked = mmr(scores, k, trade, vectors=vectors).tolist()
    assert len(picked) == min(n, k)
    assert len(set(picked)) == len(picked)
    assert set(picked) <= set(range(n))
    assert mmr(scores, k + 1, trade, vectors=vectors).tolist()[: len(picked)] == picked


def test_it_is_the_formula():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(30, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = rng.random(30).astype(np.float32)
    assert mmr(scores, 12, 0.4, vectors=vectors).tolist() == greedy(scores, 12, 0.4, vectors)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_controls_outside_their_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        mmr(SCORES, 2, wrong, vectors=TWINS)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        rescore(SCORES, SCORES, wrong)


def test_self_information_is_high_for_what_nobody_met():
    bits = self_information(np.array([0, 1, 5]))
    assert bits[0] > bits[1] > bits[2]
    np.testing.assert_allclose(bits[0], np.log2(9), rtol=1e-6)


def test_novelty_mixes_scaled_scores():
    bits = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    np.testing.assert_array_equal(rescore(SCORES, bits, 0.0), SCORES)
    np.testing.assert_allclose(rescore(SCORES, bits, 1.0), [0, 0.5, 1])
    np.testing.assert_allclose(rescore(SCORES, bits, 0.5), [0.5, 0.65, 0.5], atol=1e-6)
    assert scaled(np.array([-np.inf, 2.0, 4.0])).tolist() == [0, 0, 1]
    assert scaled(np.array([3.0, 3.0])).tolist() == [1, 1]
    assert scaled(np.array([-np.inf])).tolist() == [0]


CATALOG = Catalog.of(
    Item(str(i), f"T{i}", attributes={"kind": "common" if i < 6 else f"rare {i}"})
    for i in range(10)
)
POOL = [Candidate(row, 1 - row / 10, "m", row + 1) for row in range(10)]
COUNTS = np.arange(100, 0, -10)


def arranged(pool=POOL, k=5, vectors=None, catalog=CATALOG, **controls):
    query = Query(k=k, controls=Controls(**controls))
    return Arranger(catalog, vectors, COUNTS).arrange(query, pool)


def test_untouched_controls_change_nothing():
    assert arranged() == POOL
    assert arranged([], diversity=1.0) == []


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 12), st.permutations(POOL))
def test_arranging_is_a_permutation(diversity, novelty, k, pool):
    got = arranged(pool, k=k, diversity=diversity, novelty=novelty)
    assert sorted(got, key=lambda c: c.row) == POOL


def test_diversity_brings_other_kinds_forward():
    kinds = {CATALOG.item(c.row).attributes["kind"] for c in arranged(diversity=0.8)[:5]}
    assert len(kinds) == 5


def test_novelty_brings_the_unknown_forward():
    assert [c.row for c in arranged(novelty=1.0)] == list(range(9, -1, -1))


def test_the_order_of_a_ranker_counts_more_than_old_scores():
    assert [c.row for c in arranged(POOL[::-1], novelty=0.01)] == list(range(9, -1, -1))


def test_items_added_later_have_no_vector_and_no_count():
    grown = CATALOG.with_items([Item("new", "New", attributes={"kind": "common"})])
    vectors = np.eye(10, dtype=np.float32)
    pool = [*POOL, Candidate(10, 0.0, "m", 11)]
    got = arranged(pool, catalog=grown, vectors=vectors, diversity=0.5, novelty=0.5)
    assert sorted(c.row for c in got) == list(range(11))
