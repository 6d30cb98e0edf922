"""Requests that arrive while others are answered are answered together, in the next batch.

Scoring many people at once costs little more than scoring one; and the event loop, which takes
requests in, never waits for the thread that answers them.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from tastemate.errors import Unavailable

A = TypeVar("A")
B = TypeVar("B")


@dataclass(slots=True)
class _Ticket(Generic[A, B]):
    asked: A
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[B]"


class Batches(Generic[A, B]):
    """Threads that answer what waits, each at most `size` at a time; `waiting` may wait.

    `answer` returns for each question an answer or an exception, in order: one that cannot be
    answered does not fail its neighbours. If it raises, every question of the batch fails.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[A]], Sequence[B | BaseException]],
        *,
        size: int = 32,
        waiting: int = 1_000,
        threads: int = 1,
        name: str = "answers",
    ) -> None:
        self._answer = answer
        self._size = size
        self._most = waiting
        self._name = name
        self._waiting: deque[_Ticket[A, B]] = deque()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._at_once, self._idle = threads, 0
        self._open = True

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, asked: A, seconds: float) -> B:
        """Return the answer; raise what it raised, `TimeoutError` after `seconds`.

        A question whose time is up before its turn is not answered at all. Raises `Unavailable`
        when too many wait already.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[B] = loop.create_future()
        with self._wake:
            if not self._open:
                raise Unavailable("The server is shutting down. Ask again in a moment.")
            if len(self._waiting) >= self._most:
                raise Unavailable("Too many requests wait already. Ask again in a moment.")
            self._waiting.append(_Ticket(asked, loop, future))
            if self._idle < len(self._waiting) and len(self._threads) < self._at_once:
                fresh = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.append(fresh)
                fresh.start()
            self._wake.notify()
        async with asyncio.timeout(seconds):
            return await future

    def close(self) -> None:
        """Answer what waits, then stop."""
        with self._wake:
            self._open = False
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(10)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._idle += 1
                while not self._waiting and self._open:
                    self._wake.wait()
                self._idle -= 1
                if not self._waiting:
                    return
                many = min(len(self._waiting), self._size)
                taken = [self._waiting.popleft() for _ in range(many)]
            batch = [ticket for ticket in taken if not ticket.future.cancelled()]
            if not batch:
                continue
            try:
                found: Sequence[B | BaseException] = self._answer([t.asked for t in batch])
                told = list(zip(batch, found, strict=True))
            except BaseException as error:  # whoever waits must hear of it, whatever it is
                told = [(ticket, error) for ticket in batch]
            for loop in {ticket.loop for ticket in batch}:
                mine = [(ticket.future, one) for ticket, one in told if ticket.loop is loop]
                with suppress(RuntimeError):  # a loop that was closed has nobody who waits
                    loop.call_soon_threadsafe(_tell, mine)


def _tell(found: Sequence[tuple["asyncio.Future[B]", B | BaseException]]) -> None:
    for future, one in found:
        if future.done():
            continue
        if isinstance(one, BaseException):
            future.set_exception(one)
        else:
            future.set_result(one)
