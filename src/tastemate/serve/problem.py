"""Errors as `application/problem+json` (RFC 9457): what is wrong, where, and what to do.

One body for every error, whoever found it: our own tree, the checks of a request, the router, or
what stands before it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tastemate.errors import (
    ConfigError,
    DataError,
    NotFitted,
    NotFound,
    StageError,
    TastemateError,
    Unavailable,
    UnknownItem,
    UnknownUser,
)
from tastemate.serve.findings import named

MEDIA = "application/problem+json"
LONGEST = 600
"""Characters of a detail; more would repeat the input."""
MOST = 50
"""Fields that are named; the rest is counted."""
TITLES = {
    400: "Bad request",
    401: "No key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    411: "Length required",
    413: "Too large",
    415: "Unsupported media type",
    421: "Wrong host",
    422: "Not understood",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}
_STATUS: tuple[tuple[type[TastemateError], int, str], ...] = (
    (UnknownUser, 404, "unknown-user"),
    (UnknownItem, 404, "unknown-item"),
    (NotFound, 404, "not-found"),
    (ConfigError, 422, "invalid"),
    (DataError, 422, "invalid"),
    (NotFitted, 503, "not-fitted"),
    (StageError, 503, "stage-failed"),
    (Unavailable, 503, "unavailable"),
    (TastemateError, 503, "failed"),
)


class Problem(Exception):
    """An answer that is an error; `errors` are pairs of field and reason."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def body(problem: Problem, instance: str = "", request_id: str = "") -> dict[str, Any]:
    """Return a problem as JSON values; nothing in it is null."""
    title = TITLES.get(problem.status, "Error")
    kind = problem.kind or title.lower().replace(" ", "-")
    told: dict[str, Any] = {
        "type": f"urn:tastemate:{kind}",
        "title": title,
        "status": problem.status,
        "detail": clean(problem.detail)[:LONGEST],
        "instance": clean(instance)[:LONGEST],
        "request_id": request_id,
    }
    if problem.errors:
        told["errors"] = [
            {"field": clean(field)[:200], "reason": clean(reason)[:LONGEST]}
            for field, reason in problem.errors[:MOST]
        ]
    return told


def respond(problem: Problem, instance: str = "", request_id: str = "") -> Response:
    """Return a problem as a response; 429 and 503 say when to come back."""
    headers = dict(problem.headers)
    if problem.status in (429, 503):
        headers.setdefault("Retry-After", "1")
    text = json.dumps(body(problem, instance, request_id), ensure_ascii=False)
    return Response(text.encode(), problem.status, headers, MEDIA)


def problem_of(error: TastemateError, field: str = "") -> Problem:
    """Return one of our errors as a problem, about a field where that is known."""
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            errors = [(field, str(error))] if field else []
            return Problem(status, str(error), kind=name, errors=errors)
    return Problem(503, str(error), kind="failed")


def clean(text: str) -> str:
    """Return text that can be sent: no half of a surrogate pair, no control character."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if ord(c) >= 32 and ord(c) != 127 else " " for c in whole)


def install(app: FastAPI) -> None:
    """Let every error of an app leave as a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        return _send(request, error if isinstance(error, Problem) else Problem(500, str(error)))

    async def family(request: Request, error: Exception) -> Response:
        if not isinstance(error, TastemateError):
            raise error
        return _send(request, problem_of(error))

    async def unread(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return _send(request, invalid(error.errors(), error.body))

    async def routed(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return _send(request, _routed(request, error))

    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(TastemateError, family)
    app.add_exception_handler(RequestValidationError, unread)
    app.add_exception_handler(HTTPException, routed)


def invalid(found: Sequence[Any], given: object = None) -> Problem:
    """Return what the checks of a request found, field by field; `given` is its body."""
    errors = named(found, given)
    first = "; ".join(f"{field}: {reason}" if field else reason for field, reason in errors[:3])
    more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
    return Problem(422, f"{first}{more}" or "The request is not valid.", errors=errors)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI is told of these statuses of a route."""
    schema = {"$ref": "#/components/schemas/Problem"}
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        found[status] = {
            "description": TITLES.get(status, "Error"),
            "content": {MEDIA: {"schema": schema}},
        }
        if status in (429, 503):
            found[status]["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait.",
                    "schema": {"type": "integer", "minimum": 0},
                }
            }
    return found


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "What is wrong, where, and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
"""The body of every error, for OpenAPI."""


def _send(request: Request, problem: Problem) -> Response:
    state = request.scope.get("state") or {}
    return respond(problem, _path(request), str(state.get("request_id", "")))


def _path(request: Request) -> str:
    """Return the path as it was sent: encoded slashes of ids are marked in the routed one."""
    return str(request.scope.get("path_sent", request.url.path))


def _routed(request: Request, error: HTTPException) -> Problem:
    """Return an error of the router or of the framework as a problem."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Problem(404, f"There is nothing at {_path(request)}.", headers=headers)
    if error.status_code == 405:
        known = getattr(request.app.state, "routes", [])
        path = request.scope["path"]
        methods = {one for regex, them in known if regex.match(path) for one in them}
        allowed = ", ".join(sorted(methods)) or headers.get("Allow", "")
        headers = {"Allow": allowed}
        text = f"{request.method} is not possible here. Use {allowed}."
        return Problem(405, text, headers=headers)
    if error.status_code == 400:
        return Problem(422, "The body cannot be read as JSON.", errors=[("body", "not JSON")])
    return Problem(error.status_code, str(error.detail), headers=headers)
