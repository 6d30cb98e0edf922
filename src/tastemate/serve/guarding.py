"""Everything that stands before the routes, put there in one call and in the right order."""

import hashlib
import hmac
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from starlette.responses import Response

from tastemate.errors import TastemateError
from tastemate.serve.auth import Authenticated, Callers
from tastemate.serve.drift import Shown
from tastemate.serve.headers import Headed
from tastemate.serve.host import Hosted
from tastemate.serve.limits import Bounded, Buckets, Rated, RatedUsers, Timed
from tastemate.serve.logs import Lines, Observed, Seen, open_log
from tastemate.serve.settings import Serving
from tastemate.serve.telemetry import MEDIA, Telemetry
from tastemate.serve.tracing import Traced, open_tracer

if TYPE_CHECKING:
    from fastapi import FastAPI

KNOWN = 60.0
"""Seconds for which the store's id is not asked for again: it gets one with its first write."""


class Guarded(Protocol):
    """A service, as far as guards go; `telemetry` is made here where there is none."""

    telemetry: Any

    @property
    def settings(self) -> Serving:
        """`[serve]`."""
        ...

    @property
    def project(self) -> Any:
        """What is served: a `Tastemate`, replaced as a whole by a newer one."""
        ...


def install(app: "FastAPI", service: Guarded) -> None:
    """Put the guards before the routes of an app, and `/metrics` among them.

    From the outside in: headers, request id with log line and measures, span, timeout, host and
    origin, key, rate a key, body, rate a user. Raises `Unavailable` where the log cannot be opened.
    """
    said = service.settings
    if service.telemetry is None:
        service.telemetry = telemetry_of(service)
    callers = Callers(lambda: service.project.store)
    layers: list[tuple[Any, dict[str, Any]]] = [
        (Headed, {}),
        (Observed, {"watchers": _watchers(service)}),
    ]
    tracer = open_tracer()
    if tracer is not None:
        service.telemetry.tracer = tracer
        layers.append((Traced, {"tracer": tracer}))
    if said.timeout_s > 0:
        layers.append((Timed, {"seconds": said.timeout_s}))
    layers.append((Hosted, {"hosts": said.hosts, "origins": said.origins, "keyed": callers.keyed}))
    doors = {"open_metrics": said.open_metrics, "wrong_keys": said.wrong_keys}
    layers.append((Authenticated, {"callers": callers, **doors}))
    if said.rate_per_key > 0:
        layers.append((Rated, {"buckets": Buckets(said.rate_per_key, said.burst)}))
    limits = {"most": said.max_body_bytes, "depth": said.max_depth, "values": said.max_values}
    layers.append((Bounded, limits))
    if said.rate_per_user > 0:
        layers.append((RatedUsers, {"buckets": Buckets(said.rate_per_user, said.burst)}))
    for layer, options in reversed(layers):
        app.add_middleware(layer, **options)
    app.add_api_route("/metrics", _metrics(service), methods=["GET"], include_in_schema=False)


def telemetry_of(service: Guarded) -> Telemetry:
    """Return the measures of a service; the first day of what it shows is kept with its models."""
    folder = getattr(getattr(service.project, "work", None), "folder", None)
    first = Path(folder) / "shown-first-day.json" if folder else None
    made = Telemetry(shown=Shown(reference=first))
    made.watch(service)
    return made


def _metrics(service: Guarded) -> Callable[[], Response]:
    def metrics() -> Response:
        return Response(service.telemetry.exposition(), headers={"Content-Type": MEDIA})

    return metrics


def _watchers(service: Guarded) -> list[Callable[[Seen], None]]:
    telemetry: Telemetry = service.telemetry
    watchers: list[Callable[[Seen], None]] = [telemetry.request]
    stream = open_log(service.settings.log_file)
    if stream is not None:
        user = Hashes(service) if service.settings.log_users == "hashed" else None
        lines = Lines(stream, user=user, dropped=telemetry.log_line_dropped)
        if service.settings.log_file:
            weakref.finalize(lines, _close, stream)
        least = 500 if not service.settings.log_file and stream.isatty() else 0
        watchers.append(lambda seen: None if spared(seen, least) else lines.request(seen))
    return watchers


def _close(stream: TextIO) -> None:
    with suppress(OSError):  # what a full disk did not take is lost already
        stream.close()


def spared(seen: Seen, least: int = 0) -> bool:
    """Whether a request leaves no line: a probe that went well, or a status below `least`.

    Somebody looking at a terminal wants to see what failed, not that a page was read.
    """
    if seen.error is not None:
        return False
    quiet = seen.route in ("/metrics", "/static") or seen.route.startswith("/health/")
    return seen.status < least or (quiet and seen.status < 400)


class Hashes:
    """Turns users into the hashes by which log lines name them."""

    def __init__(self, service: Guarded) -> None:
        self._service = service
        self._store, self._until = "", 0.0

    def __call__(self, user: str) -> str:
        """Return the hash: keyed by the store, 16 hex digits; empty where the store is away."""
        if time.monotonic() > self._until:
            try:
                self._store = self._service.project.store.id
            except TastemateError:
                self._store = self._store or ""
            self._until = time.monotonic() + KNOWN
        return hash_of(self._store, user) if self._store else ""


def hash_of(store: str, user: str) -> str:
    """Return the hash of a user, 16 hex digits, that only who knows the store's id can make."""
    key, text = store.encode(), user.encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:16]
