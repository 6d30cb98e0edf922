"""Whether the server runs, and whether it answers lists."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from tastemate.serve.problem import Problem, declared
from tastemate.serve.replies import reply
from tastemate.serve.told import Alive, Ready

if TYPE_CHECKING:
    from tastemate.serve.service import Service

OLD = "A newer generation of models is not served. The log and GET /v1/operator/health say why."


def router(service: "Service") -> APIRouter:
    """Return the routes of the server's health; they need no key."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health/live", response_model=Alive)
    async def live() -> Any:
        """Say that the server runs."""
        return reply({"live": True})

    @routes.get("/health/ready", response_model=Ready, responses=declared(503))
    def ready() -> Response:
        """Say that lists are answered, or why they are not."""
        why = service.why_not()
        if why:
            raise Problem(503, why, kind="not-ready")
        version = service.project.model_version
        told = {"ready": True, "model_version": version, "store": "ok"}
        return reply({**told, "trouble": OLD if service.trouble else ""})

    return routes
