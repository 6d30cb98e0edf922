"""What signals are worth, what stands of them, and what enters the history."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.errors import ConfigError
from tastemate.interactions import Scale
from tastemate.profile.signals import WEIGHTS, Weights, events, standing, weights
from tastemate.types import Event, Signal, undo_id

STARS = Scale(0.5, 5.0)
CLICKS = Scale(1.0, 1.0)


def signal(kind: str, item: str = "a", at: int = 0, value: float = 0.0, user: str = "u") -> Signal:
    return Signal(f"{user}{item}{kind}{at}", user, item, kind, value, at)


def test_a_like_is_the_best_value_a_dislike_the_worst_and_a_view_none() -> None:
    said = Weights()
    assert said.event(signal("like"), STARS) == Event("u", "a", 5.0, 0)
    assert said.event(signal("dislike"), STARS) == Event("u", "a", 0.5, 0)
    assert said.event(signal("dislike"), CLICKS) == Event("u", "a", 0.0, 0)
    assert said.event(signal("view"), STARS) is None
    assert said.event(signal("seen"), STARS) is None
    assert said.event(signal("rating", value=3.0), STARS) == Event("u", "a", 3.0, 0)


def test_a_rating_weighs_by_where_it_lies() -> None:
    said = Weights()
    assert said.weight(signal("rating", value=5.0), STARS) == 1.0
    assert said.weight(signal("rating", value=0.5), STARS) == -1.0
    assert said.weight(signal("rating", value=2.75), STARS) == 0.0
    assert said.weight(signal("rating", value=0.0), CLICKS) == -1.0
    assert said.weight(signal("rating", value=99.0), STARS) == 1.0


def test_the_operator_sets_weights_and_adds_kinds() -> None:
    said = weights({"counts": 0.2, "weights": {"click": 0.25, "finish": 0.9}})
    assert said.event(signal("click"), STARS) is not None
    assert said.event(signal("finish"), STARS) is not None
    assert said.weights["like"] == WEIGHTS["like"]
    said.check("finish")


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"weights": {"like": 2}}, "between -1 and 1"),
        ({"weights": {"like": "much"}}, "between -1 and 1"),
        ({"weights": 3}, "a table"),
        ({"count": 0.5}, "Did you mean 'counts'"),
        ({"alpha": 1.5}, "alpha"),
        ({"half_life_hours": 0}, "half_life_hours"),
        ({"hides": ["likes"]}, "Did you mean 'like'"),
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        weights(table)


def test_an_undo_takes_back_the_last_word_on_that_item_only() -> None:
    did = [signal("view"), signal("like", at=1), signal("like", "b", 2), signal("undo", at=3)]
    assert [(one.item, one.kind) for one in standing(did)] == [("a", "view"), ("b", "like")]
    assert standing([signal("undo")]) == []


def test_an_undo_that_names_a_signal_takes_back_that_one_and_no_other() -> None:
    liked, saved = signal("like", at=1), signal("save", at=2)
    back = replace(signal("undo", at=3), id=undo_id(liked.id))
    assert standing([liked, saved, back]) == [saved]
    assert standing([liked, saved, back, back]) == [saved]  # not the save in its place
    assert standing([saved, back]) == [saved]
    long = ["x" * 300 + end for end in "ab"]
    assert undo_id(long[0]) != undo_id(long[1])


def test_the_latest_word_counts_wherever_it_stands() -> None:
    did = [signal("like", at=5), signal("like", "b", 6), signal("dislike", at=7)]
    assert events(did, STARS, Weights()) == [Event("u", "b", 5.0, 6), Event("u", "a", 0.5, 7)]


@given(st.lists(st.tuples(st.sampled_from(["like", "dislike", "view", "undo"]), st.integers(0, 3))))
def test_what_stands_was_done_and_each_item_has_one_event(did: list[tuple[str, int]]) -> None:
    signals = [signal(kind, str(item), at) for at, (kind, item) in enumerate(did)]
    stands = standing(signals)
    assert all(one.kind != "undo" for one in stands)
    assert [one for one in signals if one in stands] == stands
    found = events(signals, STARS, Weights())
    assert len({one.item for one in found}) == len(found)
    assert [one.timestamp for one in found] == sorted(one.timestamp for one in found)
