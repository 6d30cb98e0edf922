"""Limits: how often, how large, how deep, how long."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.serve.guarded_app import HERE, Clock, opened

from tastemate.serve.limits import Buckets, read, shape, user_in, user_of


def test_buckets_give_back_with_time() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3.0, clock=clock)
    assert [buckets.take("a") for _ in range(6)] == [0.0] * 6
    wait = buckets.take("a")
    assert wait == pytest.approx(0.5)
    assert buckets.take("b") == 0.0
    clock.now += wait
    assert buckets.empty("a") == 0.0
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0.0


def test_a_slow_rate_still_lets_one_through() -> None:
    buckets = Buckets(0.01, 1.0, clock=Clock())
    assert buckets.take("a") == 0.0
    assert buckets.take("a") == pytest.approx(100.0)


def test_buckets_stay_few() -> None:
    buckets = Buckets(1.0, 1.0, most=100)
    for number in range(10_000):
        buckets.take(str(number))
    assert len(buckets) == 100


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 50), st.floats(0.1, 20))
def test_no_stretch_of_time_gets_more_than_its_tokens(
    steps: list[float], rate: float, burst: float
) -> None:
    clock = Clock(0.0)
    buckets = Buckets(rate, burst, clock=clock)
    passed: list[float] = []
    for step in steps:
        clock.now += step
        if not buckets.take("a"):
            passed.append(clock.now)
    room = max(rate * burst, 1.0)
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], start=1):
            assert last <= (end - start) * rate + room + 1e-6


def test_a_key_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with opened(tmp_path, rate_per_key=1.0, burst=5.0) as app:
        one, two = app.key("read"), app.key("read")
        found = [app.client.get("/v1/items/1", headers=one) for _ in range(7)]
        assert [answer.status_code for answer in found].count(200) in (5, 6)
        assert found[-1].status_code == 429
        assert int(found[-1].headers["retry-after"]) >= 1
        assert found[-1].json()["request_id"]
        assert app.client.get("/v1/items/1", headers=two).status_code == 200
        assert app.client.get("/health/live").status_code == 200


def test_a_user_asked_about_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    with opened(tmp_path, rate_per_user=1.0, burst=3.0) as app:

        def ask(user: str) -> int:
            return app.client.post("/v1/recommend", json={"user_id": user}).status_code

        assert [ask("ann") for _ in range(5)].count(429) >= 1
        assert ask("ben") == 200
        assert app.client.get("/v1/users/ann/taste").status_code == 429
        assert app.client.get("/v1/items/1?user_id=ann").status_code == 429
        assert app.client.post("/v1/recommend", json={}).status_code == 200


def test_zero_is_no_limit(tmp_path: Path) -> None:
    with opened(tmp_path, rate_per_key=0, rate_per_user=0, timeout_s=0) as app:
        found = [app.client.post("/v1/recommend", json={"user_id": "a"}) for _ in range(70)]
        assert {answer.status_code for answer in found} == {200}


def test_a_large_body_is_refused_unread(tmp_path: Path) -> None:
    with opened(tmp_path, max_body_bytes=1_000) as app:
        refused = app.client.post("/v1/recommend", content=b"x" * 1_001)
        assert refused.status_code == 413
        assert "1,000 bytes" in refused.json()["detail"]
        whole = json.dumps({"text": "x" * 900})
        sent = app.client.post("/v1/recommend", content=whole, headers=JSON)
        assert sent.json()["fields"] == ["text"]


JSON = {"Content-Type": "application/json"}


def test_an_endless_body_is_cut_off(tmp_path: Path) -> None:
    given_out = 0

    def endless() -> Iterator[bytes]:
        nonlocal given_out
        for _ in range(100):
            given_out += 1
            yield b"x" * 100

    async def receive() -> Any:
        return {"type": "http.request", "body": next(parts), "more_body": True}

    parts = endless()
    assert asyncio.run(read(receive, 1_000)) == (None, True)
    assert given_out == 11
    with opened(tmp_path, max_body_bytes=1_000) as app:
        refused = app.client.post("/v1/recommend", content=endless(), headers=JSON)
        assert refused.status_code == 413
        assert refused.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("kind", "extra", "status"),
    [
        ("application/json", {}, 200),
        ("application/json; charset=utf-8", {}, 200),
        ("application/merge-patch+json", {}, 200),
        ("text/plain", {}, 415),
        ("application/x-www-form-urlencoded", {}, 415),
        ("", {}, 415),
        ("application/json", {"Content-Encoding": "gzip"}, 415),
    ],
)
def test_bodies_are_json(tmp_path: Path, kind: str, extra: dict[str, str], status: int) -> None:
    with opened(tmp_path) as app:
        headers = {"Content-Type": kind} | extra
        assert app.client.post("/v1/recommend", content="{}", headers=headers).status_code == status


def test_a_deep_or_crowded_body_is_refused_quickly(tmp_path: Path) -> None:
    with opened(tmp_path, max_body_bytes=20_000_000) as app:
        deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        refused = app.client.post("/v1/recommend", content=deep, headers=JSON)
        assert refused.status_code == 422
        assert "nest 32" in refused.json()["detail"]
        crowded = b"[" + b"[]," * 3_000_000 + b"[]]"
        start = time.perf_counter()
        refused = app.client.post("/v1/recommend", content=crowded, headers=JSON)
        assert refused.status_code == 413
        assert time.perf_counter() - start < 5
        text = json.dumps({"text": "[{" * 100_000 + '\\"' * 10 + "[" * 50})
        sent = app.client.post("/v1/recommend", content=text, headers=JSON)
        assert sent.status_code == 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=25,
)


@given(VALUES, st.booleans())
def test_shape_is_that_of_the_parsed_value(value: Any, ascii_only: bool) -> None:
    depth, most = shape(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert depth == _depth(value)
    assert most >= _values(value)
    assert most <= 4 * _values(value) + 2


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _values(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + _values(one) for one in value.values())
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


@given(st.binary(max_size=300))
def test_shape_takes_any_bytes(body: bytes) -> None:
    depth, values = shape(body)
    assert 0 <= depth <= len(body)
    assert 1 <= values <= len(body) + 1


@given(st.binary(max_size=100))
def test_user_in_takes_any_bytes(body: bytes) -> None:
    assert isinstance(user_in(b'{"user_id": ' + body), str)


def test_users_are_found_where_they_are_named() -> None:
    def of(path: str, query: bytes = b"", root: str = "") -> str:
        return user_of({"path": path, "query_string": query, "root_path": root})

    assert of("/v1/users/ann") == "ann"
    assert of("/v1/users/a/b/taste") == "a/b"
    assert of("/v1/users/taste") == "taste"
    assert of("/api/v1/users/ann/export", root="/api") == "ann"
    assert of("/v1/sessions", b"user_id=a%20b") == "a b"
    assert of("/v1/items/1") == ""
    assert of("/v1/operator/user/a/taste") == "a/taste"
    assert of("/v1/operator/users") == ""
    assert user_in(b'{"user_id": "ann"}') == "ann"
    assert user_in(b'{"user\\u005fid": "ann"}') == "ann"
    assert user_in(b'{"user": "ann"}') == "ann"
    assert user_in(b'{"user_id": 5}') == ""
    assert user_in(b'["user_id"]') == ""
    assert user_in(b'{"user_id": "ann"') == ""


def test_what_takes_too_long_gets_503_and_what_it_says_later_is_dropped(tmp_path: Path) -> None:
    with opened(tmp_path, timeout_s=0.2) as app:
        threading.Timer(0.6, app.release.set).start()
        late = app.client.get("/v1/slow")
        assert late.status_code == 503
        assert late.headers["retry-after"]
        assert "too long" in late.json()["detail"]
        assert app.client.get("/v1/slow").json() == {}
        assert app.client.get("/v1/items/1").status_code == 200


def test_a_stream_outlives_the_timeout(tmp_path: Path) -> None:
    with opened(tmp_path, timeout_s=0.2) as app:
        assert app.client.get("/v1/stream").text.count("data:") == 4


def test_limits_hold_below_a_root_path(tmp_path: Path) -> None:
    with opened(tmp_path, rate_per_key=1.0, burst=1.0) as app:
        app.key("read")
        client = TestClient(app.app, base_url=HERE, root_path="/api")
        assert client.get("/api/v1/forgotten").status_code == 401


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A real server with a short timeout and small bodies."""
    import uvicorn

    with opened(tmp_path, timeout_s=0.3, max_body_bytes=1_000) as app:
        bound = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()
        server.should_exit = True
        thread.join(10)
        bound.close()


def test_on_a_real_connection(address: tuple[str, int]) -> None:
    head = (
        f"POST /v1/recommend HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\n"
        "Content-Type: application/json\r\n"
    ).encode()
    for sent, status in (
        (b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n", b"413"),
        (b"Content-Length: 100\r\n\r\n" + b'{"a":', b"503"),  # and then nothing more comes
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"320\r\n" + b"x" * 800 + b"\r\n", b"503"),
        (b"Content-Length: 2\r\n\r\n{}", b"200"),
    ):
        with socket.create_connection(address, timeout=5) as wire:
            wire.sendall(head + sent)
            assert wire.recv(65_536).split()[1] == status
    with socket.create_connection(address, timeout=5) as wire:
        wire.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        wire.sendall((b"320\r\n" + b"x" * 800 + b"\r\n") * 2)
        answer = b""
        while part := wire.recv(65_536):
            answer += part
        assert answer.split()[1] == b"413", "and the server has hung up"
