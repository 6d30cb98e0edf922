"""Work that outlasts a request: asked by one process, done by another, told in between."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, case, insert, select, update

from tastemate.errors import NotFound
from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import jobs

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
TRIES = 2
"""How often a job is begun whose worker dies; then it is the job that kills."""
DIED = (
    f"Its worker died {TRIES} times, as it does where memory runs out. Free some, or serve fewer "
    "models; the system's log says what killed it. Then ask again."
)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work; times are seconds since 1970, UTC, and 0 for what has not happened."""

    id: str
    kind: str
    state: State
    progress: float
    message: str
    """What is being done; what was done last, of one that failed; else empty."""
    asked: Mapping[str, Any]
    result: Mapping[str, Any]
    error: str
    made: float
    started: float
    finished: float
    beat: float
    """When its worker was last heard of."""
    worker: str = ""
    """Who does it, or did last."""


NOTHING: Mapping[str, Any] = {"message": "", "error": ""}
"""What there is to say of a job that nobody does and nothing happened to."""
COLUMNS = [jobs.c[one.name] for one in fields(Job)]


class Jobs:
    """The queue, and what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, kind: str, asked: Mapping[str, Any]) -> str:
        """Ask for work and return its id."""
        check_ids(kind)
        job = uuid.uuid4().hex[:16]
        empty = {"message": "", "result": {}, "error": "", "worker": "", "tries": 0}
        times = {"progress": 0.0, "started": 0.0, "finished": 0.0, "beat": 0.0}
        made = insert(jobs).values(
            id=job, kind=kind, state="queued", asked=dict(asked), made=time.time(), **empty, **times
        )
        with self._database.writing("jobs") as connection:
            connection.execute(made)
        return job

    def claim(self, worker: str) -> Job | None:
        """Take the job that waits longest; None where none waits. No two workers get the same.

        `worker` is then the only one that may tell of it: a name for this claim alone.
        """
        check_ids(worker)
        with self._database.reading() as connection:
            waits = select(jobs.c.id).where(jobs.c.state == "queued").limit(1)
            if connection.scalar(waits) is None:  # who asks often should not write often
                return None
        first = select(jobs.c.seq).where(jobs.c.state == "queued").order_by(jobs.c.seq).limit(1)
        now = time.time()
        begun = (
            update(jobs)
            .where(jobs.c.seq == first.scalar_subquery(), jobs.c.state == "queued")
            .values(state="running", worker=worker, started=now, beat=now, tries=jobs.c.tries + 1)
            .returning(*COLUMNS)
        )
        with self._database.writing("jobs") as connection:
            row = connection.execute(begun).first()
            return None if row is None else Job(*row)

    def tell(self, job: str, worker: str, progress: float, message: str = "") -> bool:
        """Say how far a job is, from 0 to 1; return whether to go on.

        False once it was cancelled, or another worker has it.
        """
        share = min(1.0, max(0.0, progress))
        return self._change(job, worker, progress=share, message=message, beat=time.time())

    def finish(self, job: str, worker: str, result: Mapping[str, Any]) -> None:
        """Say that a job is done; one that is not this worker's any more stays as it is."""
        now = time.time()
        done = {"state": "done", "result": dict(result), "progress": 1.0, **NOTHING}
        self._change(job, worker, **done, finished=now, beat=now)

    def fail(self, job: str, worker: str, error: str) -> None:
        """Say that a job failed, and of what; one that is not this worker's stays as it is."""
        now = time.time()
        self._change(job, worker, state="failed", error=error, finished=now, beat=now)

    def cancel(self, job: str) -> None:
        """Call a job off; one that has ended stays as it ended. Raises `NotFound`."""
        check_ids(job)
        over = update(jobs).where(jobs.c.id == job, jobs.c.state.in_(("queued", "running")))
        with self._database.writing("jobs") as connection:
            connection.execute(over.values(state="cancelled", finished=time.time(), message=""))
        self.get(job)

    def get(self, job: str) -> Job:
        """Return a job; raise `NotFound` if there is none of that id."""
        check_ids(job)
        with self._database.reading() as connection:
            row = connection.execute(select(*COLUMNS).where(jobs.c.id == job)).first()
        if row is None:
            raise NotFound(f"There is no job {job!r}. List them to see their ids.")
        return Job(*row)

    def all(self, limit: int = 100) -> list[Job]:
        """Return jobs, the one asked last first, at most `limit`."""
        found = select(*COLUMNS).order_by(jobs.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return [Job(*row) for row in connection.execute(found)]

    def give_back(self, job: str, worker: str) -> None:
        """Let a job begin again that its worker was told to leave: that was no try."""
        tries = jobs.c.tries - 1
        self._change(job, worker, state="queued", tries=tries, progress=0.0, **NOTHING)

    def requeue_dead(self, seconds: float) -> int:
        """Let jobs begin again whose worker was not heard of for so long; return how many.

        One that lost its worker `TRIES` times has failed.
        """
        now = time.time()
        dead = and_(jobs.c.state == "running", jobs.c.beat < now - seconds)
        spent = jobs.c.tries >= TRIES
        again = update(jobs).where(dead).values(
            state=case((spent, "failed"), else_="queued"),
            progress=case((spent, jobs.c.progress), else_=0.0),
            message=case((spent, jobs.c.message), else_=_told("")),
            error=case((spent, _told(DIED)), else_=jobs.c.error),
            finished=case((spent, now), else_=0.0),
        )  # fmt: skip
        with self._database.writing("jobs") as connection:
            return connection.execute(again).rowcount

    def _change(self, job: str, doer: str, **now: Any) -> bool:
        """Change a job that a worker does; return whether it does. Raises `NotFound` for no job."""
        check_ids(job, doer)
        own = and_(jobs.c.id == job, jobs.c.state == "running", jobs.c.worker == doer)
        with self._database.writing("jobs") as connection:
            changed = connection.execute(update(jobs).where(own).values(**now)).rowcount
        if not changed:
            self.get(job)
        return bool(changed)


def _told(words: str) -> ColumnElement[str]:
    return bindparam(None, words, type_=jobs.c.error.type)
