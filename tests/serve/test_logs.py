"""One line a request, and nothing in it that anybody said."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.guarded_app import Opened, opened

from tastemate.errors import Unavailable
from tastemate.serve.guarding import hash_of
from tastemate.serve.logs import SANE, open_log


def logged(app: Opened) -> list[dict[str, object]]:
    return [json.loads(line) for line in app.lines().splitlines()]


def test_a_line_says_what_was_asked_by_template(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        key = app.key("read", name="the shop")
        answer = app.client.get("/v1/users/ann%40example.org/taste?query=secret", headers=key)
        assert answer.status_code == 200
        (line,) = logged(app)
        assert line["route"] in ("/v1/users/{user_id:path}/taste", "/v1/users/{user_id}/taste")
        assert line["method"] == "GET"
        assert line["status"] == 200
        assert line["caller"] == "the shop"
        assert line["request_id"] == answer.headers["x-request-id"]
        assert isinstance(line["ms"], float)
        assert line["level"] == "info"
        assert "user" not in line


def test_nothing_anybody_wrote_is_logged(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        words = "nobody should read this"
        app.client.post("/v1/recommend", json={"query": words, "user_id": "ann@example.org"})
        app.client.get(f"/v1/items/{words}?query={words}")
        app.client.get("/v1/nothing", params={"q": words})
        app.client.get("/v1/broken", headers={"User-Agent": words, "Referer": words})
        assert len(logged(app)) == 4
        for part in (words, "nobody", "ann@", "somebody's secret words"):
            assert part not in app.lines()


def test_users_are_named_by_a_hash_of_the_store_where_wanted(tmp_path: Path) -> None:
    with opened(tmp_path, log_users="hashed") as app:
        app.key("read")
        key = app.key("write")
        app.client.post("/v1/recommend", json={"user_id": "ann"}, headers=key)
        (line,) = logged(app)
        assert line["user"] == hash_of(app.store.id, "ann")
        assert "ann" not in app.lines()
        assert hash_of("another store", "ann") != line["user"]


def test_a_surprise_is_logged_by_place_and_answered_by_id(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        answer = app.client.get("/v1/broken")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret words" not in answer.text
        (line,) = logged(app)
        assert line["level"] == "error"
        assert line["error"] == "RuntimeError"
        assert "broken" in str(line["where"])
        assert line["request_id"] == answer.json()["request_id"]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("a1-b2.c_3", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ('a","level":"error', False),
        ("a b", False),
        ("é", False),
        ("", False),
        ("-", False),
    ],
)
def test_request_ids_are_taken_if_sane(tmp_path: Path, sent: str, taken: bool) -> None:
    with opened(tmp_path) as app:
        given = app.client.get("/", headers={"X-Request-Id": sent.encode()})
        assert (given.headers["x-request-id"] == sent) == taken
        assert given.json()["request_id"] == given.headers["x-request-id"]
        assert logged(app)[0]["request_id"] == given.headers["x-request-id"]


@given(st.text(max_size=80))
def test_a_sane_id_breaks_no_line(sent: str) -> None:
    if SANE.fullmatch(sent):
        assert sent.isascii()
        assert json.loads(f'"{sent}"') == sent


def test_a_full_disk_stops_no_request(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with opened(tmp_path, log_file="/dev/full") as app:
        assert app.client.get("/v1/items/1").status_code == 200
        told = app.client.get("/metrics").text
        assert 'tastemate_happened_total{what="log_line_dropped"' in told


def test_no_log_where_none_is_wanted(tmp_path: Path) -> None:
    with opened(tmp_path, log_file="none") as app:
        assert app.client.get("/").status_code == 200
        assert not app.log.exists()


def test_a_log_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="log_file"):
        open_log(str(tmp_path / "file" / "log"))
