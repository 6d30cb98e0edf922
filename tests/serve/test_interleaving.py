"""An interleaving over HTTP: begun, met by its users, logged line by line, read, stopped."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.serve.projects import small
from tests.serve.rest_app import QUIET, opened, running

from tastemate import build
from tastemate.errors import StageError
from tastemate.project import Tastemate
from tastemate.serve.schemas import Recommend
from tastemate.serve.service import Service
from tastemate.types import Query, Slate

Served = tuple[TestClient, Service]
ARMS = [
    {"name": "plain", "overrides": {"model": "popular"}},
    {"name": "other", "overrides": {"model": "ease"}},
]
MIX = {"id": "mix", "kind": "interleave", "arms": ARMS}


@pytest.fixture
def project(tmp_path: Path) -> Tastemate:
    return opened(None, small(tmp_path / "project", fitted=True).source)


@pytest.fixture
def served(project: Tastemate) -> Iterator[Served]:
    with running(project, replace(QUIET, ahead=0)) as found:
        yield found


def ask(client: TestClient, user: str, status: int = 200, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/recommend", json={"user_id": user, "k": 4} | more)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def ids(told: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in told["items"]]


def begun(client: TestClient, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/experiments", json=MIX | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["experiment"])


def test_from_its_beginning_to_its_end(served: Served, project: Tastemate) -> None:
    client, service = served
    alone = {name: {user: ask(client, user, model=name, k=12) for user in ("u1", "u2", "u3")}
             for name in ("popular", "ease")}  # fmt: skip
    made = begun(client)
    assert (made["kind"], made["traffic"], made["control"]) == ("interleave", 1.0, "plain")
    for user in ("u1", "u2", "u3"):
        told = ask(client, user)
        assert told["experiments"] == [{"id": "mix", "arm": "interleaved"}]
        assert told["degraded"] == []
        assert [one["rank"] for one in told["items"]] == [1, 2, 3, 4]
        service.impressions.flush()
        rows = project.store.impressions.of(told["recommendation_id"])
        teams = [row.arm.removeprefix("mix=") for row in rows]
        assert sorted(set(teams)) == ["other", "plain"]
        assert teams.count("plain") == 2
        assert {row.policy for row in rows} == {"fast/model+interleaved"}
        for team, model in (("plain", "popular"), ("other", "ease")):
            order = ids(alone[model][user])
            mine = [row.item for row, by in zip(rows, teams, strict=True) if by == team]
            assert mine == sorted(mine, key=order.index)
        for line, team in zip(told["items"], teams, strict=True):
            model = {"plain": "popular", "other": "ease"}[team]
            known = {one["item_id"]: one for one in alone[model][user]["items"]}[line["item_id"]]
            for name in ("reason", "score", "sources"):
                assert line[name] == known[name], "each line is as its own arm made it"
        first = next(row for row in rows if row.arm == "mix=other")
        event = {
            "event_id": f"c-{user}", "user_id": user, "item_id": first.item, "kind": "click",
            "recommendation_id": told["recommendation_id"], "timestamp": first.at,
        }  # fmt: skip
        answer = client.post("/v1/events", json={"events": [event]})
        assert answer.json()["accepted"] == 1, answer.text
    results = client.get("/v1/experiments/mix").json()["results"]
    assert (results["lists"], results["rewarded"], results["units"]) == (3, 3, 3)
    (pair,) = results["comparisons"]
    assert (pair["arm"], pair["wins"], pair["losses"], pair["ties"]) == ("other", 3, 0, 0)
    assert pair["verdict"] == "too early"
    assert {one["name"]: one["wins"] for one in results["arms"]} == {"plain": 0, "other": 3}
    judged = client.post("/v1/offpolicy", json={"policy": "popular"}).json()
    assert (judged["lists"], judged["of"]) == (0, 0), "a drafted list judges no other policy"
    assert client.post("/v1/experiments/mix/stop").status_code == 200
    assert ask(client, "u1")["experiments"] == []
    stopped = client.get("/v1/experiments/mix").json()
    assert stopped["experiment"]["state"] == stopped["results"]["state"] == "stopped"
    assert stopped["results"]["lists"] == 3


def test_the_same_request_has_the_same_list_and_pages_follow(served: Served) -> None:
    client, service = served
    begun(client)
    for user in ("u1", "u2", "u3", "u4", ""):
        first = ask(client, user, k=3)
        service.answers.clear()
        assert ids(ask(client, user, k=3)) == ids(first)
        if not user:
            assert first["experiments"] == []
            continue
        shown, cursor, pages = ids(first), first["cursor"], 1
        while cursor:
            page = ask(client, user, k=3, cursor=cursor)
            service.answers.clear()
            assert ids(ask(client, user, k=3, cursor=cursor)) == ids(page)
            assert page["experiments"] == first["experiments"]
            assert [one["rank"] for one in page["items"]][:1] == [3 * pages + 1]
            shown, cursor, pages = [*shown, *ids(page)], page["cursor"], pages + 1
        assert len(shown) == len(set(shown)) > 3
    drawn = {
        tuple(line.arms for line in service.recommend(Recommend(user_id="u1", k=k)).kept.shown)[0]
        for k in range(1, 12)
    }
    assert len(drawn) == 2, "another list, another draft"


def test_what_the_request_says_itself_is_not_drafted(served: Served) -> None:
    client, _ = served
    begun(client)
    assert ask(client, "u1", model="popular")["experiments"] == []
    assert ask(client, "u1", explore=0.5)["experiments"] == []
    assert ask(client, "u1", diversity=0.5)["experiments"] != []


def test_a_split_beside_it_sets_what_it_sets(served: Served, project: Tastemate) -> None:
    client, service = served
    halves = [{"name": "a", "share": 0.0}, {"name": "b", "share": 1.0, "overrides": {
        "diversity": 0.9}}]  # fmt: skip
    assert client.post("/v1/experiments", json={"id": "x", "arms": halves}).status_code == 201
    begun(client)
    told = ask(client, "u1")
    both = [{"id": "mix", "arm": "interleaved"}, {"id": "x", "arm": "b"}]
    assert told["experiments"] == both
    service.impressions.flush()
    rows = project.store.impressions.of(told["recommendation_id"])
    assert {row.arm for row in rows} == {"mix=plain;x=b", "mix=other;x=b"}
    (first, _) = service._assigned(Recommend(user_id="u1")).requests
    assert (first.model, first.diversity) == ("popular", 0.9)
    results = client.get("/v1/experiments/x").json()["results"]
    assert {one["name"]: one["impressions"] for one in results["arms"]}["b"] == 4


def test_only_the_traffic_meets_it(served: Served) -> None:
    client, _ = served
    begun(client, traffic=0.5)
    met = {user: bool(ask(client, user)["experiments"]) for user in (f"u{at}" for at in range(12))}
    assert set(met.values()) == {True, False}
    assert met == {user: bool(ask(client, user)["experiments"]) for user in met}


def test_an_arm_that_fails_leaves_a_list_outside_of_the_experiment(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    begun(client)
    answer = service.project.dispatch.recommend_all

    def broken(queries: list[Query], model: str | None, *, llm: bool) -> list[Slate]:
        if model == "ease":
            raise StageError("The file is damaged. Fit it again.")
        return answer(queries, model, llm=llm)

    monkeypatch.setattr(service.project.dispatch, "recommend_all", broken)
    put: list[Hashable] = []
    monkeypatch.setattr(service.answers, "put", lambda key, _: put.append(key))
    told = ask(client, "u1")
    assert put == [], "it is not kept as what the drafted list would be"
    assert told["experiments"] == []
    assert len(told["items"]) == 4
    assert "The file is damaged" in told["degraded"][0]
    assert "not part of the experiment mix" in told["degraded"][0]
    monkeypatch.undo()
    assert ask(client, "u1")["experiments"] != [], "a lesser answer is not kept"
    monkeypatch.setattr(service, "_slates", lambda *_: [ZeroDivisionError()])
    service.answers.clear()
    with pytest.raises(ZeroDivisionError):
        service.recommend(Recommend(user_id="u2", k=5))


def test_a_list_that_is_the_same_of_both_arms_is_no_vote(
    served: Served, project: Tastemate
) -> None:
    client, service = served
    arms = [ARMS[0], {"name": "other", "overrides": {"model": "popular", "diversity": 0.0001}}]
    alone = ask(client, "u1", model="popular")
    begun(client, arms=arms)
    told = ask(client, "u1")
    assert told["experiments"] == [{"id": "mix", "arm": "interleaved"}]
    assert (told["items"], told["degraded"]) == (alone["items"], [])
    assert ask(client, "u1")["items"] == told["items"]
    service.impressions.flush()
    rows = project.store.impressions.of(told["recommendation_id"])
    assert {(row.arm, row.policy) for row in rows} == {
        ("mix=interleaved", "fast/model+interleaved")
    }
    event = {
        "event_id": "c", "user_id": "u1", "item_id": rows[0].item, "kind": "click",
        "recommendation_id": told["recommendation_id"], "timestamp": rows[0].at,
    }  # fmt: skip
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    results = client.get("/v1/experiments/mix").json()["results"]
    assert (results["lists"], results["rewarded"], results["units"]) == (0, 0, 0)
    assert "2 lists were the same of both arms" in results["notes"][-1]


@pytest.mark.parametrize("sets", [{"model": "fast"}, {"rerank": "none"}])
def test_arms_that_answer_alike_here_are_refused(served: Served, sets: dict[str, str]) -> None:
    client, _ = served
    asked = MIX | {"arms": [{"name": "now"}, {"name": "new", "overrides": sets}]}
    answer = client.post("/v1/experiments", json=asked)
    assert answer.status_code == 422
    assert "both arms answer alike" in answer.json()["detail"]
    assert "Let one arm set another model" in answer.json()["detail"]
    assert client.get("/v1/experiments").json() == {"experiments": []}
    sets = {**sets, "novelty": 0.2}
    asked = MIX | {"arms": [{"name": "now"}, {"name": "new", "overrides": sets}]}
    assert client.post("/v1/experiments", json=asked).status_code == 201


def test_late_answers_are_of_no_arm(served: Served) -> None:
    client, service = served
    begun(client)
    kept = service._in_time(Recommend(user_id="u1", k=3))
    assert kept.arms == ()
    assert {line.arms for line in kept.shown} == {()}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"arms": [*ARMS, {"name": "third"}]}, "two arms, not 3"),
        ({"arms": [ARMS[0], ARMS[1] | {"share": 0.5}]}, "Leave the shares out"),
        ({"arms": [{"name": "a"}, {"name": "b"}]}, "nothing to compare"),
        ({"traffic": 0.0}, "the share of units whose lists are drafted"),
        ({"traffic": 1.1}, "less than or equal to 1"),
        ({"kind": "split"}, "needs 'share'"),
        ({"kind": "split", "traffic": 0.5, "arms": [one | {"share": 0.5} for one in ARMS]},
         "set kind to interleave"),
        ({"arms": [ARMS[0], {"name": "b", "overrides": {"explore": 0.5}}]}, "set kind to split"),
    ],
)  # fmt: skip
def test_a_definition_that_makes_no_sense_says_what_to_do(
    served: Served, wrong: dict[str, Any], says: str
) -> None:
    answer = served[0].post("/v1/experiments", json=MIX | wrong)
    assert answer.status_code == 422
    assert says in answer.text


def test_two_interleavings_cannot_run_together(served: Served) -> None:
    client, _ = served
    begun(client)
    arms = [{"name": "a"}, {"name": "b", "overrides": {"diversity": 0.3}}]
    answer = client.post("/v1/experiments", json=MIX | {"id": "other", "arms": arms})
    assert answer.status_code == 409
    assert "both interleaved" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["split", "interleave"])
def test_a_model_that_is_not_fitted_is_refused_at_once(
    served: Served, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = served
    monkeypatch.setattr(build, "fitted", lambda *_: pytest.fail("something was fitted"))
    share = {"share": 0.5} if kind == "split" else {}
    plain = {"name": "plain"} | share

    def posted(**sets: str) -> Any:
        arms = [plain, {"name": "new", "overrides": sets} | share]
        return client.post("/v1/experiments", json={"id": "new", "kind": kind, "arms": arms})

    answer = posted(model="bpr")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tastemate:not-fitted"
    assert "tastemate fit -m bpr" in answer.json()["detail"]
    assert posted(model="bqr").status_code == 404
    assert "Did you mean 'bpr'" in posted(model="bqr").json()["detail"]
    assert "set model in [llm]" in posted(rerank="llm").json()["detail"]
    assert client.get("/v1/experiments").json() == {"experiments": []}
    assert service.trials.arms("u1") == []
    assert posted(model="ease").status_code == 201


def test_a_stored_one_without_shares_can_be_seen_and_stopped(
    served: Served, project: Tastemate
) -> None:
    client, _ = served
    arms = [{"name": "a", "share": 0.0}, {"name": "b", "share": 0.0}]
    project.store.experiments.put({"id": "old", "state": "running", "arms": arms})
    assert [one["id"] for one in client.get("/v1/experiments").json()["experiments"]] == ["old"]
    assert "No arm has a share" in client.get("/v1/experiments/old").json()["results"]["notes"][0]
    answer = client.post("/v1/experiments/old/stop")
    assert answer.status_code == 200
    assert answer.json()["experiment"]["stopped"] > 0
    assert project.store.experiments.get("old")["state"] == "stopped"
