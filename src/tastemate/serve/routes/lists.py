"""Lists and what belongs to them: recommend, similar, search, rerank, explain, compare."""

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tastemate import filters
from tastemate.errors import UnknownItem, UnknownUser
from tastemate.scope import opened
from tastemate.serve import cards, listing, own
from tastemate.serve.auth import needs
from tastemate.serve.problem import declared
from tastemate.serve.replies import reply, sent
from tastemate.serve.schemas import Compare, Explain, Recommend, Rerank, SearchFor, Similar
from tastemate.serve.told import Compared, Explained, Found, Listed, Reranked
from tastemate.types import Query

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.serve.service import Service


def router(service: "Service") -> APIRouter:
    """Return the routes of lists."""
    routes = APIRouter(
        prefix="/v1",
        tags=["lists"],
        dependencies=[Depends(needs("read"))],
        responses=declared(404),
    )

    _asked(routes, service)
    _found_by(routes, service)
    _held_against(routes, service)
    return routes


def _asked(routes: APIRouter, service: "Service") -> None:
    """Add what puts items in order for somebody."""

    @routes.post("/recommend", response_model=Listed, responses=declared(409))
    async def recommend(asked: Recommend) -> Response:
        """Return a list for a user, for a conversation, or for what somebody just did."""
        answer = await service.answer(asked)
        return sent(answer.body)

    @routes.post("/rerank", response_model=Reranked)
    def rerank(asked: Rerank) -> Response:
        """Put items of one's own in order for somebody: known ones, or new ones given whole."""
        began = time.perf_counter()
        service.refresh()
        tm = service.project
        told = own.ranked(tm, asked)
        return reply({"took_ms": _since(began), "model_version": tm.model_version, **told})


def _found_by(routes: APIRouter, service: "Service") -> None:
    """Add what finds items, whoever asks."""

    @routes.post("/similar", response_model=Found)
    def similar(asked: Similar) -> Response:
        """Return the items most like one."""
        began = time.perf_counter()
        service.refresh()
        tm = service.project
        _there(tm, asked.item_id)
        found = tm.similar(asked.item_id, asked.k)
        return reply(_found(tm, cards.briefs(found, tm.catalog), [], began))

    @routes.post("/search", response_model=Found)
    def search(asked: SearchFor) -> Response:
        """Return the items that fit some words best, among those that filters leave."""
        began = time.perf_counter()
        service.refresh()
        tm = service.project
        wishes = listing.wished(tm, asked.filters)
        may, _ = filters.allowed(tm.catalog, wishes)
        query = Query(text=asked.query, k=asked.k)
        found = tm.retriever("search").retrieve([query], asked.k, may[None, :])[0]
        stand_in = tm.work.resources.stand_in()
        degraded = [f"encoder: {stand_in}"] if stand_in else []
        return reply(_found(tm, cards.briefs(found, tm.catalog), degraded, began))


def _held_against(routes: APIRouter, service: "Service") -> None:
    """Add what says how items stand for somebody."""

    @routes.post("/explain", response_model=Explained)
    def explain(asked: Explain) -> Response:
        """Say where an item stands for a user, and why."""
        service.refresh()
        tm = service.project
        _there(tm, asked.item_id)
        _known(tm, asked.user_id)
        query, row = tm.query(asked.user_id), tm.catalog.row(asked.item_id)
        line = tm.recommender().explain_items(query, [row])[0]
        return reply(
            {
                "user_id": asked.user_id,
                "model_version": tm.model_version,
                "seen": row in query.exclude or bool((query.history.items == row).any()),
                "item": cards.card(line),
            }
        )

    @routes.post("/compare", response_model=Compared)
    def compare(asked: Compare) -> Response:
        """Hold two or three items against somebody's taste."""
        service.refresh()
        tm = service.project
        for item_id in asked.item_ids:
            _there(tm, item_id)
        _known(tm, asked.user_id)
        with opened(None, asked.user_id):
            found = tm.compare(asked.user_id, asked.item_ids)
        return reply(
            {
                "user_id": asked.user_id,
                "best": found.best,
                "verdict": found.verdict,
                "text": found.text,
                "shared": {name: list(values) for name, values in found.shared.items()},
                "evidence": list(found.evidence),
                "items": [
                    {
                        "item_id": one.item.id,
                        "title": one.item.title,
                        "score": cards.number(one.score),
                        "fits": [statement.text for statement in one.fits],
                        "clashes": [statement.text for statement in one.clashes],
                        "own": {name: list(values) for name, values in one.own.items()},
                        "reason": cards.reason(one.reason),
                    }
                    for one in found.items
                ],
            }
        )


def _found(
    tm: "Tastemate", items: list[dict[str, Any]], degraded: list[str], began: float
) -> dict[str, Any]:
    return {
        "took_ms": _since(began),
        "model_version": tm.model_version,
        "degraded": degraded,
        "items": items,
    }


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)


def _there(tm: "Tastemate", item_id: str) -> None:
    if item_id not in tm.catalog:
        raise UnknownItem(f"There is no item {item_id!r}. GET /v1/items lists them.")


def _known(tm: "Tastemate", user: str) -> None:
    if not listing.person_of(tm, user).known:
        raise UnknownUser(f"Nothing is known of the user {user!r}. POST /v1/events tells of them.")
