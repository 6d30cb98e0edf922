import polars as pl
import pytest
from tests.experiment.frames import impressions, signals

from tastemate.errors import DataError
from tastemate.experiment.definition import Experiment
from tastemate.experiment.outcomes import before, outcomes
from tastemate.experiment.parts import Arm, Metric
from tastemate.rank.credit import credited, standing
from tastemate.types import undo_id

ARMS = (Arm("a", 0.5), Arm("b", 0.5))


def rewards(shown: pl.DataFrame, given: pl.DataFrame, window: int = 100) -> list[int]:
    return credited(shown, given, ("click", "like"), window)["signals"].to_list()


def test_a_signal_rewards_the_list_it_names() -> None:
    shown = impressions(
        {"recommendation": "r1", "user": "u", "item": "i", "at": 10},
        {"recommendation": "r2", "user": "u", "item": "i", "at": 20},
    )
    assert rewards(
        shown, signals({"user": "u", "item": "i", "recommendation": "r1", "timestamp": 30})
    ) == [1, 0]
    lost = signals({"user": "u", "item": "i", "recommendation": "gone", "timestamp": 30})
    assert rewards(shown, lost) == [0, 0]
    other = signals({"user": "v", "item": "i", "recommendation": "r1", "timestamp": 30})
    assert rewards(shown, other) == [0, 0]


def test_a_signal_that_names_none_rewards_the_last_impression_in_the_window() -> None:
    shown = impressions(
        {"recommendation": "r1", "user": "u", "item": "i", "at": 10},
        {"recommendation": "r2", "user": "u", "item": "i", "at": 20},
        {"recommendation": "r3", "user": "v", "item": "i", "at": 29},
        {"recommendation": "r4", "user": "u", "item": "j", "at": 29},
        {"recommendation": "r5", "user": "u", "item": "i", "at": 500},
    )
    assert rewards(shown, signals({"user": "u", "item": "i", "timestamp": 30})) == [0, 1, 0, 0, 0]
    assert rewards(shown, signals({"user": "u", "item": "i", "timestamp": 121})) == [0] * 5
    assert rewards(shown, signals({"user": "u", "item": "i", "timestamp": 5})) == [0] * 5


def test_without_a_user_the_session_is_who() -> None:
    shown = impressions(
        {"session": "s", "item": "i", "at": 10}, {"session": "t", "item": "i", "at": 11}
    )
    assert rewards(shown, signals({"session": "s", "item": "i", "timestamp": 12})) == [1, 0]


def test_only_kinds_that_count_within_the_window_after_the_impression() -> None:
    shown = impressions({"recommendation": "r", "user": "u", "item": "i", "at": 1000})
    named = {"user": "u", "item": "i", "recommendation": "r"}
    assert rewards(shown, signals(named | {"kind": "skip", "timestamp": 1001})) == [0]
    assert rewards(shown, signals(named | {"timestamp": 1100})) == [1]
    assert rewards(shown, signals(named | {"timestamp": 1101})) == [0]
    assert rewards(shown, signals(named | {"timestamp": 945})) == [1]  # a clock that runs behind
    assert rewards(shown, signals(named | {"timestamp": 900})) == [0]
    twice = signals(named | {"timestamp": 1001}, named | {"kind": "like", "timestamp": 1002})
    assert credited(shown, twice, ("click", "like"), 100)["reward"].to_list() == [1]


def test_what_was_undone_rewards_nothing() -> None:
    on = {"user": "u", "item": "i"}
    given = signals(
        on | {"kind": "click", "timestamp": 11}, on | {"kind": "like", "timestamp": 12},
        on | {"kind": "undo", "timestamp": 13}, {"user": "v", "item": "i", "timestamp": 13},
        on | {"kind": "undo", "timestamp": 14}, on | {"kind": "undo", "timestamp": 15},
        on | {"kind": "like", "timestamp": 16},
    )  # fmt: skip
    assert standing(given)["timestamp"].to_list() == [13, 16]
    shown = impressions({"user": "u", "item": "i", "at": 10})
    assert rewards(shown, given) == [1]


def test_an_undo_that_names_a_signal_takes_back_that_one_and_no_other() -> None:
    rows = [
        {"id": "liked", "kind": "like", "timestamp": 11},
        {"id": "saved", "kind": "save", "timestamp": 12},
        {"id": undo_id("liked"), "kind": "undo", "timestamp": 13},
    ]
    given = signals(*({"user": "u", "item": "i"} | row for row in rows))
    assert standing(given)["id"].to_list() == ["saved"]
    assert standing(given[1:])["id"].to_list() == ["saved"]


def test_empty_frames_and_frames_without_columns() -> None:
    shown = impressions({"user": "u", "item": "i", "at": 10})
    assert rewards(shown, signals()) == [0]
    assert rewards(impressions(), signals({"user": "u", "item": "i", "timestamp": 3})) == []
    with pytest.raises(DataError, match="lack kind"):
        credited(shown, signals().drop("kind"), ("click",), 5)


def test_units_by_arm_in_the_order_they_came() -> None:
    one = Experiment("x", ARMS, started=5, metric=Metric(("click",), window=100))
    shown = impressions(
        {"user": "u", "item": "i", "arm": "x=b;y=a", "at": 20},
        {"user": "v", "item": "i", "arm": "x=a", "at": 10},
        {"user": "u", "item": "j", "arm": "x=b", "at": 21},
        {"user": "w", "item": "i", "arm": "xx=a", "at": 22},
        {"user": "w", "item": "i", "arm": "", "at": 22},
        {"user": "", "session": "s", "item": "i", "arm": "x=a", "at": 23},
        {"user": "early", "item": "i", "arm": "x=a", "at": 4},
        {"user": "v", "item": "j", "arm": "x=b", "at": 30},
    )
    given = signals(
        {"user": "u", "item": "j", "timestamp": 25}, {"user": "v", "item": "j", "timestamp": 31}
    )
    found = outcomes(one, shown, given)
    assert found.frame.rows() == [("v", "a", 10, 2, 1), ("u", "b", 20, 2, 1)]
    assert found.crossed == 1
    assert found.counts(one) == {"a": 1, "b": 1}
    by_session = Experiment("x", ARMS, unit="session")
    assert outcomes(by_session, shown, given).frame["unit"].to_list() == ["s"]


def test_a_unit_counts_when_its_period_is_over() -> None:
    one = Experiment("x", ARMS, metric=Metric(("click",), window=10, period=50))
    shown = impressions(
        {"user": "u", "item": "i", "arm": "x=a", "at": 100},
        {"user": "u", "item": "j", "arm": "x=a", "at": 149},
        {"user": "u", "item": "k", "arm": "x=a", "at": 150},
        {"user": "v", "item": "i", "arm": "x=b", "at": 101},
    )
    found = outcomes(one, shown, signals(), now=160)
    assert found.frame.rows() == [("u", "a", 100, 2, 0)]
    assert found.unfinished == 1


def test_impressions_after_the_end_or_before_the_last_change_do_not_count() -> None:
    shown = impressions(
        *({"user": f"u{at}", "item": "i", "arm": "x=a", "at": at} for at in (1, 5, 9))
    )
    one = Experiment("x", ARMS).resized({"a": 0.4}, at=4).ended(8)
    assert outcomes(one, shown, signals()).frame["unit"].to_list() == ["u5"]


def test_the_covariate_is_what_was_done_before() -> None:
    one = Experiment("x", ARMS, started=1000, metric=Metric(("click",)))
    given = signals(
        {"user": "u", "item": "i", "timestamp": 950}, {"user": "u", "item": "j", "timestamp": 999},
        {"user": "u", "item": "k", "timestamp": 1000}, {"user": "v", "item": "k", "timestamp": 899},
        {"user": "v", "item": "k", "timestamp": 990, "kind": "view"},
    )  # fmt: skip
    assert before(one, given, 100).rows() == [("u", 2.0)]
