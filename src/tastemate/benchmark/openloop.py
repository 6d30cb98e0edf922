"""Requests sent when they are due, whether or not earlier ones were answered: an open loop.

A closed loop waits for a slow answer and so never sees the queue it made. Here a request is late
from the moment it was due (no coordinated omission), also where it waited for a connection.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httptools
import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError

PATIENCE = 60.0
"""Seconds after the last request was due within which an answer counts."""
LINES = 32
"""Connections opened before the first request, and used in turn: those of many clients come to
every process of a server, a few that are used over and over to one of them."""
MOST = 512
"""Connections at once; what is due when all are busy waits, and its wait counts."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One request, and when it is due: seconds after the start."""

    due: float
    path: str
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True, eq=False)
class Volley:
    """What came of shots, in their order: arrays of one length (shots,)."""

    seconds: NDArray[np.float64]
    """From the moment a request was due to the last byte of its answer; infinite without one."""
    status: NDArray[np.int64]
    """0 where there was no answer."""
    bodies: tuple[bytes, ...] = ()
    """The answers, where they were asked for."""

    def percentile(self, share: float) -> float:
        """Return the seconds that this share (0 to 100) of the shots stayed within.

        Infinite where more than the rest were not answered; raises `ConfigError` without shots.
        """
        if not len(self.seconds):
            raise ConfigError("Nothing was sent. Ask for a higher rate, or for longer.")
        return float(np.percentile(self.seconds, share, method="higher"))

    def parts(self, *lengths: int) -> "list[Volley]":
        """Return what came of the first so many shots, of the next so many, and so on."""
        ends = np.cumsum(lengths).tolist()
        return [
            Volley(self.seconds[start:end], self.status[start:end], self.bodies[start:end])
            for start, end in zip([0, *ends], ends, strict=False)
        ]

    @property
    def failed(self) -> int:
        """How many were not answered with 2xx."""
        return int(((self.status < 200) | (self.status >= 300)).sum())


def due(rate: float, seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the times of a Poisson process of `rate` a second over so many seconds."""
    gaps = rng.exponential(1.0 / rate, size=int(rate * seconds * 1.5) + 50)
    times = np.cumsum(gaps)
    return np.asarray(times[times < seconds])


def fire(
    port: int,
    shots: Sequence[Shot],
    *,
    keep: bool = False,
    patience: float = PATIENCE,
    most: int = MOST,
) -> Volley:
    """Send shots to a server on this machine when they are due; never raises for an answer.

    `keep` keeps the bodies of the answers; `patience` is how many seconds after the last is due
    answers are waited for; `most` is how many connections there are at once.
    """
    return asyncio.run(_fired(_Gun(port, len(shots), keep, most), shots, patience))


async def _fired(gun: "_Gun", shots: Sequence[Shot], patience: float) -> Volley:
    await gun.opened(min(LINES, len(shots)))
    start = time.perf_counter() + 0.05
    for at in sorted(range(len(shots)), key=lambda one: shots[one].due):
        wait = start + shots[at].due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        gun.send(at, shots[at], start + shots[at].due)
    try:
        await asyncio.wait_for(gun.done.wait(), patience)
    except TimeoutError:
        pass  # what has not come by now stays infinite and without a status
    return gun.closed()


class _Gun:
    """The connections to one server, and what they brought back."""

    def __init__(self, port: int, shots: int, keep: bool, most: int) -> None:
        self.port, self.keep, self.most = port, keep, most
        self.seconds = np.full(shots, np.inf)
        self.status = np.zeros(shots, dtype=np.int64)
        self.bodies: list[bytes] = [b""] * (shots if keep else 0)
        self.done = asyncio.Event()
        self._left = shots
        self._idle: deque[_Line] = deque()
        self._open: set[_Line] = set()
        self._opening = 0
        self._waiting: deque[tuple[int, bytes, float]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        if not shots:
            self.done.set()

    async def opened(self, lines: int) -> None:
        """Open connections, as far as they may be and somebody listens."""
        for _ in range(min(lines, self.most)):
            self._opening += 1
            await self._connect()

    def send(self, at: int, shot: Shot, was_due: float) -> None:
        head = (
            f"{shot.method} {shot.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(shot.body)}\r\n\r\n"
        )
        self._waiting.append((at, head.encode("ascii") + shot.body, was_due))
        self._next()

    def answered(self, line: "_Line", at: int, status: int, was_due: float, body: bytes) -> None:
        self.seconds[at] = time.perf_counter() - was_due
        self.status[at] = status
        if self.keep:
            self.bodies[at] = body
        if line in self._open and not line.ending:
            self._idle.append(line)
        self._one_less()

    def lost(self, line: "_Line", at: int | None) -> None:
        self._open.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        if at is not None:
            self._one_less()
        self._next()

    def closed(self) -> Volley:
        """Hang up and return what came; what is still on its way has no answer."""
        found = Volley(self.seconds.copy(), self.status.copy(), tuple(self.bodies))
        self._waiting.clear()
        for line in list(self._open):
            line.close()
        return found

    def _one_less(self) -> None:
        self._left -= 1
        if not self._left:
            self.done.set()
        self._next()

    def _next(self) -> None:
        while self._waiting and self._idle:
            line = self._idle.popleft()
            if not line.ending:
                line.send(*self._waiting.popleft())
        wanted = len(self._waiting) - self._opening
        if wanted > 0 and len(self._open) + self._opening < self.most:
            self._opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self.port)
        except OSError:
            self._opening -= 1
            if self._waiting and not self._open:  # nobody listens: this one is lost
                self._waiting.popleft()
                self._one_less()
            return
        self._opening -= 1
        self._open.add(line)
        self._idle.append(line)
        self._next()


class _Line(asyncio.Protocol):
    """One connection, with one request on its way at a time."""

    def __init__(self, gun: _Gun) -> None:
        self._gun = gun
        self._transport: Any = None
        self._parser: Any = None
        self._shot: tuple[int, float] | None = None
        self._body: list[bytes] = []
        self._kept = True

    @property
    def ending(self) -> bool:
        """Whether the server hung up, or said that it will after this answer."""
        return self._transport.is_closing() or not self._kept

    def on_headers_complete(self) -> None:
        # Not asked later: within the last callback the parser has forgotten it.
        self._kept = self._parser.should_keep_alive()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, at: int, data: bytes, was_due: float) -> None:
        self._shot = (at, was_due)
        self._body = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            if self._parser is not None:
                self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_body(self, body: bytes) -> None:
        if self._gun.keep:
            self._body.append(body)

    def on_message_complete(self) -> None:
        shot, self._shot = self._shot, None
        if shot is not None:
            status = self._parser.get_status_code()
            self._gun.answered(self, shot[0], status, shot[1], b"".join(self._body))

    def connection_lost(self, exc: Exception | None) -> None:
        shot, self._shot = self._shot, None
        self._gun.lost(self, None if shot is None else shot[0])

    def close(self) -> None:
        self._transport.close()
