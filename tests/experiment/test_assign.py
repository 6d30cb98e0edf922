from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiment.frames import impressions, signals

from tastemate.experiment.assign import (
    HELD_OUT,
    arm_of,
    arms_of,
    assign,
    slot,
    written,
)
from tastemate.experiment.definition import Experiment
from tastemate.experiment.outcomes import outcomes
from tastemate.experiment.parts import Arm
from tastemate.experiment.slots import SLOTS

PEOPLE = [f"user {at}" for at in range(100_000)]


def experiment(name: str = "one", **shares: float) -> Experiment:
    asked = shares or {"a": 0.5, "b": 0.5}
    return Experiment(name, tuple(Arm(arm, share) for arm, share in asked.items()))


def test_within_a_point_of_the_shares_at_100000_users() -> None:
    one = experiment(a=0.45, b=0.25, c=0.1)
    counts = Counter(arms_of(one, PEOPLE))
    for arm, share in {"a": 0.45, "b": 0.25, "c": 0.1, HELD_OUT: 0.2}.items():
        assert abs(counts[arm] / len(PEOPLE) - share) < 0.01


def test_the_same_unit_gets_the_same_arm_from_any_process() -> None:
    one = experiment()
    assert [slot("salt", name) for name in ("12", "", "日本/😀")] == [8541, 5205, 4847]
    assert arms_of(one, PEOPLE[:500]) == [arm_of(one, unit) for unit in PEOPLE[:500]]


def test_two_experiments_are_independent_of_each_other() -> None:
    pairs = Counter(
        zip(arms_of(experiment("x"), PEOPLE), arms_of(experiment("y"), PEOPLE), strict=True)
    )
    assert len(pairs) == 4
    assert all(abs(count / len(PEOPLE) - 0.25) < 0.01 for count in pairs.values())


def test_an_arm_that_grows_takes_from_the_held_out_only() -> None:
    before = experiment(a=0.1, b=0.1, c=0.2)
    after = before.resized({"b": 0.5}, at=7)
    moved = Counter(zip(arms_of(before, PEOPLE), arms_of(after, PEOPLE), strict=True))
    assert {pair for pair in moved if pair[0] != pair[1]} == {(HELD_OUT, "b")}
    assert after.changed == after.since == 7


def test_what_an_arm_loses_goes_to_the_one_that_gains() -> None:
    before = experiment(a=0.5, b=0.5)
    after = before.resized({"a": 0.3, "b": 0.7})
    moved = Counter(zip(arms_of(before, PEOPLE), arms_of(after, PEOPLE), strict=True))
    assert {pair for pair in moved if pair[0] != pair[1]} == {("a", "b")}
    assert moved["a", "b"] / len(PEOPLE) == pytest.approx(0.2, abs=0.01)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, SLOTS // 3)] * 3).filter(any), min_size=2, max_size=5))
def test_resizing_keeps_shares_and_never_moves_more_than_it_must(
    steps: list[tuple[int, int, int]],
) -> None:
    one = experiment(**dict(zip("abc", (part / SLOTS for part in steps[0]), strict=True)))
    for step in steps[1:]:
        two = one.resized(dict(zip("abc", (part / SLOTS for part in step), strict=True)))
        held, now = _slots(one), _slots(two)
        for arm, wanted in zip("abc", step, strict=True):
            assert now.count(arm) == wanted
            kept = sum(x == y == arm for x, y in zip(held, now, strict=True))
            assert kept == min(held.count(arm), wanted)
        one = two


def _slots(one: Experiment) -> list[str]:
    slots = [HELD_OUT] * SLOTS
    for part in one.ranges:
        slots[part.start : part.end] = [part.arm] * (part.end - part.start)
    return slots


def test_a_request_is_in_every_running_experiment_of_its_unit() -> None:
    arms = (Arm("a", 0.5, {"diversity": 0.1}), Arm("b", 0.5, {"diversity": 0.4}))
    by_user = Experiment("u", arms)
    by_session = Experiment("s", (Arm("x", 1.0, {"model": "best"}), Arm("y", 0.0)), unit="session")
    stopped = by_user.ended(9)
    found = assign([by_session, by_user], user="12", session="abc")
    assert [one.experiment for one in found] == ["s", "u"]
    diverse = by_user.arm(found[1].arm).overrides["diversity"]
    assert [one.overrides for one in found] == [{"model": "best"}, {"diversity": diverse}]
    assert [one.experiment for one in assign([by_session, by_user], session="abc")] == ["s"]
    assert assign([stopped], user="12") == ()


def test_arms_go_into_an_impression_and_out_again() -> None:
    both = [experiment("x"), experiment("xx")]
    pairs = [(one.experiment, one.arm) for one in assign(both, user="12")]
    shown = impressions({"user": "12", "item": "i", "arm": written(pairs)})
    for one in both:
        frame = outcomes(one, shown, signals()).frame
        assert frame["arm"].to_list() == [arm_of(one, "12")]
    assert outcomes(experiment("xxx"), shown, signals()).frame.is_empty()
