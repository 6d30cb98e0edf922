"""Users: what is known of them, what they did, and how they take all of it along or away."""

import bisect
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from tastemate.errors import UnknownUser
from tastemate.serve import cards, jobs, listing
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, declared
from tastemate.serve.replies import reply
from tastemate.serve.schemas import PRINTED, About
from tastemate.serve.told import Erased, Forgotten, Past, Users, UserShown
from tastemate.store.resetting import reset as begin_again

if TYPE_CHECKING:
    from tastemate.people import Person
    from tastemate.project import Tastemate
    from tastemate.serve.service import Service

READS = [Depends(needs("read"))]
WRITES = [Depends(needs("write"))]
BOTH = [Depends(needs("read", "write"))]
"""For what changes data and tells of them."""
COPIES = ("exports", "backups")
"""Folders of files that were written for whoever asked for them."""
UserId = Annotated[str, Path(min_length=1, max_length=256, pattern=PRINTED)]


def router(service: "Service") -> APIRouter:
    """Return the routes of users."""
    routes = APIRouter(prefix="/v1/users", tags=["users"])
    _told(routes, service)
    _taken(routes, service)
    _entry(routes, service)  # last: its path takes whatever the others leave
    return routes


def _told(routes: APIRouter, service: "Service") -> None:
    """Add what tells of users."""

    @routes.get("", response_model=Users, dependencies=READS)
    def users(
        after: Annotated[str, Query(max_length=256, description="`next` of a page.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """List users by id: those in the data, and those who came since."""
        found = _users(service, after, limit + 1)
        more = found[limit - 1] if len(found) > limit else ""
        return reply({"users": found[:limit], "next": more})

    @routes.get(
        "/{user_id:anyid}/history",
        response_model=Past,
        dependencies=READS,
        responses=declared(404),
    )
    def history(user_id: UserId, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        """Return what somebody did and what of it stands, the latest first."""
        service.refresh()
        tm = service.project
        return reply({"user_id": user_id, **_past(tm, _person(tm, user_id), limit)})


def _taken(routes: APIRouter, service: "Service") -> None:
    """Add what users take along, and what they leave behind."""

    @routes.get(
        "/{user_id:anyid}/export",
        response_model=dict[str, Any],
        dependencies=BOTH,
        responses=declared(404),
    )
    def export(user_id: UserId) -> Response:
        """Return everything that is held of somebody."""
        service.refresh()
        tm = service.project
        person = _held(service, tm, user_id)
        data = _past(tm, person, len(person.history) + len(person.signals))
        told = {"user_id": user_id, "data": data["events"], **tm.store.users.export(user_id)}
        return reply(told)

    @routes.post(
        "/{user_id:anyid}/reset",
        response_model=Forgotten,
        dependencies=WRITES,
        responses=declared(404),
    )
    def reset(user_id: UserId, request: Request) -> Response:
        """Forget what somebody did here, said of their taste and talked about; they stay."""
        tm = service.project
        _held(service, tm, user_id)
        gone = begin_again(tm.store, user_id)
        audit(tm.store, request, "reset user", user=user_id, rows=gone)
        tm.catch_up()
        return reply({"user_id": user_id, "forgotten": gone})


def _entry(routes: APIRouter, service: "Service") -> None:
    """Add the user by id."""

    @routes.get(
        "/{user_id:bareuser}",
        response_model=UserShown,
        dependencies=READS,
        responses=declared(404),
    )
    def user(user_id: UserId) -> Response:
        """Return what somebody declared about themselves, and how much they did."""
        service.refresh()
        return reply(_shown(user_id, _person(service.project, user_id)))

    @routes.put("/{user_id:bareuser}", response_model=UserShown, dependencies=WRITES)
    def put(user_id: UserId, asked: About) -> Response:
        """Keep what somebody declares about themselves, in place of what they said before."""
        tm = service.project
        if not user_id.strip():
            raise Problem(422, "The user id is blank.", errors=[("user_id", "blank")])
        told = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in asked.attributes.items()
        }
        change = tm.store.users.put(user_id, told)
        tm.work.people.wrote(user_id, "users", change)
        tm.catch_up()
        return reply(_shown(user_id, listing.person_of(tm, user_id)))

    @routes.delete(
        "/{user_id:bareuser}",
        response_model=Erased,
        dependencies=WRITES,
        responses=declared(404),
    )
    def erase(
        user_id: UserId,
        request: Request,
        erase: Annotated[Literal["all"], Query(description="Said, so that it is meant.")],
    ) -> Response:
        """Remove everything held of somebody; models forget them at the next fit."""
        del erase
        tm = service.project
        _held(service, tm, user_id)
        told = _erased(service, tm, user_id)
        audit(tm.store, request, "erase user", user=user_id, rows=told["erased"])
        return reply(told)


def _erased(service: "Service", tm: "Tastemate", user: str) -> dict[str, Any]:
    """Erase a user, here and in what waits to be written, and ask for a fit without them."""
    gone = tm.erase(user)
    service.answers.clear()
    try:
        job = jobs.ask(tm.store.jobs, "train")
        note = "A fit without them is queued; until it is done no list of others names them."
    except jobs.Busy as busy:
        job = busy.job
        note = "A fit is under way already; fit once more when it is done: POST /v1/train."
    copies = [name for name in COPIES if any((tm.work.folder / name).glob("*"))]
    if copies:
        places = " and ".join(str(tm.work.folder / name) for name in copies)
        note += f" Copies made before may still name them: look into {places}."
    return {"erased": gone, "job_id": job, "note": note}


def _held(service: "Service", tm: "Tastemate", user: str) -> "Person":
    """Return what is known of a user of whom anything at all is held; raise `UnknownUser`.

    Who was only shown lists, complained or talked is nobody to recommend for, but is held.
    """
    service.impressions.flush()
    person = listing.person_of(tm, user)
    if not person.known and not tm.store.users.held(user):
        raise UnknownUser(f"Nothing is held of the user {user!r}.")
    return person


def _person(tm: "Tastemate", user: str) -> "Person":
    person = listing.person_of(tm, user)
    if not person.known:
        raise UnknownUser(f"Nothing is known of the user {user!r}.")
    return person


def _shown(user: str, person: "Person") -> dict[str, Any]:
    told = {name: cards.plain(value) for name, value in person.about.items()}
    known = {"user_id": user, "known": person.known}
    return {**known, "attributes": told, "events": len(person.history)}


def _past(tm: "Tastemate", person: "Person", limit: int) -> dict[str, Any]:
    """Return what somebody did: signals as they were sent, and the events of the data."""
    catalog = tm.catalog
    told = {signal.item for signal in person.signals}
    past = person.history
    events = [
        {
            "event_id": "",
            "kind": "data",
            "item_id": catalog.ids[row],
            "title": catalog.titles[row],
            "value": cards.number(value),
            "timestamp": at,
        }
        for row, value, at in zip(
            past.items.tolist(), past.values.tolist(), past.timestamps.tolist(), strict=True
        )
        if catalog.ids[row] not in told
    ]
    events += [
        {
            "event_id": signal.id,
            "kind": signal.kind,
            "item_id": signal.item,
            "title": catalog[signal.item].title,
            "value": cards.number(signal.value),
            "timestamp": signal.timestamp,
        }
        for signal in person.signals
    ]
    # signals of one second stay in the order in which they came
    events = sorted(events, key=lambda one: one["timestamp"])[::-1]
    return {"total": len(events), "events": events[:limit]}


def _users(service: "Service", after: str, limit: int) -> list[str]:
    """Return users behind one by id, those of the data and of the store as one list."""
    tm = service.project
    names = tm.interactions.by_id
    start = bisect.bisect_right(names, after)
    data = names[start : start + limit]
    came = tm.store.users.all(after, limit)
    return sorted({*data, *came})[:limit]
