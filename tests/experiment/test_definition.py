import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.errors import ConfigError, FormatError
from tastemate.experiment.definition import Experiment, check_together
from tastemate.experiment.parts import Arm, Metric
from tastemate.experiment.reading import read

ASKED: dict[str, Any] = {
    "id": "calm",
    "arms": [
        {"name": "control", "share": 0.4},
        {"name": "mixed", "share": 0.4, "overrides": {"diversity": 0.4, "model": "best"}},
    ],
}


def test_json_comes_back_as_the_same_experiment() -> None:
    one = read(ASKED).resized({"mixed": 0.5}, at=9)
    assert read(json.loads(json.dumps(one.as_json()))) == one
    assert one.control == "control"
    assert one.held_out == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "a b"}, "no id"),
        ({"id": 7}, "must be text"),
        ({"colour": 1}, "Known: "),
        ({"arm": []}, "Did you mean 'arms'"),
        ({"arms": ASKED["arms"][:1]}, "at least two arms"),
        ({"arms": {"a": 1}}, "list of"),
        ({"arms": [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.7}]}, "add up to 1.4"),
        ({"arms": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]}, "of its own"),
        ({"arms": [{"name": "a", "share": True}, {"name": "b", "share": 0.5}]}, "a number"),
        ({"arms": [{"name": "a", "share": -1}, {"name": "b", "share": 0.5}]}, "between 0 and 1"),
        ({"arms": [{"name": "a=b", "share": 0.1}, {"name": "b", "share": 0.5}]}, "no name"),
        ({"arms": [{"name": "a", "share": 1e-9}, {"name": "b", "share": 0.5}]}, "the least"),
        ({"control": "contrl"}, "Did you mean 'control'"),
        ({"unit": "device"}, "user or session"),
        ({"alpha": 0.9}, "alpha"),
        ({"metric": {"measure": "sum"}}, "any, count or rate"),
        ({"metric": {"signals": []}}, "at least one"),
        ({"metric": {"signals": "click"}}, "list of kinds"),
        ({"metric": {"window": 0}}, "1 second"),
        ({"metric": {"window": float("nan")}}, "whole number"),
        ({"ranges": [["a", 0]]}, "is not"),
        ({"ranges": [["control", 0, 10]]}, "add up"),
        ({"ranges": [["control", 0, 4000], ["mixed", 3000, 7000]]}, "overlaps"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], says: str) -> None:
    with pytest.raises((ConfigError, FormatError), match=says):
        read(ASKED | change)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"diversty": 0.1}, "Did you mean 'diversity'"),
        ({"diversity": 2}, "between 0 and 1"),
        ({"diversity": "much"}, "between 0 and 1"),
        ({"rerank": "always"}, "none, model, llm"),
        ({"model": ""}, "must be a name"),
    ],
)
def test_what_an_arm_cannot_set_is_said(overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Experiment("x", (Arm("a", 0.5), Arm("b", 0.5, overrides)))


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "arms", "metric", "name", "share", "x"]), inner),
    max_leaves=8,
))  # fmt: skip
def test_any_json_is_read_or_refused_in_words(value: object) -> None:
    made = None
    with contextlib.suppress(ConfigError, FormatError):
        made = read(value)
    assert made is None or read(made.as_json()) == made


def test_two_experiments_may_not_set_the_same() -> None:
    arms = (Arm("a", 0.5), Arm("b", 0.5, {"explore": 0.2}))
    one, other = Experiment("one", arms), Experiment("two", arms)
    with pytest.raises(ConfigError, match="both set explore"):
        check_together([one, other])
    assert check_together([one.ended(5), other]) is None
    apart = Experiment("two", (Arm("a", 0.5), Arm("b", 0.5, {"novelty": 0.1})))
    assert check_together([one, apart]) is None


def test_a_stopped_experiment_stays_stopped() -> None:
    one = Experiment("x", (Arm("a", 0.5), Arm("b", 0.5)), metric=Metric(period=60))
    assert one.ended(5).ended(9).stopped == 5
    assert not one.ended(5).running
