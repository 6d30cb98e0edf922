"""Errors in the shape that clients of the OpenAI protocol read, whoever found them."""

from typing import Any

from starlette.responses import JSONResponse, Response

from tastemate.serve.problem import Problem, clean

PATHS = ("/v1/chat/completions", "/v1/models")
"""Where the protocol is spoken; below the second one stands a model's name."""
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


def spoken_at(path: str) -> bool:
    """Say whether a path, below the server's root, is one of the protocol's."""
    return path in PATHS or path.startswith(f"{PATHS[1]}/")


def refused(problem: Problem) -> Response:
    """Return a problem as the protocol has it; a bad request is 400 there."""
    status = 400 if problem.status == 422 else problem.status
    headers = dict(problem.headers)
    if status in (429, 503):
        headers.setdefault("Retry-After", "1")
    return JSONResponse(error_body(problem), status, headers)


def error_body(problem: Problem) -> dict[str, Any]:
    """Return the body of an error, which is also what a stream says of one."""
    status = problem.status
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {
        "error": {
            "message": clean(problem.detail),
            "type": kind,
            "param": problem.errors[0][0] if problem.errors else "",
            "code": problem.kind or _CODES.get(status, ""),
        }
    }
