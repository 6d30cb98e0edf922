"""Pages of other sites do not reach a service on one's own machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.guarded_app import opened

from tastemate.serve.host import name_of, same


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8765", 200),
        ("evil.example", 421),
        ("evil.example:8765", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.168.1.5:8765", 421),
        ("localhost:80@evil", 421),
        ("", 421),
    ],
)
def test_without_a_key_only_loopback_names_are_answered(
    tmp_path: Path, host: str, status: int
) -> None:
    with opened(tmp_path) as app:
        for path in ("/v1/items/1", "/"):
            answer = app.client.get(path, headers={"Host": host})
            assert answer.status_code == status
        assert app.client.get("/health/live", headers={"Host": host}).status_code == 200


def test_with_a_key_any_name_is_answered_unless_names_are_given(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        key = app.key("read") | {"Host": "shop.example"}
        assert app.client.get("/v1/items/1", headers=key).status_code == 200
        assert app.client.get("/", headers={"Host": "shop.example"}).status_code == 200
    with opened(tmp_path / "two", hosts=("Shop.example",)) as app:
        for host, status in (("shop.example:443", 200), ("other.example", 421)):
            assert app.client.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://localhost:8765"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8765.evil.example"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}, 200),
    ],
)
def test_foreign_pages_change_nothing(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    with opened(tmp_path, origins=("https://shop.example/",)) as app:
        assert app.client.post("/v1/recommend", json={}, headers=headers).status_code == status


def test_foreign_pages_may_link_to_the_page_and_not_read_the_api(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert app.client.get("/", headers=foreign).status_code == 200
        assert app.client.get("/v1/items/1", headers=foreign).status_code == 403
        read = app.client.get("/v1/items/1", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in read.headers


def test_names_and_origins() -> None:
    assert name_of("Shop.Example.:443") == "shop.example"
    assert name_of("[2001:db8::1]:80") == "2001:db8::1"
    assert name_of("[::1") == name_of("a:b") == name_of("[::1]x") == ""
    assert same("https://shop.example", "shop.example")
    assert same("https://shop.example:443", "shop.example")
    assert same("http://[::1]:8765", "[::1]:8765")
    assert not same("http://shop.example", "shop.example:8080")
    assert not same("file://shop.example", "shop.example")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_host_or_none(origin: str, host: str) -> None:
    assert ":" not in name_of(host) or host.strip().startswith("[")
    assert same(f"http://{origin}", host) in (True, False)
    assert same(origin, host) in (True, False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1%evil.com",
        "[::1%evil.com]:8765",
        "x@127.0.0.1",
        "127.0.0.1@evil.com",
        "a,localhost",
    ],
)
def test_a_name_that_can_be_read_two_ways_is_none(tmp_path: Path, host: str) -> None:
    assert name_of(host) == ""
    with opened(tmp_path) as app:
        assert app.client.get("/v1/items/1", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil@127.0.0.1:8765", "http://127.0.0.1%25x:8765"])
def test_an_origin_with_more_than_a_name_is_foreign(tmp_path: Path, origin: str) -> None:
    assert not same(origin, "127.0.0.1:8765")
    with opened(tmp_path) as app:
        answer = app.client.post("/v1/recommend", json={}, headers={"Origin": origin})
        assert answer.status_code == 403
