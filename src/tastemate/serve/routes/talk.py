"""Conversations over HTTP: sessions, messages, chips, undo, verdicts; in one piece or as events."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from tastemate.errors import TastemateError
from tastemate.serve import stream
from tastemate.serve.answers import Kept as Logged
from tastemate.serve.answers import Shown
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, body, clean, declared, problem_of
from tastemate.serve.replies import reply
from tastemate.serve.schemas import PRINTED
from tastemate.serve.stream import Said, Stage
from tastemate.serve.talk_shapes import (
    SESSION,
    Answer,
    Begin,
    Begun,
    Conversed,
    KeptAll,
    Message,
    Remembered,
    Verdict,
)
from tastemate.serve.talking import Conflict, Listener, Talking
from tastemate.serve.told import Card

if TYPE_CHECKING:
    from tastemate.chat.reply import Reply
    from tastemate.project import Tastemate
    from tastemate.serve.service import Service
    from tastemate.serve.telemetry import Telemetry

POLICY = "chat+session"
"""How lists of conversations are named where it is logged what was shown."""
SessionId = Annotated[str, Path(pattern=SESSION, description="Id of a conversation.")]
Place = Annotated[int, Path(ge=1, le=1000)]

_EVENTS = {
    "description": "The reply, or its events where they are asked for.",
    "content": {stream.MEDIA: {"schema": {"type": "string"}}},
}
_GONE = declared(401, 403, 404, 422, 429, 503)
_TURN: dict[int | str, dict[str, Any]] = {200: _EVENTS, **_GONE, **declared(409)}
_WRITE = [Depends(needs("write"))]
_BOTH = [Depends(needs("read", "write"))]
_READ = [Depends(needs("read"))]


def router(service: "Service") -> APIRouter:
    """Return the routes of conversations."""
    talking = Talking(lambda: project_of(service), lambda reply: noted(service, reply))
    routes = APIRouter(prefix="/v1/sessions", tags=["chat"])
    _whole(routes, talking, Stage())  # threads of its own: it never waits for slow answers
    _turns(routes, talking, Stage())
    return routes


def project_of(service: "Service") -> "Tastemate":
    """Return what is served, with what other processes wrote."""
    service.refresh()
    return service.project


def noted(service: "Service", said: "Reply") -> str:
    """Log what a reply showed, as is done for every list; return the id of that list."""
    name, tm = uuid4().hex, service.project
    shown = tuple(
        Shown(line.item.id, line.rank, line.propensity, line.score) for line in said.slate.items
    )
    if shown:
        kept = Logged(
            b"",
            shown,
            model=tm.model_version,
            policy=POLICY,
            user=said.session.user or "",
            session=said.session.id,
        )
        service.impressions.add([(name, kept, int(time.time()))])
    telemetry: Telemetry | None = getattr(service, "telemetry", None)
    if telemetry is not None:
        telemetry.slate(said.slate)
        telemetry.shown(line.item for line in shown)
    return name


def _whole(routes: APIRouter, talking: Talking, stage: Stage) -> None:
    """Add what is done with a whole conversation."""

    @routes.post(
        "",
        response_model=Begun,
        status_code=201,
        responses={200: {"model": Begun}, **declared(401, 403, 409, 422, 429, 503)},
        dependencies=_WRITE,
    )
    async def begin(said: Begin) -> Response:
        """Begin a conversation; one that is kept under the id already is found again."""
        made, new = await done(stage, lambda: talking.begin(said.user_id, said.session_id))
        return reply(made, 201 if new else 200)

    @routes.get(
        "",
        response_model=KeptAll,
        responses=declared(401, 403, 422, 429, 503),
        dependencies=_READ,
    )
    async def sessions(
        user_id: Annotated[
            str, Query(min_length=1, max_length=256, pattern=PRINTED, description="Whose.")
        ],
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Return a user's conversations."""
        return reply({"sessions": await done(stage, lambda: talking.all(user_id, limit))})

    @routes.get("/{session_id}", response_model=Conversed, responses=_GONE, dependencies=_READ)
    async def session(session_id: SessionId) -> Response:
        """Return a conversation: its turns, what is believed, and the wishes as chips."""
        return reply(await done(stage, lambda: talking.one(session_id)))

    @routes.delete(
        "/{session_id}",
        status_code=204,
        responses={**_GONE, **declared(409)},
        dependencies=_WRITE,
    )
    async def delete(session_id: SessionId) -> Response:
        """Delete a conversation for good; a running answer is stopped first."""
        await done(stage, lambda: talking.delete(session_id))
        return Response(status_code=204)

    @routes.get("/{session_id}/why/{place}", response_model=Card, responses=_GONE,
                dependencies=_READ)  # fmt: skip
    async def why(session_id: SessionId, place: Place) -> Response:
        """Return the item at a place of the list shown last, with its whole reason."""
        return reply(await done(stage, lambda: talking.why(session_id, place)))

    @routes.post("/{session_id}/remember", response_model=Remembered,
                 responses={**_GONE, **declared(409)}, dependencies=_BOTH)  # fmt: skip
    async def remember(session_id: SessionId) -> Response:
        """Keep the likes and dislikes of a conversation as its user's own."""
        return reply(await done(stage, lambda: talking.remember(session_id)))


def _turns(routes: APIRouter, talking: Talking, stage: Stage) -> None:
    """Add what is answered with a reply."""

    @routes.post("/{session_id}/messages", response_model=Answer, responses=_TURN,
                 dependencies=_BOTH)  # fmt: skip
    async def messages(session_id: SessionId, said: Message, request: Request) -> Response:
        """Answer a message."""
        text = clean(said.message)
        return await replied(stage, request, lambda to: talking.say(session_id, text, to))

    @routes.post("/{session_id}/undo", response_model=Answer, responses=_TURN,
                 dependencies=_BOTH)  # fmt: skip
    async def undo(session_id: SessionId, request: Request) -> Response:
        """Take the last change back; again takes back the one before."""
        return await replied(stage, request, lambda to: talking.undo(session_id, to))

    @routes.post("/{session_id}/verdict", response_model=Answer, responses=_TURN,
                 dependencies=_BOTH)  # fmt: skip
    async def verdict(session_id: SessionId, said: Verdict, request: Request) -> Response:
        """Note that an item of the last list is liked, disliked or seen."""
        return await replied(
            stage, request, lambda to: talking.verdict(session_id, said.place, said.kind, to)
        )

    @routes.delete("/{session_id}/chips/{number}", response_model=Answer, responses=_TURN,
                   dependencies=_BOTH)  # fmt: skip
    async def chips(
        session_id: SessionId,
        number: Place,
        request: Request,
        text: Annotated[
            str, Query(max_length=1000, description="What the line has to say; else 409.")
        ] = "",
    ) -> Response:
        """Take one belief back, a chip's wish or any other line."""
        return await replied(
            stage, request, lambda to: talking.withdraw(session_id, number, text, to)
        )


async def done(stage: Stage, work: Callable[[], Any]) -> Any:
    """Do some work in a thread of the stage; a conflict is a 409."""
    try:
        return await stage.run(work)
    except Conflict as error:
        raise problem(error) from error


async def replied(stage: Stage, request: Request, work: Callable[[Listener], Any]) -> Response:
    """Answer with a whole reply, or with its events where these are asked for."""
    if stream.MEDIA not in request.headers.get("accept", ""):
        return reply(await done(stage, lambda: work(Listener())))
    heard = stage.heard(work)
    try:
        await begun(heard)  # what is wrong with the request is an ordinary error
    except Conflict as error:
        raise problem(error) from error
    return StreamingResponse(
        _events(heard, request), media_type=stream.MEDIA, headers=stream.HEADERS
    )


async def begun(heard: AsyncIterator[Said]) -> None:
    """Wait until an answer has begun; raises what keeps it from that."""
    async for said in heard:
        if said.kind != "ping":
            return


def problem(error: TastemateError) -> Problem:
    """Return one of our errors as a problem."""
    if isinstance(error, Conflict):
        return Problem(409, str(error))
    return problem_of(error)


async def _events(heard: AsyncGenerator[Said, None], request: Request) -> AsyncIterator[bytes]:
    async with aclosing(heard):
        try:
            async for said in heard:
                if said.kind == "ping":
                    yield stream.comment()
                elif said.kind == "sentence":
                    yield stream.event("sentence", {"text": said.value})
                else:
                    for name, value in _parts(said.value):
                        yield stream.event(name, value)
        except TastemateError as error:
            yield _failed(problem(error), request)
        except Exception:  # the listener hears that it is over; the log gets what it was
            yield _failed(Problem(500, "Something failed here that should not have."), request)
            raise


def _failed(problem: Problem, request: Request) -> bytes:
    made = str(request.scope.get("state", {}).get("request_id", ""))
    return stream.event("error", body(problem, request.url.path, made))


def _parts(whole: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what is told once a reply stands, event by event."""
    cards = {"items": whole["items"], "recommendation_id": whole["recommendation_id"]}
    parts: list[tuple[str, Any]] = [("cards", cards)]
    if whole["question"]["text"]:
        parts.append(("question", whole["question"]))
    return [*parts, ("chips", whole["chips"]), ("done", whole)]
