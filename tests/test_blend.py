import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tastemate.blend import (
    Blend,
    appended,
    learn_weights,
    moments,
    reciprocal_rank_fusion,
    standardise,
    then,
    zscore_mean,
)
from tastemate.errors import ConfigError

NONE = -np.inf


def _f(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_z_scores_ignore_the_scale_of_a_retriever() -> None:
    small, large = _f([1, 2, 3]), _f([100, 300, 200])
    mixed = zscore_mean([small, large], [0.5, 0.5])
    np.testing.assert_allclose(mixed, zscore_mean([small * 50 + 7, large], [0.5, 0.5]), atol=1e-5)
    assert mixed[0].argmax() == 2 or mixed[0].argmax() == 1
    np.testing.assert_allclose(zscore_mean([small], [2.0]), [standardise(small[0])])


def test_no_opinion_counts_as_the_lowest_of_that_retriever() -> None:
    mixed = zscore_mean([_f([1, 2, NONE]), _f([1, 1, 9])], [1.0, 0.1])
    z = zscore_mean([_f([1, 2, 1])], [1.0])  # item 2 as low as item 0
    assert mixed[0, 1] > mixed[0, 2] > mixed[0, 0]
    assert z[0, 0] == z[0, 2]


def test_nobody_s_opinion_stays_none() -> None:
    mixed = zscore_mean([_f([1, NONE, 2]), _f([5, NONE, NONE])], [0.5, 0.5])
    assert np.isneginf(mixed[0, 1])
    assert np.isfinite(mixed[0, [0, 2]]).all()
    assert np.isneginf(zscore_mean([_f([NONE, NONE])], [1.0])).all()


def test_a_retriever_that_cannot_serve_leaves_its_weight_to_the_others() -> None:
    able, unable = _f([1, 2, 4], [4, 1, 2]), _f([3, 2, 1], [NONE, NONE, NONE])
    mixed = zscore_mean([able, unable], [0.3, 0.7])
    np.testing.assert_allclose(mixed[1], zscore_mean([able], [1.0])[1], rtol=1e-5)
    assert mixed[0].argmax() == 0


def test_constant_scores_say_nothing() -> None:
    mixed = zscore_mean([_f([7, 7, 7]), _f([1, 2, 3])], [0.9, 0.1])
    np.testing.assert_array_equal(np.argsort(mixed[0]), [0, 1, 2])
    assert np.isfinite(mixed).all()


def test_inputs_are_left_as_they_were() -> None:
    scores = _f([1, NONE, 3])
    zscore_mean([scores], [1.0])
    reciprocal_rank_fusion([scores], [1.0])
    np.testing.assert_array_equal(scores, _f([1, NONE, 3]))


def test_reciprocal_ranks_add_up() -> None:
    fused = reciprocal_rank_fusion([_f([3, 2, NONE, NONE]), _f([1, 9, 5, NONE])], [1.0, 2.0], k=60)
    expected = [1 / 61 + 2 / 63, 1 / 62 + 2 / 61, 2 / 62]
    np.testing.assert_allclose(fused[0, :3], expected, rtol=1e-6)
    assert np.isneginf(fused[0, 3])


def test_ranks_break_ties_in_item_order() -> None:
    fused = reciprocal_rank_fusion([_f([5, 5, 5])], [1.0])
    np.testing.assert_array_equal(np.argsort(-fused[0]), [0, 1, 2])


@pytest.mark.parametrize("method", ["zscore", "rrf"])
def test_a_blend_uses_only_named_weights(method: str) -> None:
    blend = Blend(method, {"a": 0.5, "absent": 0.5})
    a, b = _f([1, 2, NONE]), _f([9, 1, 5])
    mixed = blend.combine({"a": a, "b": b})
    assert mixed.dtype == np.float32
    assert mixed[0, 1] > mixed[0, 0]
    assert np.isneginf(mixed[0, 2])
    assert np.isneginf(blend.combine({"b": b})).all()


def test_a_blend_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to blend"):
        Blend().combine({})
    with pytest.raises(ConfigError, match="nothing to blend"):
        learn_weights({}, np.zeros(0, np.int32), np.zeros((0, 0), bool))


@pytest.mark.parametrize("weight", [-0.1, np.nan, np.inf])
def test_weights_are_zero_or_more(weight: float) -> None:
    with pytest.raises(ConfigError, match="0 or more"):
        Blend("zscore", {"a": weight})


def test_methods_are_known() -> None:
    with pytest.raises(ConfigError, match="rrf"):
        Blend("median")


def test_no_queries() -> None:
    none = np.empty((0, 4), np.float32)
    assert zscore_mean([none], [1.0]).shape == (0, 4)
    assert reciprocal_rank_fusion([none], [1.0]).shape == (0, 4)
    assert learn_weights({"a": none}, np.zeros(0, np.int32), none > 0).weights == {"a": 1.0}


def test_no_items() -> None:
    none = np.empty((2, 0), np.float32)
    assert zscore_mean([none], [1.0]).shape == (2, 0)


def test_learned_weights_favour_who_knows() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 50, size=80).astype(np.int32)
    good = rng.standard_normal((80, 50)).astype(np.float32)
    good[np.arange(80), targets] += 3
    noise = rng.standard_normal((80, 50)).astype(np.float32)
    allowed = np.ones((80, 50), dtype=bool)
    learned = learn_weights({"noise": noise, "good": good}, targets, allowed)
    assert learned.weights["good"] >= 0.8
    assert sum(learned.weights.values()) == pytest.approx(1, abs=1e-3)
    assert learned == learn_weights({"noise": noise, "good": good}, targets, allowed)
    assert learned.method == "zscore"


def test_learning_looks_only_at_what_may_be_shown() -> None:
    scores = _f([9, 5, 1])
    allowed = np.array([[False, True, True]])
    reached = learn_weights({"a": scores, "b": -scores}, np.array([1], np.int32), allowed, k=1)
    assert reached.weights["a"] > reached.weights["b"] or reached.weights["a"] == 0.5


def test_silence_says_nothing_against_an_item_nobody_has_met() -> None:
    learned = _f([3, 2, 1, -np.inf])
    written = _f([0, 0, 1, 9])
    against = zscore_mean([learned, written], [0.8, 0.2])
    fair = zscore_mean([learned, written], [0.8, 0.2], np.array([False, False, False, True]))
    assert against[0].argmax() == 0
    assert fair[0].argmax() == 3
    np.testing.assert_array_equal(fair[0, :3], against[0, :3])
    nothing = zscore_mean([learned], [1.0], np.array([False, False, False, True]))
    assert nothing[0, 3] == -np.inf


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e3, 1e3, width=32)))
def test_moments_are_numpys_own(values: np.ndarray) -> None:
    mean, spread = moments(values)
    assert mean == pytest.approx(values.mean(dtype=np.float64), rel=1e-5, abs=1e-5)
    expected = np.sqrt(((values - mean).astype(np.float64) ** 2).mean()) or 1.0
    assert spread == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_what_has_no_score_follows_what_has_one_in_the_order_given() -> None:
    liked, order = _f([5, NONE, 4, NONE], [NONE] * 4, [1, 2, 3, 4]), _f(*[[0, -1, -2, 3]] * 3)
    filled = then(liked, order)
    assert np.argsort(-filled, axis=1).tolist() == [[0, 2, 3, 1], [3, 0, 1, 2], [3, 2, 1, 0]]
    assert np.array_equal(liked[0], _f([5, NONE, 4, NONE])[0])
    assert then(filled, order) is filled


def test_blanks_go_below_everything_else_of_their_row() -> None:
    blended = _f([NONE, 2, NONE, 7], [NONE] * 4)
    blank, order = ~np.isfinite(blended), _f([1, 0, 9, 0], [3, 3, 3, 3])
    filled = appended(blended, blank, order)
    assert np.argsort(-filled[0]).tolist() == [3, 1, 2, 0]
    assert (filled[0, [1, 3]] == blended[0, [1, 3]]).all()
    assert np.isfinite(filled).all()
    assert np.ptp(filled[1]) == 0
