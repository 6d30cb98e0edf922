"""What is known of somebody's taste, and their word on it, which counts more."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tastemate import filters
from tastemate.edits import edited, wish
from tastemate.errors import ConfigError
from tastemate.serve import cards, listing
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, declared
from tastemate.serve.replies import reply
from tastemate.serve.routes.users import BOTH, UserId
from tastemate.serve.schemas import PRINTED, TasteEdit
from tastemate.serve.told import Taste
from tastemate.types import AttributeValue
from tastemate.types import Taste as Known

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.serve.service import Service


NO_TASTE = Known()
Named = Annotated[str, Query(max_length=100, pattern=rf"{PRINTED}|^$")]
Valued = Annotated[str, Query(max_length=500, pattern=rf"{PRINTED}|^$")]


def router(service: "Service") -> APIRouter:
    """Return the routes of tastes."""
    routes = APIRouter(prefix="/v1/users", tags=["tastes"])
    path = "/{user_id:anyid}/taste"

    @routes.get(path, response_model=Taste, dependencies=[Depends(needs("read"))])
    def taste(user_id: UserId) -> Response:
        """Return what somebody likes and dislikes, with the items each line rests on."""
        service.refresh()
        return reply(_told(service.project, user_id))

    @routes.put(
        path,
        response_model=Taste,
        dependencies=BOTH,
        responses=declared(404),
    )
    def edit(user_id: UserId, asked: TasteEdit) -> Response:
        """Keep what somebody says of their taste: a like, a dislike, or never to say it again."""
        tm = service.project
        name, value = _meant(tm, asked)
        likes = None if asked.likes == "never" else asked.likes
        change = tm.store.tastes.put(user_id, name, value, likes)
        tm.work.people.wrote(user_id, "tastes", change)
        tm.catch_up()
        return reply(_told(tm, user_id))

    @routes.delete(
        path,
        response_model=Taste,
        dependencies=BOTH,
        responses=declared(422),
    )
    def clear(
        user_id: UserId, request: Request, attribute: Named = "", value: Valued = ""
    ) -> Response:
        """Take back what somebody said of one value, or everything they said of their taste."""
        tm = service.project
        if bool(attribute) != bool(value):
            raise Problem(422, "Name both attribute and value, or neither to take back everything.")
        if attribute:
            change = tm.store.tastes.forget(user_id, attribute, value)
        else:
            change = tm.store.tastes.clear(user_id)
            audit(tm.store, request, "reset taste", user=user_id)
        tm.work.people.wrote(user_id, "tastes", change)
        tm.catch_up()
        return reply(_told(tm, user_id))

    return routes


def _meant(tm: "Tastemate", asked: TasteEdit) -> tuple[str, AttributeValue]:
    """Return attribute and value as the catalogue writes them; raise a `Problem` for neither."""
    try:
        name = filters.resolve(tm.catalog, asked.attribute)
        filters.decide(tm.catalog, wish(name, asked.value))
    except ConfigError as error:
        raise listing.missing(error, "value") from error
    return name, asked.value


def _told(tm: "Tastemate", user: str) -> dict[str, Any]:
    person = listing.person_of(tm, user)
    found = tm.taste(user) if person.known else edited(NO_TASTE, person.edits)
    said = {(one.attribute, str(one.value)): one.likes for one in person.edits}
    catalog = tm.catalog
    return {
        "user_id": user,
        "text": found.text,
        "statements": [
            {
                "attribute": one.attribute,
                "value": cards.plain(one.value),
                "likes": one.likes,
                "text": one.text,
                "lift": cards.number(one.lift),
                "items": [
                    {"item_id": item, "title": catalog[item].title}
                    for item in one.items
                    if item in catalog
                ],
                "source": "said" if (one.attribute, str(one.value)) in said else "history",
            }
            for one in found.statements
        ],
        "edits": [
            {
                "attribute": one.attribute,
                "value": str(one.value),
                "likes": "never" if one.likes is None else one.likes,
            }
            for one in person.edits
        ],
    }
