"""Answers that are heard while they are made: work in a thread, its events in the event loop.

Conversations may wait seconds for a language model. They have threads of their own, so that a
slow model never keeps a list waiting.
"""

import asyncio
import contextvars
import json
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from tastemate.errors import Interrupted
from tastemate.serve.talking import Listener

T = TypeVar("T")

THREADS = 32
"""Messages that are answered at once; more wait."""
PING = 10.0
"""Seconds of silence after which a listener is told that the line stands."""
MEDIA = "text/event-stream"
HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""What keeps proxies from holding events back."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that happened: a sentence, the whole answer at the end, or nothing for a while."""

    kind: str
    """"begun", "sentence", "done" or "ping"."""
    value: Any = None


class Stage:
    """The threads in which conversations are answered."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="talk")

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work in a thread of the stage, with the caller's context."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, context.run, work)

    async def heard(self, work: Callable[[Listener], Any]) -> AsyncGenerator[Said, None]:
        """Yield what is said while work is done, and last what it returns.

        Raises what the work raises. Closing the iterator stops the answer at its next sentence.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Said] = asyncio.Queue()
        stop = threading.Event()

        def tell(kind: str, value: Any = None) -> None:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, Said(kind, value))
            except RuntimeError as closed:  # the server went down
                raise Interrupted("The service is stopping; nobody hears this.") from closed

        to = Listener(lambda text: tell("sentence", text), lambda: tell("begun"), stop)
        done = asyncio.ensure_future(self.run(lambda: work(to)))
        done.add_done_callback(lambda _: queue.put_nowait(Said("end")))
        try:
            while True:
                try:
                    async with asyncio.timeout(PING):
                        said = await queue.get()
                except TimeoutError:
                    yield Said("ping")
                    continue
                if said.kind == "end":
                    yield Said("done", done.result())
                    return
                yield said
        finally:
            stop.set()
            if not done.done():
                done.add_done_callback(_forgotten)


def event(name: str, value: Any) -> bytes:
    """Return one server-sent event with a line of JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode()


def comment() -> bytes:
    """Return a line that says nothing."""
    return b": still here\n\n"


def _forgotten(done: "asyncio.Future[Any]") -> None:
    """Take notice of how stopped work ended, so that the loop does not complain."""
    if not done.cancelled():
        done.exception()
