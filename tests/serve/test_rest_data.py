"""Events, items, users, tastes and health over HTTP, each line judged by itself."""

import time
from urllib.parse import quote

import pytest
from tests.serve.rest_app import opened, running

ODD = "a/b \N{CAT FACE}?#%\n'\""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def client(project):
    with running(project) as (made, _):
        yield made


def like(user, item="heat-1995", **more):
    return {"user_id": user, "item_id": item, "kind": "like", **more}


def sent(client, *events):
    answer = client.post("/v1/events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_good_lines_are_kept_and_bad_ones_named(client):
    now = int(time.time())
    told = sent(
        client,
        like("line-1", event_id="one"),
        like("line-1", item="nope"),
        {**like("line-1"), "kind": "lik"},
        like("line-1", timestamp=now + 90_000),
        like("line-1", timestamp=-1),
        {"item_id": "heat-1995", "kind": "like"},
        7,
        like("line-1", colour="red"),
        like("line-1", event_id="one"),
        like(" "),
        like("line-2", timestamp=now + 3_000),
    )
    assert told["accepted"] == 2
    assert told["duplicates"] == 1
    fields = {one["line"]: one["field"] for one in told["rejected"]}
    assert fields == {
        2: "item_id",
        3: "kind",
        4: "timestamp",
        5: "timestamp",
        6: "user_id",
        7: "",
        8: "colour",
        10: "user_id",
    }
    assert all(one["reason"] for one in told["rejected"])


def test_nan_in_an_event_is_refused_where_it_stands(client):
    raw = b'{"events":[{"user_id":"n","item_id":"heat-1995","kind":"rating","value":NaN}]}'
    answer = client.post("/v1/events", content=raw, headers={"content-type": "application/json"})
    if answer.status_code == 200:
        assert answer.json()["rejected"][0]["field"] == "value"
    else:
        assert answer.status_code == 422


def test_the_same_event_again_is_a_duplicate(client):
    batch = [like("twice", event_id=f"twice-{at}") for at in range(50)]
    assert sent(client, *batch)["accepted"] == 50
    assert sent(client, *batch) == {"accepted": 0, "duplicates": 50, "rejected": []}


def test_too_many_or_no_events_are_refused(client):
    assert client.post("/v1/events", json={"events": []}).status_code == 422
    many = {"events": [7] * 10_001}
    assert client.post("/v1/events", json=many).status_code == 422


def test_feedback_is_taken_back_by_its_id(client):
    word = {"user_id": "fb", "item_id": "heat-1995", "kind": "like"}
    told = client.post("/v1/feedback", json=word).json()
    assert told["accepted"] == 1
    assert told["undo"] is True
    assert client.get("/v1/users/fb/history").json()["total"] == 1
    back = client.delete(f"/v1/feedback/{told['event_id']}")
    assert back.json()["accepted"] == 1
    assert client.delete(f"/v1/feedback/{told['event_id']}").json()["accepted"] == 0
    assert client.get("/v1/users/fb/history").status_code in (200, 404)
    assert client.delete("/v1/feedback/nope").status_code == 404
    assert client.post("/v1/feedback", json={**word, "item_id": "no"}).status_code == 404
    assert client.post("/v1/feedback", json={**word, "kind": "no"}).status_code == 422


def test_a_complaint_is_kept(client, project):
    told = client.post("/v1/complaints", json={"kind": "unfair", "text": "Always the same."})
    kept = project.store.complaints.all()[-1]
    assert str(kept.id) == told.json()["complaint_id"]
    assert kept.text == "Always the same."


def test_ids_may_hold_anything_that_prints(client):
    user = quote(ODD.replace("\n", ""), safe="")
    sent(client, like(ODD.replace("\n", "")))
    assert client.get(f"/v1/users/{user}/history").json()["total"] == 1
    assert client.get(f"/v1/users/{user}").json()["user_id"] == ODD.replace("\n", "")
    for bad in ("%00", "%0A", "a%0Ab", "x" * 300):
        assert client.get(f"/v1/users/{bad}").status_code == 422
        assert client.get(f"/v1/items/{bad}").status_code == 422
    assert client.get("/v1/items/%ff").status_code == 404


def test_a_taste_is_told_edited_and_given_back(client):
    told = client.get("/v1/users/p012/taste").json()
    assert told["statements"]
    line = told["statements"][0]
    assert line["source"] == "history"
    assert line["items"][0]["title"]
    never = {"attribute": line["attribute"], "value": line["value"], "likes": "never"}
    edited = client.put("/v1/users/p012/taste", json=never).json()
    assert edited["edits"] == [never]
    said = [(one["attribute"], one["value"]) for one in edited["statements"]]
    assert (line["attribute"], line["value"]) not in said
    own = {"attribute": "genres", "value": "Western", "likes": True}
    edited = client.put("/v1/users/p012/taste", json=own).json()
    assert ("said", "Western") in [(one["source"], one["value"]) for one in edited["statements"]]
    assert client.delete("/v1/users/p012/taste").json() == told
    assert client.get("/v1/users/nobody-yet/taste").json()["statements"] == []
    wrong = {"attribute": "colour", "value": "red", "likes": True}
    assert client.put("/v1/users/p012/taste", json=wrong).status_code == 404


def test_an_edit_changes_the_next_list(client):
    before = client.post("/v1/recommend", json={"user_id": "p080", "k": 10}).json()
    own = {"attribute": "genres", "value": "Western", "likes": True}
    client.put("/v1/users/p080/taste", json=own)
    after = client.post("/v1/recommend", json={"user_id": "p080", "k": 10}).json()
    assert before["items"] != after["items"]


def test_users_say_who_they_are_and_are_listed(client, project):
    about = {"attributes": {"age": 33, "city": "K\u00f6ln", "likes": ["a", "b"], "size": 1.5}}
    put = client.put("/v1/users/u-1", json=about)
    assert put.json()["attributes"] == about["attributes"]
    assert client.get("/v1/users/u-1").json()["attributes"] == about["attributes"]
    found, after = [], ""
    while True:
        page = client.get("/v1/users", params={"after": after, "limit": 250}).json()
        found += page["users"]
        after = page["next"]
        if not after:
            break
    assert found == sorted(set(found))
    assert {"u-1", "p001", "p600"} <= set(found)
    assert client.get("/v1/users/nobody").status_code == 404


def test_reset_forgets_what_was_done_here_and_keeps_the_user(client, project):
    sent(client, like("reset-me"), like("p090", "shrek-2001"))
    client.put("/v1/users/reset-me", json={"attributes": {"age": 1}})
    gone = client.post("/v1/users/reset-me/reset").json()["forgotten"]
    assert gone["events"] == 1
    assert client.get("/v1/users/reset-me").json()["events"] == 0
    assert client.post("/v1/users/nobody/reset").status_code == 404


def test_everything_held_is_exported_then_erased(client, project):
    sent(client, like("erase/me", event_id="e-1"))
    client.post("/v1/recommend", json={"user_id": "erase/me", "k": 3})
    told = client.get("/v1/users/erase%2Fme/export").json()
    assert [one["event_id"] for one in told["data"]] == ["e-1"]
    assert len(told["impressions"]) == 3
    assert client.delete("/v1/users/erase%2Fme").status_code == 422
    gone = client.delete("/v1/users/erase%2Fme", params={"erase": "all"}).json()
    assert gone["erased"]["events"] == 1
    assert gone["erased"]["impressions"] == 3
    assert project.store.jobs.get(gone["job_id"]).kind == "train"
    assert client.get("/v1/users/erase%2Fme").status_code == 404
    assert project.store.events.of("erase/me") == []


def test_items_are_added_replaced_or_named(client, project):
    before = len(project.catalog)
    items = [
        {"id": "new/1", "title": "The Vault", "genres": ["Crime"], "year": 2024},
        {"id": "bad", "title": "Bad", "year": "soon"},
        {"title": "No id"},
        "no item",
        {"id": "odd", "title": "Odd", "setting": ["a", "list"]},
        {"id": "heat-1995", "title": "Heat (1995)", "genres": ["Crime"], "year": 1995},
    ]
    told = client.post("/v1/items", json={"items": items}).json()
    assert told["added"] == ["new/1"]
    assert told["replaced"] == ["heat-1995"]
    assert [one["line"] for one in told["rejected"]] == [2, 3, 4, 5]
    assert len(project.catalog) == before + 1
    assert client.get("/v1/items/new%2F1").json()["title"] == "The Vault"
    found = client.post("/v1/search", json={"query": "The Vault", "k": 1}).json()
    assert found["items"][0]["item_id"] == "new/1"


def test_items_are_paged_and_found(client, project):
    found, after = [], ""
    while True:
        page = client.get("/v1/items", params={"after": after, "limit": 100}).json()
        found += [item["item_id"] for item in page["items"]]
        after = page["next"]
        if not after:
            break
    assert found == list(project.catalog.ids)
    first = client.get("/v1/items", params={"query": "heist", "limit": 2}).json()
    more = {"query": "heist", "limit": 2, "after": first["next"]}
    second = client.get("/v1/items", params=more).json()
    assert not {one["item_id"] for one in first["items"]} & {
        one["item_id"] for one in second["items"]
    }
    assert client.get("/v1/items", params={"after": "nope"}).status_code == 404
    assert client.get("/v1/items", params={"limit": 0}).status_code == 422


def test_attributes_and_project_say_what_there_is(client, project):
    told = {one["name"]: one for one in client.get("/v1/attributes").json()["attributes"]}
    assert told["year"]["kind"] == "number"
    assert told["year"]["low"] == 1920
    assert told["genres"]["kind"] == "list"
    assert told["setting"]["kind"] == "text"
    counts = [one["count"] for one in told["genres"]["values"]]
    assert counts == sorted(counts, reverse=True)
    about = client.get("/v1/project").json()
    assert about["items"] == len(project.catalog)
    assert about["signals"]["like"] == 1.0


def test_health_and_what_is_not_there(client):
    assert client.get("/health/live").json() == {"live": True}
    ready = client.get("/health/ready").json()
    assert ready["ready"] is True
    assert ready["store"] == "ok"
    nowhere = client.get("/v1/nothing")
    assert nowhere.status_code == 404
    assert nowhere.headers["content-type"] == "application/problem+json"
    for path, allowed in (("/v1/items", "GET, POST"), ("/v1/users/x", "DELETE, GET, PUT")):
        odd = client.request("PATCH", path)
        assert odd.status_code == 405
        assert odd.headers["allow"] == allowed
    assert client.put("/v1/users/x/reset", json={}).status_code == 405


def test_openapi_declares_every_error_as_a_problem(client):
    told = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in told["components"]["schemas"]
    for path, methods in told["paths"].items():
        if not path.startswith("/v1/") or path.startswith(("/v1/chat", "/v1/models")):
            continue
        for method, route in methods.items():
            for status, answer in route["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, method)
