"""Keys: who is let in, who is not, and that a secret shows nowhere."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.guarded_app import Clock, opened

from tastemate.errors import ConfigError, Unavailable
from tastemate.serve import auth
from tastemate.serve.auth import Callers, bind_check, is_loopback, needs, presented
from tastemate.store.opening import open_store, sqlite_url


def test_without_a_key_this_machine_may_do_everything(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        assert app.client.get("/v1/items/a/b").json() == {"item_id": "a/b"}
        assert app.client.post("/v1/recommend", json={}).json()["caller"] == "local"
        assert app.client.post("/v1/jobs").status_code == 200


def test_once_a_key_exists_every_request_needs_one(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        read = app.key("read")
        for path in ("/v1/items/1", "/v1/forgotten", "/v1/nothing", "/metrics"):
            refused = app.client.get(path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert refused.headers["content-type"] == "application/problem+json"
        assert app.client.get("/v1/items/1", headers=read).status_code == 200
        assert app.client.get("/metrics", headers=read).status_code == 200
        assert app.client.get("/health/live").status_code == 200
        assert app.client.get("/").status_code == 200


def test_scopes(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        read, write, admin = (app.key(scope) for scope in ("read", "write", "admin"))
        for method, path, allowed in (
            ("GET", "/v1/items/1", (200, 403, 200)),
            ("POST", "/v1/recommend", (403, 200, 200)),
            ("POST", "/v1/jobs", (403, 403, 200)),
        ):
            body = {"json": {}} if path == "/v1/recommend" else {}
            found = [
                app.client.request(method, path, headers=key, **body).status_code
                for key in (read, write, admin)
            ]
            assert tuple(found) == allowed, path


def test_either_header_presents_a_key(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        secret = app.key("read")["Authorization"].removeprefix("Bearer ")
        for headers in (
            {"Authorization": f"bearer   {secret} "},
            {"X-API-Key": secret},
            {"Authorization": "Basic dXNlcjpwYXNz", "X-API-Key": secret},
        ):
            assert app.client.get("/v1/items/1", headers=headers).status_code == 200
        wrong = {"Authorization": "Bearer tm_no", "X-API-Key": secret}
        assert app.client.get("/v1/items/1", headers=wrong).status_code == 401


def test_a_secret_is_in_no_error_and_no_log(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        good = app.key("read")["Authorization"].removeprefix("Bearer ")
        bad = good[:-1] + ("A" if good[-1] != "A" else "B")
        for secret in (good, bad):
            answer = app.client.get("/v1/nothing", headers={"X-API-Key": secret})
            assert secret not in answer.text + str(answer.headers)
        assert good not in app.lines()
        assert bad not in app.lines()
        assert good.split("_", 2)[2] not in app.lines()
        assert good not in app.client.get("/metrics", headers={"X-API-Key": good}).text


def test_a_revoked_key_is_refused_within_five_seconds(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(sqlite_url(tmp_path / "store.db"))
    key, secret = store.keys.make("shop", ["read"])
    callers = Callers(lambda: store, clock=clock)

    async def verified() -> bool:
        return await callers.verify(secret) is not None

    assert asyncio.run(verified())
    store.keys.revoke(key)
    clock.now += 4.9
    assert not asyncio.run(verified())
    assert not callers.was_known(secret)
    assert asyncio.run(callers.keyed()), "revoking the last key must not open the doors"
    store.close()


def test_a_verified_key_is_not_looked_up_each_time(tmp_path: Path) -> None:
    clock, asked = Clock(), []
    caller = SimpleNamespace(id="1", name="shop", scopes=["read"])
    keys = SimpleNamespace(verify=lambda secret: asked.append(secret) or caller, all=lambda: [1])
    callers = Callers(lambda: SimpleNamespace(keys=keys), clock=clock)

    async def thrice() -> None:
        for _ in range(3):
            found = await callers.verify("tm_1_x")
            assert found is not None
            assert found.name == "shop"

    asyncio.run(thrice())
    assert len(asked) == 1
    clock.now += auth.REMEMBERED
    asyncio.run(thrice())
    assert len(asked) == 2


def test_while_the_store_is_away_known_keys_hold_for_a_while() -> None:
    clock = Clock()
    caller = SimpleNamespace(id="1", name="shop", scopes=["read"])
    away = False

    def verify(secret: str) -> Any:
        if away:
            raise Unavailable("The database does not answer.")
        return caller if secret == "tm_1_good" else None

    def every() -> list[Any]:
        if away:
            raise Unavailable("The database does not answer.")
        return [caller]

    keys = SimpleNamespace(verify=verify, all=every)
    callers = Callers(lambda: SimpleNamespace(keys=keys), clock=clock)
    assert asyncio.run(callers.verify("tm_1_good"))
    assert asyncio.run(callers.keyed())
    away = True
    clock.now += 60
    assert asyncio.run(callers.verify("tm_1_good"))
    assert asyncio.run(callers.keyed())
    with pytest.raises(Unavailable):
        asyncio.run(callers.verify("tm_1_other"))
    clock.now += auth.STALE
    with pytest.raises(Unavailable):
        asyncio.run(callers.verify("tm_1_good"))
    assert asyncio.run(callers.keyed())


def test_a_store_that_hangs_holds_up_one_request_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, hang = Clock(), threading.Event()
    caller = SimpleNamespace(id="1", name="shop", scopes=["read"])
    calls: list[str] = []

    def verify(secret: str) -> Any:
        calls.append(secret)
        if len(calls) > 1:
            hang.wait(5)
        return caller

    monkeypatch.setattr(auth, "PATIENCE", 0.05)
    keys = SimpleNamespace(verify=verify, all=lambda: [caller])
    callers = Callers(lambda: SimpleNamespace(keys=keys), clock=clock)

    async def some() -> None:
        assert await callers.verify("tm_1_good")
        clock.now += 10
        found = await asyncio.gather(*(callers.verify("tm_1_good") for _ in range(20)))
        assert all(found)
        hang.set()

    asyncio.run(asyncio.wait_for(some(), 3))


def test_many_wrong_keys_from_one_address_are_slowed_down(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        good = app.key("read")
        assert app.client.get("/v1/items/1", headers=good).status_code == 200
        found = [
            app.client.get("/v1/items/1", headers={"X-API-Key": f"tm_x_{n:043d}"})
            for n in range(30)
        ]
        assert {one.status_code for one in found} == {401, 429}
        assert int(found[-1].headers["retry-after"]) >= 1
        assert app.client.get("/v1/items/1", headers=good).status_code == 200


def test_other_machines_need_a_key(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    with opened(tmp_path) as app:
        far = TestClient(app.app, base_url="http://127.0.0.1:8765", client=("203.0.113.7", 5))
        assert far.get("/v1/items/1").status_code == 401
        key = app.key("read")
        assert far.get("/v1/items/1", headers=key).status_code == 200


def test_bind_check(tmp_path: Path) -> None:
    store = open_store(sqlite_url(tmp_path / "store.db"))
    for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"):
        bind_check(host, store)
    for host in ("0.0.0.0", "", "::", "192.168.1.5", "example.org", "::ffff:10.0.0.1"):
        with pytest.raises(ConfigError, match="tastemate keys make"):
            bind_check(host, store)
    key, _ = store.keys.make("shop", ["read"])
    bind_check("0.0.0.0", store)
    store.keys.revoke(key)
    with pytest.raises(ConfigError):
        bind_check("0.0.0.0", store)
    store.close()


def test_needs_knows_its_scopes() -> None:
    with pytest.raises(ConfigError, match="read, write, admin"):
        needs("owner")


@given(st.text(max_size=60))
def test_loopback_takes_any_text(host: str) -> None:
    assert is_loopback(host) in (True, False)


@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-api-key"]), st.binary())))
def test_presented_takes_any_header(headers: list[tuple[bytes, bytes]]) -> None:
    secret = presented({"headers": headers})
    assert secret == secret.strip()
