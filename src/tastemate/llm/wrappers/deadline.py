"""Bounds how long anyone waits for a model: what has not come in time is a value, too.

A call cannot be interrupted from outside, so it runs on a thread of its own and is left behind
when its time is up. The threads are daemons, which do not keep the process from ending, and they
are bounded: when all of them hang, further calls fail at once and nothing piles up.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace

from tastemate import scope
from tastemate.errors import ConfigError, TastemateError
from tastemate.llm.json_text import LONGEST
from tastemate.llm.wrappers.around import (
    TRIES,
    Around,
    Failed,
    failed,
    failure,
    lost,
    plain,
    streamed,
    summed,
)
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel

HELD = 64
"""Pieces of a stream kept for a slow reader."""
GRACE = 0.05
"""Seconds that a stream has to end after its reader has gone."""
MARGIN = 0.08
"""Seconds that a call has to hand over what it has when its own time is up …"""
SHARE = 0.1
"""… and the most of a short time that is kept for that."""


@dataclass(eq=False, slots=True)
class _Job:
    call: Callable[[], object]
    result: object = None
    error: BaseException | None = None
    done: bool = False
    left: bool = False
    """Nobody waits for it any more."""
    tries: list[tuple[int, Completion]] = field(default_factory=list)
    """What tries before the one under way used, by the place of the prompt."""


class _Workers:
    """At most `limit` daemon threads, one a job, and no queue."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.hung = 0
        self._changed = threading.Condition()

    def start(self, job: _Job, until: float) -> bool:
        """Start a job as soon as a thread is free; say no when none will be by `until`."""
        with self._changed:
            while self.running >= self.limit:
                wait = until - time.monotonic()
                if self.hung >= self.limit or wait <= 0:
                    return False
                self._changed.wait(min(wait, threading.TIMEOUT_MAX))
            self.running += 1
        thread = threading.Thread(
            target=copy_context().run, args=(self._run, job), daemon=True, name="tastemate-model"
        )
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            with self._changed:
                self.running -= 1
            return False
        return True

    def gather(self, jobs: Sequence[_Job], until: float) -> list[_Job]:
        """Wait for the jobs; return those that are done in time and leave the others behind."""
        with self._changed:
            try:
                wait = max(until - time.monotonic(), 0.0)
                self._changed.wait_for(
                    lambda: all(job.done for job in jobs), min(wait, threading.TIMEOUT_MAX)
                )
            finally:
                done = [job for job in jobs if job.done]
                self._leave(jobs)
        return done

    def _leave(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            if not job.done and not job.left:
                job.left = True
                self.hung += 1
        self._changed.notify_all()

    def _run(self, job: _Job) -> None:
        try:
            job.result = job.call()
        except BaseException as error:
            # raised again in the thread that waits; where nobody does, nobody could be told
            job.error = error
        finally:
            with self._changed:
                job.done = True
                self.running -= 1
                self.hung -= job.left
                self._changed.notify_all()


class Deadline(Around):
    """Answers within `seconds`, and within what the open scope has left.

    `each` runs one job a prompt, `workers` at a time; without it a batch is one job (for models
    that compute a batch together). The call inside sees a scope that ends a little before, so that
    a client can bound its sockets and hand over what it has. A call that was left behind, or whose
    client gave it up, counts its prompt and the longest reply asked for as used.
    """

    def __init__(
        self, inner: ChatModel, *, seconds: float = 10.0, workers: int = 8, each: bool = True
    ) -> None:
        if not seconds > 0:
            raise ConfigError(f"seconds is {seconds}; a deadline must be above 0.")
        if workers < 1:
            raise ConfigError(f"workers is {workers}; it must be at least 1.")
        super().__init__(inner)
        self.seconds = seconds
        self.each = each
        self._workers = _Workers(workers)

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return what came in time; "timeout" for what did not, "unsent" for what was never asked.

        The fault is "busy" where no thread is free because all calls hang.

        What a model of somebody else's raises of our errors is a failure, too, and so are errors
        of the system (`OSError`); any other, a `RuntimeError` for one, is a bug and is raised here.
        """
        start = time.monotonic()
        left = scope.current().left()
        if left <= 0 or not prompts:
            return [self._unsent(0.0) for _ in prompts]
        wait = min(self.seconds, left)
        until, end = start + wait, start + wait - min(MARGIN, SHARE * wait)
        parts = [[prompt] for prompt in prompts] if self.each else [list(prompts)]
        jobs: list[_Job] = []
        for part in parts:
            job = _bounded(self.inner, part, end)
            if not self._workers.start(job, until):
                break
            jobs.append(job)
        answered = set(map(id, self._workers.gather(jobs, until)))
        took = time.monotonic() - start
        answers: list[Completion] = []
        for at, part in enumerate(parts):
            if at >= len(jobs):
                answers += [self._unsent(took) for _ in part]
            elif id(jobs[at]) not in answered:
                answers += self._left_behind(jobs[at], part, took)
            else:
                answers += self._result(jobs[at], part)
        return answers

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply; the first piece and every further one within the deadline."""
        start = time.monotonic()
        pieces: queue.Queue[str | _Job] = queue.Queue(HELD)
        closed = threading.Event()
        came = 0
        job = _Job(lambda: _pump(self.inner, prompt, pieces, closed, job))
        if not self._workers.start(job, start + self._wait()):
            raise Failed(self._unsent(time.monotonic() - start))
        try:
            while True:
                try:
                    piece = pieces.get(timeout=self._wait())
                except queue.Empty:
                    took = time.monotonic() - start
                    raise Failed(self._late(prompt, took)) from None
                if isinstance(piece, _Job):
                    break
                came += len(piece)
                if came > LONGEST:
                    text = f"{self.name} did not come to an end in {LONGEST:,} characters."
                    raise Failed(failed(self.name, "reply", text))
                yield piece
        finally:
            closed.set()
            # what ended, or can end at once, is not to count as a call that hangs
            self._workers.gather([job], time.monotonic() + GRACE)
        if isinstance(job.error, Failed):
            raise Failed(lost(prompt, _plain(job.error.completion))) from job.error
        if isinstance(job.error, OSError):
            raise Failed(lost(prompt, self._broken(job.error))) from job.error
        if job.error is not None:
            raise job.error
        whole = job.result
        assert isinstance(whole, Completion)
        return whole

    def _result(self, job: _Job, part: Sequence[Prompt]) -> list[Completion]:
        if isinstance(job.error, TastemateError) and not isinstance(job.error, ConfigError):
            told = replace(_plain(failure(job.error)), model=self.name)
            return [lost(prompt, told) for prompt in part]
        if isinstance(job.error, OSError):
            return [lost(prompt, self._broken(job.error)) for prompt in part]
        if job.error is not None:
            raise job.error
        assert isinstance(job.result, list)
        pairs = zip(part, job.result, strict=True)
        answers = [lost(prompt, _plain(answer)) for prompt, answer in pairs]
        # nobody reads more, and ten megabytes would go through every hand from here on
        return [
            answer if len(answer.text) <= LONGEST else replace(answer, text=answer.text[:LONGEST])
            for answer in answers
        ]

    def _wait(self) -> float:
        return min(self.seconds, scope.current().left(), threading.TIMEOUT_MAX)

    def _broken(self, error: OSError) -> Completion:
        """Return the value of an error of the system that a model let through."""
        said = plain(f"{self.name} cannot be reached ({type(error).__name__}: {error}).")
        return failed(
            self.name, "timeout" if isinstance(error, TimeoutError) else "unreachable", said
        )

    def _late(self, prompt: Prompt, took: float) -> Completion:
        text = f"{self.name} gave no answer within {took:.1f} s."
        return lost(prompt, failed(self.name, "timeout", text, seconds=took))

    def _left_behind(self, job: _Job, part: Sequence[Prompt], took: float) -> list[Completion]:
        answers = [self._late(prompt, took) for prompt in part]
        for at, before in list(job.tries):
            used = summed(before, answers[at])
            cause = f" The try before failed: {before.error}" if before.error else ""
            answers[at] = replace(used, seconds=took, error=plain(used.error + cause))
        return answers

    def _unsent(self, took: float) -> Completion:
        if scope.current().left() <= 0 or took >= self.seconds:
            return failed(self.name, "unsent", f"No time was left to ask {self.name}.")
        return failed(
            self.name, "busy", f"All calls to {self.name} hang; this one was not made. Wait."
        )


def _plain(answer: Completion) -> Completion:
    """Return an answer whose error, if it has one, can be shown."""
    return replace(answer, error=plain(answer.error)) if answer.error else answer


def _bounded(model: ChatModel, part: list[Prompt], until: float) -> _Job:
    """Return a call under a scope that ends by then; what is said in it reaches the outer one."""

    def call() -> list[Completion]:
        TRIES.set(job.tries)
        with scope.opened(max(until - time.monotonic(), 0.0)):
            return model.complete(part)

    job = _Job(call)
    return job


def _pump(
    model: ChatModel,
    prompt: Prompt,
    pieces: "queue.Queue[str | _Job]",
    closed: threading.Event,
    job: _Job,
) -> Completion | None:
    """Read a stream into the queue until it ends or its reader has gone; then put the job."""
    source = streamed(model, prompt)
    try:
        while not closed.is_set():
            try:
                piece = next(source)
            except StopIteration as end:
                whole: Completion = end.value
                return whole
            _put(pieces, piece, closed)
        return None
    except Exception as error:
        job.error = error
        return None
    finally:
        source.close()
        _put(pieces, job, closed)


def _put(pieces: "queue.Queue[str | _Job]", piece: "str | _Job", closed: threading.Event) -> None:
    while not closed.is_set():
        try:
            pieces.put(piece, timeout=0.1)
            return
        except queue.Full:
            continue
