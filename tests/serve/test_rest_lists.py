"""Lists over HTTP: what is answered, what is kept, pages, and what is refused."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.rest_app import QUIET, opened, running

from tastemate.errors import ConfigError
from tastemate.serve import cursor
from tastemate.serve.settings import Serving, serving


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def both(project):
    with running(project) as made:
        yield made


@pytest.fixture(scope="module")
def client(both):
    return both[0]


@pytest.fixture(scope="module")
def service(both):
    return both[1]


def ask(client, path="/v1/recommend", status=200, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def ids(listed):
    return [item["item_id"] for item in listed["items"]]


def no_null(value):
    if isinstance(value, dict):
        return all(no_null(one) for one in value.values())
    if isinstance(value, list):
        return all(no_null(one) for one in value)
    return value is not None


def test_a_list_is_what_the_library_answers_and_holds_no_null(client, project):
    listed = ask(client, user_id="p012", k=5)
    assert ids(listed) == project.recommend("p012", 5).ids
    assert [item["rank"] for item in listed["items"]] == [1, 2, 3, 4, 5]
    assert listed["fallback"] == ""
    assert listed["degraded"] == []
    assert listed["model_version"] == project.model_version
    assert no_null(listed)
    best = listed["items"][0]
    assert best["sources"]
    bound = {fact["id"] for fact in best["reason"]["evidence"]}
    assert all(set(clause["evidence"]) <= bound for clause in best["reason"]["clauses"])


def test_a_kept_answer_is_the_same_under_a_new_id(client, service):
    first = ask(client, user_id="p020")
    hits = service.answers.hits
    again = ask(client, user_id="p020")
    assert service.answers.hits > hits
    assert again["items"] == first["items"]
    assert again["recommendation_id"] != first["recommendation_id"]


def test_the_next_answer_knows_what_was_just_done(client):
    before = ask(client, user_id="p021", k=3)
    gone = before["items"][0]["item_id"]
    taken = ask(client, "/v1/feedback", user_id="p021", item_id=gone, kind="dislike")
    after = ask(client, user_id="p021", k=3)
    assert gone not in ids(after)
    answer = client.delete(f"/v1/feedback/{taken['event_id']}")
    assert answer.status_code == 200
    assert ids(ask(client, user_id="p021", k=3)) == ids(before)


def test_a_new_user_gets_what_most_chose_and_is_told_so(client):
    listed = ask(client, user_id="somebody/new \N{CAT FACE}")
    assert len(listed["items"]) == 10
    assert "Nothing is known of this user yet" in listed["fallback"]
    assert ask(client, user_id="somebody/new", query="a tense heist")["fallback"] == ""
    assert "Nobody was named" in ask(client)["fallback"]


def test_what_a_visitor_just_did_counts_for_this_list_only(client, project):
    plain = ask(client, k=5)
    listed = ask(client, k=5, events=[{"item_id": "heat-1995"}])
    assert ids(listed) != ids(plain)
    assert "heat-1995" not in ids(listed)
    assert project.store.events.count() == project.store.events.last()
    assert ids(ask(client, k=5)) == ids(plain)


def test_filters_and_exclusions_hold(client):
    listed = ask(client, user_id="p012", k=20, filters=["year>=1990", "genres=Crime"])
    assert listed["items"]
    for item in listed["items"]:
        assert item["attributes"]["year"] >= 1990
        assert "Crime" in item["attributes"]["genres"]
    out = ids(listed)[:2]
    again = ask(client, user_id="p012", k=20, filters=["genres=Crime"], exclude_ids=[*out, "gone"])
    assert not set(out) & set(ids(again))


def test_pages_go_to_the_end_without_repeats_whatever_happens_between(client, project):
    body = {"user_id": "p030", "k": 100, "filters": ["year>=1960"], "explain": False}
    seen, mark, pages = [], "", 0
    while True:
        listed = ask(client, **body, cursor=mark)
        assert [item["rank"] for item in listed["items"]] == [
            len(seen) + place for place in range(1, len(listed["items"]) + 1)
        ]
        seen += ids(listed)
        pages += 1
        mark = listed["cursor"]
        if not mark:
            break
        for item in ids(listed)[:2]:
            ask(client, "/v1/feedback", user_id="p030", item_id=item, kind="like")
    assert len(seen) == len(set(seen))
    history = project.history("p030")
    kept = {
        item.id
        for row, item in enumerate(project.catalog)
        if item.attributes["year"] >= 1960 and row not in set(history.items.tolist())
    }
    assert kept <= set(seen)
    assert pages > 2


def test_a_cursor_of_another_request_is_refused(client):
    mark = ask(client, user_id="p012", k=5)["cursor"]
    wrong = ask(client, status=409, user_id="p013", k=5, cursor=mark)
    assert wrong["errors"][0]["field"] == "cursor"
    for odd in ("x", "AAAA", "\N{CAT FACE}", mark[:-6], "A" * 400_000):
        assert ask(client, status=409, user_id="p012", k=5, cursor=odd)["status"] == 409


@given(st.sets(st.integers(0, 500)))
def test_a_cursor_holds_its_rows(rows):
    assert cursor.read(cursor.write("asked", rows), "asked", 501) == frozenset(rows)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_a_cursor_that_is_none_is_an_error_of_ours(text):
    with pytest.raises(ConfigError):
        cursor.read(text, "asked", 10)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"k": 0}, "k"),
        ({"k": 101}, "k"),
        ({"k": "10"}, "k"),
        ({"k": 1.5}, "k"),
        ({"k": True}, "k"),
        ({"user_id": 7}, "user_id"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"user_id": "x" * 257}, "user_id"),
        ({"diversity": 2}, "diversity"),
        ({"filters": "year>=1990"}, "filters"),
        ({"filters": ["year"]}, "filters[0]"),
        ({"exclude_ids": ["x"] * 1001}, "exclude_ids"),
        ({"events": [{"item_id": "heat-1995", "kind": "lik"}]}, "events[0].kind"),
        ({"events": [{"kind": "like"}]}, "events[0].item_id"),
        ({"context": {"company": "ghosts"}}, "context"),
        ({"rerank": "best"}, "rerank"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_not_understood_names_field_and_reason(client, body, field):
    wrong = ask(client, status=422, **body)
    assert wrong["errors"][0]["field"].startswith(field)
    assert wrong["errors"][0]["reason"]
    assert wrong["request_id"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[",
        b"null",
        b"[]",
        b'{"k":NaN}',
        b'{"diversity":Infinity}',
        b'{"user_id":"\xff"}',
        b'{"user_id":"\\ud800"}',
        b'{"k":' + b"9" * 5000 + b"}",
        b'{"events":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
def test_bodies_that_are_no_requests_are_refused(client, raw):
    answer = client.post("/v1/recommend", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (413, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_the_catalogue_does_not_have_is_not_found(client):
    wrong = ask(client, status=404, filters=["yaer>=1990"])
    assert "year" in wrong["detail"]
    assert wrong["errors"][0]["field"] == "filters[0]"
    assert ask(client, status=404, filters=["genres=Crme"])["errors"]
    ask(client, status=404, events=[{"item_id": "nope"}])
    ask(client, status=404, session_id="nope")
    ask(client, status=404, model="nope")


def test_one_wrong_request_does_not_fail_its_neighbours(service):
    from tastemate.serve.problem import Problem
    from tastemate.serve.schemas import Recommend

    found = service._answer(
        [
            Recommend(user_id="p040"),
            Recommend(user_id="p041", filters=["nothing=here"]),
            Recommend(user_id="p042", model="nope"),
            Recommend(user_id="p043", query="heist"),
        ]
    )
    assert isinstance(found[1], Problem)
    assert isinstance(found[2], Exception)
    assert found[0].shown
    assert found[3].shown


def test_over_the_budget_there_is_a_lesser_answer_that_says_so(project, monkeypatch):
    history = {project.catalog.ids[row] for row in project.history("p050").items.tolist()}
    with running(project, Serving(log_file="none", cached=0)) as (client, _):
        free = threading.Event()
        answer = project.dispatch.recommend_all

        def slow(*given, **more):
            free.wait(5)
            return answer(*given, **more)

        monkeypatch.setattr(project.dispatch, "recommend_all", slow)
        began = time.perf_counter()
        listed = ask(client, user_id="p050", k=5, budget_ms=50, filters=["year>=1990"])
        took = time.perf_counter() - began
        free.set()
    assert took < 2
    assert "50 ms were over" in listed["fallback"]
    assert len(listed["items"]) == 5
    assert all(item["attributes"]["year"] >= 1990 for item in listed["items"])
    assert not history & set(ids(listed))
    assert listed["items"][0]["sources"][0]["name"] == "popular"


def test_a_language_model_that_is_not_there_is_said(client):
    listed = ask(client, user_id="p012", k=3, rerank="llm")
    assert "No language model is set" in listed["degraded"][0]
    assert len(listed["items"]) == 3


def test_lists_are_logged_as_shown(client, service, project):
    listed = ask(client, user_id="p060", k=4)
    service.impressions.flush()
    rows = project.store.impressions.of(listed["recommendation_id"])
    assert [row.item for row in rows] == ids(listed)
    assert [row.position for row in rows] == [1, 2, 3, 4]
    assert {row.user for row in rows} == {"p060"}
    assert {row.model for row in rows} == {project.model_version}


def test_an_arm_sets_what_the_request_does_not_say(project):
    class Halves:
        def arms(self, user, session=""):
            return [("novel", "on", {"novelty": 1.0})] if user == "p070" else []

        def look(self):
            return None

    with running(project) as (client, service):
        service.trials = Halves()
        plain = ask(client, user_id="p070", k=10, novelty=0.0)
        turned = ask(client, user_id="p070", k=10)
        assert turned["experiments"] == plain["experiments"] == [{"id": "novel", "arm": "on"}]
        assert ids(turned) != ids(plain)
        assert ids(turned) == ids(ask(client, user_id="p070", k=10, novelty=1.0))
        service.impressions.flush()
        rows = project.store.impressions.of(turned["recommendation_id"])
        assert {row.arm for row in rows} == {"novel=on"}


def test_similar_and_search(client):
    near = ask(client, "/v1/similar", item_id="heat-1995", k=5)
    assert len(near["items"]) == 5
    assert "heat-1995" not in ids(near)
    ask(client, "/v1/similar", status=404, item_id="nope")
    found = ask(client, "/v1/search", query="bank robbery", k=3, filters=["year>=1990"])
    assert all(item["attributes"]["year"] >= 1990 for item in found["items"])
    ask(client, "/v1/search", status=422, query="")


def test_ones_own_items_are_ranked_and_forgotten(client, project):
    items = len(project.catalog)
    mine = [
        {"id": "new-1", "title": "Farce", "text": "a silly wedding comedy", "genres": ["Comedy"]},
        {"id": "new-2", "title": "The Vault", "text": "a bank heist goes wrong", "year": 2024},
        {"item_id": "heat-1995"},
    ]
    told = ask(client, "/v1/rerank", items=mine, query="bank heist")
    assert {item["item_id"] for item in told["items"]} == {"new-1", "new-2", "heat-1995"}
    assert ids(told)[-1] == "new-1"
    assert [item["known"] for item in told["items"] if item["item_id"] == "new-2"] == [False]
    assert len(project.catalog) == items
    known = [{"item_id": "shrek-2001"}, {"item_id": "heat-1995"}]
    scores = ask(client, "/v1/rerank", user_id="p012", items=known)
    alone = ask(client, "/v1/explain", user_id="p012", item_id="heat-1995")
    mine = {item["item_id"]: item["score"] for item in scores["items"]}
    assert mine["heat-1995"] == pytest.approx(alone["item"]["score"], abs=1e-4)
    order = ask(client, "/v1/rerank", user_id="nobody", items=known)
    assert ids(order) == ["shrek-2001", "heat-1995"]
    assert "Nothing is known" in order["fallback"]
    ask(client, "/v1/rerank", status=404, items=[{"item_id": "nope"}])
    ask(client, "/v1/rerank", status=422, items=[{"id": "x"}])
    ask(client, "/v1/rerank", status=422, items=[{"id": "x", "title": "x", "year": "soon"}])


def test_explain_and_compare(client):
    told = ask(client, "/v1/explain", user_id="p012", item_id="heat-1995")
    assert told["item"]["reason"]["text"]
    assert told["seen"] is True
    assert no_null(told)
    held = ask(client, "/v1/compare", user_id="p012", item_ids=["heat-1995", "shrek-2001"])
    assert held["best"] in ("heat-1995", "shrek-2001")
    ask(client, "/v1/compare", status=422, user_id="p012", item_ids=["heat-1995", "heat-1995"])
    ask(client, "/v1/explain", status=404, user_id="nobody", item_id="heat-1995")


def test_explain_says_whether_somebody_has_met_an_item_already(client, project):
    history = project.interactions.history_of("p012").items
    met = project.catalog.ids[history[0]]
    told = ask(client, "/v1/explain", user_id="p012", item_id=met)
    assert told["seen"] is True
    evidence = told["item"]["reason"]["evidence"]
    assert [one["item_id"] for one in evidence if one["kind"] == "seen"] == [met]

    def seen(item):
        return ask(client, "/v1/explain", user_id="just-seen", item_id=item)["seen"]

    said = {"user_id": "just-seen", "item_id": "heat-1995", "kind": "seen"}
    event = ask(client, "/v1/feedback", **said)["event_id"]
    assert (seen("heat-1995"), seen("shrek-2001")) == (True, False)
    assert client.delete(f"/v1/feedback/{event}").status_code == 200
    assert seen("heat-1995") is False


def test_settings_are_checked():
    assert serving({"fresh": 0.5}).fresh == 0.5
    for wrong in ({"fresh": -1}, {"batch": 0}, {"fresch": 1}):
        with pytest.raises(ConfigError):
            serving(wrong)
    assert QUIET.batch == Serving().batch
