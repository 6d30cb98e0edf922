"""One JSON line a request, and nothing in it that anybody said or wrote.

A line names the route by its template, never the path (which holds ids), the query or the body;
an error by its type and place, never its message (which may repeat them).
"""

import os
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tastemate.errors import Unavailable
from tastemate.serve.refusal import header, path_of, refuse, said

Level: TypeAlias = Literal["info", "warning", "error"]
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Request ids that are taken over; others could forge lines or fill them."""
NOWHERE = "(none)"
"""The route of what no route answered."""
FRAMES = 6
"""Places of an error that are logged, innermost last."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that was answered."""

    scope: Scope
    route: str
    """The template: "/v1/users/{user_id}/taste"."""
    status: int
    """499 where the client left before there was one."""
    seconds: float
    error: BaseException | None = None
    """What no handler knew."""


class Observed:
    """Gives each request its id, tells the watchers how it went, and answers 500 for a surprise."""

    def __init__(self, app: ASGIApp, watchers: Sequence[Callable[[Seen], None]]) -> None:
        self.app, self.watchers = app, tuple(watchers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request run, and watch it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        made = header(scope, b"x-request-id")
        made = made if SANE.fullmatch(made) else secrets.token_hex(8)
        said(scope)["request_id"] = made
        line = (b"x-request-id", made.encode())
        status, start, end = 0, time.perf_counter(), 0.0
        surprise: BaseException | None = None

        async def watched(message: Message) -> None:
            nonlocal status, end
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), line]}
            elif not message.get("more_body", False):
                end = time.perf_counter()
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            # What was begun cannot be mended: the server sees that it is not whole and hangs up.
            surprise = error
            detail = "Something failed here that should not have. The log has it under this id."
            if not status:
                await refuse(scope, watched, 500, detail)
        finally:
            took = (end or time.perf_counter()) - start
            told = Seen(scope, template(scope), status or 499, took, surprise)
            for watcher in self.watchers:
                watcher(told)


def template(scope: Scope) -> str:
    """Return the route's template that answered a request, `NOWHERE` where none did."""
    inner = scope.get("fastapi")
    context = inner.get("effective_route_context") if isinstance(inner, dict) else None
    path = getattr(context, "path", "") or getattr(scope.get("route"), "path", "")
    if path:
        return str(path)
    return "/static" if path_of(scope).startswith("/static/") else NOWHERE


class Lines:
    """Log lines as JSON, to a file or to standard error."""

    def __init__(
        self,
        stream: TextIO,
        *,
        user: Callable[[str], str] | None = None,
        dropped: Callable[[], None] = lambda: None,
    ) -> None:
        """`user` makes the hash by which a line names a user; without it none is named."""
        self._user, self._dropped = user, dropped
        self._worker = os.getpid()
        self._log: Any = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )

    def request(self, seen: Seen) -> None:
        """Write the line of a request."""
        state = said(seen.scope)
        line: dict[str, Any] = {
            "request_id": state.get("request_id", ""),
            "method": str(seen.scope["method"])[:16],
            "route": seen.route,
            "status": seen.status,
            "ms": round(seen.seconds * 1000, 2),
            "caller": getattr(state.get("caller"), "name", ""),
            "worker": self._worker,
        }
        user = state.get("user")
        if self._user is not None and user:
            line["user"] = self._user(str(user))
        if seen.error is not None:
            line["error"] = type(seen.error).__name__
            line["where"] = places(seen.error)
        level: Level = "error" if seen.error else "warning" if seen.status >= 500 else "info"
        self.write(level, "request", **line)

    def write(self, level: Level, event: str, **line: Any) -> None:
        """Write a line; one that cannot be written (a full disk) is counted and let go."""
        try:
            getattr(self._log, level)(event, **line)
        except (OSError, ValueError):
            self._dropped()


def places(error: BaseException) -> list[str]:
    """Return where an error came from, as "file:line function", without a word of its message."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]


def open_log(where: str) -> TextIO | None:
    """Open the file for log lines: "" is standard error, "none" is none.

    Raises `Unavailable` where it cannot be written.
    """
    if where == "none":
        return None
    if not where:
        return sys.stderr
    try:
        path = Path(where).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened for appending, so that several processes and `copytruncate` get along.
        return path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise Unavailable(
            f"{where} cannot be written ({error.strerror}). Mend that, or change log_file of "
            "[serve]."
        ) from error
