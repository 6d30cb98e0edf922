import json

import numpy as np
import pytest

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.llm.person import Person
from tastemate.messages import Completion
from tastemate.rank.listwise import Listwise

NOBODY = Person()


def _order(scores):
    return np.argsort(-scores, kind="stable").tolist()


def test_it_orders_by_the_model_and_says_so_in_places(scripted, pool) -> None:
    (scores,) = Listwise(scripted()).judge([NOBODY], [pool([3, 9, 1, 4])])
    assert scores.tolist() == [-2, 0, -3, -1]


def test_a_window_carries_the_best_from_the_end_to_the_front(scripted, pool) -> None:
    model = scripted()
    (scores,) = Listwise(model, window=4, step=2).judge([NOBODY], [pool(range(10))])
    assert _order(scores)[:2] == [9, 8]
    assert len(model.prompts) == 4
    assert "candidate-9" in model.prompts[0].text
    assert "candidate-0" not in model.prompts[0].text


def test_the_prompt_keeps_the_order_that_came_in(scripted, pool) -> None:
    model = scripted()
    Listwise(model).judge([NOBODY], [pool([5, 2, 8])])
    text = model.prompts[0].text
    assert text.index("candidate-5") < text.index("candidate-2") < text.index("candidate-8")


def test_shuffles_cancel_a_favour_for_the_first_places(scripted, pool, mind) -> None:
    numbers = np.random.default_rng(0).permutation(20).tolist()
    best = np.argsort(-np.array(numbers)).tolist()

    def wrong(permutations: int) -> int:
        model = scripted(mind(lambda place: -1.0 * place))
        judged = Listwise(model, permutations=permutations).judge([NOBODY], [pool(numbers)])
        assert len(model.prompts) == permutations
        return sum(one != other for one, other in zip(_order(judged[0]), best, strict=True))

    assert wrong(4) <= 4 < 12 < wrong(1)


def test_gaps_are_filled_in_the_order_that_came_in(scripted, pool) -> None:
    model = scripted(lambda prompt: '{"order": [3, 99, 3, 1]}')
    (scores,) = Listwise(model).judge([NOBODY], [pool(range(5))])
    assert _order(scores) == [2, 0, 1, 3, 4]


@pytest.mark.parametrize(
    "reply", ["", "I cannot say.", "[]", '{"order": []}', '{"ord', "x" * 10**6]
)
def test_what_cannot_be_read_is_no_opinion_and_recorded(scripted, pool, reply) -> None:
    with scope.opened() as account:
        (scores,) = Listwise(scripted(lambda prompt: reply)).judge([NOBODY], [pool(range(4))])
    assert np.isnan(scores).all()
    assert account.errors == ["1 of 1 replies could not be read"]


def test_failed_shuffles_are_left_out_and_recorded(scripted, pool, mind, broken) -> None:
    replies = iter([broken, None, broken, None])
    think = mind()
    model = scripted(lambda prompt: next(replies) or think(prompt))
    with scope.opened() as account:
        (scores,) = Listwise(model, permutations=4).judge([NOBODY], [pool([1, 5, 2, 7, 3, 4])])
    assert _order(scores)[0] == 3
    (error,) = account.errors
    assert error == ("2 of 4 calls to scripted:test failed: The server is down.")


def test_people_share_a_call(scripted, pool) -> None:
    pools = [pool([1, 2]), pool([3, 9, 5]), pool([8, 7])]
    model = scripted()
    judged = Listwise(model, users_per_call=2).judge([NOBODY] * 3, pools)
    assert [prompt.name.split("/")[0] for prompt in model.prompts] == ["listwise_batch"] * 2
    alone = Listwise(scripted()).judge([NOBODY] * 3, pools)
    assert all(np.array_equal(*both) for both in zip(judged, alone, strict=True))


@pytest.mark.parametrize(
    "reply", ["no", '{"orders": [[2, 1]]}', Completion(error="unfit", fault="reply")]
)
def test_a_shared_reply_that_cannot_be_read_is_asked_again_one_by_one(
    scripted, pool, mind, reply
) -> None:
    think = mind()

    def answer(prompt):
        return reply if prompt.name.startswith("listwise_batch") else think(prompt)

    model = scripted(answer)
    judged = Listwise(model, users_per_call=4).judge([NOBODY] * 2, [pool([1, 2]), pool([4, 9])])
    assert [_order(scores) for scores in judged] == [[1, 0], [1, 0]]
    assert len(model.prompts) == 3


def test_one_person_missing_from_a_shared_reply_is_asked_alone(scripted, pool, mind) -> None:
    think = mind()

    def answer(prompt):
        batch = prompt.name.startswith("listwise_batch")
        return json.dumps({"orders": [[2, 1], []]}) if batch else think(prompt)

    model = scripted(answer)
    Listwise(model, users_per_call=2).judge([NOBODY] * 2, [pool([1, 2]), pool([4, 9])])
    assert len(model.prompts) == 2


def test_a_server_that_is_down_is_not_asked_person_by_person(scripted, pool, broken) -> None:
    model = scripted(lambda prompt: broken)
    with scope.opened() as account:
        judged = Listwise(model, users_per_call=4).judge([NOBODY] * 4, [pool([1, 2])] * 4)
    assert len(model.prompts) == 1
    assert all(np.isnan(scores).all() for scores in judged)
    assert len(account.errors) == 1


def test_nothing_to_rank_is_not_asked(scripted, pool) -> None:
    model = scripted()
    judged = Listwise(model).judge([NOBODY] * 2, [pool([]), pool([1])])
    assert [scores.shape for scores in judged] == [(0,), (1,)]
    assert not model.prompts
    assert Listwise(model).judge([], []) == []


def test_the_payer_is_named(scripted, pool) -> None:
    model = scripted()
    Listwise(model).judge([NOBODY], [pool([1, 2])], ["u1"])
    Listwise(model, users_per_call=2).judge([NOBODY] * 2, [pool([1, 2])] * 2, ["u1", "u2"])
    assert [prompt.user for prompt in model.prompts] == ["u1", ""]


@pytest.mark.parametrize(
    "options",
    [
        {"permutations": 0},
        {"permutations": 5},
        {"window": 1},
        {"window": 101},
        {"step": 21},
        {"users_per_call": 0},
    ],
)
def test_options_out_of_range_are_refused(scripted, options) -> None:
    with pytest.raises(ConfigError):
        Listwise(scripted(), **options)
