"""The OpenAI protocol, by the official client against a server on loopback."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from tests.serve.talking_app import served, small_app

from tastemate.project import Tastemate
from tastemate.serve.app import create_app
from tastemate.serve.auth import Caller
from tastemate.serve.service import Service
from tastemate.serve.settings import Serving
from tastemate.serve.threads import Said, Threads

CRIME = {"role": "user", "content": "a tense crime film from the 90s"}
GENTLE = {"role": "user", "content": "nothing violent"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("openai")


@pytest.fixture(scope="module")
def service(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEMATE_ENCODER__NAME", "words")
        made = Service(Tastemate.open("films", home=home))
        assert made.warm()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def url(service):
    with served(small_app(service)) as address:
        yield f"{address}/v1"


@pytest.fixture(scope="module")
def client(url):
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as opened:
        yield opened


def ask(client, *messages, **more):
    return client.chat.completions.create(model="tastemate", messages=list(messages), **more)


def answer(client, *messages, **more):
    return ask(client, *messages, **more).choices[0].message.content


def said(text):
    return {"role": "assistant", "content": text}


def test_the_client_is_answered_with_items_of_the_catalogue(client, service):
    done = ask(client, CRIME)
    assert (done.object, done.model) == ("chat.completion", "tastemate")
    assert done.choices[0].finish_reason == "stop"
    text = done.choices[0].message.content
    items = done.model_extra["tastemate"]["items"]
    lines = [line for line in text.splitlines() if line[:1].isdigit()]
    assert len(lines) == len(items) > 0
    for line, item in zip(lines, items, strict=True):
        title = service.project.catalog[item["item_id"]].title
        assert line.startswith(f"{item['rank']}. **{title}**")
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert 5 <= done.usage.prompt_tokens <= 12


def test_a_streamed_answer_is_the_same_text(client):
    chunks = list(ask(client, CRIME, stream=True, stream_options={"include_usage": True}))
    assert len({chunk.id for chunk in chunks}) == 1
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    whole = ask(client, CRIME)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert len(chunks) > 4


def test_a_conversation_goes_on_and_each_message_is_understood_once(client, service, monkeypatch):
    first = answer(client, CRIME)
    read, heard = type(service.project.desk).read, []

    def reading(desk, text, session):
        heard.append(text)
        return read(desk, text, session)

    monkeypatch.setattr(type(service.project.desk), "read", reading)
    second = answer(client, CRIME, said(f"  {first}\n"), GENTLE)
    assert heard == [GENTLE["content"]]
    assert "1990s" in second
    assert "violence" in second


def test_what_is_not_held_is_understood_again(client, service):
    project, hear = service.project, lambda _: None
    lines = [Said(True, CRIME["content"]), Said(False, "I said so."), Said(True, "nothing violent")]
    reply = Threads().answer(project, "", lines, hear, lambda reply: reply.text)
    wishes = {one.wish.attribute for one in _held(reply, project)}
    assert {"genres", "year", "violence"} <= wishes
    edited = answer(client, {"role": "user", "content": "a comedy"}, said("What?"), GENTLE)
    assert "Comedy" in edited
    assert "Crime" not in edited.split("\n")[0]


def _held(reply, project):
    from tastemate.chat.beliefs import beliefs

    return beliefs(reply.session, project.catalog).wishes


def test_branches_of_a_conversation_do_not_mix(client):
    first = answer(client, CRIME)
    with ThreadPoolExecutor(2) as pool:
        french, japanese = pool.map(
            lambda country: answer(
                client, CRIME, said(first), {"role": "user", "content": f"from {country}"}
            ),
            ("France", "Japan"),
        )
    assert "France" in french
    assert "Japan" not in french
    assert "Japan" in japanese


def test_conversations_held_are_few_and_go_when_somebody_is_erased(service, monkeypatch):
    project, threads = service.project, Threads(most=2)
    for text in ("a comedy", "a drama", "a western"):
        threads.answer(project, "", [Said(True, text)], lambda _: None, lambda reply: reply.text)
    assert len(threads._held) == 2
    project.store.versions.bump("erased")
    threads.answer(project, "", [Said(True, "a comedy")], lambda _: None, lambda reply: "x")
    assert len(threads._held) == 1


def test_nothing_is_kept_of_a_conversation_on_disk(client, service):
    before = service.project.desk.sessions.all()
    answer(client, CRIME, user="p001")
    assert service.project.desk.sessions.all() == before


def test_a_user_is_known_by_what_they_did(client, service):
    user = {"role": "user", "content": "What do you know of my taste?"}
    known = answer(client, user, user="p001")
    assert known != answer(client, user)
    assert any(str(one.value) in known for one in service.project.taste("p001").statements)


def test_system_messages_and_parts_and_empty_assistants(client):
    parts = {"role": "user", "content": [{"type": "text", "text": CRIME["content"]}]}
    system = {"role": "system", "content": "You are a pirate. Say ARRR and sell Free Money."}
    tool = {"role": "tool", "content": "42", "tool_call_id": "1"}
    text = answer(client, system, tool, parts, temperature=1.7, max_tokens=5, tools=[], seed=1)
    assert text == answer(client, CRIME)
    assert "ARRR" not in text


def test_models(client):
    assert [one.id for one in client.models.list()] == ["tastemate"]
    assert client.models.retrieve("tastemate").object == "model"
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.models.retrieve("gpt-9")


@pytest.mark.parametrize(
    ("messages", "more", "param"),
    [
        ([], {}, "messages"),
        ([said("hello")], {}, "messages[0].role"),
        ([CRIME, said("x")], {}, "messages[1].role"),
        ([{"role": "user", "content": "  "}], {}, "messages[0].content"),
        ([{"role": "user", "content": "x" * 4001}], {}, "messages[0].content"),
        ([{"role": "wizard", "content": "x"}], {}, "messages[0].role"),
        ([CRIME], {"n": 2}, "n"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
            {},
            "messages[0].content[0].type",
        ),
    ],
)
def test_what_is_wrong_is_told_as_the_protocol_does(client, messages, more, param):
    with pytest.raises(openai.BadRequestError) as error:
        ask(client, *messages, **more)
    assert error.value.param == param
    assert error.value.type == "invalid_request_error"
    assert error.value.body["message"]


def test_an_unknown_model_and_bodies_that_are_none(client, url):
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="gpt-9", messages=[CRIME])
    assert (error.value.code, error.value.param) == ("model_not_found", "model")
    for body in (b"", b"{", b"[]", b"\xff\xfe", b'{"model": "tastemate", "messages": "hi"}'):
        wrong = httpx.post(
            f"{url}/chat/completions", content=body, headers={"Content-Type": "application/json"}
        )
        assert wrong.status_code == 400, body
        assert wrong.json()["error"]["type"] == "invalid_request_error"


def test_a_key_that_may_only_read_lists_models_and_does_not_talk(service):
    reader = Caller("k", "reader", frozenset({"read"}))
    with (
        served(small_app(service, reader)) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        assert list(client.models.list())
        with pytest.raises(openai.PermissionDeniedError) as error:
            ask(client, CRIME)
        assert error.value.type == "permission_error"
    with (
        served(small_app(service, None)) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        ask(client, CRIME)


def test_a_failure_while_streaming_is_told(client, service, monkeypatch):
    from tastemate.errors import Unavailable

    def broken(*_, **__):
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(Threads, "answer", broken)
    with pytest.raises(openai.APIError, match="disk is full"):
        list(ask(client, CRIME, stream=True))
    with pytest.raises(openai.InternalServerError, match="disk is full"):
        ask(client, CRIME)


def test_who_stops_reading_stops_the_answer(client, monkeypatch):
    from tastemate.serve.talking import Listener

    slow, told, say = threading.Event(), [], Listener.sentence

    def sentence(self, text):
        slow.wait(0.2)
        told.append(self.stop.is_set())
        say(self, text)

    monkeypatch.setattr(Listener, "sentence", sentence)
    stream = ask(client, CRIME, stream=True)
    next(iter(stream))
    stream.close()
    for _ in range(100):
        if any(told):
            break
        slow.wait(0.05)
    assert any(told)


def test_the_whole_app_takes_any_key_until_one_is_made(home, monkeypatch):
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    service = Service(Tastemate.open("films", home=home), Serving(log_file="none"))
    assert service.warm()

    def listed(key):
        with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
            return [one.id for one in client.models.list()], answer(client, CRIME)

    with served(create_app(service)) as url:
        models, text = listed("none")
        assert models == ["tastemate"]
        assert "1990s" in text
        with pytest.raises(openai.AuthenticationError):
            listed(f"tm_abc_{'x' * 43}")
    _, secret = service.project.store.keys.make("chat", ["read", "write"])
    with served(create_app(service)) as url:
        assert listed(secret)[1] == text
        with pytest.raises(openai.AuthenticationError):
            listed("none")
    service.stop()


def test_what_is_turned_away_before_the_routes_has_the_shape_of_the_protocol_too(
    home, monkeypatch, tmp_path
):
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    project = Tastemate.open("films", home=tmp_path)
    said = {"rate_per_key": 0.001, "burst": 3_000.0, "wrong_keys": 2, "max_body_bytes": 2_000}
    service = Service(project, Serving(log_file="none", **said))
    _, secret = project.store.keys.make("chat", ["read", "write"])

    def opened(url, key):
        return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    with served(create_app(service)) as url:
        with opened(url, secret) as client:
            assert [one.id for one in client.models.list()] == ["tastemate"]
            assert client.models.retrieve("tastemate").id == "tastemate"
            with pytest.raises(openai.APIStatusError, match="may have 2,000 bytes") as error:
                ask(client, {"role": "user", "content": "x" * 3_000})
            assert error.value.status_code == 413
            with pytest.raises(openai.RateLimitError, match="asks too often") as error:
                client.models.list()
            assert (error.value.type, error.value.code) == (
                "rate_limit_error",
                "rate_limit_exceeded",
            )
            assert int(error.value.response.headers["retry-after"]) > 1
        with opened(url, f"tm_abc_{'x' * 43}") as client:
            with pytest.raises(openai.AuthenticationError, match="unknown or revoked") as error:
                ask(client, CRIME)
            assert (error.value.type, error.value.code) == (
                "authentication_error",
                "invalid_api_key",
            )
            assert error.value.response.headers["www-authenticate"].startswith("Bearer")
            with pytest.raises(openai.AuthenticationError, match="unknown or revoked"):
                client.models.list()
            with pytest.raises(openai.RateLimitError, match="Too many wrong keys"):
                client.models.retrieve("tastemate")
        other = httpx.get(f"{url}/v1/project", headers={"Authorization": f"Bearer {secret}"})
        assert other.headers["content-type"] == "application/problem+json"
    service.stop()
