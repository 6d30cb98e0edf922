import json

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.experiment.frames import impressions, signals

from tastemate.experiment.analyse import analyse, analyse_outcomes
from tastemate.experiment.assign import arms_of
from tastemate.experiment.definition import Experiment
from tastemate.experiment.intervals import Moments, adjusted, always_valid, linearised, scale, welch
from tastemate.experiment.outcomes import Outcomes
from tastemate.experiment.parts import Arm, Measure, Metric

RNG = np.random.default_rng(3)


def test_welch_agrees_with_scipy() -> None:
    one, other = RNG.normal(0.3, 1, 50), RNG.normal(0, 3, 80)
    found = welch(Moments.of(one), Moments.of(other), 0.05)
    theirs = stats.ttest_ind(one, other, equal_var=False)
    assert float(found.p) == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.95)
    assert (float(found.low), float(found.high)) == pytest.approx((low, high))


def test_the_any_look_interval_is_the_formula_and_p_inverts_it() -> None:
    alpha, n, expected = 0.05, 4_000.0, 10_000
    v = n * scale(alpha, expected)
    radius = 0.02 * np.sqrt((v + 1) / v * 2 * np.log(np.sqrt(v + 1) / alpha))
    found = always_valid(np.asarray(radius), np.asarray(0.02), np.asarray(n), alpha, expected)
    assert float(found.low) == pytest.approx(0.0, abs=1e-12)
    assert float(found.p) == pytest.approx(alpha)


def test_the_any_look_interval_is_tightest_near_what_is_expected() -> None:
    n = np.geomspace(100, 1e6, 400)
    found = always_valid(np.zeros(400), 1 / np.sqrt(n), n, 0.05, 10_000)
    wider = found.high * np.sqrt(n)
    assert 5_000 < n[wider.argmin()] < 20_000
    assert wider.min() > stats.norm.ppf(0.975)


def test_nothing_is_certain_without_spread() -> None:
    none = always_valid(np.asarray(0.0), np.asarray(0.0), np.asarray(9.0), 0.05, 100)
    assert float(none.p) == 1.0
    assert float(welch(Moments.of(np.ones(5)), Moments.of(np.ones(5)), 0.05).p) == 1.0


def test_the_delta_method_of_a_ratio_agrees_with_a_bootstrap() -> None:
    seen = 1.0 + RNG.poisson(3, 2_000)
    won = RNG.binomial(seen.astype(int), RNG.beta(1, 4, 2_000)).astype(float)
    moments = Moments.of(linearised(won, seen))
    assert float(moments.mean) == pytest.approx(won.sum() / seen.sum())
    drawn = RNG.integers(0, 2_000, (2_000, 2_000))
    spread = (won[drawn].sum(axis=1) / seen[drawn].sum(axis=1)).std()
    assert float(np.sqrt(moments.error)) == pytest.approx(spread, rel=0.1)
    assert linearised(np.zeros(0), np.zeros(0)).shape == (0,)


def test_a_covariate_takes_variance_away_and_leaves_the_difference() -> None:
    x = RNG.normal(size=4_000)
    y = 2 * x + RNG.normal(size=4_000)
    half = (y[:2_000] + 0.5, y[2_000:]), (x[:2_000], x[2_000:])
    (one, other), explained = adjusted(*half)
    assert explained == pytest.approx(0.8, abs=0.05)
    assert one.var() < 0.3 * y.var()
    assert one.mean() - other.mean() == pytest.approx(0.5, abs=0.1)
    assert adjusted(half[0], (np.ones(2_000), np.ones(2_000)))[1] == 0.0


def outcomes(rates: dict[str, float], n: int = 3_000) -> Outcomes:
    arms = np.repeat(list(rates), n)
    rewards = RNG.random(len(arms)) < np.repeat(list(rates.values()), n)
    frame = pl.DataFrame({
        "unit": [str(at) for at in range(len(arms))], "arm": arms, "first": np.arange(len(arms)),
        "impressions": np.ones(len(arms), dtype=np.int64), "rewards": rewards.astype(np.int64),
    })  # fmt: skip
    return Outcomes(frame)


def experiment(*names: str, measure: Measure = "any", control: str = "") -> Experiment:
    arms = tuple(Arm(name, 1 / len(names)) for name in names)
    return Experiment("x", arms, metric=Metric(measure=measure), control=control)


@pytest.mark.parametrize("measure", ["any", "count", "rate"])
def test_a_better_arm_is_found_and_said_to_be(measure: Measure) -> None:
    found = analyse_outcomes(experiment("a", "b", measure=measure), outcomes({"a": 0.1, "b": 0.2}))
    (one,) = found.comparisons
    assert (one.arm, one.against, one.verdict) == ("b", "a", "better")
    assert one.fixed is not None
    assert one.anytime is not None
    assert one.anytime_lift is not None
    assert one.anytime.low < one.fixed.low < 0.1 < one.fixed.high < one.anytime.high
    assert one.anytime_lift.low < 1.0 < one.anytime_lift.high
    backwards = analyse_outcomes(experiment("a", "b", control="b"), outcomes({"a": 0.1, "b": 0.2}))
    assert backwards.comparisons[0].verdict == "worse"


def test_no_verdict_while_it_is_too_early() -> None:
    few = analyse_outcomes(experiment("a", "b"), outcomes({"a": 0.1, "b": 0.9}, n=99))
    rare = analyse_outcomes(experiment("a", "b"), outcomes({"a": 0.0, "b": 0.001}))
    none = analyse(experiment("a", "b"), impressions(), signals())
    for found in (few, rare, none):
        assert found.comparisons[0].verdict == "too early"
        assert "fixed" not in found.as_json()["comparisons"][0]
        json.dumps(found.as_json(), allow_nan=False)


def test_more_arms_need_more() -> None:
    two = analyse_outcomes(experiment("a", "b"), shared := outcomes({"a": 0.1, "b": 0.12}))
    wider = outcomes({"c": 0.1}).frame.with_columns(pl.col("unit") + "c")
    three = analyse_outcomes(
        experiment("a", "b", "c"),
        Outcomes(pl.concat([shared.frame, wider.select(shared.frame.columns)])),
    )
    one, other = two.comparisons[0].fixed, three.comparisons[0].fixed
    assert one is not None
    assert other is not None
    assert other.high - other.low > one.high - one.low


def test_a_broken_split_silences_the_verdict() -> None:
    lost = outcomes({"a": 0.1, "b": 0.3})
    lost = Outcomes(
        pl.concat(
            [
                lost.frame.filter(pl.col("arm") == "a")[:1_500],
                lost.frame.filter(pl.col("arm") == "b"),
            ]
        )
    )
    found = analyse_outcomes(experiment("a", "b"), lost)
    assert found.split.broken
    assert found.comparisons[0].verdict == "split broken"
    assert "find out why" in found.notes[0]


def test_from_the_frames_of_the_store_with_cuped() -> None:
    one = Experiment("x", (Arm("a", 0.5), Arm("b", 0.5)), started=100, metric=Metric(window=50))
    people = [f"u{at}" for at in range(600)]
    shown, given = [], []
    for at, (user, arm) in enumerate(zip(people, arms_of(one, people), strict=True)):
        shown.append(
            {"recommendation": user, "user": user, "item": "i", "arm": f"x={arm}", "at": 100 + at}
        )
        if at % 2:
            given.append({"user": user, "item": "old", "timestamp": 50})
        if at % 2 or (arm == "b" and at % 4):
            given.append({"user": user, "item": "i", "recommendation": user, "timestamp": 101 + at})
    from tastemate.experiment.outcomes import before

    frames = impressions(*shown), signals(*given)
    plain = analyse(one, *frames)
    helped = analyse(one, *frames, covariate=before(one, frames[1], 100))
    first, second = plain.comparisons[0].fixed, helped.comparisons[0].fixed
    assert first is not None
    assert second is not None
    assert second.high - second.low < 0.8 * (first.high - first.low)
    assert helped.comparisons[0].explained > 0.3
    json.dumps(helped.as_json(), allow_nan=False)
