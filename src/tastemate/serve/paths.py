"""Ids in paths: they may hold a slash, a line break, anything that was percent-encoded.

What is decoded cannot be told apart: "x%2Ftaste" is a user, "x/taste" is the taste of one. So a
slash that came encoded stays marked until it is part of an id.
"""

import re
from urllib.parse import unquote

from fastapi import Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.serve.problem import Problem
from tastemate.serve.refusal import path_of

VERBS = ("taste", "history", "export", "reset")
"""What may stand behind a user's id."""
USERS = "/v1/users/"
ENCODED = re.compile("%2[fF]")
MARK = "\udc2f"
"""An encoded slash: half a character, which no decoded path holds."""


ANSWERED = ("route", "fastapi", "endpoint", "path_params")
"""What a router says of the route that answered."""


class AnyId(Convertor[str]):
    """Any text."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return the text with its slashes."""
        return value.replace(MARK, "/")

    def to_string(self, value: str) -> str:
        """Return the text as it is."""
        return value


class BareUser(AnyId):
    """Any text that does not end in a verb: else other methods of a verb would end up here."""

    regex = rf"(?:(?!/(?:{'|'.join(VERBS)})$)[\s\S])*"


class Marked:
    """Hands requests about users on with encoded slashes marked in their path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark the path of a request, and hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "path": marked(scope), "path_sent": scope["path"]}
        try:
            await self.app(inner, receive, send)
        finally:  # what stands before tells by it which route answered
            scope.update({name: inner[name] for name in ANSWERED if name in inner})


def marked(scope: Scope) -> str:
    """Return the path of a request; about a user, encoded slashes are a `MARK` in it."""
    path, raw = str(scope["path"]), bytes(scope.get("raw_path") or b"").decode("latin-1")
    if not path_of(scope).startswith(USERS) or not ENCODED.search(raw) or unquote(raw) != path:
        return path
    return MARK.join(unquote(part) for part in ENCODED.split(raw))


def user_named(scope: Scope) -> str:
    """Return the user that a request's path names, or an empty text."""
    path = path_of({**scope, "path": marked(scope)})
    if not path.startswith(USERS):
        return ""
    named = path.removeprefix(USERS)
    before, _, verb = named.rpartition("/")
    return (before if before and verb in VERBS else named).replace(MARK, "/")


async def only_known(request: Request) -> None:
    """Refuse a query parameter that a route does not read: a misspelt one would do nothing.

    Pages are left out, and the OpenAI protocol: its clients send what others understand.
    """
    if not request.scope.get("query_string") or not path_of(request.scope).startswith("/v1/"):
        return
    route = request.scope.get("route")
    if "OpenAI protocol" in getattr(route, "tags", ()):
        return
    known = _parameters(getattr(route, "dependant", None))
    odd = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if odd:
        may = f"It may have {', '.join(sorted(known))}." if known else "It has none."
        reason = f"This is not read here. {may}"
        raise Problem(422, f"{odd[0]}: {reason}", errors=[(name, reason) for name in odd])


def _parameters(dependant: object) -> set[str]:
    """Return the names of the query parameters that a route and what it depends on read."""
    if dependant is None:
        return set()
    own = {str(one.alias) for one in getattr(dependant, "query_params", ())}
    return own.union(*(_parameters(one) for one in getattr(dependant, "dependencies", ())))


def register() -> None:
    """Make the kinds known to routes: `{item_id:anyid}`, `{user_id:bareuser}`."""
    register_url_convertor("anyid", AnyId())
    register_url_convertor("bareuser", BareUser())
