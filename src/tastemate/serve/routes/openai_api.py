"""The chat in the OpenAI protocol, so that any chat client can talk to the recommender.

`POST /v1/chat/completions` in one piece and streamed, `GET /v1/models`. The protocol keeps no
conversation: `serve.threads` finds it again by what was said. Errors have the shape that the
protocol's clients read, whoever found them.
"""

import json
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tastemate.errors import TastemateError
from tastemate.llm.tokens import estimate
from tastemate.serve import forms, stream
from tastemate.serve.auth import needs
from tastemate.serve.cards import card
from tastemate.serve.openai_errors import error_body, refused
from tastemate.serve.openai_shapes import Completion, Completions, Model, Models, OpenAIError, Part
from tastemate.serve.problem import Problem, clean, invalid
from tastemate.serve.routes.talk import noted, problem, project_of
from tastemate.serve.stream import Said, Stage
from tastemate.serve.talking import LONGEST, Listener
from tastemate.serve.threads import Said as Line
from tastemate.serve.threads import Threads

if TYPE_CHECKING:
    from tastemate.chat.reply import Reply
    from tastemate.serve.service import Service

MODEL = "tastemate"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it is answered."""

    user: str
    said: tuple[Line, ...]
    id: str
    created: int


class OpenAIRoute(APIRoute):
    """A route whose errors have the shape of the protocol."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except Problem as error:
                return refused(error)
            except RequestValidationError as error:
                return refused(invalid(error.errors(), error.body))
            except HTTPException as error:
                headers = dict(error.headers or {})
                return refused(Problem(error.status_code, str(error.detail), headers=headers))
            except TastemateError as error:
                return refused(problem(error))

        return answered


def router(service: "Service") -> APIRouter:
    """Return the routes of the protocol."""
    threads, stage = Threads(), Stage()
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": OpenAIError} for status in (400, 401, 403, 404, 429, 503)
    }
    routes = APIRouter(
        prefix="/v1", tags=["OpenAI protocol"], route_class=OpenAIRoute, responses=errors
    )

    @routes.post(
        "/chat/completions",
        response_model=Completion,
        dependencies=[Depends(needs("read", "write"))],
        responses={200: {"content": {stream.MEDIA: {"schema": {"type": "string"}}}}},
    )
    async def completions(body: Completions) -> Response:
        """Answer the last message of a conversation."""
        asked = _asked(body)

        def work(to: Listener) -> tuple["Reply", str]:
            reply = threads.answer(
                project_of(service), asked.user, asked.said, to.sentence, written
            )
            return reply, noted(service, reply)

        heard = stage.heard(work)
        if body.stream:
            counted = bool(body.stream_options and body.stream_options.include_usage)
            return StreamingResponse(
                _chunks(heard, asked, counted), media_type=stream.MEDIA, headers=stream.HEADERS
            )
        async with aclosing(heard):
            async for said in heard:
                if said.kind == "done":
                    return JSONResponse(_completion(asked, *said.value))
        raise Problem(503, "The answer did not end. Try again.")

    @routes.get("/models", response_model=Models, dependencies=[Depends(needs("read"))])
    async def models() -> Response:
        """Return the one model there is."""
        return JSONResponse({"object": "list", "data": [_model(service)]})

    @routes.get("/models/{model}", response_model=Model, dependencies=[Depends(needs("read"))])
    async def model(model: str) -> Response:
        """Return the model by its name."""
        _known(model)
        return JSONResponse(_model(service))

    return routes


def written(reply: "Reply") -> str:
    """Return a reply as text alone: its sentences, and its cards as a list."""
    return f"{reply.text}{_list(reply)}"


def _asked(body: Completions) -> _Asked:
    """Return a request as it is answered; raise `Problem` for one that cannot be."""
    _known(body.model)
    lines = tuple(
        Line(one.role == "user", clean(_text(one.content, f"messages[{at}].content")))
        for at, one in enumerate(body.messages)
        if one.role in ("user", "assistant")
    )
    last = f"messages[{len(body.messages) - 1}]"
    if not lines or not lines[-1].own:
        raise _wrong(f"{last}.role", "The last message has to be the user's.")
    if not lines[-1].text.strip():
        raise _wrong(f"{last}.content", "There is no message. Say something, in your own words.")
    for at, line in enumerate(lines):
        if line.own and len(line.text) > LONGEST:
            where = f"{last}.content" if at == len(lines) - 1 else "messages"
            raise _wrong(
                where, f"A message is {len(line.text)} characters long; {LONGEST} at most."
            )
    return _Asked(clean(body.user or ""), lines, f"chatcmpl-{uuid4().hex}", int(time.time()))


def _text(content: str | list[Part] | None, where: str) -> str:
    if not isinstance(content, list):
        return content or ""
    for at, part in enumerate(content):
        if part.type != "text":
            raise _wrong(f"{where}[{at}].type", f"Only text is understood, not {part.type[:40]!r}.")
    return "\n".join(part.text for part in content)


def _known(model: str) -> None:
    if model != MODEL:
        text = f"There is no model {clean(model)[:80]!r}. There is {MODEL!r}."
        raise Problem(404, text, kind="model_not_found", errors=[("model", text)])


def _wrong(field: str, reason: str) -> Problem:
    return Problem(422, reason, kind="invalid_value", errors=[(field, reason)])


def _list(reply: "Reply") -> str:
    return f"\n\n{forms.listed(reply.slate.items)}" if reply.slate.items else ""


def _completion(asked: _Asked, reply: "Reply", noted: str) -> dict[str, Any]:
    return {
        **_head(asked, "chat.completion"),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": written(reply)},
                "finish_reason": "stop",
            }
        ],
        "usage": _usage(asked.said, written(reply)),
        "tastemate": _told(reply, noted),
    }


async def _chunks(
    heard: AsyncGenerator[Said, None], asked: _Asked, counted: bool
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a streamed answer: a sentence each, then the list, then the end."""

    def chunk(delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({**_head(asked, "chat.completion.chunk"), "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    between = ""
    async with aclosing(heard):
        try:
            async for said in heard:
                if said.kind == "ping":
                    yield stream.comment()
                elif said.kind == "sentence":
                    yield chunk({"content": f"{between}{said.value}"})
                    between = " "
                elif said.kind == "done":
                    reply, id_ = said.value
                    if text := _list(reply):
                        yield chunk({"content": text})
                    yield chunk({}, "stop", tastemate=_told(reply, id_))
                    if counted:
                        usage = _usage(asked.said, written(reply))
                        head = _head(asked, "chat.completion.chunk")
                        yield _data({**head, "choices": [], "usage": usage})
        except TastemateError as error:
            yield _data(error_body(problem(error)))
    yield b"data: [DONE]\n\n"


def _head(asked: _Asked, kind: str) -> dict[str, Any]:
    return {"id": asked.id, "object": kind, "created": asked.created, "model": MODEL}


def _told(reply: "Reply", noted: str) -> dict[str, Any]:
    """Return what the protocol has no place for; its clients pass it on or leave it."""
    return {
        "recommendation_id": noted,
        "items": [card(line) for line in reply.slate.items],
        "degraded": list(reply.degraded),
    }


def _model(service: "Service") -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": service.project.name}


def _usage(said: Sequence[Line], answer: str) -> dict[str, int]:
    """Return what the protocol counts: an estimate, for there need not be a model with tokens."""
    asked, told = sum(estimate(line.text) for line in said), estimate(answer)
    return {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told}


def _data(value: Any) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False, allow_nan=False)}\n\n".encode()
