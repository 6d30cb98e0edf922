"""Jobs and experiments over HTTP: asked for, told of, called off."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.projects import small

from tastemate.project import Tastemate
from tastemate.serve.app import create_app
from tastemate.serve.schemas import Recommend
from tastemate.serve.service import Service
from tastemate.store.impressions import Impression

ARMS = [
    {"name": "plain", "share": 0.5},
    {"name": "varied", "share": 0.5, "overrides": {"diversity": 0.5}},
]


@pytest.fixture
def project(tmp_path: Path) -> Tastemate:
    return small(tmp_path / "project", fitted=True).open()


@pytest.fixture
def client(project: Tastemate) -> TestClient:
    return TestClient(create_app(Service(project)), "http://127.0.0.1", client=("127.0.0.1", 1))


def test_a_fit_is_asked_for_once(client: TestClient) -> None:
    first = client.post("/v1/train", json={})
    assert first.status_code == 202
    job = first.json()["job_id"]
    assert first.headers["location"] == f"/v1/jobs/{job}"
    for path, body in (("/v1/train", {}), ("/v1/jobs", {"kind": "train"})):
        second = client.post(path, json=body)
        assert second.status_code == 409
        assert second.json()["errors"] == [{"field": "job_id", "reason": job}]
        assert second.headers["location"] == f"/v1/jobs/{job}"
        assert f"POST /v1/jobs/{job}/cancel" in second.json()["detail"]
    assert client.post(f"/v1/jobs/{job}/cancel").status_code == 200


def test_a_job_is_told_listed_and_called_off(client: TestClient) -> None:
    job = client.post("/v1/evaluate", json={"model": "ease", "limit_users": 5}).json()["job_id"]
    told = client.get(f"/v1/jobs/{job}").json()
    assert told["state"] == "queued"
    assert told["asked"] == {"model": "ease", "limit_users": 5}
    assert [one["job_id"] for one in client.get("/v1/jobs").json()["jobs"]] == [job]
    assert None not in told.values()
    assert client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"


@pytest.mark.parametrize("body", [{"kind": "dance"}, {}, {"kind": "train", "missing": 3}])
def test_a_job_that_makes_no_sense(client: TestClient, body: dict[str, object]) -> None:
    assert client.post("/v1/jobs", json=body).status_code == 422


def test_no_such_job(client: TestClient) -> None:
    assert client.get("/v1/jobs/nope").status_code == 404
    assert client.post("/v1/jobs/nope/cancel").status_code == 404


def test_an_experiment_from_its_beginning_to_its_end(
    client: TestClient, project: Tastemate
) -> None:
    made = client.post("/v1/experiments", json={"id": "variety", "arms": ARMS})
    assert made.status_code == 201
    assert made.json()["experiment"]["control"] == "plain"
    met = {
        arm["arm"]
        for user in ("u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7")
        for arm in client.post("/v1/recommend", json={"user_id": user}).json()["experiments"]
    }
    assert met == {"plain", "varied"}
    same = {
        tuple(
            arm["arm"]
            for arm in client.post("/v1/recommend", json={"user_id": "u0"}).json()["experiments"]
        )
        for _ in range(3)
    }
    assert len(same) == 1
    results = client.get("/v1/experiments/variety").json()["results"]
    assert {arm["name"] for arm in results["arms"]} == {"plain", "varied"}
    assert results["comparisons"][0]["verdict"] == "too early"
    assert client.post("/v1/experiments/variety/stop").json()["experiment"]["state"] == "stopped"
    assert client.post("/v1/recommend", json={"user_id": "u1"}).json()["experiments"] == []
    assert [one["id"] for one in client.get("/v1/experiments").json()["experiments"]] == ["variety"]
    assert project.store.versions.all()["experiments"] == 2


def test_two_experiments_may_not_set_the_same(client: TestClient) -> None:
    client.post("/v1/experiments", json={"id": "one", "arms": ARMS})
    again = client.post("/v1/experiments", json={"id": "one", "arms": ARMS})
    other = client.post("/v1/experiments", json={"id": "two", "arms": ARMS})
    assert (again.status_code, other.status_code) == (409, 409)
    assert "diversity" in other.json()["detail"]


def test_an_arm_may_not_name_a_model_that_is_not_there(client: TestClient) -> None:
    arms = [ARMS[0], {"name": "new", "share": 0.5, "overrides": {"model": "nope"}}]
    answer = client.post("/v1/experiments", json={"id": "one", "arms": arms})
    assert answer.status_code == 404
    assert "nope" in answer.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a b"},
        {"arms": ARMS[:1]},
        {"arms": [{"name": "a", "share": 0.9}, {"name": "b", "share": 0.9}]},
        {"arms": [ARMS[0], {"name": "b", "share": 0.1, "overrides": {"divresity": 1.0}}]},
        {"control": "nobody"},
        {"unit": "household"},
        {"alpha": 0.9},
    ],
)
def test_an_experiment_that_makes_no_sense(client: TestClient, wrong: dict[str, object]) -> None:
    answer = client.post("/v1/experiments", json={"id": "variety", "arms": ARMS} | wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "says"),
    [("nosuchkind", "No signal 'nosuchkind'"), ("clikc", "Did you mean 'click'"),
     ("undo", "rewards nothing")],
)  # fmt: skip
def test_a_metric_that_nothing_can_reward(client: TestClient, kind: str, says: str) -> None:
    asked = {"id": "variety", "arms": ARMS, "metric": {"signals": ["like", kind]}}
    answer = client.post("/v1/experiments", json=asked)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert [one["field"] for one in answer.json()["errors"]] == ["metric.signals"]
    assert client.get("/v1/experiments").json() == {"experiments": []}


def test_what_another_process_began_is_followed(client: TestClient, project: Tastemate) -> None:
    from tastemate.serve.trials import RunningTrials

    here = RunningTrials(lambda: project.store)
    here.look()
    assert here.arms("u1") == []
    client.post("/v1/experiments", json={"id": "variety", "arms": ARMS})
    here.look()
    assert [trial for trial, _, _ in here.arms("u1")] == ["variety"]
    project.store.experiments.put({"id": "broken"})  # one that cannot be read is left out
    here.forget()
    assert [trial for trial, _, _ in here.arms("u1")] == ["variety"]


def test_another_policy_is_judged_by_lists_that_explored(
    client: TestClient, project: Tastemate
) -> None:
    none = client.post("/v1/offpolicy", json={"policy": "popular"})
    assert (none.status_code, none.json()["lists"], none.json()["estimates"]) == (200, 0, [])
    assert "explore" in none.json()["refused"]
    now = int(time.time())
    rows = [
        Impression(
            f"r{at}", f"u{at % 12}", "", f"i{place}", place, 0.5 if place == 1 else 1.0, at=now
        )
        for at in range(24)
        for place in (1, 2)
    ]
    project.store.impressions.add(rows)
    shaped = replace(rows[0], recommendation="shaped", policy="fast/model+words")
    project.store.impressions.add([shaped])
    old = replace(rows[0], recommendation="old", at=now - 31 * 86_400)
    project.store.impressions.add([old])
    told = client.post("/v1/offpolicy", json={"policy": "popular"}).json()
    assert told["lists"] == 24, "what words shaped says nothing of another policy"
    more = client.post("/v1/offpolicy", json={"policy": "popular", "since": 1}).json()
    assert more["lists"] == 25, "else of the last 30 days"
    assert told["served"] == 0
    assert told["estimates"] == []
    assert "The logs say too little" in told["refused"]
    assert client.post("/v1/offpolicy", json={"policy": "nope"}).status_code == 404


def test_the_log_says_what_shaped_a_list(project: Tastemate) -> None:
    service = Service(project)
    said = {
        "plain": {},
        "drawn": {"explore": 1.0},
        "worded": {"query": "red"},
        "left": {"exclude_ids": ["i1"], "explore": 1.0},
    }
    found = {}
    for name, more in said.items():
        answer = service.recommend(Recommend(user_id="u1", k=4, **more))
        service.impressions.flush()
        found[name] = {one.policy for one in project.store.impressions.of(answer.id)}
    service.stop()
    profile = project.settings.recommend.profile
    assert found["plain"] == {""}
    assert found["drawn"] == {f"{profile}/model"}
    assert found["worded"] == {f"{profile}/model+words"}
    assert found["left"] == {f"{profile}/model+filters"}
