"""A small app behind the real guards and a real store, for the tests of the guards."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from tastemate.serve import problem
from tastemate.serve.auth import Caller, needs
from tastemate.serve.guarding import install
from tastemate.serve.settings import Serving
from tastemate.store.opening import Store, open_store, sqlite_url

HERE = "http://127.0.0.1:8765"
WRITER = Depends(needs("write"))


class Opened:
    """An app, its store, and a client that speaks to it from this machine."""

    def __init__(self, folder: Path, **said: Any) -> None:
        said.setdefault("log_file", str(folder / "log.jsonl"))
        self.log = folder / "log.jsonl"
        self.store: Store = open_store(sqlite_url(folder / "store.db"))
        project = SimpleNamespace(
            store=self.store, name="films", model_version="fast-1", catalog={}, interactions=None
        )
        self.service = SimpleNamespace(settings=Serving(**said), telemetry=None, project=project)
        self.app = app_of(self.service)
        self.release = self.app.state.release
        self.client = TestClient(self.app, base_url=HERE)

    def key(self, *scopes: str, name: str = "shop") -> dict[str, str]:
        """Make a key; return the header that presents it."""
        _, secret = self.store.keys.make(name, scopes)
        return {"Authorization": f"Bearer {secret}"}

    def lines(self) -> str:
        """Return everything that was logged."""
        return self.log.read_text()


@contextmanager
def opened(folder: Path, **said: Any) -> Iterator[Opened]:
    """Open an app, and close what it holds."""
    made = Opened(folder, **said)
    with made.client:
        yield made
    made.release.set()
    made.store.close()


def app_of(service: Any) -> FastAPI:
    """Return an app with one route of each kind."""
    app = FastAPI()
    app.state.release = threading.Event()

    @app.get("/v1/items/{item_id:path}", dependencies=[Depends(needs("read"))])
    def item(item_id: str) -> dict[str, str]:
        return {"item_id": item_id}

    @app.post("/v1/recommend")
    def recommend(body: dict[str, Any], caller: Caller = WRITER) -> dict[str, Any]:
        return {"caller": caller.name, "fields": sorted(body)}

    @app.get("/v1/users/{user_id:path}/taste", dependencies=[Depends(needs("read"))])
    def taste(user_id: str) -> dict[str, str]:
        return {"user_id": user_id}

    @app.post("/v1/jobs", dependencies=[Depends(needs("admin"))])
    def job() -> dict[str, str]:
        return {}

    @app.get("/v1/forgotten")
    def forgotten() -> dict[str, str]:
        return {}

    add_odd_ones(app)
    problem.install(app)
    install(app, service)
    return app


def add_odd_ones(app: FastAPI) -> None:
    """Add routes that are slow, stream, fail, or are open to all."""

    @app.get("/v1/slow")
    def slow() -> dict[str, str]:
        app.state.release.wait(5)
        return {}

    @app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(4):
                yield f"data: {number}\n\n".encode()
                await asyncio.sleep(0.1)

        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.get("/v1/broken")
    def broken() -> None:
        raise RuntimeError("somebody's secret words")

    @app.get("/")
    def page(request: Request) -> dict[str, str]:
        return {"request_id": request.state.request_id}

    @app.get("/health/live")
    def live() -> dict[str, bool]:
        return {"live": True}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
