"""A real server in this process, and a real browser; both end with the tests."""

import csv
import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tastemate.project import Tastemate

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
BOOKS = 400


class Site:
    """A server at an address."""

    def __init__(self, project: Tastemate) -> None:
        uvicorn = pytest.importorskip("uvicorn")
        from tastemate.serve.app import create_app
        from tastemate.serve.service import Service
        from tastemate.serve.settings import Serving

        self.service = Service(project, Serving(log_file="none"))
        options = {"host": "127.0.0.1", "port": 0, "ws": "none", "log_level": "error"}
        self._server = uvicorn.Server(uvicorn.Config(create_app(self.service), **options))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 60
        while not (self._server.started and self._server.servers):
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        while httpx.get(f"{self.url}/health/ready").status_code != 200:
            assert time.monotonic() < end, "the server was not ready"
            time.sleep(0.05)
        first = {"k": 2, "events": [{"item_id": project.catalog.ids[0]}], "budget_ms": 60_000}
        assert httpx.post(f"{self.url}/v1/recommend", json=first, timeout=60).status_code == 200

    def close(self) -> None:
        """End the server."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The bundled sample, served."""
    home = tmp_path_factory.mktemp("films")
    site = Site(Tastemate.open("films", home=home))
    yield site
    site.close()


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The first books of goodbooks, served; nobody has met any of them."""
    source = Path(os.environ.get("TASTEMATE_DATA", "")) / "goodbooks"
    if not (source / "books.csv").is_file():
        pytest.skip("goodbooks is not at TASTEMATE_DATA")
    folder = tmp_path_factory.mktemp("goodbooks")
    for name in ("books.csv", "book_genres.csv"):
        with (source / name).open(encoding="utf-8", newline="") as whole:
            rows = list(itertools.islice(csv.reader(whole), BOOKS + 1))
        with (folder / name).open("w", encoding="utf-8", newline="") as part:
            csv.writer(part).writerows(rows)
    site = Site(Tastemate.open(folder, home=tmp_path_factory.mktemp("books")))
    yield site
    site.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium, or a skip that says why there is none.

    Of one file: while it runs, no other event loop can in this thread.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"there is no {CHROMIUM}")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Tab:
    """A page and what its console said."""

    def __init__(self, browser, **context) -> None:
        context.setdefault("viewport", {"width": 1280, "height": 900})
        context.setdefault("reduced_motion", "reduce")
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.said: list[str] = []
        self.page.on("console", lambda m: m.type == "error" and self.said.append(m.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation',"
            "e => console.error('CSP ' + e.violatedDirective))"
        )

    def onboard(self, url: str, picks: int = 5):
        """Open the page and pick the first few items; the feed is there when this returns."""
        self.page.goto(url)
        for at in range(picks):
            self.page.locator(".pick").nth(at).click()
        self.page.locator(".pick-bar [type=submit]").click()
        self.page.wait_for_selector(".card .open")
        return self.page


@pytest.fixture
def tab(browser):
    """Make a new visitor's page; in the end no console may hold an error."""
    made: list[Tab] = []

    def new(**context) -> Tab:
        made.append(Tab(browser, **context))
        return made[-1]

    yield new
    for one in made:
        one.context.close()
    assert [said for one in made for said in one.said] == []
