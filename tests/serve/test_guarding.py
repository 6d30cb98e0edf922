"""The guards before the whole service: no route of it is forgotten."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tastemate.project import Tastemate
from tastemate.serve.app import create_app
from tastemate.serve.guarding import spared
from tastemate.serve.logs import Seen
from tastemate.serve.service import Service
from tastemate.serve.settings import Serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    tm = Tastemate.open("films", home=tmp_path_factory.mktemp("films"))
    return Service(tm, Serving(log_file="none", rate_per_key=0, rate_per_user=0))


def test_every_operation_needs_a_scope(service: Service) -> None:
    _, secret = service.project.store.keys.make("nobody", [])
    app = create_app(service)
    client = TestClient(app, base_url="http://localhost", headers={"X-API-Key": secret})
    asked = 0
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            if not path.startswith("/v1/"):
                continue
            url = path.replace("{", "").replace("}", "")
            body = {"json": {}} if method in ("post", "put", "patch") else {}
            answer = client.request(method.upper(), url, **body)
            assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
            asked += 1
    assert asked > 30


def test_reading_keys_change_nothing(service: Service) -> None:
    _, secret = service.project.store.keys.make("reader", ["read"])
    app = create_app(service)
    client = TestClient(app, base_url="http://localhost", headers={"X-API-Key": secret})
    for method, path in (
        ("POST", "/v1/events"),
        ("POST", "/v1/items"),
        ("DELETE", "/v1/users/ann"),
        ("POST", "/v1/jobs"),
        ("GET", "/v1/operator/audit"),
    ):
        body = {"json": {}} if method == "POST" else {}
        assert client.request(method, path, **body).status_code == 403, path


def test_the_page_has_nothing_within_it_that_the_policy_forbids(service: Service) -> None:
    client = TestClient(create_app(service), base_url="http://localhost")
    for path in ("/", "/operator"):
        page = client.get(path)
        if page.status_code != 200:
            continue
        text = page.text.lower()
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "javascript:" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "<script>" not in text


def test_the_state_folder_holds_no_secret(service: Service) -> None:
    _, secret = service.project.store.keys.make("shop", ["read"])
    folder: Path = service.project.work.folder
    for path in folder.rglob("*"):
        if path.is_file():
            assert secret.split("_", 2)[2].encode() not in path.read_bytes()


def test_probes_that_went_well_and_what_a_terminal_need_not_see_leave_no_line():
    def seen(route, status, error=None):
        return Seen({}, route, status, 0.1, error)

    assert spared(seen("/health/ready", 200))
    assert not spared(seen("/health/ready", 503))
    assert not spared(seen("/v1/recommend", 200))
    assert spared(seen("/v1/recommend", 404), least=500)
    assert not spared(seen("/v1/recommend", 500), least=500)
    assert not spared(seen("/static", 200, ValueError()), least=500)
