"""Refusals sent from below the routes, where no exception handler of the framework stands."""

from starlette.types import Message, Scope, Send

from tastemate.serve import openai_errors
from tastemate.serve.problem import Problem, respond


async def refuse(
    scope: Scope,
    send: Send,
    status: int,
    detail: str,
    *,
    wait: float = 0.0,
    headers: dict[str, str] | None = None,
) -> None:
    """Answer a request with a problem; `wait` seconds become Retry-After.

    Where the OpenAI protocol is spoken, the answer has its shape.
    """
    lines = dict(headers or {})
    if wait > 0:
        lines["Retry-After"] = str(int(wait) + 1)
    problem = Problem(status, detail, headers=lines)
    if openai_errors.spoken_at(path_of(scope)):
        answer = openai_errors.refused(problem)
    else:
        made = str(scope.get("state", {}).get("request_id", ""))
        answer = respond(problem, scope["path"], made)
    if scope["method"] == "HEAD":
        answer.body = b""
    await answer(scope, nothing, send)


async def nothing() -> Message:
    """Receive from a request of which nothing more is read."""
    return {"type": "http.disconnect"}


def header(scope: Scope, name: bytes) -> str:
    """Return a request's header, the first of that name, or an empty text."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return ""


def said(scope: Scope) -> dict[str, object]:
    """Return what was found out about a request: `request.state` of the routes."""
    state: dict[str, object] = scope.setdefault("state", {})
    return state


def path_of(scope: Scope) -> str:
    """Return a request's path as the routes see it, below the server's root."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path
