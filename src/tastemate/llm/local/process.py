"""The process of a local model as its client sees it: requests, replies, silence, death.

Requests of several threads share one process, each with its own replies. A request that nobody
waits for any longer is cancelled; a process that does not confirm that soon is killed.
"""

import contextlib
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self, TypeAlias

from tastemate.llm.local.frames import line
from tastemate.messages import Fault

GRACE = 2.0
"""Seconds in which a cancelled request must be confirmed: a forward pass of a long prompt."""
LAST_WORDS = 2_000
"""Bytes of what a dead process wrote to its standard error that are read."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no reply."""

    fault: Fault
    error: str


Reply: TypeAlias = dict[str, Any] | Failure


class Replies:
    """What comes back for one request, until its last: a context that cancels what is left."""

    def __init__(self, process: "ModelProcess", number: int) -> None:
        self._process = process
        self._number = number
        self._queue: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._over:
            self._process.cancel(self._number)

    def get(self, seconds: float) -> Reply:
        """Return the next reply; the failure "timeout" when none comes in time."""
        try:
            reply = self._queue.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return Failure("timeout", "The local model took too long.")
        self._over = isinstance(reply, Failure) or "done" in reply
        return reply

    def put(self, reply: Reply) -> None:
        """Hand over a reply."""
        self._queue.put(reply)


class ModelProcess:
    """A running `worker`, loading a model from the start."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._words = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            # -P: a file torch.py in the current folder is not the library.
            [sys.executable, "-P", "-m", "tastemate.llm.local.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
        )
        self._began = time.monotonic()
        self._settled = threading.Event()
        self._failure: Failure | None = None
        self._unheard = False
        self._lock = threading.Lock()
        self._waiting: dict[int, Replies] = {}
        self._next = 0
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._outbox.put(line({"op": "load", **settings}))
        self._threads = [
            threading.Thread(target=work, args=(pipe,), name=f"local-model-{name}", daemon=True)
            for name, work, pipe in (
                ("send", self._send, self._process.stdin),
                ("receive", self._receive, self._process.stdout),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still answer."""
        return self._failure is None and self._process.poll() is None

    @property
    def spent(self) -> bool:
        """Whether another process should take over.

        Not where the model cannot be loaded at all, nor before somebody heard why it was not.
        """
        failure = self._failure
        hopeless = failure is not None and failure.fault in ("unable", "refused")
        return not (self.alive or hopeless or self._unheard)

    @property
    def idle(self) -> bool:
        """Whether the model is loaded and nothing is being computed or waits to be."""
        return self._settled.is_set() and self.alive and not self._waiting

    def loaded(self, seconds: float, longest: float) -> "ModelProcess | Failure":
        """Wait so long for the model; return the process, or why it is not ready.

        One that has been loading for `longest` seconds is killed.
        """
        if self._settled.wait(max(seconds, 0.0)):
            self._unheard = False
            return self._failure or self
        been = time.monotonic() - self._began
        if been < longest:
            return Failure(
                "unsent",
                f"The local model is still being loaded ({been:.0f} s so far). Ask again soon.",
            )
        self._fail(
            Failure(
                "timeout",
                f"The local model was not loaded in {longest:g} s. Raise `load_seconds`, or use a "
                "smaller model.",
            )
        )
        return self._failure or self

    def request(self, **value: Any) -> Replies:
        """Send a request and return where its replies come in."""
        with self._lock:
            number = self._next
            self._next += 1
            replies = Replies(self, number)
            if self._failure is None:
                self._waiting[number] = replies
                self._outbox.put(line({"id": number, **value}))
            else:
                replies.put(self._failure)
        return replies

    def cancel(self, number: int) -> None:
        """Say that nobody waits; kill the process where it does not confirm within `GRACE`."""
        with self._lock:
            if number not in self._waiting:
                return
        self._outbox.put(line({"op": "cancel", "id": number}))
        timer = threading.Timer(GRACE, self._check, (number,))
        timer.daemon = True
        timer.start()

    def end(self) -> None:
        """Kill the process and wait until nothing of it is left."""
        self._fail(Failure("server", "The local model was closed."))
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=2.0)
        self._words.close()

    def _check(self, number: int) -> None:
        with self._lock:
            hung = number in self._waiting
        if hung:
            self._fail(
                Failure("server", "The local model hung and was killed. The next call starts it.")
            )

    def _send(self, pipe: IO[bytes]) -> None:
        """Write what is to be sent, in a thread: a process that hangs does not read."""
        # A broken pipe is a dead process, which the other thread notices.
        with contextlib.suppress(OSError):
            while (text := self._outbox.get()) is not None:
                pipe.write(text)
                pipe.flush()
        with contextlib.suppress(OSError):
            pipe.close()

    def _receive(self, pipe: IO[bytes]) -> None:
        import json

        with pipe:
            for text in pipe:
                reply = json.loads(text)
                if "ready" in reply:
                    self._settled.set()
                elif "failed" in reply:
                    self._unheard = True
                    self._fail(Failure(reply["failed"], reply["error"]))
                else:
                    self._pass_on(reply)
        self._fail(self._died())

    def _pass_on(self, reply: dict[str, Any]) -> None:
        with self._lock:
            replies = self._waiting.get(reply["id"])
            if "done" in reply:
                self._waiting.pop(reply["id"], None)
        if replies is not None:
            replies.put(reply)

    def _died(self) -> Failure:
        code = self._process.wait()
        if code < 0:
            how = f"was killed (signal {-code}), perhaps for want of memory"
        else:
            size = self._words.seek(0, 2)
            self._words.seek(max(size - LAST_WORDS, 0))
            words = self._words.read().decode("utf-8", "replace").strip().splitlines()
            how = f"ended with status {code}" + (f" ({words[-1][:200]})" if words else "")
        return Failure(
            "server",
            f"The process of the local model {how}. The next call starts another; if it ends "
            "again, use a smaller model, a smaller `batch` or `quantise`.",
        )

    def _fail(self, failure: Failure) -> None:
        """Let everybody who waits know, once, and see that the process is gone."""
        with self._lock:
            first = self._failure is None
            self._failure = self._failure or failure
            waiting, self._waiting = self._waiting, {}
        self._settled.set()
        for replies in waiting.values():
            replies.put(failure)
        if first:
            self._outbox.put(None)
            self._process.kill()
            self._process.wait()
