"""OpenAI's protocol against a server on this machine: what is sent, and every way it may fail."""

import json
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.llm.loopback import Answer, Asked, Loopback, openai_pieces, openai_reply, said

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.language import Loading
from tastemate.llm.server.body import dig, reason, strict
from tastemate.llm.server.openai import OpenAIChat, label_scores
from tastemate.llm.wrappers.deadline import Deadline
from tastemate.messages import Generation, Message, Prompt

pytest.importorskip("openai")

Serve = Callable[..., Loopback]
ORDER = {
    "type": "object",
    "properties": {"order": {"type": "array", "items": {"type": "integer"}}},
    "required": ["order"],
    "additionalProperties": False,
}


def prompt(text: str = "which film?", **more: Any) -> Prompt:
    turns = (Message("system", "You rank."), Message("user", text))
    return Prompt("listwise/1", turns, **({"generation": Generation(max_tokens=20)} | more))


@pytest.fixture
def chat() -> Iterator[Callable[..., OpenAIChat]]:
    made: list[OpenAIChat] = []

    def make(server: Loopback | str, **options: Any) -> OpenAIChat:
        url = server if isinstance(server, str) else server.url
        made.append(OpenAIChat("m", base_url=url, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_an_answer_has_its_text_tokens_and_the_served_models_name(serve: Serve, chat) -> None:
    server = serve(openai_reply("Heat, then Alien"))
    answer = chat(server).complete([prompt(user="12")])[0]
    assert (answer.text, answer.error, answer.model) == ("Heat, then Alien", "", "served-model")
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert answer.seconds > 0
    sent = server.asked[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You rank."},
            {"role": "user", "content": "which film?"},
        ],
        "temperature": 0.0,
        "seed": 0,
        "max_completion_tokens": 20,
    }


def test_generation_is_sent_as_far_as_the_server_has_words_for_it(serve: Serve, chat) -> None:
    wants = Generation(9, 0.7, 0.9, 40, 1.2, 3, None, ("END", "\n"))
    server = serve(openai_reply())
    chat(server).complete([prompt(generation=wants)])
    names = {
        "top_k": "top_k",
        "repetition_penalty": "repeat_penalty",
        "beams": "use_beam_search",
    }
    model = chat(
        server,
        parameters=names,
        limit="max_tokens",
        fields={"min_p": 0.1},
        effort="low",
        thinking=5,
    )
    model.complete([prompt(generation=wants)])
    plain, full = (one.body for one in server.asked)
    known = {"temperature": 0.7, "top_p": 0.9, "stop": ["END", "\n"]}
    assert {k: v for k, v in plain.items() if k not in ("model", "messages")} == known | {
        "max_completion_tokens": 9
    }
    assert {k: v for k, v in full.items() if k not in ("model", "messages")} == known | {
        "max_tokens": 14,
        "reasoning_effort": "low",
        "min_p": 0.1,
        "top_k": 40,
        "repeat_penalty": 1.2,
        "use_beam_search": True,
        "n": 3,
    }


def test_the_key_is_sent_and_never_told(
    serve: Serve, chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-very-secret-1234\n")
    body = {"error": {"message": "Wrong key: sk-very-secret-1234 or Bearer sk-very-secret-1234"}}
    server = serve(said(body, 401))
    model = chat(server)
    with caplog.at_level(logging.DEBUG):
        answer = model.complete([prompt()])[0]
    assert server.asked[0].headers["authorization"] == "Bearer sk-very-secret-1234"
    assert answer.fault == "refused"
    assert "[key]" in answer.error
    everything = answer.error + repr(model) + repr(vars(model)) + repr(answer) + caplog.text
    assert "very-secret" not in everything


def test_a_missing_key_names_its_variable_and_this_machine_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(Unavailable, match="MY_KEY"):
        OpenAIChat("m", base_url="https://models.example/v1", key="MY_KEY")
    OpenAIChat("m", base_url="https://models.example/v1", key="")
    for url in ("http://localhost:1/v1", "http://127.0.0.1:1", "http://[::1]:9/v1"):
        OpenAIChat("m", base_url=url, key="MY_KEY")
    monkeypatch.setenv("MY_KEY", "a\x07b")
    with pytest.raises(Unavailable, match="MY_KEY"):
        OpenAIChat("m", base_url="https://models.example/v1", key="MY_KEY")


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "ftp://host"},
        {"base_url": "http://"},
        {"base_url": "http://[::1"},
        {"base_url": "nonsense"},
        {"base_url": "http://user:secretword@127.0.0.1/v1"},
        {"base_url": "http://127.0.0.1/v1?key=secretword"},
        {"key": "sk-secretword"},
        {"seconds": 0.0},
        {"seconds": math.nan},
        {"parameters": {"top_kay": "x"}},
        {"limit": "tokens"},
        {"alternatives": 0},
        {"thinking": -1},
    ],
)
def test_options_that_make_no_sense_are_said_so_without_a_secret(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        OpenAIChat("m", **({"base_url": "http://127.0.0.1:1/v1"} | options))
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "fault", "wait"),
    [
        (said({"error": {"message": "slow down"}}, 429, Retry_After="7"), "busy", 7),
        (said({"error": "slow down"}, 429, retry_after_ms="1500"), "busy", 1.5),
        (said({}, 429, Retry_After="nan"), "busy", 0),
        (said({}, 429, Retry_After="-5"), "busy", 0),
        (said({}, 429, Retry_After="whenever"), "busy", 0),
        (said({"error": {"code": "insufficient_quota", "message": "pay"}}, 429), "refused", 0),
        (said({"message": "broken"}, 500, Retry_After="3"), "server", 3),
        (Answer(b"<html>bad gateway</html>", 502, kind="text/html"), "server", 0),
        (said([], 529), "busy", 0),
        (said({"detail": "no"}, 401), "refused", 0),
        (said({"detail": [{"loc": ["body", "x"], "msg": "no"}]}, 422), "refused", 0),
        (said({"error": {"message": "no such model"}}, 404), "refused", 0),
        (said({}, 408), "timeout", 0),
        (Answer(b"", 307, {"Location": "http://127.0.0.1:1/elsewhere"}), "refused", 0),
    ],
)
def test_a_status_becomes_a_fault(serve: Serve, chat, answer, fault: str, wait: float) -> None:
    server = serve(answer)
    model = chat(server)
    found = model.complete([prompt()])[0]
    assert (found.fault, found.wait, found.text) == (fault, wait, "")
    assert found.error
    assert "\n" not in found.error
    assert len(found.error) < 500
    assert len(server.asked) == 1  # retrying is a wrapper's work
    with pytest.raises(Unavailable) as caught:
        list(model.stream(prompt()))
    assert caught.value.completion.fault == fault


def test_retry_after_may_be_a_date(serve: Serve, chat) -> None:
    server = serve(said({}, 429, Retry_After=formatdate(time.time() + 30, usegmt=True)))
    assert 25 < chat(server).complete([prompt()])[0].wait <= 30


def test_nobody_there_is_unreachable(serve: Serve, chat) -> None:
    server = serve(openai_reply())
    server.close()
    answer = chat(server.url).complete([prompt()])[0]
    assert answer.fault == "unreachable"
    assert "running" in answer.error


def test_silence_and_a_trickle_are_timeouts(serve: Serve, chat) -> None:
    def silent(_: Asked) -> Answer:
        server.wait(5)
        return openai_reply()

    def trickle() -> Iterator[bytes]:
        for _ in range(100):
            yield b" "
            server.wait(0.05)

    server = serve(silent)
    start = time.monotonic()
    assert chat(server, seconds=0.2).complete([prompt()])[0].fault == "timeout"
    server.answer = lambda _: Answer(trickle())
    assert chat(server, seconds=0.3).complete([prompt()])[0].fault == "timeout"
    server.answer = silent
    model = chat(server)
    with scope.opened(0.2):
        assert model.complete([prompt(), prompt()])[0].fault == "timeout"
    assert time.monotonic() - start < 3


def test_without_time_left_nothing_is_asked(serve: Serve, chat) -> None:
    server = serve(openai_reply())
    model = chat(server)
    with scope.opened(0.0):
        assert model.complete([prompt()])[0].fault == "unsent"
        with pytest.raises(Unavailable):
            next(model.stream(prompt()))
    assert not server.asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"choices": 3}',
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "x"}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": ["a"]}}]}',
        b'{"choices": [{"message": {"content": null, "refusal": "I will not"}}]}',
        b'{"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_reply_is_the_fault_reply(serve: Serve, chat, body: bytes) -> None:
    answer = chat(serve(Answer(body))).complete([prompt()])[0]
    assert answer.fault == "reply"
    assert answer.error


NAMES = st.sampled_from(
    "choices message content logprobs token logprob top_logprobs finish_reason usage model refusal "
    "error detail loc msg prompt_tokens".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


@given(VALUES, VALUES, st.booleans())
def test_any_json_is_read_as_a_completion(value: Any, inner: Any, labelled: bool) -> None:
    model = OpenAIChat("m", base_url="http://127.0.0.1:1/v1")
    asked = prompt(labels=("A", "B") if labelled else ())
    choice = {"message": inner, "logprobs": {"content": [inner]}, "finish_reason": value}
    for reply in (value, {"choices": value}, {"choices": [choice]}, {"choices": [inner]}):
        answer = model._read(asked, reply, 0.0)
        assert bool(answer.error) == bool(answer.fault)
        assert len(answer.scores) in (0, 2)
        answer.text.encode()
    assert isinstance(reason(value), str)
    assert isinstance(reason({"detail": [value, {"loc": inner, "msg": value}]}), str)


def test_what_an_error_says_is_found_wherever_it_stands() -> None:
    assert reason({"error": {"message": "a"}}) == reason({"message": "a"}) == "a"
    assert reason({"error": "a"}) == reason({"detail": "a"}) == reason("a") == "a"
    assert reason({"detail": [{"loc": ["body", "top_k"], "msg": "no"}]}) == "top_k: no"
    assert reason(None) == reason([]) == reason({"error": {}}) == ""
    assert dig({"a": [1, 2]}, "a", -1) == 2
    assert dig({"a": []}, "a", -1) is None


def test_odd_parts_of_a_reply_do_not_spoil_it(serve: Serve, chat) -> None:
    reply = {
        "model": 5,
        "choices": [{"message": {"content": "half \ud800 a pair"}}],
        "usage": {"prompt_tokens": "many", "completion_tokens": -3},
    }
    answer = chat(serve(said(reply))).complete([prompt("one two three")])[0]
    assert (answer.text, answer.model, answer.error) == ("half ? a pair", "m", "")
    assert answer.prompt_tokens >= 3
    assert answer.completion_tokens >= 4


def test_a_connection_cut_in_the_middle_is_a_value(serve: Serve, chat) -> None:
    def cut() -> Iterator[bytes]:
        yield b'{"choices": ['
        raise ConnectionError

    answer = chat(serve(lambda _: Answer(cut()))).complete([prompt()])[0]
    assert answer.fault == "unreachable"


def test_a_reply_of_megabytes_is_cut_and_one_of_more_is_not_read(serve: Serve, chat) -> None:
    server = serve(openai_reply("x" * 1_500_000))
    model = chat(server)
    answer = model.complete([prompt()])[0]
    assert (len(answer.text), answer.error) == (100_000, "")
    server.answer = lambda _: Answer(b" " * 2**20 for _ in range(64))
    assert model.complete([prompt()])[0].fault == "reply"
    server.answer = lambda _: openai_pieces("y" * 30_000 for _ in range(10**9))
    assert len("".join(model.stream(prompt()))) <= 150_000


def test_a_schema_is_held_to_strictly_where_it_is_closed(serve: Serve, chat) -> None:
    server = serve(openai_reply('{"order": [1]}'))
    model = chat(server)
    model.complete([prompt(schema=ORDER), prompt(schema={"type": "object"})])
    formats = sorted(
        (one.body["response_format"]["json_schema"] for one in server.asked),
        key=lambda held: held["strict"],
    )
    assert formats[1] == {"name": "listwise-1", "schema": ORDER, "strict": True}
    assert formats[0] == {"name": "listwise-1", "schema": {"type": "object"}, "strict": False}
    nested = {"type": "object", "properties": {"a": {"type": "object"}}, "required": ["a"]}
    assert not strict(nested | {"additionalProperties": False})


def test_a_server_without_schemas_is_told_in_words(serve: Serve, chat) -> None:
    server = serve(openai_reply())
    chat(server, abilities=("stream",)).complete([prompt(schema=ORDER)])
    sent = server.asked[0].body
    assert "response_format" not in sent
    assert json.dumps(ORDER, separators=(",", ":")) in sent["messages"][-1]["content"]
    assert sent["messages"][0]["content"] == "You rank."  # the shared part stays as it is


def refusing(*names: str) -> Callable[[Asked], Answer]:
    """Answer 400 to a request that has one of these, as OpenAI words it."""

    def answer(asked: Asked) -> Answer:
        for name in names:
            if name in asked.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return said({"error": {"message": message, "param": name}}, 400)
        return openai_reply()

    return answer


def test_a_refused_parameter_is_left_out_and_remembered(serve: Serve, chat) -> None:
    server = serve(refusing("temperature", "seed", "max_completion_tokens"))
    model = chat(server)
    assert model.complete([prompt()])[0].text == "fine"
    assert len(server.asked) == 4
    assert model.complete([prompt()])[0].text == "fine"
    assert len(server.asked) == 5
    assert set(server.asked[-1].body) == {"model", "messages", "max_tokens"}
    assert server.asked[-1].body["max_tokens"] == 20
    server.answer = lambda _: openai_pieces(["a", "b"])
    assert list(model.stream(prompt())) == ["a", "b"]
    assert "temperature" not in server.asked[-1].body


def test_a_wrong_value_is_no_reason_to_leave_a_parameter_out(serve: Serve, chat) -> None:
    message = "max_completion_tokens is too large: 20. This model supports at most 10 tokens."
    server = serve(said({"error": {"message": message, "param": "max_completion_tokens"}}, 400))
    answer = chat(server).complete([prompt()])[0]
    assert answer.fault == "refused"
    assert "too large" in answer.error
    assert len(server.asked) == 1


def test_a_server_that_refuses_everything_is_asked_a_few_times_only(serve: Serve, chat) -> None:
    def answer(asked: Asked) -> Answer:
        known = [name for name in asked.body if name not in ("model", "messages")]
        return said({"error": {"message": f"unsupported: {known[-1]}"}}, 400)

    server = serve(answer)
    model = chat(server)
    assert [model.complete([prompt()])[0].fault for _ in range(3)] == ["refused"] * 3
    assert len(server.asked) <= 12


def test_a_refused_schema_is_said_in_words(serve: Serve, chat) -> None:
    def one_bad_schema(asked: Asked) -> Answer:
        held = asked.body.get("response_format", {}).get("json_schema", {})
        if held.get("schema") == {"type": "object"}:
            message = "Invalid schema for response_format 'listwise-1': additionalProperties"
            return said({"error": {"message": message, "param": "response_format"}}, 400)
        return openai_reply()

    server = serve(one_bad_schema)
    model = chat(server)
    assert model.complete([prompt(schema={"type": "object"})])[0].text == "fine"
    assert "fits this schema" in server.asked[-1].body["messages"][-1]["content"]
    assert "schema" in model.abilities
    other = Prompt("taste/1", prompt().messages, schema=ORDER)
    model.complete([other])
    assert "response_format" in server.asked[-1].body

    none = chat(serve(refusing("response_format")))
    assert none.complete([prompt(schema=ORDER)])[0].text == "fine"
    assert none.abilities == {"labels", "stream"}


def first(token: str, logprob: float, *others: tuple[str, Any]) -> dict[str, Any]:
    top = [{"token": word, "logprob": value} for word, value in others]
    return {"token": token, "logprob": logprob, "top_logprobs": top}


def test_labels_are_scored_as_the_first_token(serve: Serve, chat) -> None:
    reported = first("A", -1.0, ("A", -1.0), (" A", -2.0), ("b", -0.5), (" C", -3.0), ("AB", -4.0))
    server = serve(openai_reply("A", logprobs={"content": [reported]}))
    answer = chat(server).complete([prompt(labels=("A", "B", "C"))])[0]
    assert answer.scores == pytest.approx((math.log(math.exp(-1) + math.exp(-2)), -math.inf, -3.0))
    sent = server.asked[0].body
    assert (sent["logprobs"], sent["top_logprobs"], sent["max_completion_tokens"]) == (True, 20, 1)


def test_odd_log_probabilities_are_passed_over() -> None:
    odd = first("x", "y", ("A", None), ("B", math.nan), ("C", 5.0), (7, -1.0), ("D", -9999.0))
    assert label_scores(odd, ("A", "B", "C", "D")) == (-math.inf, -math.inf, -math.inf, -9999.0)
    assert label_scores({}, ("A",)) == (-math.inf,)
    assert label_scores(first("A", 0.0, (" A", 0.0)), ("A",)) == (0.0,)


@pytest.mark.parametrize(
    "answer",
    [
        openai_reply("A"),
        openai_reply("A", logprobs=None),
        openai_reply("A", logprobs={"content": []}),
        refusing("logprobs"),
        refusing("top_logprobs"),
        said({"error": {"message": "You are not allowed to request logprobs"}}, 403),
    ],
)
def test_a_server_without_log_probabilities_is_unable_and_asked_once(
    serve: Serve, chat, answer
) -> None:
    server = serve(answer)
    model = chat(server)
    assert "labels" in model.abilities
    found = [model.complete([prompt(labels=("A", "B"))])[0] for _ in range(3)]
    assert [one.fault for one in found] == ["unable"] * 3
    assert len(server.asked) == 1
    assert "labels" not in model.abilities


def test_a_stream_comes_in_pieces_and_returns_what_it_used(serve: Serve, chat) -> None:
    server = serve(lambda _: openai_pieces(["Heat", " and", " \ud800 Alien"]))
    stream, pieces = chat(server).stream(prompt()), []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            answer = end.value
            break
    assert pieces == ["Heat", " and", " ? Alien"]
    assert answer.text == "Heat and ? Alien"
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert server.asked[0].body["stream"] is True


def test_closing_a_stream_hangs_up(serve: Serve, chat) -> None:
    def endless() -> Iterator[str]:
        while True:
            server.wait(0.005)
            yield "word " * 50

    server = serve(lambda _: openai_pieces(endless()))
    stream = chat(server).stream(prompt())
    assert next(stream).startswith("word")
    assert not server.hung_up.is_set()
    stream.close()
    assert server.hung_up.wait(5)


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        (b"", "server"),
        (b"data: {broken\n\n", "reply"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', "server"),
        (b"data: null\n\ndata: 7\n\ndata: []\n\n", "server"),
        (None, "unreachable"),
    ],
)
def test_a_stream_that_fails_in_the_middle_raises(serve: Serve, chat, tail, fault: str) -> None:
    def sent() -> Iterator[bytes]:
        yield from openai_pieces(["Heat"], ended=False).body
        if tail is None:
            raise ConnectionError
        yield tail

    model = chat(serve(lambda _: Answer(sent(), kind="text/event-stream")))
    stream = model.stream(prompt())
    assert next(stream) == "Heat"
    with pytest.raises(Unavailable) as caught:
        list(stream)
    assert caught.value.completion.fault == fault


def test_a_stream_ends_with_the_time_of_its_scope(serve: Serve, chat) -> None:
    def slowly() -> Iterator[str]:
        while True:
            yield "a "
            server.wait(0.02)

    server = serve(lambda _: openai_pieces(slowly()))
    model = chat(server)
    list(zip(model.stream(prompt()), "ab", strict=False))  # the first call also imports the SDK
    start = time.monotonic()
    with scope.opened(0.3), pytest.raises(Unavailable) as caught:
        list(model.stream(prompt()))
    assert caught.value.completion.fault == "timeout"
    assert time.monotonic() - start < 2


def test_many_prompts_are_answered_in_order_and_a_deadline_asks_them_at_once(
    serve: Serve, chat
) -> None:
    def echo(asked: Asked) -> Answer:
        text = asked.body["messages"][-1]["content"]
        with watch:
            under_way.append(text)
            most.append(len(under_way))
        server.wait(0.05)
        with watch:
            under_way.remove(text)
        return openai_reply(text)

    watch, under_way, most = threading.Lock(), [], []
    server = serve(echo)
    texts = [str(at) for at in range(12)]
    model = chat(server)
    assert [one.text for one in model.complete([prompt(text) for text in texts])] == texts
    assert max(most) == 1
    together = Deadline(model, seconds=20, workers=4)
    assert [one.text for one in together.complete([prompt(text) for text in texts])] == texts
    assert 1 < max(most) <= 4
    assert model.complete([]) == []


@pytest.mark.parametrize(
    "options",
    [
        {"effort": "low"},
        {"thinking": 500},
        {"fields": {"reasoning": False}},
        {"parameters": {"top_k": "top_k"}},
        {"abilities": ("stream",)},
        {"alternatives": 5},
    ],
)
def test_the_version_differs_where_replies_do_and_the_name_stays(options: dict[str, Any]) -> None:
    url = {"base_url": "http://127.0.0.1:1/v1"}
    plain, other = OpenAIChat("m", **url), OpenAIChat("m", **url, **options)
    assert plain.version == OpenAIChat("m", **url, seconds=5.0).version
    assert plain.version != other.version
    assert plain.name == other.name


def test_without_the_http_library_it_says_what_to_install(chat, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    answer = chat("http://127.0.0.1:1/v1").complete([prompt()])[0]
    assert answer.fault == "unable"
    assert "httpx2" in answer.error
    assert "pip install -U openai" in answer.error


@pytest.mark.parametrize(("waited", "fault"), [(2.0, "unreachable"), (0.1, "unsent")])
def test_a_connection_that_never_came_was_no_call(chat, waited: float, fault: str) -> None:
    httpx2 = pytest.importorskip("httpx2")
    openai = pytest.importorskip("openai")
    limits = {"timeout": {"connect": waited, "read": waited}}
    request = httpx2.Request("POST", "http://127.0.0.1:1/v1", extensions=limits)
    error = openai.APITimeoutError(request)
    error.__cause__ = httpx2.ConnectTimeout("timed out", request=request)
    found = chat("http://127.0.0.1:1/v1")._wire.failure(error, "m")
    assert found.fault == fault
    assert f"{waited:.1f} s" in found.error
    error.__cause__ = httpx2.ReadTimeout("timed out", request=request)
    found = chat("http://127.0.0.1:1/v1")._wire.failure(error, "m")
    assert (found.fault, found.error) == ("timeout", f"m gave no answer within {waited:.1f} s.")


def test_tokens_are_counted_by_the_models_tokenizer_where_it_is_known(chat, tmp_path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.save(str(tmp_path / "tokenizer.json"))
    url = "http://127.0.0.1:1/v1"
    assert chat(url, tokenizer=str(tmp_path)).count("extraordinarily long words") == 3
    assert chat(url).count("extraordinarily long words") > 3
    assert chat(url).count(" ") == 1
    assert chat(url).count("") == 0


def test_a_server_that_reports_nonsense_does_not_use_up_a_budget(serve: Serve, chat) -> None:
    def reply(prompt_tokens: int, completion_tokens: int) -> Answer:
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        return said({"choices": [{"message": {"content": "fine"}}], "usage": usage})

    answer = chat(serve(reply(10**9, 10**30))).complete([prompt()])[0]
    assert answer.text == "fine"
    assert 1000 < answer.prompt_tokens < 2000
    assert 1000 < answer.completion_tokens < 1100
    model = chat(serve(reply(7, 7900)), thinking=8000)
    assert model.complete([prompt()])[0].completion_tokens == 7900


@pytest.mark.parametrize("part", [slice(0, 12), slice(4, 14), slice(-9, None)])
def test_a_part_of_the_key_is_not_told_either(serve: Serve, chat, monkeypatch, part) -> None:
    secret = "zq7Lm2Xv9RtB4nKw8PcJ"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    body = {"error": {"message": f"Wrong key: <{secret[part]}...>, see the site."}}
    answer = chat(serve(said(body, 401))).complete([prompt()])[0]
    assert secret[part] not in answer.error
    assert "Wrong key: <[key]...>, see the site" in answer.error
    odd = serve(openai_reply(None, finish_reason=secret[part]))
    assert secret[part] not in chat(odd).complete([prompt()])[0].error


def test_it_is_made_ready_before_it_is_asked_and_sends_nothing(serve: Serve, chat) -> None:
    server = serve(openai_reply())
    model = chat(server)
    assert isinstance(model, Loading)
    model.start(model.load_seconds)
    assert model._wire._client is not None
    assert server.asked == []
    assert model.complete([prompt()])[0].error == ""


def test_being_made_ready_without_the_package_fails_only_when_asked(chat, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    model = chat("http://127.0.0.1:9/v1")
    model.start(5.0)
    assert model.complete([prompt()])[0].fault == "unable"
