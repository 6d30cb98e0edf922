"""The catalogue: what is in it, what one can filter by, and what is added."""

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from tastemate.catalog import Catalog
from tastemate.errors import UnknownItem
from tastemate.serve import cards
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.intake import added
from tastemate.serve.problem import declared
from tastemate.serve.replies import reply
from tastemate.serve.schemas import PRINTED, NewItems
from tastemate.serve.told import Attributes, Items, ItemsAdded, ItemShown, Project

if TYPE_CHECKING:
    from tastemate.serve.service import Service

READS = [Depends(needs("read"))]
WRITES = [Depends(needs("write"))]
SHOWN = 50
"""Values of an attribute that are listed."""
SCANNED = 1_000
"""Matches of a search that are paged through."""
NAMED = 100
"""Replaced items that a line of the audit log names."""


def router(service: "Service") -> APIRouter:
    """Return the routes of the catalogue."""
    routes = APIRouter(prefix="/v1", tags=["items"])
    _about(routes, service)
    _listed(routes, service)
    _single(routes, service)
    return routes


def _about(routes: APIRouter, service: "Service") -> None:
    """Add what tells of the whole catalogue."""

    @routes.get("/project", response_model=Project, dependencies=READS)
    def project() -> Response:
        """Say what is served."""
        tm = service.project
        language = tm.language
        return reply(
            {
                "name": tm.name,
                "noun": tm.desk.manners.noun,
                "items": len(tm.catalog),
                "users": tm.interactions.n_users,
                "events": len(tm.interactions) + tm.store.events.count(),
                "profile": tm.settings.recommend.profile,
                "model_version": tm.model_version,
                "llm": language.model.name if language is not None else "",
                "signals": dict(tm.work.weights_of_signals.weights),
            }
        )

    @routes.get("/attributes", response_model=Attributes, dependencies=READS)
    def attributes() -> Response:
        """List what one can filter by, with the most frequent values."""
        catalog = service.project.catalog
        return reply({"attributes": [_attribute(catalog, name) for name in catalog.attributes]})


def _listed(routes: APIRouter, service: "Service") -> None:
    """Add what lists items."""

    @routes.get("/items", response_model=Items, dependencies=READS, responses=declared(404))
    def items(
        query: Annotated[str, Query(max_length=2000, description="Words to look for.")] = "",
        after: Annotated[str, Query(max_length=256, description="`next` of a page.")] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Response:
        """List items in the order of the catalogue, or those that fit some words, best first."""
        tm = service.project
        catalog = tm.catalog
        rows: Any = range(len(catalog))
        if query.strip():
            rows = [one.row for one in tm.search(query, SCANNED)]
        start = _after(catalog, rows, after) if after else 0
        part = list(rows[start : start + limit])
        more = start + limit < len(rows)
        return reply(
            {
                "items": [cards.shown(catalog.item(row)) for row in part],
                "total": len(rows),
                "next": catalog.ids[part[-1]] if more and part else "",
            }
        )


def _single(routes: APIRouter, service: "Service") -> None:
    """Add what is about items one by one."""

    @routes.post("/items", response_model=ItemsAdded, dependencies=WRITES)
    def add(asked: NewItems, request: Request) -> Response:
        """Add items, or replace those of the same id; each is judged by itself."""
        told = added(service.project, asked.items)
        if told["added"] or told["replaced"]:
            audit(
                service.store, request, "add items",
                added=len(told["added"]), replaced=told["replaced"][:NAMED],
            )  # fmt: skip
        return reply(told)

    @routes.get(
        "/items/{item_id:anyid}",
        response_model=ItemShown,
        dependencies=READS,
        responses=declared(404),
    )
    def item(
        item_id: Annotated[str, Path(min_length=1, max_length=256, pattern=PRINTED)],
    ) -> Response:
        """Return one item."""
        catalog = service.project.catalog
        if item_id not in catalog:
            raise UnknownItem(f"There is no item {item_id!r}. GET /v1/items lists them.")
        return reply(cards.shown(catalog[item_id]))


def _after(catalog: Catalog, rows: Any, after: str) -> int:
    """Return the place behind an item; raise `UnknownItem` where it is not among the rows."""
    if after in catalog:
        row = catalog.row(after)
        if isinstance(rows, range):
            return row + 1
        if row in rows:
            return int(rows.index(row)) + 1
    raise UnknownItem("`after` is not an item of this list. Begin again without it.")


def _attribute(catalog: Catalog, name: str) -> dict[str, Any]:
    if catalog.is_numeric(name):
        numbers = catalog.numbers(name)
        numbers = numbers[np.isfinite(numbers)]
        low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
        return {"name": name, "kind": "number", "values": [], "low": low, "high": high}
    found = catalog.incidence(name)
    counts = np.asarray(found.matrix.sum(axis=0)).ravel()
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    return {
        "name": name,
        "kind": "list" if catalog.frame.schema[name].is_nested() else "text",
        "values": [{"value": found.values[at], "count": int(counts[at])} for at in order],
        "low": 0.0,
        "high": 0.0,
    }
