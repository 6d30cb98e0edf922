"""While the store does not answer, lists do, and say what they lack; nothing is acknowledged."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.projects import small
from tests.serve.rest_app import opened, running

from tastemate.errors import Unavailable
from tastemate.serve import freshness
from tastemate.serve.freshness import Fresh
from tastemate.serve.service import Service

GONE = "postgresql://nowhere does not answer."
Served = tuple[TestClient, Service]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    opening = small(tmp_path / "project", fitted=True)
    with running(opened(None, opening.source)) as found:
        yield found


def broken(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the database away from a service."""

    def nothing(*_: object, **__: object) -> object:
        raise Unavailable(GONE)

    database = service.store.database
    monkeypatch.setattr(type(database), "reading", nothing)
    monkeypatch.setattr(type(database), "writing", nothing)


def degraded(client: TestClient, user: str) -> list[str]:
    answer = client.post("/v1/recommend", json={"user_id": user, "k": 3})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == 3
    found: list[str] = answer.json()["degraded"]
    return found


def test_lists_say_that_the_store_is_gone_and_that_it_is_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    assert degraded(client, "u1") == []  # held from now on
    with monkeypatch.context() as patch:
        broken(service, patch)
        for user in ("u1", "u2", "never-heard-of", ""):  # held, in the data, unknown, nobody
            end = time.monotonic() + 10
            while degraded(client, user) != [f"store: {GONE}"]:
                assert time.monotonic() < end, user
        event = {"user_id": "u1", "item_id": "i1", "kind": "like"}
        refused = client.post("/v1/events", json={"events": [event]})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
    end = time.monotonic() + 10
    while degraded(client, "u1"):
        assert time.monotonic() < end
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1


def test_somebody_of_the_data_is_answered_from_the_data(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    asked = {"user_id": "u4", "k": 5}
    whole = client.post("/v1/recommend", json=asked).json()
    service.project.work.people.forget()
    service.answers.clear()
    broken(service, monkeypatch)
    without = client.post("/v1/recommend", json=asked).json()
    assert without["degraded"] == [f"store: {GONE}"]
    assert without["fallback"] == ""
    assert [one["item_id"] for one in without["items"]] == [
        one["item_id"] for one in whole["items"]
    ]


def test_a_read_that_fails_or_hangs_is_trouble_until_one_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freshness, "SILENT", 0.05)
    free, works, told = threading.Event(), threading.Event(), []

    def read() -> None:
        free.wait(10)
        if not works.is_set():
            raise Unavailable(GONE)

    def until(trouble: str) -> None:
        end = time.monotonic() + 10
        while fresh.trouble != trouble:
            fresh.ask()
            assert time.monotonic() < end, fresh.trouble

    fresh = Fresh(read, 0.01, lambda: told.append(1))
    try:
        assert fresh.trouble == ""
        until("It does not answer.")
        free.set()
        until(GONE)
        assert told
        works.set()
        until("")
    finally:
        fresh.close()
