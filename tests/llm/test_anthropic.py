"""Anthropic's Messages API against a server on this machine."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.llm.loopback import (
    Answer,
    Asked,
    Loopback,
    anthropic_pieces,
    anthropic_reply,
    said,
)

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.server.anthropic import AnthropicChat
from tastemate.messages import Generation, Message, Prompt

pytest.importorskip("anthropic")

Serve = Callable[..., Loopback]
TURNS = (Message("system", "You rank."), Message("user", "which film?"))
ORDER = {
    "type": "object",
    "properties": {"order": {"type": "array", "items": {"type": "integer", "maximum": 5}}},
    "required": ["order"],
    "additionalProperties": False,
}


def prompt(**more: Any) -> Prompt:
    return Prompt("listwise/1", **({"messages": TURNS, "generation": Generation(20)} | more))


@pytest.fixture
def chat() -> Iterator[Callable[..., AnthropicChat]]:
    made: list[AnthropicChat] = []

    def make(server: Loopback, **options: Any) -> AnthropicChat:
        made.append(AnthropicChat("m", base_url=server.root, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def refuses(name: str) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        if name in asked.body:
            message = f"{name}: Extra inputs are not permitted"
            return said({"type": "error", "error": {"message": message}}, 400)
        return anthropic_reply()

    return answer


def test_an_answer_has_its_text_and_all_tokens_read(serve: Serve, chat) -> None:
    server = serve(anthropic_reply("Heat"))
    answer = chat(server).complete([prompt(user="12")])[0]
    assert (answer.text, answer.error, answer.model) == ("Heat", "", "served-model")
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert server.asked[0].path == "/v1/messages"
    assert server.asked[0].body == {
        "model": "m",
        "max_tokens": 20,
        "system": "You rank.",
        "messages": [{"role": "user", "content": "which film?"}],
        "temperature": 0.0,
    }


def test_generation_is_sent_as_far_as_the_api_has_words_for_it(serve: Serve, chat) -> None:
    server = serve(anthropic_reply())
    wants = Generation(9, 1.7, 0.9, 40, 1.2, 3, 4, ("END", "\n"))
    model = chat(server, effort="low", thinking=11, fields={"service_tier": "auto"})
    model.complete([prompt(generation=wants)])
    sent = server.asked[0].body
    assert {k: v for k, v in sent.items() if k not in ("model", "messages", "system")} == {
        "max_tokens": 20,
        "temperature": 1.0,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "output_config": {"effort": "low"},
        "service_tier": "auto",
    }


def test_a_conversation_without_a_turn_of_the_user_still_has_one(serve: Serve, chat) -> None:
    server = serve(anthropic_reply())
    chat(server).complete([prompt(messages=(Message("system", "Say hello \ud800."),))])
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "Say hello ?."}]
    assert "system" not in server.asked[0].body


def test_the_key_is_sent_and_never_told(
    serve: Serve, chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret-1234")
    server = serve(said({"error": {"message": "invalid x-api-key sk-ant-very-secret-1234"}}, 401))
    model = chat(server)
    with caplog.at_level(logging.DEBUG):
        answer = model.complete([prompt()])[0]
    assert server.asked[0].headers["authorization"] == "Bearer sk-ant-very-secret-1234"
    assert answer.fault == "refused"
    assert "very-secret" not in answer.error + repr(vars(model)) + repr(model) + caplog.text


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(Unavailable, match="ANTHROPIC_API_KEY"):
        AnthropicChat("m")
    with pytest.raises(ConfigError):
        AnthropicChat("m", key="", thinking=-1)


@pytest.mark.parametrize(
    ("answer", "fault", "wait"),
    [
        (said({"error": {"message": "slow down"}}, 429, Retry_After="7"), "busy", 7),
        (said({"error": {"type": "overloaded_error"}}, 529), "busy", 0),
        (said({}, 500), "server", 0),
        (said({"error": {"message": "Your credit balance is too low"}}, 400), "refused", 0),
        (said({}, 404), "refused", 0),
        (Answer(b"not json"), "reply", 0),
        (Answer(b"[]"), "reply", 0),
        (Answer(b'{"content": 3, "stop_reason": "end_turn"}'), "reply", 0),
        (Answer(b'{"content": [null, {"type": "text"}]}'), "reply", 0),
        (anthropic_reply(stop_reason="refusal"), "reply", 0),
        (anthropic_reply("", stop_reason="max_tokens"), "reply", 0),
    ],
)
def test_a_failure_is_a_value(serve: Serve, chat, answer, fault: str, wait: float) -> None:
    server = serve(answer)
    found = chat(server).complete([prompt()])[0]
    assert (found.fault, found.wait) == (fault, wait)
    assert found.error
    assert len(server.asked) == 1


def test_silence_is_a_timeout_and_nobody_is_unreachable(serve: Serve, chat) -> None:
    server = serve(lambda _: server.wait(5) or anthropic_reply())
    start = time.monotonic()
    model = chat(server, seconds=0.2)
    assert model.complete([prompt()])[0].fault == "timeout"
    with pytest.raises(Unavailable) as caught:
        next(model.stream(prompt()))
    assert caught.value.completion.fault == "timeout"
    assert time.monotonic() - start < 3
    server.close()
    assert chat(server).complete([prompt()])[0].fault == "unreachable"
    with scope.opened(0.0):
        assert model.complete([prompt()])[0].fault == "unsent"


def test_the_version_differs_where_replies_do_and_the_name_stays() -> None:
    plain = AnthropicChat("m", base_url="http://127.0.0.1:1")
    for options in ({"effort": "low"}, {"thinking": 500}, {"fields": {"metadata": {"a": 1}}}):
        other = AnthropicChat("m", base_url="http://127.0.0.1:1", **options)
        assert (other.name, other.version != plain.version) == (plain.name, True)


def test_labels_are_beyond_it(serve: Serve, chat) -> None:
    server = serve(anthropic_reply())
    model = chat(server, abilities=("labels", "schema"))
    assert model.complete([prompt(labels=("A", "B"))])[0].fault == "unable"
    assert model.abilities == {"schema"}
    assert not server.asked


def test_a_schema_is_sent_as_the_sdk_shapes_it(serve: Serve, chat) -> None:
    server = serve(anthropic_reply('{"order": [1]}'))
    chat(server).complete([prompt(schema=ORDER)])
    held = server.asked[0].body["output_config"]["format"]
    assert held["type"] == "json_schema"
    assert held["schema"]["required"] == ["order"]
    assert "maximum" not in held["schema"]["properties"]["order"]["items"]  # said in words there


@pytest.mark.parametrize("schema", [{}, {"properties": 5, "type": "object"}, {"type": "x"}])
def test_a_schema_the_sdk_cannot_shape_is_said_in_words(serve: Serve, chat, schema) -> None:
    server = serve(anthropic_reply())
    assert chat(server).complete([prompt(schema=schema)])[0].error == ""
    assert "output_config" not in server.asked[0].body
    assert (
        json.dumps(schema, separators=(",", ":")) in server.asked[0].body["messages"][0]["content"]
    )


@pytest.mark.parametrize("name", ["temperature", "output_config"])
def test_a_refused_parameter_is_left_out_and_remembered(serve: Serve, chat, name: str) -> None:
    server = serve(refuses(name))
    model = chat(server)
    for _ in range(2):
        assert model.complete([prompt(schema=ORDER)])[0].text == "fine"
    assert len(server.asked) == 3
    assert ("schema" in model.abilities) == (name != "output_config")


def test_a_stream_comes_in_pieces_and_returns_what_it_used(serve: Serve, chat) -> None:
    server = serve(lambda _: anthropic_pieces(["Heat", " and Alien"]))
    stream, pieces = chat(server).stream(prompt()), []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            answer = end.value
            break
    assert pieces == ["Heat", " and Alien"]
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("Heat and Alien", 7, 3)


def test_closing_a_stream_hangs_up(serve: Serve, chat) -> None:
    def endless() -> Iterator[str]:
        while True:
            server.wait(0.005)
            yield "word " * 50

    server = serve(lambda _: anthropic_pieces(endless()))
    stream = chat(server).stream(prompt())
    next(stream)
    stream.close()
    assert server.hung_up.wait(5)


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        (b"", "server"),
        (b"event: content_block_delta\ndata: {broken\n\n", "reply"),
        (b'event: error\ndata: {"error": {"message": "Overloaded"}}\n\n', "server"),
        (None, "unreachable"),
    ],
)
def test_a_stream_that_fails_in_the_middle_raises(serve: Serve, chat, tail, fault: str) -> None:
    def sent() -> Iterator[bytes]:
        yield from anthropic_pieces(["Heat"], ended=False).body
        if tail is None:
            raise ConnectionError
        yield tail

    stream = chat(serve(lambda _: Answer(sent(), kind="text/event-stream"))).stream(prompt())
    assert next(stream) == "Heat"
    with pytest.raises(Unavailable) as caught:
        list(stream)
    assert caught.value.completion.fault == fault


def test_a_stream_that_ends_in_a_refusal_raises(serve: Serve, chat) -> None:
    model = chat(serve(lambda _: anthropic_pieces(["No"], stop="refusal")))
    with pytest.raises(Unavailable, match="declined"):
        list(model.stream(prompt()))


def test_nonsense_of_tokens_is_cut_and_the_client_is_ready_before_it_is_asked(
    serve: Serve, chat
) -> None:
    usage = {"input_tokens": 10**9, "output_tokens": 10**9}
    server = serve(anthropic_reply(usage=usage))
    model = chat(server)
    model.start(model.load_seconds)
    assert model._wire._client is not None
    assert server.asked == []
    answer = model.complete([prompt()])[0]
    assert answer.error == ""
    assert max(answer.prompt_tokens, answer.completion_tokens) < 2000
