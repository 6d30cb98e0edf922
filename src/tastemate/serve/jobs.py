"""Work that takes longer than a request: asked for in the store, done by child processes.

Any server process over a store takes the next job; its child says how far it is in the store, so
that every process can tell. A child that dies without a word is noticed by its silence: its job is
done again once, and then given up with what to do.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tastemate.errors import ConfigError, TastemateError, nearest
from tastemate.serve.opening import Opening

if TYPE_CHECKING:
    from tastemate.store.jobs import Job, Jobs

KINDS = ("train", "evaluate", "export", "backup")
UNFINISHED = ("queued", "running")
SILENT = 20.0
"""Seconds without a word after which a worker counts as dead."""
_LOG = logging.getLogger("tastemate.serve")


class Busy(TastemateError):
    """A fit is under way already; `job` is its id."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"Job {job} is training already. Wait for it (GET /v1/jobs/{job}) or end it "
            f"(POST /v1/jobs/{job}/cancel)."
        )
        self.job = job


def ask(queue: "Jobs", kind: str, asked: Mapping[str, Any] | None = None) -> str:
    """Queue a job and return its id; raise `Busy` for a second fit, `ConfigError` for a kind.

    Of two processes asking for a fit at once the later one is told of the earlier.
    """
    if kind not in KINDS:
        raise ConfigError(f"No job {kind!r}.{nearest(kind, KINDS)} Known: {', '.join(KINDS)}.")
    if kind == "train" and (running := training(queue)):
        raise Busy(running)
    made = queue.make(kind, dict(asked or {}))
    if kind == "train" and (first := training(queue)) and first != made:
        queue.cancel(made)
        raise Busy(first)
    return made


def training(queue: "Jobs") -> str:
    """Return the id of the fit that is waiting or under way, the first one; empty for none."""
    found = [job for job in unfinished(queue) if job.kind == "train"]
    found.sort(key=lambda job: (job.state != "running", job.made))
    return found[0].id if found else ""


def unfinished(queue: "Jobs") -> "list[Job]":
    """Return the jobs that wait or are under way."""
    return [job for job in queue.all() if job.state in UNFINISHED]


@dataclass(slots=True)
class _Child:
    """A worker process, and since when it has been told to end."""

    process: subprocess.Popen[bytes]
    log: Path
    worker: str
    """As what it has its job."""
    ended: float = field(default=0.0)


class Runner:
    """Takes jobs from the queue and watches the processes that do them.

    `queue` gives the store's jobs, `folder` is where workers' logs go; at most `at_once` workers
    run for this process. A worker that was told to end is killed after `grace` seconds.
    """

    def __init__(
        self,
        queue: Callable[[], "Jobs"],
        opening: Opening,
        folder: Path,
        *,
        at_once: int = 2,
        poll: float = 0.5,
        silent: float = SILENT,
        grace: float = 3.0,
        command: Sequence[str] = (sys.executable, "-m", "tastemate.serve.worker"),
    ) -> None:
        self.queue, self.opening, self.folder = queue, opening, folder
        self.at_once, self.poll, self.silent, self.grace = at_once, poll, silent, grace
        self.command = tuple(command)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._children: dict[str, _Child] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def close(self) -> None:
        """End the workers and stop taking jobs; what was under way is done again later."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(self.grace + 2)
        children = dict(self._children)
        self._children.clear()
        for child in children.values():
            _end(child.process)
        until = time.monotonic() + self.grace
        for job, child in children.items():
            _wait(child.process, until - time.monotonic())
            with contextlib.suppress(TastemateError):  # else it is found by its silence
                self.queue().give_back(job, child.worker)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._tick()
            except (TastemateError, OSError) as error:
                _LOG.warning("jobs cannot be looked after: %s", error)
                self._ending.wait(2.0)
            self._ending.wait(self.poll)

    def _tick(self) -> None:
        queue = self.queue()
        for job, child in list(self._children.items()):
            self._watch(queue, job, child)
        known = queue.all()
        late = time.time() - self.silent
        if any(job.state == "running" and job.beat < late for job in known):
            queue.requeue_dead(self.silent)
        if len(self._children) >= self.at_once or self._ending.is_set():
            return
        # One name a claim: who had the job before and is slow to notice must not speak for it.
        worker = f"{self.name}:{uuid.uuid4().hex[:8]}"
        claimed = queue.claim(worker)
        if claimed is None:
            return
        try:
            self._children[claimed.id] = self._begin(claimed.id, worker)
        except OSError as error:
            why = f"No worker could be started ({error}). Mend that; ask again."
            queue.fail(claimed.id, worker, why)

    def _begin(self, job: str, worker: str) -> _Child:
        """Start the worker of a job, in a session of its own: Ctrl-C is the server's to hear."""
        folder = self.folder / "jobs"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{job}.log"
        threads = str(max(1, (os.cpu_count() or 2) // 2))
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        opened = self.opening.written()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*self.command, "--open", opened, "--job", job, "--worker", worker],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**limits, **os.environ},
                start_new_session=True,
            )
        return _Child(process, log, worker)

    def _watch(self, queue: "Jobs", job: str, child: _Child) -> None:
        code = child.process.poll()
        if code is not None:
            del self._children[job]
            self._buried(queue, job, child, code)
            return
        if child.ended:
            if time.monotonic() - child.ended > self.grace:
                child.process.kill()
        elif queue.get(job).state == "cancelled":
            child.ended = time.monotonic()
            _end(child.process)

    def _buried(self, queue: "Jobs", job: str, child: _Child, code: int) -> None:
        """Say of a worker that could not begin what it said; a killed one is found by silence."""
        if code > 0 and queue.get(job).state == "running":
            last = child.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = last[-1] if last else "it said nothing"
            queue.fail(job, child.worker, f"The worker ended with code {code}: {said[:400]}")
        with contextlib.suppress(OSError):
            if child.log.stat().st_size == 0:
                child.log.unlink()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(max(seconds, 0.05))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
