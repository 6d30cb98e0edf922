"""The account of one answer: deadlines, charges, and what a step takes from it."""

import threading

import pytest

from tastemate.errors import ConfigError, StageError
from tastemate.messages import Completion
from tastemate.scope import Trace, current, opened


def test_outside_of_a_scope_nothing_is_limited_or_kept() -> None:
    current().fail("lost")
    assert current().errors == []
    assert current().left() == float("inf")


def test_an_inner_scope_never_outlasts_the_outer() -> None:
    with opened(1.0) as outer, opened(60.0) as inner:
        assert inner.deadline == outer.deadline
        assert 0 < inner.left() <= 1.0
    with opened(0.0) as over:
        assert over.left() == 0.0
    assert current().left() == float("inf")


def test_the_scope_closes_when_the_body_raises() -> None:
    with pytest.raises(StageError), opened(5.0):
        raise StageError("no")
    assert current().left() == float("inf")


def test_threads_have_scopes_of_their_own() -> None:
    seen: list[float] = []
    with opened(5.0):
        thread = threading.Thread(target=lambda: seen.append(current().left()))
        thread.start()
        thread.join()
    assert seen == [float("inf")]


def test_a_charge_counts_calls_and_leaves_out_what_was_cached() -> None:
    with opened() as scope:
        scope.charge(Completion("a", prompt_tokens=10, completion_tokens=2, cost=0.5))
        scope.charge(Completion("a", prompt_tokens=10, completion_tokens=2, cost=0.5, cached=True))
        assert (scope.calls, scope.tokens, scope.cost) == (2, 12, 0.5)


def test_a_step_takes_what_its_own_stage_used_and_said() -> None:
    def stage() -> list[int]:
        current().charge(Completion("x", prompt_tokens=7))
        current().note("asked for 1 of 1")
        current().fail("one call failed")
        return [1, 2]

    trace = Trace()
    with opened():
        current().fail("before")
        current().charge(Completion("y", prompt_tokens=100))
        assert trace.run("rank", stage, [], len) == [1, 2]
    (step,) = trace.steps
    assert (step.size, step.tokens) == (2, 7)
    assert (step.error, step.note) == ("one call failed", "asked for 1 of 1")


def test_a_failed_stage_gives_way_and_a_wrong_wish_does_not() -> None:
    def fails() -> list[int]:
        raise StageError("broken")

    def wrong() -> list[int]:
        raise ConfigError("no such thing")

    trace = Trace()
    assert trace.run("rank", fails, [3], len) == [3]
    assert trace.steps[0].error == "broken"
    with pytest.raises(ConfigError):
        trace.run("rank", wrong, [], len)
    with pytest.raises(StageError):
        Trace(strict=True).run("rank", fails, [], len)
