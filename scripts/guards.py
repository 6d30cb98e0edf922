"""What all guards of the service together cost a request: the app called as ASGI, with and without.

    python scripts/guards.py [--rounds 15] [--requests 300]

Both apps answer alike, in turns, with a key, log lines to a file with hashed users, rates and
limits on; the medians of the rounds are compared.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from tastemate.serve.guarding import install
from tastemate.serve.settings import Serving
from tastemate.store.opening import Store, open_store, sqlite_url

BODY = json.dumps({"user_id": "u1", "k": 10, "filters": ["year>=1990"], "query": "a quiet one"})


def app_of(folder: Path, store: Store, *, guarded: bool) -> FastAPI:
    """Return an app whose only route does nothing."""
    app = FastAPI()

    @app.post("/v1/recommend")
    async def recommend() -> Response:
        return Response(b"{}")

    if guarded:
        said = Serving(
            log_file=str(folder / "log"), log_users="hashed", rate_per_key=1e6, rate_per_user=1e6
        )
        project = SimpleNamespace(store=store)
        install(app, SimpleNamespace(settings=said, telemetry=None, project=project))
    return app


async def ask(app: FastAPI, secret: str) -> int:
    """Ask once; return the status."""
    body = BODY.encode()
    headers = {
        "host": "127.0.0.1:8765",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "authorization": f"Bearer {secret}",
        "user-agent": "guards",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/recommend",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5),
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    await app(scope, receive, send)
    return statuses[0]


async def measure(rounds: int, requests: int) -> dict[str, float]:
    """Return the loop's microseconds of processor a request: without guards, with, and between."""
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        store = open_store(sqlite_url(folder / "store.db"))
        _, secret = store.keys.make("guards", ["read", "write"])
        apps = [app_of(folder, store, guarded=guarded) for guarded in (False, True)]
        took: list[list[float]] = [[], []]
        for _ in range(rounds):
            for app, times in zip(apps, took, strict=True):
                start = time.thread_time()
                for _ in range(requests):
                    status = await ask(app, secret)
                    if status != 200:
                        raise SystemExit(f"the app answered {status}")
                times.append((time.thread_time() - start) / requests * 1e6)
        store.close()
    bare, guarded = (statistics.median(times) for times in took)
    return {"bare_us": bare, "guarded_us": guarded, "guards_us": guarded - bare}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=300)
    said = parser.parse_args()
    found = asyncio.run(measure(said.rounds, said.requests))
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))
