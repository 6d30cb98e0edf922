"""What a service does not do while it answers: fit, wait for the store, mix one with another."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.serve.projects import small
from tests.serve.rest_app import QUIET, opened, running

from tastemate import build, scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.people import HOUR, NOBODY
from tastemate.project import Tastemate
from tastemate.serve import listing
from tastemate.serve.answers import Kept
from tastemate.serve.popularity import Popularity
from tastemate.serve.schemas import Recommend
from tastemate.serve.service import Service
from tastemate.serve.settings import serving
from tastemate.serve.trials import RunningTrials
from tastemate.types import Query, Signal, Slate

Served = tuple[TestClient, Service]


@pytest.fixture
def project(tmp_path: Path) -> Tastemate:
    return opened(None, small(tmp_path / "project", fitted=True).source)


@pytest.fixture
def served(project: Tastemate) -> Iterator[Served]:
    with running(project, replace(QUIET, ahead=0)) as found:
        yield found


class Arm:
    """Puts everybody into one arm."""

    def __init__(self, **sets: Any) -> None:
        self.sets = sets

    def arms(self, user: str, session: str = "") -> list[tuple[str, str, Mapping[str, Any]]]:
        del user, session
        return [("trial", "on", self.sets)]

    def look(self) -> None:
        """Read nothing."""


# models


def test_a_model_that_is_not_fitted_is_refused_and_never_fitted(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = served
    fitted: list[str] = []
    monkeypatch.setattr(build, "fitted", lambda name, *_: fitted.append(name))
    answer = client.post("/v1/recommend", json={"user_id": "u1", "model": "bpr"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:tastemate:not-fitted"
    assert "tastemate fit -m bpr" in answer.json()["detail"]
    assert "POST /v1/train" in answer.json()["detail"]
    assert client.post("/v1/recommend", json={"user_id": "u1"}).status_code == 200
    assert client.post("/v1/recommend", json={"user_id": "u1", "model": "ease"}).status_code == 200
    assert fitted == []


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("similar", {"item_id": "i1"}),
        ("search", {"query": "one"}),
        ("rerank", {"user_id": "u1", "items": [{"item_id": "i1"}]}),
        ("rerank", {"user_id": "u1", "items": [{"id": "new", "title": "New"}]}),
        ("explain", {"user_id": "u1", "item_id": "i1"}),
        ("compare", {"user_id": "u1", "item_ids": ["i1", "i2"]}),
    ],
)
def test_nothing_that_is_asked_fits(
    tmp_path: Path, path: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "start", lambda _: None)
    bare = opened(None, small(tmp_path / "bare").source)
    service = Service(bare)
    from tastemate.serve.app import create_app

    with TestClient(create_app(service), base_url="http://localhost") as client:
        answer = client.post(f"/v1/{path}", json=asked)
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] == "urn:tastemate:not-fitted"
        session = client.post("/v1/sessions", json={"user_id": "u1"}).json()["session_id"]
        client.post(f"/v1/sessions/{session}/messages", json={"message": "something like Item 1"})
    assert not list((bare.work.folder / "models").glob("*"))


def test_what_an_arm_sets_decides_the_lane(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client, service = served
    service.trials = Arm(rerank="llm")
    where: list[tuple[str, bool]] = []
    answer = service.project.dispatch.recommend_all

    def watched(queries: Sequence[Query], model: str | None, *, llm: bool) -> list[Slate]:
        where.append((threading.current_thread().name, llm))
        return answer(queries, model, llm=False)

    monkeypatch.setattr(service.project.dispatch, "recommend_all", watched)
    told = client.post("/v1/recommend", json={"user_id": "u1"}).json()
    assert told["experiments"] == [{"id": "trial", "arm": "on"}]
    assert ("answers that take longer", True) in where
    assert not any(name == "answers" and llm for name, llm in where)
    where.clear()
    service._make(["u2", "u3"])  # nor is a language model asked ahead of time
    assert where == []


def test_who_is_in_which_arm_is_known_without_reading() -> None:
    def nothing() -> Any:
        raise AssertionError("the store was read")

    assert RunningTrials(nothing).arms("u1", "s1") == []


# batches


def test_what_fails_for_one_fails_for_nobody_else(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, service = served
    answer = service.project.dispatch.recommend_all

    def odd(queries: Sequence[Query], model: str | None, *, llm: bool) -> list[Slate]:
        if any(query.user == "u3" for query in queries):
            raise ZeroDivisionError
        return answer(queries, model, llm=llm)

    service.answers.clear()
    monkeypatch.setattr(service.project.dispatch, "recommend_all", odd)
    found = service._answer([Recommend(user_id=one) for one in ("u1", "u2", "u3", "u4")])
    assert [type(one) for one in found] == [Kept, Kept, ZeroDivisionError, Kept]


def test_a_request_in_a_hurry_hurries_nobody_else(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, service = served
    answer, left = service.project.dispatch.recommend_all, {}

    def timed(queries: Sequence[Query], model: str | None, *, llm: bool) -> list[Slate]:
        left.update({query.user: scope.current().left() for query in queries})
        return answer(queries, model, llm=llm)

    service.answers.clear()
    monkeypatch.setattr(service.project.dispatch, "recommend_all", timed)
    service._answer([Recommend(user_id="u1", budget_ms=1), Recommend(user_id="u2")])
    assert left["u1"] < 0.01
    assert left["u2"] > 1


# what is kept


def test_an_item_that_was_replaced_is_shown_as_it_is_now(served: Served) -> None:
    client, _ = served
    asked = {"k": 12, "user_id": ""}
    first = client.post("/v1/recommend", json=asked).json()["items"][0]
    assert client.post("/v1/recommend", json=asked).json()["items"][0]["title"] == first["title"]
    fresh = {"id": first["item_id"], "title": "Quite another title"}
    assert client.post("/v1/items", json={"items": [fresh]}).json()["replaced"]
    told = client.post("/v1/recommend", json=asked).json()["items"]
    titles = {one["item_id"]: one["title"] for one in told}
    assert titles[first["item_id"]] == "Quite another title"


def test_an_answer_to_signals_lasts_an_hour_at_most(
    project: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Recommend(user_id="u1")
    lively = replace(NOBODY, signals=(Signal("e", "u1", "i1", "like", timestamp=1),))

    def key(person: Any, now: float) -> object:
        monkeypatch.setattr(listing.time, "time", lambda: now)
        return listing.key_of(project, asked, [], "text", person)

    assert key(lively, HOUR * 5.0) == key(lively, HOUR * 5.9)
    assert key(lively, HOUR * 5.9) != key(lively, HOUR * 6.1)
    assert key(NOBODY, HOUR * 5.9) == key(NOBODY, HOUR * 6.1)


def test_a_key_is_small_however_long_the_request(project: Tastemate) -> None:
    def size(part: object) -> int:
        if isinstance(part, tuple):
            return sum(size(one) for one in part)
        return len(part) if isinstance(part, str | bytes) else 0

    long = "x" * 100_000
    asked = Recommend(exclude_ids=[long[:256]] * 1000, cursor=long)
    text = listing.request_text(asked, project.name)
    assert len(text) > 100_000
    key = listing.key_of(project, asked, [], text, NOBODY)
    assert size(key) < 200
    assert key != listing.key_of(project, asked, [], f"{text} ", NOBODY)
    other = asked.model_copy(update={"cursor": long[:-1]})
    assert key != listing.key_of(project, other, [], text, NOBODY)


def test_what_waits_to_be_logged_has_no_body(served: Served) -> None:
    client, service = served
    with service.impressions._writing:
        client.post("/v1/recommend", json={"user_id": "u1"})
        waiting = [kept for _, kept, _ in service.impressions._rows]
    assert waiting
    assert all(kept.shown and not kept.body for kept in waiting)


def test_the_popular_are_those_of_the_data_as_it_is(project: Tastemate) -> None:
    class Looked:
        catalog, interactions = project.catalog, project.interactions

    tm: Any = Looked()
    popularity = Popularity()
    first = popularity.order(tm)
    assert popularity.order(tm) is first
    tm.interactions = project.interactions.over(project.catalog.with_items([]))
    if tm.interactions is project.interactions:
        tm.interactions = replace_like(project)
    assert popularity.order(tm) is not first


def replace_like(project: Tastemate) -> Any:
    from tastemate.interactions import Interactions

    return Interactions.empty(project.catalog)


# the store


def test_a_store_that_fails_is_left_alone_for_a_second(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    client.post("/v1/recommend", json={"user_id": "u1"})  # whether keys are needed is known now
    tried: list[tuple[str, float]] = []

    def nothing(*_: object, **__: object) -> object:
        tried.append((threading.current_thread().name, time.monotonic()))
        raise Unavailable("gone")

    database = type(service.store.database)
    monkeypatch.setattr(database, "reading", nothing)
    monkeypatch.setattr(database, "writing", nothing)
    service.project.work.people.forget()
    service.answers.clear()
    began = time.monotonic()
    while time.monotonic() - began < 0.7:
        for user in ("u1", "u2", "u3", "u9"):
            answer = client.post("/v1/recommend", json={"user_id": user, "k": 3})
            assert answer.status_code == 200, answer.text
            assert answer.json()["degraded"] == ["store: gone"]
            assert len(answer.json()["items"]) == 3
    lists = [name for name, _ in tried if name in ("answers", "refresh")]
    assert len(lists) <= 3


def test_when_the_time_is_over_the_store_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    free = threading.Event()
    service.project.work.people.forget()
    service.answers.clear()
    monkeypatch.setattr(
        type(service.store.events), "numbered", lambda *_: free.wait(10) and [] or []
    )
    began = time.monotonic()
    told = client.post("/v1/recommend", json={"user_id": "u5", "k": 3, "budget_ms": 200}).json()
    took = time.monotonic() - began
    free.set()
    assert took < 2
    assert "200 ms were over" in told["fallback"]
    assert len(told["items"]) == 3


def test_whoever_asks_whether_it_is_ready_is_not_told_where_things_are(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    service.trouble = "Generation 3 is not served: /secret/place/meta.json is damaged."
    told = client.get("/health/ready").json()
    assert told["ready"]
    assert told["trouble"]
    assert "/secret" not in str(told)
    assert "/secret" in str(client.get("/v1/operator/health").json()["trouble"])

    def away() -> str:
        raise Unavailable("/secret/place/store.db is locked.")

    monkeypatch.setattr(service.store, "check", away, raising=False)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "The store does not answer."


def test_settings_that_do_nothing_are_none() -> None:
    for name in ("most_events", "most_items"):
        with pytest.raises(ConfigError, match=name):
            serving({name: 5})
    with pytest.raises(ConfigError, match="slow"):
        serving({"slow": 0})


def test_measures_and_log_lines_name_the_route_that_answered(served: Served) -> None:
    client, _ = served
    client.post("/v1/recommend", json={"user_id": "u1", "k": 2})
    client.get("/v1/users/u%2F1/history")
    client.get("/nowhere")
    counts = [one for one in client.get("/metrics").text.splitlines() if "_seconds_count" in one]
    named = {route.split('"')[1] for one in counts for route in one.split(",") if "route=" in route}
    assert {"/v1/recommend", "(none)"} <= named
    assert any(one.startswith("/v1/users/{user_id") for one in named)
    assert not any("u1" in one for one in named)
