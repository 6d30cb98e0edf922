"""Two servers over one store, and two processes behind one port, tell the same story.

What one acknowledged is seen on the other within a second, a revoked key is refused within five.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from tests.serve.projects import small

from tastemate.benchmark.http import served
from tastemate.store.opening import open_store, sqlite_url

SOON = 1.0
"""Seconds within which the other one has to know."""
TRIES = 3
"""A busy machine may be late once or twice; it must never be wrong."""
ARMS = [
    {"name": "plain", "share": 0.5},
    {"name": "varied", "share": 0.5, "overrides": {"diversity": 0.8}},
]


@dataclass(frozen=True)
class Servers:
    """Where two servers listen (or one, that is two processes), their store and their key."""

    ports: tuple[int, int]
    url: str
    secret: str

    def ask(
        self, at: int, method: str, path: str, body: Any = None, secret: str = ""
    ) -> tuple[int, Any]:
        """Return the status and the answer of the server at a place."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {secret or self.secret}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[at]}{path}", data, headers, method=method
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def done(self, at: int, method: str, path: str, body: Any = None) -> Any:
        """Return an answer that must be a good one."""
        status, told = self.ask(at, method, path, body)
        assert 200 <= status < 300, told
        return told

    def shown(self, at: int, user: str, **more: Any) -> list[str]:
        """Return the ids of a list."""
        asked = {"user_id": user, "k": 12, **more}
        return [one["item_id"] for one in self.done(at, "POST", "/v1/recommend", asked)["items"]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "two workers"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    home = tmp_path_factory.mktemp("shared") / "project"
    small(home, fitted=True)
    url = sqlite_url(home / ".tastemate" / "store.db")
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").fresh()
    with closing(open_store(url)) as store:
        _, secret = store.keys.make("tests", ("admin",))
    environ = {"TASTEMATE_STORE__URL": url, "TASTEMATE_ENCODER__NAME": "words"}
    with ExitStack() as stack:
        if request.param == "two workers":
            port = stack.enter_context(served(home, "", 2, environ)).port
            ports = (port, port)
        else:
            first, second = (
                stack.enter_context(served(home, "", 1, environ)).port for _ in range(2)
            )
            ports = (first, second)
        yield Servers(ports, url, secret)


def soon(do: Callable[[int], object], seen: Callable[[int], bool], *, within: float = SOON) -> None:
    """Do something on one server until the other one knew it in time; it must always know it."""
    took = []
    for attempt in range(TRIES):
        do(attempt)
        start = time.monotonic()
        # behind one port any of two processes may answer: all of several answers must agree
        while not all(seen(attempt) for _ in range(4)):
            assert time.monotonic() - start < 20, "the other one never knew"
            time.sleep(0.02)
        took.append(time.monotonic() - start)
        if took[-1] <= within:
            return
    pytest.fail(f"it took {took} s; {within} s at most")


def test_an_event(servers: Servers) -> None:
    gone: list[str] = []

    def dislike(attempt: int) -> None:
        user = f"u{attempt}"
        gone.append(servers.shown(1, user)[0])
        body = {"user_id": user, "item_id": gone[attempt], "kind": "dislike"}
        assert servers.done(0, "POST", "/v1/feedback", body)["accepted"] == 1

    soon(dislike, lambda attempt: gone[attempt] not in servers.shown(1, f"u{attempt}"))


def test_the_same_event_counts_once_wherever_it_is_sent(servers: Servers) -> None:
    event = {"event_id": "once", "user_id": "twice-sent", "item_id": "i1", "kind": "like"}
    told = [servers.done(at, "POST", "/v1/events", {"events": [event]}) for at in (0, 1, 0)]
    assert [one["accepted"] for one in told] == [1, 0, 0]
    assert [one["duplicates"] for one in told] == [0, 1, 1]
    for at in (0, 1):
        assert servers.done(at, "GET", "/v1/users/twice-sent/history")["total"] == 1


def test_a_taste_edit(servers: Servers) -> None:
    known = servers.done(0, "GET", "/v1/attributes")["attributes"]
    name, value = next((one["name"], one["values"][0]["value"]) for one in known if one["values"])

    def say(attempt: int) -> None:
        body = {"attribute": name, "value": value, "likes": False}
        servers.done(0, "PUT", f"/v1/users/u{attempt + 3}/taste", body)

    def said(attempt: int) -> bool:
        told = servers.done(1, "GET", f"/v1/users/u{attempt + 3}/taste")
        return [(one["attribute"], one["likes"]) for one in told["edits"]] == [(name, False)]

    soon(say, said)


def test_a_new_item(servers: Servers) -> None:
    def add(attempt: int) -> None:
        item = {"id": f"new/{attempt} 🎬", "title": f"Brand new {attempt}"}
        assert servers.done(0, "POST", "/v1/items", {"items": [item]})["rejected"] == []

    def there(attempt: int) -> bool:
        path = f"/v1/items/{quote(f'new/{attempt} 🎬', safe='')}"
        found = servers.done(1, "POST", "/v1/search", {"query": f"Brand new {attempt}", "k": 12})
        ids = [one["item_id"] for one in found["items"]]
        return servers.ask(1, "GET", path)[0] == 200 and f"new/{attempt} 🎬" in ids

    soon(add, there)


def test_an_erasure(servers: Servers) -> None:
    def erase(attempt: int) -> None:
        user = f"leaving-{attempt}"
        body = {"events": [{"user_id": user, "item_id": "i2", "kind": "like"}]}
        servers.done(0, "POST", "/v1/events", body)
        while servers.ask(1, "GET", f"/v1/users/{user}")[0] != 200:
            time.sleep(0.02)  # the other one holds what it knows of somebody
        servers.shown(1, user)
        gone = servers.done(0, "DELETE", f"/v1/users/{user}?erase=all")
        assert gone["erased"]["events"] == 1

    def forgotten(attempt: int) -> bool:
        user = f"leaving-{attempt}"
        exported = servers.ask(1, "GET", f"/v1/users/{user}/export")[0]
        return exported == 404 and servers.ask(1, "GET", f"/v1/users/{user}")[0] == 404

    soon(erase, forgotten)


def test_an_experiment_begins_and_ends(servers: Servers) -> None:
    def running(at: int) -> list[str]:
        told = servers.done(at, "POST", "/v1/recommend", {"user_id": "u5", "k": 2})
        return [one["id"] for one in told["experiments"]]

    def arm(at: int, user: str) -> str:
        told = servers.done(at, "POST", "/v1/recommend", {"user_id": user, "k": 2})
        return str(told["experiments"][0]["arm"])

    def begin(attempt: int) -> None:
        if attempt:
            servers.done(0, "POST", f"/v1/experiments/t{attempt - 1}/stop")
        servers.done(0, "POST", "/v1/experiments", {"id": f"t{attempt}", "arms": ARMS})

    soon(begin, lambda attempt: running(1) == [f"t{attempt}"])
    users = [f"u{at}" for at in range(8)]
    assert [arm(0, user) for user in users] == [arm(1, user) for user in users]

    def stop(_: int) -> None:
        for one in servers.done(0, "GET", "/v1/experiments")["experiments"]:
            servers.done(0, "POST", f"/v1/experiments/{one['id']}/stop")

    soon(stop, lambda _: running(1) == [])


def test_a_revoked_key(servers: Servers) -> None:
    with closing(open_store(servers.url)) as store:
        name, secret = store.keys.make("short-lived", ("read",))
        for _ in range(8):
            for at in (0, 1):
                assert servers.ask(at, "GET", "/v1/project", secret=secret)[0] == 200
                assert servers.ask(at, "POST", "/v1/train", {}, secret=secret)[0] == 403
        store.keys.revoke(name)
    time.sleep(4.5)
    # fewer than the wrong keys that an address may send before it is told 429
    told = [servers.ask(at, "GET", "/v1/project", secret=secret)[0] for at in (0, 1) * 8]
    assert set(told) == {401}, "a revoked key is still taken"
    assert servers.ask(0, "GET", "/v1/project")[0] == 200
