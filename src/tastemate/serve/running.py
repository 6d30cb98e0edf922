"""A running server: the socket, the processes, and what each does from its start to its end.

`/health/live` answers from the first moment. Everything else says 503 and what is going on until
the models are fitted (by a worker process, niced), loaded and asked once.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.errors import ConfigError, TastemateError
from tastemate.serve import jobs
from tastemate.serve.opening import Opening, damaged, missing
from tastemate.serve.problem import Problem, respond
from tastemate.serve.swap import Swap, check, hold_still, settle

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.serve.service import Service

PASSED = "TASTEMATE_SERVING"
"""The variable that tells a worker process what to serve."""
GRACE = 4
"""Seconds that requests under way have when the server ends."""
EVERY = 10.0
"""Seconds between two words about a long fit on the terminal."""
FAILED = 3
"""The exit code of a process that could not begin; its parent then gives up too."""
_LOG = logging.getLogger("tastemate.serve")


class Front:
    """The app from the first moment on: the service's, once there is one.

    `fit` says whether what was never fitted is fitted before anything is answered; `failed` is
    called with the error of a project that cannot be opened.
    """

    def __init__(
        self, opening: Opening, *, fit: bool, failed: Callable[[TastemateError], None]
    ) -> None:
        self.opening, self.fit, self.failed = opening, fit, failed
        self.waiting = "The project is being opened."
        self._app: ASGIApp | None = None
        self._inner = contextlib.AsyncExitStack()
        self._shell: ASGIApp | None = None
        self._runner: jobs.Runner | None = None
        self._swap: Swap | None = None
        self._ending = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: by the service, or that it is not there yet."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._wait(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        loop = asyncio.get_running_loop()
        made: asyncio.Future[Service] = loop.create_future()
        opened = threading.Event()
        threading.Thread(
            target=self._prepare, args=(loop, made, opened), name="opening", daemon=True
        ).start()
        await send({"type": "lifespan.startup.complete"})
        ended = asyncio.ensure_future(receive())
        await asyncio.wait((ended, made), return_when=asyncio.FIRST_COMPLETED)
        if made.done():
            await self._open(made.result())  # in this task, which leaves it as well
            opened.set()
        await ended
        self._ending.set()
        opened.set()
        await self._inner.aclose()
        await asyncio.to_thread(self.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health/live":
            body = json.dumps({"live": True}).encode()
            start = {"type": "http.response.start", "status": 200}
            await send(start | {"headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": body})
            return
        if scope["path"] in ("/", "/operator") or scope["path"].startswith("/static/"):
            self._shell = self._shell or shell()  # the page says that it waits, and asks again
            await self._shell(scope, receive, send)
            return
        problem = Problem(503, self.waiting, kind="not-ready")
        await respond(problem, scope["path"])(scope, receive, send)

    def close(self) -> None:
        """End the workers of this process."""
        self._ending.set()
        if self._swap is not None:
            self._swap.close()
        if self._runner is not None:
            self._runner.close()

    def _prepare(
        self,
        loop: asyncio.AbstractEventLoop,
        made: "asyncio.Future[Service]",
        opened: threading.Event,
    ) -> None:
        try:
            hold_still()
            service, watch = self._serviced()
            if self._ending.is_set():
                return
            loop.call_soon_threadsafe(made.set_result, service)
            opened.wait()
            if not self._ending.is_set():
                watch.start()
                settle()
        except TastemateError as error:
            self.waiting = str(error)
            self.failed(error)
        except Exception as error:
            _LOG.exception("the service cannot be opened")
            self.failed(ConfigError(f"The service cannot be opened: {error!r}. The log has more."))

    def _serviced(self) -> "tuple[Service, Swap]":
        """Open the project, fit what is missing, and return the service with what renews it."""
        from tastemate.serve.service import Service

        project = self.opening.open(self._tell)
        self._runner = jobs.Runner(lambda: held[0].store.jobs, self.opening, project.work.folder)
        held = [project]
        self._runner.start()
        model = project.store.versions.all().get("model", 0)
        if self.fit and (missing(project) or damaged(project)):
            self._fitted(project)
            model = project.store.versions.all().get("model", 0)
            project = held[0] = self.opening.open(self._tell)
        self.waiting = "The models are being loaded."
        trouble = _checked(project)
        service = Service(project)

        def put(fresh: "Tastemate") -> None:
            held[0] = fresh
            service.renew(fresh)

        def told(why: str) -> None:
            service.trouble = why

        self._swap = Swap(
            lambda: service.project,
            put,
            self.opening,
            model=model,
            told=told,
            failed=lambda: service.count("swap_failed"),
        )
        told(trouble)
        return service, self._swap

    async def _open(self, service: "Service") -> None:
        from tastemate.serve.app import create_app

        app = create_app(service)
        await self._inner.enter_async_context(app.router.lifespan_context(app))
        self._app = app

    def _fitted(self, project: "Tastemate") -> None:
        """Let a worker fit what is missing, or wait for the one that does already."""
        queue = project.store.jobs
        try:
            job = jobs.ask(queue, "train", {"missing": True})
        except jobs.Busy as busy:
            job = busy.job
        told = time.monotonic()
        while not self._ending.wait(0.25):
            now = queue.get(job)
            if now.state not in jobs.UNFINISHED:
                break
            what = now.message or "waiting for a worker"
            self.waiting = f"The models are being fitted: {what} ({now.progress:.0%})."
            if time.monotonic() - told >= EVERY:
                told = time.monotonic()
                sys.stderr.write(f"{self.waiting}\n")
                sys.stderr.flush()
        if now.state == "failed":
            # They are then fitted here before lists are answered, in memory if need be.
            _LOG.error("what is missing could not be fitted: %s", now.error)

    def _tell(self, what: str, share: float) -> None:
        if share < 1.0:
            self.waiting = f"{what} …"


def shell() -> ASGIApp:
    """Return the pages alone, as they are served before there is anything to ask."""
    from fastapi import FastAPI

    from tastemate.serve.headers import Headed
    from tastemate.serve.routes import page

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(page.router())
    return Headed(app)


def _checked(project: "Tastemate") -> str:
    """Return what is wrong with the models that are there; empty where nothing is."""
    try:
        check(project)
    except TastemateError as error:
        _LOG.error("%s", error)
        return str(error)
    return ""


def serve(opening: Opening, bound: socket.socket, *, workers: int = 1, fit: bool = True) -> None:
    """Serve until told to end (SIGTERM or Ctrl-C); raise why the project cannot be opened."""
    if workers == 1:
        _alone(opening, bound, fit)
    else:
        _together(opening, bound, workers, fit)


def _alone(opening: Opening, bound: socket.socket, fit: bool) -> None:
    import uvicorn

    said: list[TastemateError] = []

    def failed(error: TastemateError) -> None:
        said.append(error)
        server.should_exit = True

    front = Front(opening, fit=fit, failed=failed)
    server = uvicorn.Server(_config(front))
    # uvicorn raises the signal again once it has ended well: to us that is no news.
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[bound])
    finally:
        front.close()
        signal.signal(signal.SIGTERM, before)
    if said:
        raise said[0]


def _together(opening: Opening, bound: socket.socket, workers: int, fit: bool) -> None:
    from uvicorn.supervisors import Multiprocess

    os.environ[PASSED] = json.dumps([opening.written(), fit])
    config = _config("tastemate.serve.running:worker", factory=True, workers=workers)
    supervisor = Multiprocess(config, sockets=[bound])
    supervisor.run()
    if any(process.exitcode == FAILED for process in supervisor.processes):
        raise ConfigError("The service could not be opened: see above.")


def worker() -> Front:
    """Return the app of one of several processes; what to serve is in the environment."""
    written, fit = json.loads(os.environ[PASSED])

    def failed(error: TastemateError) -> None:
        sys.stderr.write(f"tastemate: {error}\n")
        sys.stderr.flush()
        os._exit(FAILED)

    threading.Thread(target=_outlived, args=(os.getppid(),), name="parent", daemon=True).start()
    return Front(Opening.read(written), fit=fit, failed=failed)


def _outlived(parent: int) -> None:
    """End this process when the one that started it was killed: it would hold the port."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _config(app: Any, **more: Any) -> Any:
    import uvicorn

    return uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_worker_healthcheck=60,
        **more,
    )


def _ended(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
