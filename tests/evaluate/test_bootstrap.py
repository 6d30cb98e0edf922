import numpy as np
import pytest

from tastemate.errors import DataError
from tastemate.evaluate.bootstrap import Interval, differences, intervals, resampled_means


def test_interval_is_about_two_standard_errors():
    values = np.random.default_rng(0).random(900)
    found = intervals({"a": values}, seed=3)["a"]
    error = values.std() / 30
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)
    assert found == intervals({"a": values}, seed=3)["a"]
    assert found.as_json()["low"] == found.low


def test_a_constant_is_certain_and_nobody_is_zero():
    assert intervals({"a": np.ones(5)})["a"] == Interval(1.0, 1.0, 1.0)
    assert intervals({"a": np.empty(0)})["a"] == Interval(0.0, 0.0, 0.0)
    assert intervals({}) == {}


def test_resampling_in_parts_draws_every_resample():
    means = resampled_means(np.ones((3_000_000, 1)), seed=0, resamples=2)
    assert means.tolist() == [[1.0], [1.0]]


def test_pairing_makes_a_small_steady_gain_certain():
    base = np.random.default_rng(1).random(200)
    gain = differences({"a": base + 0.01}, {"a": base, "b": base})
    assert list(gain) == ["a"]
    assert gain["a"].low > 0
    apart = intervals({"ours": base + 0.01, "theirs": base})
    assert apart["ours"].low < apart["theirs"].high


def test_different_users_are_not_compared():
    with pytest.raises(DataError, match="same users"):
        differences({"a": np.ones(3)}, {"a": np.ones(4)})
    with pytest.raises(DataError, match="different users"):
        intervals({"a": np.ones(3), "b": np.ones(4)})
