"""Jobs: train, evaluate, export, backup; asked for, looked at, called off."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from tastemate.serve import jobs
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, declared
from tastemate.serve.replies import reply
from tastemate.serve.schemas import WHOLE, Given, Id, Name, Told

if TYPE_CHECKING:
    from tastemate.serve.service import Service
    from tastemate.store.jobs import Job


class Train(Given):
    """What is fitted: everything, or only what was never fitted or is damaged."""

    missing: bool = False


class Evaluate(Given):
    """What is measured: what is served, or one model; on some users, or all."""

    model: Name = ""
    limit_users: Annotated[int, Field(ge=0, le=10_000_000, description="0: all."), WHOLE] = 0
    seed: Annotated[int, Field(ge=0, le=2**31), WHOLE] = 0


class NewJob(Train, Evaluate):
    """Any job; keys of another kind of job do nothing."""

    kind: Literal["train", "evaluate", "export", "backup"]


class Queued(Told):
    """A job that was asked for."""

    job_id: str
    state: str


class JobState(Told):
    """One job: times are seconds since 1970, 0 for what has not happened.

    `message` says what is being done, and of a job that failed what was done last; `error` says
    what it failed of, `result` what came of one that is done.
    """

    job_id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float
    message: str
    asked: dict[str, Any]
    result: dict[str, Any]
    error: str
    made: float
    started: float
    finished: float


class JobList(Told):
    """Jobs, the one asked last first."""

    jobs: list[JobState]


def router(service: "Service") -> APIRouter:
    """Return the routes of jobs."""
    routes = APIRouter(
        prefix="/v1", tags=["jobs"], dependencies=[Depends(needs("admin"))], responses=declared()
    )

    def asked(request: Request, kind: str, given: Mapping[str, Any]) -> Response:
        try:
            made = jobs.ask(service.project.store.jobs, kind, given)
        except jobs.Busy as busy:
            where = {"Location": f"/v1/jobs/{busy.job}"}
            raise Problem(
                409, str(busy), kind="conflict", errors=[("job_id", busy.job)], headers=where
            ) from busy
        audit(service.store, request, f"ask for {kind}", made, **given)
        told = {"job_id": made, "state": "queued"}
        return reply(told, 202, {"Location": f"/v1/jobs/{made}"})

    @routes.post("/jobs", response_model=Queued, status_code=202, responses=declared(409))
    def make(job: NewJob, request: Request) -> Response:
        """Ask for a job; 409 names the fit that is under way."""
        return asked(request, job.kind, _said(job, Evaluate if job.kind == "evaluate" else Train))

    @routes.post("/train", response_model=Queued, status_code=202, responses=declared(409))
    def train(job: Train, request: Request) -> Response:
        """Fit the models on everything known by now; 409 names the fit that is under way."""
        return asked(request, "train", _said(job, Train))

    @routes.post("/evaluate", response_model=Queued, status_code=202)
    def evaluate(job: Evaluate, request: Request) -> Response:
        """Measure what is served on the validation cuts of the next item."""
        return asked(request, "evaluate", _said(job, Evaluate))

    @routes.get("/jobs", response_model=JobList)
    def listed() -> Response:
        """Return the last hundred jobs."""
        return reply({"jobs": [as_json(job) for job in service.project.store.jobs.all()]})

    @routes.get("/jobs/{job_id}", response_model=JobState, responses=declared(404))
    def one(job_id: Id) -> Response:
        """Return a job: how far it is, what came of it."""
        return reply(as_json(service.project.store.jobs.get(job_id)))

    @routes.post("/jobs/{job_id}/cancel", response_model=JobState, responses=declared(404))
    def cancel(job_id: Id, request: Request) -> Response:
        """Call a job off; one that has ended stays as it ended."""
        queue = service.project.store.jobs
        queue.cancel(job_id)
        audit(service.store, request, "cancel job", job_id)
        return reply(as_json(queue.get(job_id)))

    return routes


def as_json(job: "Job") -> dict[str, Any]:
    """Return a job as JSON values."""
    return {
        "job_id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": round(job.progress, 4),
        "message": job.message,
        "asked": dict(job.asked),
        "result": dict(job.result),
        "error": job.error,
        "made": job.made,
        "started": job.started,
        "finished": job.finished,
    }


def _said(given: Given, shape: type[Given]) -> dict[str, Any]:
    """Return what was said of a job's own keys, without those that say nothing."""
    values = given.model_dump(include=set(shape.model_fields))
    return {name: value for name, value in values.items() if value}
