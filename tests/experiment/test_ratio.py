import numpy as np
import pytest
from scipy import stats
from tests.experiment.frames import impressions, signals

from tastemate.errors import ConfigError, DataError
from tastemate.experiment.analyse import analyse
from tastemate.experiment.definition import Experiment
from tastemate.experiment.parts import Arm
from tastemate.experiment.ratio import check, chi_square, sequential
from tastemate.experiment.reading import read


def test_chi_square_agrees_with_scipy() -> None:
    counts = np.array([480.0, 310.0, 210.0])
    shares = np.array([0.5, 0.3, 0.2])
    assert float(chi_square(counts, shares)) == pytest.approx(
        stats.chisquare(counts, 1000 * shares).pvalue
    )
    assert float(chi_square(np.zeros(3), shares)) == 1.0


def test_the_sequential_test_is_a_martingale() -> None:
    shares = np.array([0.3, 0.7])
    first = np.arange(41.0)
    odds = 1 / np.exp(np.log(sequential(np.column_stack((first, 40 - first)), shares, 20.0)))
    raw = stats.betabinom(40, 6, 14).pmf(first) / stats.binom(40, 0.3).pmf(first)
    assert odds == pytest.approx(np.maximum(raw, 1.0))
    assert float((raw * stats.binom(40, 0.3).pmf(first)).sum()) == pytest.approx(1.0)


def test_the_alarm_keeps_its_level_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    total = np.arange(100, 20_001, 100)
    first = rng.binomial(100, 0.5, (400, 200)).cumsum(axis=1)
    p = sequential(np.stack((first, total - first), axis=-1).astype(float), np.array([0.5, 0.5]))
    assert (p < 0.05).any(axis=1).mean() <= 0.05
    off = rng.binomial(100, 0.53, (400, 200)).cumsum(axis=1)
    p = sequential(np.stack((off, total - off), axis=-1).astype(float), np.array([0.5, 0.5]))
    assert (p < 0.001).any(axis=1).mean() > 0.99


def test_of_an_experiment() -> None:
    one = Experiment("x", (Arm("a", 0.2), Arm("b", 0.4), Arm("c", 0.0)))
    sound = check(one, {"a": 1000, "b": 2010})
    assert not sound.broken
    assert sound.expected == pytest.approx({"a": 1003.33, "b": 2006.67}, abs=0.01)
    assert check(one, {"a": 1300, "b": 2000}).broken
    assert check(one, {"a": 1000, "b": 2010, "c": 5}).broken, "an arm without a share has units"
    assert not check(one, {}).broken


def test_nonsense_is_refused() -> None:
    with pytest.raises(DataError, match="add up to 1"):
        chi_square(np.ones(2), np.array([0.5, 0.6]))
    with pytest.raises(DataError, match="2 counts against 3"):
        sequential(np.ones(2), np.array([0.2, 0.3, 0.5]))
    with pytest.raises(ConfigError, match="no arm has a share"):
        check(Experiment("x", (Arm("a", 0.0), Arm("b", 0.0))), {})


def test_an_experiment_that_nobody_can_be_in_is_refused_and_an_old_one_is_noted() -> None:
    arms = [{"name": "a", "share": 0.0}, {"name": "b", "share": 0.0}]
    with pytest.raises(ConfigError, match="no arm has a share"):
        read({"id": "nobody", "arms": arms})
    old = read({"id": "nobody", "arms": arms, "state": "stopped"})
    found = check(old, {"a": 0, "b": 0})
    assert not found.broken
    assert found.expected == {}
    told = analyse(old, impressions(), signals()).as_json()
    assert "No arm has a share" in told["notes"][0]
