import math

import numpy as np
import pytest

from tastemate import scope
from tastemate.llm.person import Person
from tastemate.messages import Completion
from tastemate.rank.pointwise import SURE, Pointwise

NOBODY = Person()


def test_scores_are_log_odds_of_yes_all_in_one_call(scripted, pool) -> None:
    calls = []
    model = scripted()
    whole = model.complete
    model.complete = lambda prompts: calls.append(len(prompts)) or whole(prompts)
    judged = Pointwise(model).judge([NOBODY] * 3, [pool([12, 3]), pool([]), pool([10])])
    assert [scores.tolist() for scores in judged] == [[2.0, -7.0], [], [0.0]]
    assert calls == [3]


def test_without_labels_the_reply_is_read(scripted, pool) -> None:
    model = scripted(labels=False)
    (scores,) = Pointwise(model).judge([NOBODY], [pool([12, 3])])
    assert scores.tolist() == [1.0, -1.0]
    assert model.prompts[0].labels == ()


@pytest.mark.parametrize(
    ("scores", "odds"),
    [
        ((-0.1, -math.inf), SURE),
        ((-math.inf, -0.1), -SURE),
        ((-math.inf, -math.inf), math.nan),
        ((), math.nan),
    ],
)
def test_labels_not_reported(scripted, pool, scores, odds) -> None:
    model = scripted(lambda prompt: Completion(scores=scores))
    (judged,) = Pointwise(model).judge([NOBODY], [pool([1])])
    np.testing.assert_equal(judged, np.float32([odds]))


def test_silence_and_failure_are_no_opinion_and_recorded(scripted, pool, broken) -> None:
    replies = iter(["perhaps", broken, "Yes, surely"])
    model = scripted(lambda prompt: next(replies), labels=False)
    with scope.opened() as account:
        (scores,) = Pointwise(model).judge([NOBODY], [pool([1, 2, 3])])
    np.testing.assert_equal(scores, np.float32([math.nan, math.nan, 1.0]))
    assert len(account.errors) == 2


def test_nobody_asks_nothing(scripted) -> None:
    assert Pointwise(scripted()).judge([], []) == []
