"""OpenTelemetry spans, only where somebody configured and installed it; else nothing is imported.

`OTEL_EXPORTER_OTLP_ENDPOINT` says where they go, and the packages `opentelemetry-sdk` and
`opentelemetry-exporter-otlp-proto-http` have to be there. A span carries what a log line carries:
route, method, status, stage; no query, no text, no user.
"""

import importlib
import importlib.util
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tastemate.serve.logs import template
from tastemate.types import Step

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The variable that turns spans on; the exporter reads it and its relatives itself."""
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
PARENTS = ("traceparent", "tracestate")
"""Headers by which a caller's span becomes the parent."""


class Tracer:
    """Makes spans for requests and for the stages of a list."""

    def __init__(self, exporter: Any) -> None:
        """`exporter` is an OpenTelemetry `SpanExporter`; spans leave in batches, in a thread."""
        from opentelemetry import trace
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation import tracecontext

        name = os.environ.get("OTEL_SERVICE_NAME", "tastemate")
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tastemate")
        self._trace = trace
        self._format = tracecontext.TraceContextTextMapPropagator()

    def begin(self, scope: Scope) -> Any:
        """Begin the span of a request, below the caller's where its headers name one."""
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1") in PARENTS
        }
        return self._tracer.start_span(
            str(scope["method"]),
            context=self._format.extract(carried),
            kind=self._trace.SpanKind.SERVER,
            attributes={"http.request.method": str(scope["method"])},
        )

    def within(self, span: Any) -> Any:
        """Return a context manager in which spans are made below `span`."""
        return self._trace.use_span(span, end_on_exit=True, record_exception=False)

    def end(self, span: Any, scope: Scope, status: int) -> None:
        """Say of a request's span where it went and how it ended."""
        route = template(scope)
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)

    def stages(self, trace: Sequence[Step]) -> None:
        """Make a span for each stage of a list that was just answered, one after the other.

        Below the request's span; lists of several requests are answered together in a thread of
        their own, where no request's span is: those stages come below one named "list".
        """
        at = time.time_ns() - int(sum(step.seconds for step in trace) * 1e9)
        inside = None
        if not self._trace.get_current_span().get_span_context().is_valid:
            whole = self._tracer.start_span("list", start_time=at)
            inside = self._trace.set_span_in_context(whole)
            whole.end()
        for step in trace:
            span = self._tracer.start_span(step.name, context=inside, start_time=at)
            span.set_attribute("tastemate.items", step.size)
            if step.tokens:
                span.set_attribute("tastemate.tokens", step.tokens)
            span.set_attribute("tastemate.failed", bool(step.error))
            at += int(step.seconds * 1e9)
            span.end(end_time=at)

    def close(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()


class Traced:
    """Runs each request in a span of its own."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app, self.tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request run in its span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span = self.tracer.begin(scope)
        with self.tracer.within(span):
            try:
                await self.app(scope, receive, watched)
            finally:
                self.tracer.end(span, scope, status)


def open_tracer(environ: Mapping[str, str] | None = None) -> Tracer | None:
    """Return a tracer where one is configured and installed, else None."""
    named = os.environ if environ is None else environ
    if not named.get(ENDPOINT) or not installed():
        return None
    module = importlib.import_module(EXPORTER)
    return Tracer(module.OTLPSpanExporter())


def installed() -> bool:
    """Say whether the packages that spans need are there."""
    try:
        return all(importlib.util.find_spec(name) for name in ("opentelemetry.sdk", EXPORTER))
    except ModuleNotFoundError:
        return False
