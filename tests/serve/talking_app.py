"""A small app with the routes of conversations alone, and a real server over it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.serve import problem
from tastemate.serve.auth import LOCAL, Caller
from tastemate.serve.routes import mcp, openai_api, talk
from tastemate.serve.service import Service


class Called:
    """Says who calls, which what guards the service does."""

    def __init__(self, app: ASGIApp, caller: Caller | None = LOCAL) -> None:
        self.app, self.caller = app, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.caller is not None:
            scope.setdefault("state", {})["caller"] = self.caller
        await self.app(scope, receive, send)


def small_app(service: Service, caller: Caller | None = LOCAL) -> FastAPI:
    """Return the app."""
    app = FastAPI(redirect_slashes=False)
    problem.install(app)
    app.include_router(talk.router(service))
    app.include_router(openai_api.router(service))
    app.include_router(mcp.router(service))
    app.add_middleware(Called, caller=caller)
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app on loopback until the block ends; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        port = listening.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", lifespan="on", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        end = time.monotonic() + 10
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)
