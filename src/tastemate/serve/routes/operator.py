"""What the operator sees: any list stage by stage, and how data, lists and money are doing."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from tastemate.serve import overview
from tastemate.serve.auth import needs
from tastemate.serve.operator import DEPTH, Prompts, stage_by_stage
from tastemate.serve.problem import declared
from tastemate.serve.replies import reply
from tastemate.serve.schemas import PRINTED
from tastemate.serve.seldom import Seldom
from tastemate.types import Controls

if TYPE_CHECKING:
    from tastemate.serve.service import Service
    from tastemate.store.audit import Audit
    from tastemate.store.complaints import Complaints

Turned = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]
Days = Annotated[int, Query(ge=1, le=365, description="How many days back.")]
Limit = Annotated[int, Query(ge=1, le=500)]
UserId = Annotated[str, Path(min_length=1, max_length=256, pattern=PRINTED)]


def router(service: "Service") -> APIRouter:
    """Return the routes of the operator; all need the scope "admin"."""
    routes = APIRouter(
        prefix="/v1/operator", tags=["operator"], dependencies=[Depends(needs("admin"))]
    )
    _whole(routes, service)
    _logs(routes, service)
    _user(routes, service, Prompts())
    return routes


def _whole(routes: APIRouter, service: "Service") -> None:
    seldom, shown = Seldom(), Seldom()

    def dear(name: str, make: Callable[..., Mapping[str, Any]], days: int) -> dict[str, Any]:
        tm = service.project
        return shown.of((name, tm.model_version, days), lambda: make(tm, days=days))

    @routes.get("/health", response_model=dict[str, Any])
    def health(days: Days = 30) -> Response:
        """Say what is missing, doubled, thin or out of date in the data, and how the store is."""
        tm = service.project
        counts = seldom.of((tm.model_version, days), lambda: overview.counted(tm, days=days))
        found = overview.data_health(tm, counts) | {"age_s": counts["age_s"]}
        waiting = service.impressions
        written = {
            "waiting": len(waiting),
            "written": waiting.written,
            "dropped": waiting.dropped,
            "error": waiting.error,
        }
        return reply(found | {"impressions": written, "trouble": service.trouble})

    @routes.get("/quality", response_model=dict[str, Any])
    def quality(days: Days = 30) -> Response:
        """Return the rates, coverage, inequality and drift of each day."""
        found = dear("quality", overview.quality, days)
        return reply(found | {"process": overview.degraded(service.telemetry)})

    @routes.get("/fairness", response_model=dict[str, Any])
    def fairness(days: Days = 30) -> Response:
        """Return exposure and acceptance by group, and complaints by kind."""
        return reply(dear("fairness", overview.fairness, days))

    @routes.get("/cost", response_model=dict[str, Any])
    def cost(days: Days = 30) -> Response:
        """Return tokens and dollars by day, and by stage since this process started."""
        return reply(overview.cost(service.project, service.telemetry, days=days))


def _logs(routes: APIRouter, service: "Service") -> None:
    @routes.get("/audit", response_model=dict[str, Any])
    def audit(limit: Limit = 100) -> Response:
        """Return what was changed and by whom, the latest first."""
        return reply(_latest("entries", service.store.audit, limit))

    @routes.get("/complaints", response_model=dict[str, Any])
    def complaints(limit: Limit = 100) -> Response:
        """Return what people said is wrong with lists, the latest first."""
        return reply(_latest("complaints", service.store.complaints, limit))


def _user(routes: APIRouter, service: "Service", prompts: Prompts) -> None:
    @routes.get("/user/{user_id:path}", response_model=dict[str, Any], responses=declared(404, 503))
    def user(
        user_id: UserId,
        k: Annotated[int, Query(ge=1, le=50)] = 10,
        query: Annotated[str, Query(max_length=2000)] = "",
        diversity: Turned = 0.0,
        novelty: Turned = 0.0,
        fair: Turned = 0.0,
        explore: Turned = 0.0,
        seed: Annotated[int, Query(ge=0, le=2**31)] = 0,
        depth: Annotated[int, Query(ge=1, le=100)] = DEPTH,
        llm: Annotated[bool, Query(description="Ask the language model, if there is one.")] = False,
        prompt: Annotated[bool, Query(description="Write prompts, without sending.")] = False,
    ) -> Response:
        """Answer for one user and show every stage; nothing is recorded and nobody is shown it."""
        tm = service.project
        controls = Controls(diversity, novelty, explore, fair)
        asked = tm.query(user_id, k, text=query, controls=controls, seed=seed)
        path = tm.recommender(None, tm.dispatch.extras(asked), llm=llm)
        found = stage_by_stage(path, asked, depth=depth)
        if prompt:
            found |= prompts.of(tm, asked)
        return reply({"user_id": user_id, "model_version": tm.model_version} | found)


def _latest(name: str, log: "Audit | Complaints", limit: int) -> Mapping[str, Any]:
    return {
        "count": log.count(overview.MOST),
        name: [asdict(one) for one in log.latest(limit)],
    }
