"""Limits that keep one caller from taking the service away from the others.

How many requests a key, or a user, may make; how large, deep and many-valued a body may be; how
long a request may take before it is told to come back. Clients that send slowly are the server's
to drop (uvicorn's own timeouts), not done here.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import parse_qs

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tastemate.serve.paths import user_named
from tastemate.serve.refusal import header, nothing, path_of, refuse, said

SMALL = 65_536
"""Bytes up to which a body is read for its user, and is scanned where it stands."""

LOOKED_AT = "/v1/operator/user/"
"""Before the id of a user whose list the operator looks at."""


class Buckets:
    """Token buckets by name: `rate` tokens a second, as many as `burst` seconds bring at most.

    Kept as the time at which each would be full again (the generic cell rate algorithm, ITU-T
    I.371), for the `most` names used last.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        most: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._each = 1.0 / rate
        self._room = max(burst, self._each)
        self._most, self._clock = most, clock
        self._full: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def empty(self, name: str) -> float:
        """Return the seconds until there is a token, 0 where there is one; takes none."""
        now = self._clock()
        return self._wait(max(self._full.get(name, now), now), now)

    def take(self, name: str) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        now = self._clock()
        full = max(self._full.get(name, now), now)
        wait = self._wait(full, now)
        if not wait:
            self._full[name] = full + self._each
            self._full.move_to_end(name)
            if len(self._full) > self._most:
                self._full.popitem(last=False)
        return wait

    def _wait(self, full: float, now: float) -> float:
        over = full + self._each - now - self._room
        return over if over > 1e-9 else 0.0


class Rated:
    """Refuses with 429 what a key asks more often than it may."""

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self.app, self.buckets = app, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request to `/v1` through if its key has a token left."""
        if scope["type"] == "http" and path_of(scope).startswith("/v1/"):
            caller = said(scope).get("caller")
            wait = self.buckets.take(getattr(caller, "key", ""))
            if wait:
                detail = "This key asks too often. Wait as long as Retry-After says."
                await refuse(scope, send, 429, detail, wait=wait)
                return
        await self.app(scope, receive, send)


class RatedUsers:
    """Refuses with 429 what is asked about one user more often than it may."""

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self.app, self.buckets = app, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through if its user (`request.state.user`), if any, has a token left."""
        user = said(scope).get("user") if scope["type"] == "http" else None
        if user:
            wait = self.buckets.take(str(user))
            if wait:
                detail = "Too much is asked about this user. Wait as long as Retry-After says."
                await refuse(scope, send, 429, detail, wait=wait)
                return
        await self.app(scope, receive, send)


class Bounded:
    """Reads a body whole, up to so many bytes; refuses what is too large, deep or no JSON (415)."""

    def __init__(self, app: ASGIApp, *, most: int, depth: int, values: int) -> None:
        self.app, self.most, self.depth, self.values = app, most, depth, values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on with its body in one piece, and its user in `request.state.user`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        about = user_of(scope)
        length = header(scope, b"content-length")
        if not (length or header(scope, b"transfer-encoding")):
            if about:
                said(scope)["user"] = about
            await self.app(scope, receive, send)
            return
        if length.isdecimal() and int(length[:20]) > self.most:
            await refuse(scope, send, 413, self._too_large())
            return
        body, whole = await read(receive, self.most)
        if not whole:
            return  # the client left, or its time is over
        if body is None:
            # What follows is endless for all we know: nothing more is read from this connection.
            close = {"Connection": "close"}
            await refuse(scope, send, 413, self._too_large(), headers=close)
            return
        status, detail = await self._look(scope, body)
        if status:
            await refuse(scope, send, status, detail)
            return
        about = about or user_in(body)
        if about:
            said(scope)["user"] = about
        await self.app(scope, replayed(body, receive), send)

    def _too_large(self) -> str:
        return f"A body may have {self.most:,} bytes. Send it in parts."

    async def _look(self, scope: Scope, body: bytes) -> tuple[int, str]:
        """Return status and detail of what is wrong with a body, 0 where it is well."""
        if not body or not path_of(scope).startswith("/v1/"):
            return 0, ""
        kind = header(scope, b"content-type").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            return 415, "Bodies are JSON here: Content-Type: application/json."
        if header(scope, b"content-encoding").strip().lower() not in ("", "identity"):
            return 415, "Bodies are not compressed here. Send it without Content-Encoding."
        if b"\0" in body[:4] or body.startswith((b"\xff\xfe", b"\xfe\xff")):
            return 415, "Bodies are JSON in UTF-8 here, not in another encoding."
        if body.count(b"[") + body.count(b"{") <= self.depth and len(body) <= 2 * self.values:
            return 0, ""  # it cannot be deeper than it has brackets, nor fuller than half its bytes
        large = len(body) > SMALL
        depth, values = await run_in_threadpool(shape, body) if large else shape(body)
        if depth > self.depth:
            return 422, f"A body may nest {self.depth} lists and tables. Make it flatter."
        if values > self.values:
            return 413, f"A body may have {self.values:,} values. Send it in parts."
        return 0, ""


class Timed:
    """Answers 503 for a request that has not begun to answer in time; a begun stream goes on.

    A thread cannot be stopped: what the request still does is thrown away when it is done, and
    until then it keeps its place among the server's threads.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request run, for so long."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        race = _Race(scope, receive, send)
        timer = asyncio.get_running_loop().call_later(self.seconds, race.expire)
        race.begun = timer.cancel
        try:
            await self.app(scope, race.receive, race.send)
        finally:
            timer.cancel()
            if race.late is not None:
                await race.late


class _Race:
    """One request against its timer: whichever answers first is the answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.begun: Callable[[], None] = lambda: None
        self.late: asyncio.Task[None] | None = None

    def expire(self) -> None:
        detail = "This took too long. Ask for less, or come back."
        answer = refuse(self._scope, self._send, 503, detail, wait=1.0)
        self.late = asyncio.get_running_loop().create_task(answer)

    async def send(self, message: Message) -> None:
        if self.late is None:
            self.begun()
            await self._send(message)

    async def receive(self) -> Message:
        if self.late is not None:
            return await nothing()
        return await self._receive()


async def read(receive: Receive, most: int) -> tuple[bytes | None, bool]:
    """Read a body; None as soon as it has more than `most` bytes; False where the client left."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts), False
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None, True
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts), True


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives a body once, then what the connection says (that it is gone)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


_ESCAPED = (b"\\\\", b'\\"')
_KEPT = b'"[]{},:'
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


def shape(body: bytes) -> tuple[int, int]:
    """Return how deep a JSON text nests and how many values it has at most, without parsing it.

    Linear in its length, at the speed of a copy; a text that is no JSON gets some numbers too.
    """
    for pair in _ESCAPED:
        if b"\\" in body:
            body = body.replace(pair, b"")
    marks = b"".join(body.translate(None, _DROPPED).split(b'"')[::2])
    if not marks:
        return 0, 1
    steps = _STEPS[np.frombuffer(marks, np.uint8)]
    depth = int(steps.cumsum(dtype=np.int64).max())
    return max(depth, 0), int(np.count_nonzero(steps >= 0)) + 1


def user_of(scope: Scope) -> str:
    """Return the user that a request's path or its `user_id=` names, or an empty text."""
    path = path_of(scope)
    if path.startswith("/v1/users/"):
        return user_named(scope)
    if path.startswith(LOOKED_AT):
        return path.removeprefix(LOOKED_AT)
    if path.startswith("/v1/") and b"user_id=" in scope.get("query_string", b""):
        query: str = scope["query_string"].decode("latin-1")
        return parse_qs(query).get("user_id", [""])[0]
    return ""


def user_in(body: bytes) -> str:
    """Return the user a small JSON body names (`user_id`, else `user`), or an empty text."""
    if len(body) > SMALL or b"user" not in body:
        return ""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    named = found.get("user_id") or found.get("user")
    return named if isinstance(named, str) else ""
