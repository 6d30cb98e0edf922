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


def test_only_the_word_that_is_named_is_taken_back(client):
    ids = {}
    for kind in ("like", "save"):
        word = {"user_id": "fb-2", "item_id": "heat-1995", "kind": kind}
        ids[kind] = client.post("/v1/feedback", json=word).json()["event_id"]
    client.delete(f"/v1/feedback/{ids['like']}")
    kinds = [one["kind"] for one in client.get("/v1/users/fb-2/history").json()["events"]]
    assert kinds == ["save"]


def test_two_long_ids_are_taken_back_each_by_itself(client):
    names = ["x" * 255 + end for end in "ab"]
    films = ("heat-1995", "shrek-2001")
    sent(
        client, *(like("fb-3", item, event_id=one) for item, one in zip(films, names, strict=True))
    )
    for name in names:
        assert client.delete(f"/v1/feedback/{name}").json()["accepted"] == 1
    assert client.get("/v1/users/fb-3/history").json()["total"] == 0


def test_a_word_from_a_clock_ahead_of_ours_is_taken_back(client):
    sent(client, like("fb-4", event_id="ahead", timestamp=int(time.time()) + 120))
    assert client.delete("/v1/feedback/ahead").json()["accepted"] == 1
    assert client.get("/v1/users/fb-4/history").json()["total"] == 0


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


def test_one_word_of_a_taste_is_taken_back(client):
    path = "/v1/users/page-one/taste"
    for value, likes in (("Crime", True), ("Drama", False)):
        said = {"attribute": "genres", "value": value, "likes": likes}
        assert client.put(path, json=said).status_code == 200
    half = client.delete(path, params={"attribute": "genres"})
    assert half.status_code == 422
    assert "both" in half.json()["detail"]
    told = client.delete(path, params={"attribute": "genres", "value": "Crime"}).json()
    assert told["edits"] == [{"attribute": "genres", "value": "Drama", "likes": False}]
    assert "Crime" not in told["text"]
    again = client.delete(path, params={"attribute": "genres", "value": "Crime"})
    assert again.json()["edits"] == told["edits"]
    assert client.delete(path).json()["edits"] == []


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


def test_who_only_left_traces_can_take_them_along_and_away(client, project):
    client.post("/v1/recommend", json={"user_id": "traces", "k": 3})
    client.post("/v1/complaints", json={"user_id": "traces", "kind": "unfair"})
    session = client.post("/v1/sessions", json={"user_id": "traces"}).json()["session_id"]
    assert client.get("/v1/users/traces").status_code == 404  # nothing to recommend by
    told = client.get("/v1/users/traces/export").json()
    held = {name: len(told[name]) for name in ("impressions", "complaints", "sessions", "data")}
    assert held == {"impressions": 3, "complaints": 1, "sessions": 1, "data": 0}
    assert client.post("/v1/users/traces/reset").json()["forgotten"]["sessions"] == 1
    assert client.get(f"/v1/sessions/{session}").status_code == 404
    told = client.delete("/v1/users/traces", params={"erase": "all"}).json()
    assert (told["erased"]["impressions"], told["erased"]["complaints"]) == (3, 1)
    for method, path in (("GET", "/export"), ("DELETE", "?erase=all"), ("POST", "/reset")):
        assert client.request(method, f"/v1/users/traces{path}").status_code == 404
    assert project.store.users.hash_of("nobody") not in project.store.users.erased()


def test_erasing_says_where_copies_lie(client, project):
    place = project.work.folder / "exports" / "20260101-000000"
    place.mkdir(parents=True)
    sent(client, like("copied"))
    told = client.delete("/v1/users/copied", params={"erase": "all"}).json()
    assert str(place.parent) in told["note"]
    assert "backups" not in told["note"]
    place.rmdir()


def test_what_is_changed_is_in_the_audit_log_by_key_and_without_names(project, tmp_path):
    mine = opened(tmp_path)
    with running(mine) as (caller, _):
        caller.post("/v1/complaints", json={"user_id": "ann", "kind": "other"})
        key, secret = mine.store.keys.make("shop", ["admin"])
        caller.headers["Authorization"] = f"Bearer {secret}"
        sent(caller, like("ann-77"))
        items = [{"id": "new", "title": "New"}, {"id": "heat-1995", "title": "Heat"}]
        caller.post("/v1/items", json={"items": items})
        caller.post("/v1/items", json={"items": [{"title": "no id"}]})  # nothing is changed
        caller.delete("/v1/users/ann-77/taste")
        caller.post("/v1/users/ann-77/reset")
        caller.put("/v1/users/ann-77", json={"attributes": {"age": 1}})
        caller.delete("/v1/users/ann-77", params={"erase": "all"})
        assert caller.delete("/v1/users/nobody", params={"erase": "all"}).status_code == 404
        job = caller.post("/v1/jobs", json={"kind": "backup"}).json()["job_id"]
        assert caller.post("/v1/train", json={}).status_code == 409
        caller.post("/v1/evaluate", json={"seed": 3})
        caller.post(f"/v1/jobs/{job}/cancel")
        arms = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]
        made = caller.post("/v1/experiments", json={"id": "e", "arms": arms})
        assert made.status_code == 201, made.text
        caller.post("/v1/experiments/e/stop")
        lines = mine.store.audit.all()
        token = f"user {mine.store.users.hash_of('ann-77')}"
    assert [(one.actor, one.action) for one in lines] == [
        ("local", "complain"),
        *(
            (key, action)
            for action in (
                "add items", "reset taste", "reset user", "erase user", "ask for backup",
                "ask for evaluate", "cancel job", "begin experiment", "stop experiment",
            )
        ),
    ]  # fmt: skip
    assert lines[1].detail == {"added": 1, "replaced": ["heat-1995"]}
    assert [one.target for one in lines[2:5]] == [token] * 3
    assert lines[4].detail["rows"]["users"] == 1
    assert (lines[5].target, lines[7].target) == (job, job)
    assert (lines[6].detail, lines[8].target) == ({"seed": 3}, "e")
    assert "ann-77" not in str(lines)


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
