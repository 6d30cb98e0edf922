"""The app: every router of the service behind what guards it. One literal table, wired here."""

import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeGuard

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from tastemate import __version__
from tastemate.errors import TastemateError
from tastemate.serve import paths, problem

if TYPE_CHECKING:
    from tastemate.serve.service import Service

ROUTES = (
    "lists", "events", "health", "items", "tastes", "users",
    "talk", "openai_api", "mcp", "work", "trials", "operator", "page",
)  # fmt: skip
"""Files of `serve/routes`, in the order in which they are asked for a path."""
GUARDED = (401, 403, 413, 415, 421, 422, 429, 503)
"""What any route under /v1 may answer because of what stands before it."""
KEY = "key"
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "`tastemate keys make NAME`. Without any key the service answers loopback only.",
}


def create_app(service: "Service") -> FastAPI:
    """Return the app of a service; it starts and stops with the app."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        before = sys.getswitchinterval()
        sys.setswitchinterval(service.settings.switch or before)
        service.start()
        try:
            yield
        finally:
            service.stop()
            sys.setswitchinterval(before)

    app = FastAPI(
        title="Tastemate",
        version=__version__,
        description="A recommender that understands language.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=problem.declared(422),
    )
    app.state.service = service
    app.state.routes = []
    paths.register()
    app.add_middleware(paths.Marked)
    problem.install(app)
    for name in ROUTES:
        _include(app, name, service)
    _guard(app, service)
    _describe(app, service)
    return app


def _include(app: FastAPI, name: str, service: "Service") -> None:
    found = f"tastemate.serve.routes.{name}"
    if importlib.util.find_spec(found) is None:
        return
    router = importlib.import_module(found).router(service)
    app.state.routes += [(one.path_regex, one.methods) for one in router.routes if _is_api(one)]
    app.include_router(router, dependencies=[Depends(paths.only_known)])


def _is_api(route: object) -> TypeGuard[APIRoute]:
    return isinstance(route, APIRoute)


def _guard(app: FastAPI, service: "Service") -> None:
    """Put what guards the service before it."""
    from tastemate.serve.guarding import install

    install(app, service)


def _describe(app: FastAPI, service: "Service") -> None:
    """Let OpenAPI say what every route answers, errors included."""

    def described() -> dict[str, Any]:
        keyed = _keyed(service)
        if app.openapi_schema is None or app.state.keyed != keyed:
            app.state.keyed = keyed
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = problem.SCHEMA
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            made["components"]["securitySchemes"] = {KEY: SCHEME}
            kinds = list(service.project.work.weights_of_signals.kinds)
            for name in ("Happened", "Feedback"):
                if name in schemas:
                    schemas[name]["properties"]["kind"]["enum"] = kinds
            for path, methods in made["paths"].items():
                if path.startswith("/v1"):
                    for told in methods.values():
                        _guarded(told)
                        told["security"] = [{KEY: []}] if keyed else [{}, {KEY: []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.__dict__["openapi"] = described


def _keyed(service: "Service") -> bool:
    """Say whether a key is needed: where none was ever made, or nobody can say, it may be left."""
    try:
        return bool(service.store.keys.all())
    except TastemateError:
        return False


def _guarded(told: dict[str, Any]) -> None:
    for status, response in problem.declared(*GUARDED).items():
        known = told["responses"].setdefault(str(status), response)
        # a route may have a shape of its own for its errors; what stands before it has this one
        known["content"] = {**response["content"], **known.get("content", {})}
