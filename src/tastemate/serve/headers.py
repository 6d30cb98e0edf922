"""Headers that tell a browser what it may not do with an answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tastemate.serve.refusal import path_of

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Scripts and styles come from files of the service, never from within a page."""
ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"permissions-policy",
        b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
UNKEPT = (b"cache-control", b"no-store")
"""Answers about a person are kept by nobody on the way."""


class Headed:
    """Adds the headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        lines = ALWAYS if path_of(scope).startswith("/static/") else (*ALWAYS, UNKEPT)

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                had = list(message.get("headers", ()))
                names = {name.lower() for name, _ in had}
                had += [line for line in lines if line[0] not in names]
                message = {**message, "headers": had}
            await send(message)

        await self.app(scope, receive, headed)
