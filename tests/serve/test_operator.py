"""The operator sees what the path did, how the data is, and nothing is changed by looking."""

import time
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tastemate.errors import UnknownUser
from tastemate.project import Tastemate
from tastemate.serve import overview
from tastemate.serve.operator import Prompts, stage_by_stage
from tastemate.store.impressions import Impression
from tastemate.types import Controls, Item, Signal

NOW = int(time.time())


@pytest.fixture(scope="module")
def tm(tmp_path_factory):
    project = Tastemate.open("films", home=tmp_path_factory.mktemp("home"))
    project.fit(["ease", "transition", "sequential-knn", "ease-likes", "als", "popular"])
    yield project
    project.store.close()


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A project in whose store people were shown lists and took from them."""
    project = Tastemate.open("films", home=tmp_path_factory.mktemp("busy"))
    users, ids = project.interactions.users[:20], project.catalog.ids
    rows = [
        Impression(f"r{at}", user, "", ids[place * 7], place + 1, at=NOW - 60)
        for at, user in enumerate(users)
        for place in range(5)
    ]
    project.store.impressions.add(rows)
    project.record(
        [
            Signal(f"s{at}", user, ids[0], "like", timestamp=NOW - 30, recommendation=f"r{at}")
            for at, user in enumerate(users)
        ]
    )
    project.store.users.put(users[0], {"country": "Peru"})
    project.store.complaints.add(users[0], "r0", "", "unfair", "always the same")
    project.add_items([Item("bare", "The Gold Rush (1925)")])
    yield project
    project.store.close()


def staged(tm, **said):
    query = tm.query("p001", 10, **said)
    return stage_by_stage(tm.recommender(), query), query


def test_the_stages_end_in_the_list_that_is_served(tm):
    told, query = staged(tm)
    served = tm.recommender().recommend(query)
    assert [line["item_id"] for line in told["items"]] == served.ids
    assert [line["item_id"] for line in told["arranged"][:10]] == served.ids
    assert told["items"][0]["reason"]["text"] == served.items[0].reason.text
    assert [step["stage"] for step in told["trace"]] == [step.name for step in served.trace]
    assert told["degraded"] == []
    assert told["query"]["events"] == len(query.history)


def test_each_retriever_tells_score_and_rank_and_leaves_out_what_may_not_be_shown(tm):
    told, query = staged(tm)
    assert {one["name"] for one in told["retrieved"]} == set(tm.profile.weights)
    seen = {tm.catalog.ids[row] for row in query.history.items}
    for one in told["retrieved"]:
        assert one["weight"] == pytest.approx(tm.profile.weights[one["name"]])
        scores = [line["score"] for line in one["items"]]
        assert scores == sorted(scores, reverse=True)
        assert not seen & {line["item_id"] for line in one["items"]}
        best = one["items"][0]
        for line in told["blended"]:
            if line["item_id"] == best["item_id"]:
                ranks = {source["name"]: source["rank"] for source in line["sources"]}
                assert ranks[one["name"]] == 1


def test_what_arranging_moved_says_where_it_was(tm):
    still, _ = staged(tm)
    assert all(line["was"] == line["rank"] for line in still["arranged"])
    moved, _ = staged(tm, controls=Controls(diversity=0.9, fair=1.0))
    assert any(line.get("was") != line["rank"] for line in moved["arranged"])
    assert {step["stage"] for step in moved["trace"]} >= {"blend", "arrange", "explain"}


def test_a_failed_stage_is_shown_and_the_list_still_comes(tm):
    from tastemate.errors import StageError

    path = tm.recommender()

    class Broken:
        name = "broken"

        def scores(self, queries):
            raise StageError("out of order")

    whole = type(path)(path.catalog, [Broken(), *path.retrievers], path.blend, pool=path.pool)
    told = stage_by_stage(whole, tm.query("p001", 5))
    assert told["degraded"] == ["broken: out of order"]
    assert len(told["items"]) == 5


def test_prompts_are_those_of_serving_and_none_is_sent(tm):
    prompts, query = Prompts(), tm.query("p001", 5)
    told = prompts.of(tm, query)
    assert told["model"] == ""
    names = [one["name"] for one in told["prompts"]]
    assert any(name.startswith("letters/") for name in names)
    assert any(name.startswith("explanation") for name in names)
    whole = "".join(turn["text"] for one in told["prompts"] for turn in one["messages"])
    last = tm.catalog.item(int(query.history.items[-1])).title.partition(" (")[0]
    assert last in whole
    assert all(one["tokens"] > 0 for one in told["prompts"])
    assert prompts.of(tm, query) == told


def test_prompts_take_the_abilities_of_the_configured_model(tm):
    from dataclasses import replace

    from tastemate.language import Language
    from tastemate.llm.prompts import PLAIN
    from tastemate.llm.scripted import Scripted

    asked = []
    model = Scripted(lambda prompt: asked.append(prompt) or "", abilities=frozenset())
    settings = replace(tm.settings, llm=replace(tm.settings.llm, model="scripted", taste=False))

    spoken = Language(model, settings, PLAIN)

    class View:
        model_version, work, profile = tm.model_version, tm.work, tm.profile
        catalog, settings, dispatch = tm.catalog, tm.settings, tm.dispatch
        language = spoken

    view = View()
    told = Prompts().of(view, tm.query("p001", 5))
    assert told["prompts"]
    assert not any(one["labels"] for one in told["prompts"])
    assert asked == []


def test_nobody_is_an_error_and_looking_leaves_no_trace(tm):
    before = tm.store.versions.all()
    with pytest.raises(UnknownUser):
        tm.query("nobody-at-all", 10)
    staged(tm)
    assert tm.store.versions.all() == before
    assert len(tm.store.impressions.frame()) == 0


def test_data_health_counts_what_is_missing(busy):
    told = overview.data_health(busy, overview.counted(busy))
    assert told["items"]["count"] == len(busy.catalog)
    assert told["items"]["without_text"] == 1
    assert told["items"]["without_attributes"] == 1
    assert told["items"]["same_title"][0]["title"] == "The Gold Rush (1925)"
    assert told["users"]["count"] == busy.interactions.n_users
    assert sum(one["users"] for one in told["users"]["histories"]) == told["users"]["count"]
    assert told["events"]["kinds"][-1]["kind"] == "like"
    assert sum(one["events"] for one in told["events"]["kinds"]) == 20
    assert told["model"]["unabsorbed"] == 20
    assert told["store"]["integrity"] == "ok"
    assert told["store"]["bytes"] > 0


def test_quality_and_fairness_come_out_of_the_store(busy):
    rows = overview.quality(busy)["days"]
    assert sum(row["lists"] for row in rows) == 20
    assert rows[-1]["acceptance"]["value"] == pytest.approx(0.2)
    told = overview.fairness(busy)
    assert told["all"]["ctr"]["value"] == pytest.approx(0.2)
    assert told["complaints"] == [
        {"kind": "unfair", "complaints": 1, "readers": 1, "per_1000_lists": 50.0}
    ]
    assert {"popularity", "popularity decile", "genres", "country"} <= set(told["items"])
    assert set(told["people"]) == {"group", "age_band"}
    assert told["declared"] == {"attribute": "", "least": {}, "rows": []}


def test_declared_groups_are_told_with_their_floors(busy, monkeypatch):
    from dataclasses import replace

    table = {"attribute": "year", "least": {"1990s": 0.2}}
    monkeypatch.setattr(busy, "settings", replace(busy.settings, fair=table))
    told = overview.fairness(busy)["declared"]
    assert told["least"] == {"1990s": 0.2}
    assert [row["value"] for row in told["rows"]] == ["1990s"]
    assert 0 <= told["rows"][0]["exposure"]["value"] <= 1


def test_what_people_declared_later_joins_what_the_data_says(busy):
    people = overview.people_of(busy)
    first = people.row(by_predicate=pl.col("user") == busy.interactions.users[0], named=True)
    assert first["country"] == "Peru"
    assert first["group"]


def test_an_empty_store_has_nothing_to_tell_and_says_so(tm):
    assert overview.quality(tm)["days"] == []
    told = overview.fairness(tm)
    assert told["lists"] == 0
    assert told["all"]["too_few"] is True
    assert overview.cost(tm, None) == {"model": "", "days": [], "stages": {}}


def test_cost_reads_the_account_book(tm):
    from tastemate.llm.wrappers.ledger import Ledger, Spent, today

    path = tm.work.folder / "llm" / "spent.sqlite"
    book = Ledger(path)
    booked = book.book([("ann", Spent(1200, 0.25))], today(), lambda day, user, call: "")
    assert booked
    book.close()
    try:
        rows = overview.cost(tm, None)["days"]
    finally:
        path.unlink()
    assert rows == [{"day": today(), "tokens": 1200, "cost": 0.25}]


def test_stages_are_counted_from_the_telemetry(tm):
    pytest.importorskip("prometheus_client")
    from tastemate.serve.telemetry import Telemetry

    telemetry = Telemetry()
    telemetry.slate(tm.recommender().recommend(tm.query("p001", 5)))
    rows = {row["stage"]: row for row in overview.cost(tm, telemetry)["stages"]["rows"]}
    assert rows["blend"]["runs"] == 1
    assert rows["blend"]["failed"] == 0


@pytest.fixture(scope="module")
def client(busy):
    pytest.importorskip("fastapi")
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from tastemate.serve import problem
    from tastemate.serve.auth import Authenticated, Callers
    from tastemate.serve.routes import operator

    waiting = type("Waiting", (), {"__len__": lambda self: 0})()
    waiting.written, waiting.dropped, waiting.error = 0, 0, ""
    service = SimpleNamespace(
        project=busy, store=busy.store, impressions=waiting, telemetry=None, trouble=""
    )
    app = FastAPI()
    problem.install(app)
    app.include_router(operator.router(service))
    app.add_middleware(Authenticated, callers=Callers(lambda: busy.store))
    with TestClient(app) as http:
        yield http


@pytest.mark.parametrize("what", ["health", "quality", "fairness", "cost", "audit", "complaints"])
def test_every_part_answers_without_a_null(client, what):
    answer = client.get(f"/v1/operator/{what}")
    assert answer.status_code == 200
    assert "null" not in answer.text
    assert "NaN" not in answer.text


def test_a_user_by_route_with_prompts(client):
    said = {"k": 3, "fair": 1, "prompt": True, "depth": 5}
    told = client.get("/v1/operator/user/p002", params=said).json()
    assert told["user_id"] == "p002"
    assert len(told["items"]) == 3
    assert len(told["blended"]) == 5
    assert told["query"]["controls"]["fair"] == 1
    assert told["prompts"]
    assert client.get("/v1/operator/user/nobody").status_code == 404
    assert client.get("/v1/operator/user/p002?fair=2").status_code == 422


def test_the_latest_complaint_comes_first(client, busy):
    busy.store.complaints.add("", "", "", "other", "late")
    told = client.get("/v1/operator/complaints?limit=1").json()
    assert told["complaints"][0]["text"] == "late"
    assert told["count"] == 2


def test_a_log_is_read_from_its_end_and_counted_as_far_as_it_is_read(tm, monkeypatch):
    from tastemate.serve.routes.operator import _latest

    for n in range(5):
        tm.store.audit.write("ops", f"did {n}", "", {})
        tm.store.complaints.add("", "", "", "other", f"late {n}")
    monkeypatch.setattr(overview, "MOST", 3)
    told = _latest("entries", tm.store.audit, 2)
    assert told["count"] == 3
    assert [one["action"] for one in told["entries"]] == ["did 4", "did 3"]
    told = _latest("complaints", tm.store.complaints, 2)
    assert (told["count"], [one["text"] for one in told["complaints"]]) == (3, ["late 4", "late 3"])
    assert tm.store.complaints.count(100) == 5


def test_only_an_admin_may_look(client, busy):
    _, secret = busy.store.keys.make("reader", ["read"])
    _, admin = busy.store.keys.make("ops", ["admin"])
    for path in ("health", "user/p001"):
        url = f"/v1/operator/{path}"
        assert client.get(url, headers={"X-API-Key": secret}).status_code == 403
        assert client.get(url, headers={"X-API-Key": admin}).status_code == 200


def test_deciles_of_nothing_are_nothing():
    from tastemate.evaluate.live import deciles

    assert deciles(np.zeros(0, dtype=np.int64)).tolist() == []
