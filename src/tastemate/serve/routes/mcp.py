"""The tools of `serve.mcp` over HTTP, at `/v1/mcp`: behind the same keys as everything else.

Stateless: each request stands for itself, so that any process may answer it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.serve.auth import Caller
from tastemate.serve.mcp import mcp_server
from tastemate.serve.refusal import refuse
from tastemate.serve.routes.talk import project_of

if TYPE_CHECKING:
    from tastemate.serve.service import Service

PATH = "/v1/mcp"


class Door:
    """Lets who may read and write to the protocol's app, which is there while it runs."""

    def __init__(self) -> None:
        self.inner: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        caller = scope.get("state", {}).get("caller")
        if not isinstance(caller, Caller):
            await refuse(scope, send, 401, "This service needs a key: Authorization: Bearer tm_…")
        elif lacking := caller.lacks("read", "write"):  # the tools tell, and take likes
            await refuse(scope, send, 403, lacking)
        elif self.inner is None:
            await refuse(scope, send, 503, "The service is starting or stopping.", wait=1.0)
        else:
            await self.inner(scope, receive, send)


def router(service: "Service") -> APIRouter:
    """Return the route of the protocol."""
    door = Door()

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        from mcp.server.transport_security import TransportSecuritySettings

        server = mcp_server(lambda: project_of(service))
        inner = server.streamable_http_app(
            streamable_http_path=PATH,
            json_response=True,
            stateless_http=True,
            # hosts and origins were looked at before: serve.host
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        async with server.session_manager.run():
            door.inner = inner
            try:
                yield
            finally:
                door.inner = None

    routes = APIRouter(lifespan=running)
    routes.routes.append(Route(PATH, door, methods=["POST"], include_in_schema=False))
    return routes
