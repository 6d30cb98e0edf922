"""Every wrapper around a model is a model: the same questions, the same answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contracts import test_chat_model as contract

from tastemate import scope
from tastemate.errors import Unavailable
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.around import Around
from tastemate.llm.wrappers.breaker import Breaker
from tastemate.llm.wrappers.budgeted import Budgeted
from tastemate.llm.wrappers.cached import Cached
from tastemate.llm.wrappers.deadline import Deadline
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.llm.wrappers.recorded import Recorded
from tastemate.llm.wrappers.retrying import Retrying
from tastemate.llm.wrappers.structured import Structured
from tastemate.messages import Completion, Fault, Message, Prompt
from tastemate.protocols import ChatModel

WRAPPERS: dict[str, Callable[[ChatModel, Path], ChatModel]] = {
    "around": lambda inner, folder: Around(inner),
    "retrying": lambda inner, folder: Retrying(inner, sleep=lambda _: None),
    "deadline": lambda inner, folder: Deadline(inner),
    "deadline, one job": lambda inner, folder: Deadline(inner, each=False),
    "breaker": lambda inner, folder: Breaker(inner),
    "budgeted": lambda inner, folder: Budgeted(inner, folder / "book", day_tokens=10**9),
    "structured": lambda inner, folder: Structured(inner),
    "cached": lambda inner, folder: Cached(inner, folder),
    "recorded": lambda inner, folder: Recorded(inner, folder),
    "all": lambda inner, folder: wrapped(inner, folder, Guards(record=True)),
}


@pytest.fixture(params=list(WRAPPERS))
def around(request, tmp_path):
    return lambda inner: WRAPPERS[request.param](inner, tmp_path)


def ask(text, **more):
    return Prompt("contract/1", (Message("user", text),), **more)


def echo(prompt):
    if prompt.labels:
        return Completion(scores=(-0.5,) * len(prompt.labels), prompt_tokens=3)
    if "fail" in prompt.text:
        return Completion(error="It failed.", fault="refused")
    return f"{prompt.messages[-1].text} and more"


def test_it_is_a_chat_model_with_the_name_and_abilities_of_the_one_inside(around):
    inner = Scripted(echo, abilities=frozenset(("labels", "stream")))
    model = around(inner)
    assert isinstance(model, ChatModel)
    assert (model.name, model.abilities) == (inner.name, inner.abilities)
    assert model.count("five words of a text") == inner.count("five words of a text")


def test_one_completion_a_prompt_in_order(around):
    prompts = [ask(f"say {at}") for at in (2, 0, 1, 2)]
    answers = around(Scripted(echo)).complete(prompts)
    assert [answer.text for answer in answers] == [f"say {at} and more" for at in (2, 0, 1, 2)]
    assert all(answer.tokens and not answer.error for answer in answers)


def test_an_empty_batch_is_an_empty_list(around):
    inner = Scripted(echo)
    assert around(inner).complete([]) == []
    assert inner.prompts == []


def test_a_failure_is_a_value_beside_the_answers(around):
    answers = around(Scripted(echo)).complete([ask("a"), ask("fail"), ask("b")])
    assert [answer.fault for answer in answers] == ["", "refused", ""]
    assert answers[1].error == "It failed."


@pytest.mark.parametrize("fault", ["busy", "server", "timeout", "unreachable", "unable", "reply"])
def test_every_fault_comes_through(around, fault: Fault):
    inner = Scripted([Completion(error="It failed.", fault=fault)])
    assert [a.fault for a in around(inner).complete([ask("a")] * 2)] == [fault] * 2


def test_label_scores_come_through(around):
    answer = around(Scripted(echo)).complete([ask("a", labels=("A", "B", "C"))])[0]
    assert answer.scores == (-0.5, -0.5, -0.5)


def test_a_stream_is_the_reply_in_pieces_twice_the_same(around):
    model = around(Scripted(echo))
    assert "".join(model.stream(ask("tell"))) == "tell and more"
    assert "".join(model.stream(ask("tell"))) == "tell and more"


def test_a_stream_that_fails_raises(around):
    with pytest.raises(Unavailable, match="It failed"):
        list(around(Scripted(echo)).stream(ask("fail")))


def test_a_stream_that_dies_in_the_middle_raises_after_its_pieces(around):
    class Dies(Around):
        def stream(self, prompt):
            yield "begun"
            raise Unavailable("It died.")

    came = []
    with pytest.raises(Unavailable, match="It died"):
        came.extend(iter_into(around(Dies(Scripted(echo))).stream(ask("a")), came))
    assert came == ["begun"]


def iter_into(pieces, came):
    for piece in pieces:
        came.append(piece)
    return []


def test_a_stream_may_be_closed_early(around):
    pieces = around(Scripted(echo)).stream(ask("tell"))
    assert next(pieces) == "tell"
    pieces.close()


def test_with_no_time_left_there_is_still_an_answer_for_every_prompt(around):
    with scope.opened(0):
        answers = around(Scripted(echo)).complete([ask("a"), ask("b")])
    assert len(answers) == 2


@pytest.fixture(scope="module", params=list(WRAPPERS))
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrapped")
    with contract.scripted(folder) as inner:
        yield WRAPPERS[request.param](inner, folder)


# what holds for every model holds for every wrapper around one
globals().update(
    {
        name.replace("test_", "test_contract_", 1): check
        for name, check in vars(contract).items()
        if name.startswith("test_")
    }
)
