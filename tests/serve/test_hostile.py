"""What was sent to harm the service, or by mistake, and what it says to it."""

import time
from urllib.parse import quote

import pytest
from tests.serve.projects import small
from tests.serve.rest_app import opened, running

from tastemate.catalog import MOST_ATTRIBUTES
from tastemate.ids import LONGEST
from tastemate.serve.intake import MOST_NEW

CATS = "\N{CAT FACE}" * LONGEST
LIKE = {"item_id": "heat-1995", "kind": "like"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def client(project):
    with running(project) as (made, _):
        yield made


@pytest.fixture
def spare(tmp_path):
    """A client over a small project of its own, whose catalogue may be spoilt."""
    with running(opened(None, small(tmp_path / "project", fitted=True).source)) as (made, _):
        yield made


def posted(client, path, text):
    raw = text if isinstance(text, bytes) else text.encode()
    return client.post(path, content=raw, headers={"content-type": "application/json"})


def rejected(client, *items):
    answer = client.post("/v1/items", json={"items": list(items)})
    assert answer.status_code == 200, answer.text
    return {one["line"]: one["reason"] for one in answer.json()["rejected"]}


def test_one_item_brings_so_many_new_attributes_and_no_more(spare):
    known = len(spare.get("/v1/attributes").json()["attributes"])
    many = {"id": "many", "title": "Many"} | {f"new {at}": "x" for at in range(2_000)}
    told = rejected(spare, many, {"id": "plain", "title": "Plain"})
    assert set(told) == {1}
    assert str(MOST_NEW) in told[1]
    assert len(spare.get("/v1/attributes").json()["attributes"]) == known
    items = [
        {"id": f"i{line}", "title": "T"} | {f"a {line} {at}": "x" for at in range(60)}
        for line in range(5)
    ]
    told = rejected(spare, *items)
    assert set(told) == {4, 5}
    assert all(str(MOST_ATTRIBUTES) in reason for reason in told.values())
    assert len(spare.get("/v1/attributes").json()["attributes"]) <= MOST_ATTRIBUTES


def test_each_line_of_items_is_judged_alone(client):
    before = client.get("/v1/project").json()["items"]
    told = rejected(
        client,
        {"id": "good-1", "title": "Good", "year": 1999, "mood words": ["calm", "slow"]},
        {"id": "b2", "title": "B", "year": -1e300},
        {"id": "b3", "title": "B", "year": 2**60},
        {"id": "b4", "title": "B", "year": True},
        {"id": "b5", "title": "B", "": "x"},
        {"id": "b6", "title": "B", "a\0b": "x"},
        {"id": "b7", "title": "B\0B"},
        {"id": "b8", "title": "B", "genres": ["Crime", "a\0b"]},
        {"id": "b" * (LONGEST + 1), "title": "B"},
        {"id": "b10", "title": "B", "mood words": 7},
        {"id": CATS, "title": "Cats"},
        {"id": "b12", "title": "B", "genres": [["Crime"]]},
        {"id": "b13", "title": "B", "x" * 101: "y"},
        {"id": "b14", "title": "B", "heavy": "y" * 2_001},
    )
    assert set(told) == {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14}
    assert "a line before" in told[10]
    assert client.get("/v1/project").json()["items"] == before + 2
    assert client.get(f"/v1/items/{quote(CATS)}").json()["title"] == "Cats"


@pytest.mark.parametrize("part", ['["a\\ud800b"]', '"a\\ud800b"'])
def test_half_a_character_in_an_attribute_is_one_bad_line(client, part):
    text = (
        f'{{"items":[{{"id":"half","title":"Half","genres":{part}}},'
        '{"id":"whole","title":"Whole"}]}'
    )
    answer = posted(client, "/v1/items", text)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {one["line"] for one in told["rejected"]} == {1}
    assert "whole" in [*told["added"], *told["replaced"]]


def test_an_event_with_an_odd_id_spoils_no_other(client):
    events = [
        LIKE | {"user_id": "batch"},
        LIKE | {"user_id": CATS},
        LIKE | {"user_id": "x" * (LONGEST + 1)},
        LIKE | {"user_id": "batch", "event_id": "a\nb"},
        LIKE | {"user_id": "batch", "session_id": CATS},
    ]
    told = client.post("/v1/events", json={"events": events}).json()
    assert told["accepted"] == 3
    fields = {one["line"]: (one["field"], one["reason"]) for one in told["rejected"]}
    assert {line: field for line, (field, _) in fields.items()} == {3: "user_id", 4: "event_id"}
    assert "control character" in fields[4][1]
    assert client.get(f"/v1/users/{quote(CATS)}/history").json()["total"] == 1


def test_a_rating_needs_a_value_on_the_scale(client, project):
    scale = project.interactions.scale
    rating = {"user_id": "rates", "item_id": "heat-1995", "kind": "rating"}
    values = [scale.low, scale.high, 1e9, -1e9, scale.high * 1.2]
    events = [rating, *(rating | {"value": value} for value in values)]
    told = client.post("/v1/events", json={"events": events}).json()
    fields = {one["line"]: one["field"] for one in told["rejected"]}
    assert fields == {1: "value", 4: "value", 5: "value"}
    assert f"to {scale.high:g}" in told["rejected"][0]["reason"]
    assert client.post("/v1/feedback", json=rating).status_code == 422
    assert client.post("/v1/feedback", json=rating | {"value": 1e6}).status_code == 422
    assert client.post("/v1/feedback", json=rating | {"value": 4}).status_code == 200


@pytest.mark.parametrize("verb", ["taste", "history", "export", "reset"])
def test_a_user_may_be_called_like_a_path(client, project, verb):
    whole, part = f"{verb} of/{verb}", f"{verb} of"
    client.post("/v1/events", json={"events": [LIKE | {"user_id": who} for who in (whole, part)]})
    at = quote(whole, safe="")
    assert client.get(f"/v1/users/{at}").json()["user_id"] == whole
    assert client.get(f"/v1/users/{at}/history").json()["user_id"] == whole
    assert client.get(f"/v1/users/{at}/taste").json()["user_id"] == whole
    assert client.put(f"/v1/users/{at}", json={"attributes": {"a": 1}}).status_code == 200
    gone = client.delete(f"/v1/users/{at}", params={"erase": "all"}).json()
    assert gone["erased"]["events"] == 1
    assert len(project.store.events.of(part)) == 1
    missing = client.get(f"/v1/users/{at}")
    assert missing.status_code == 404
    assert missing.json()["instance"] == f"/v1/users/{whole}"
    assert client.get(f"/v1/users/{quote(part)}/history").json()["total"] == 1


def test_a_key_that_may_only_write_reads_nothing(tmp_path):
    with running(opened(tmp_path)) as (client, service):
        keys = {
            scopes: {"Authorization": f"Bearer {service.store.keys.make('k', scopes)[1]}"}
            for scopes in (("write",), ("read",), ("read", "write"))
        }
        edit = {"attribute": "genres", "value": "Western", "likes": True}
        begun = client.post("/v1/sessions", json={"user_id": "p001"}, headers=keys["write",])
        session = begun.json()["session_id"]
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        chat = {"model": "tastemate", "messages": [{"role": "user", "content": "a heist"}]}
        takes = {"Accept": "application/json, text/event-stream"}
        asked = [
            ("GET", "/v1/users/p001/export", None),
            ("PUT", "/v1/users/p001/taste", edit),
            ("DELETE", "/v1/users/p001/taste", None),
            ("POST", f"/v1/sessions/{session}/messages", {"message": "a heist"}),
            ("POST", "/v1/chat/completions", chat),
            ("POST", "/v1/mcp", call),
        ]
        for method, path, body in asked:
            found = [
                client.request(method, path, json=body, headers=key | takes).status_code
                for key in keys.values()
            ]
            assert found == [403, 403, 200], path
        events = {"events": [LIKE | {"user_id": "w"}]}
        assert client.post("/v1/events", json=events, headers=keys["write",]).status_code == 200


@pytest.mark.parametrize("wish", ["genres", "year>1990", ">=3"])
def test_a_filter_that_cannot_be_read_is_told_in_words(client, wish):
    answer = client.post("/v1/recommend", json={"user_id": "p001", "filters": [wish]})
    assert answer.status_code == 422
    told = answer.json()["errors"]
    assert [one["field"] for one in told] == ["filters[0]"]
    assert "attribute, sign, value" in told[0]["reason"]
    assert "year>=1990" in told[0]["reason"]


def test_fields_are_named_as_they_were_sent(client):
    answer = client.post("/v1/recommend", json={"user_id": 7, "session_id": "x" * 300, "k": "9"})
    told = {one["field"]: one["reason"] for one in answer.json()["errors"]}
    assert set(told) == {"user_id", "session_id", "k"}
    assert "valid string" in told["user_id"]
    assert "256" in told["session_id"]
    items = {"user_id": "p001", "items": [{"id": "a", "title": "A", "genres": ["x", {}]}]}
    told = client.post("/v1/rerank", json=items).json()["errors"]
    assert "items[0].genres[1]" in {one["field"] for one in told}
    assert not any("Own" in one["field"] or "list" in one["field"] for one in told)


def test_what_is_no_json_is_told_with_its_place(client):
    told = posted(client, "/v1/similar", '{"item_id":\n  "heat-1995",}').json()
    assert [one["field"] for one in told["errors"]] == ["body"]
    assert "line 2, column" in told["errors"][0]["reason"]


@pytest.mark.parametrize("kind", ["utf-16", "utf-16-be", "utf-32"])
def test_bodies_are_utf8(client, kind):
    answer = posted(client, "/v1/similar", '{"item_id": "heat-1995"}'.encode(kind))
    assert answer.status_code == 415
    assert posted(client, "/v1/similar", '{"item_id": "heat-1995"}').status_code == 200


def test_a_query_that_nobody_reads_is_refused(client):
    answer = client.get("/v1/items", params={"limt": 3})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "limt"
    assert "limit" in answer.json()["errors"][0]["reason"]
    for path in ("/v1/items?limit=3", "/v1/users?after=&limit=2", "/?theme=x", "/health/live?x=1"):
        assert client.get(path).status_code == 200, path
    chat = {"model": "tastemate", "messages": [{"role": "user", "content": "a heist"}]}
    assert client.post("/v1/chat/completions?api-version=1", json=chat).status_code == 200


def test_the_user_of_another_protocol_is_an_id_too(client):
    chat = {"model": "tastemate", "messages": [{"role": "user", "content": "a heist"}]}
    assert client.post("/v1/chat/completions", json=chat | {"user": "a\nb"}).status_code == 400
    assert client.post("/v1/chat/completions", json=chat | {"user": ""}).status_code == 200


def test_many_wrong_lines_are_told_quickly(client):
    items = [{"id": f"o{at}", "title": 7, "genres": [{}]} for at in range(1_000)]
    began = time.perf_counter()
    assert client.post("/v1/rerank", json={"items": items}).status_code == 422
    assert time.perf_counter() - began < 2.0
