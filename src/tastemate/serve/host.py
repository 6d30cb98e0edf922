"""Pages of other sites must not reach a service on one's own machine through one's own browser.

DNS rebinding lets a foreign page call 127.0.0.1 under the foreign name: without a key the name
must be loopback's. Forged requests carry the foreign page's Origin, or Sec-Fetch-Site: those are
refused. Nothing here keeps a program out; keys do.
"""

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.errors import Unavailable
from tastemate.serve.auth import is_loopback
from tastemate.serve.refusal import header, path_of, refuse

ODD = frozenset("%@/\\?# \t,")
"""What is in no name of a host: readers differ in what they make of it."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


class Hosted:
    """Refuses requests under a name that is not the service's (421) or from foreign pages (403)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        keyed: Callable[[], Awaitable[bool]],
    ) -> None:
        self.app, self.keyed = app, keyed
        self.hosts = frozenset(name_of(host) for host in hosts)
        self.origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through if it comes under the right name and from no foreign page."""
        if scope["type"] != "http" or path_of(scope).startswith("/health/"):
            await self.app(scope, receive, send)
            return
        host = header(scope, b"host")
        try:
            named = await self._named(host)
        except Unavailable as error:
            await refuse(scope, send, 503, str(error), wait=1.0)
            return
        if not named:
            detail = (
                "This service answers under localhost only while it has no key. Make one "
                "(tastemate keys make), or name the host in hosts of [serve]."
            )
            await refuse(scope, send, 421, detail)
            return
        if self._foreign(scope, host):
            detail = "A page of another site may not do this. Name it in origins of [serve]."
            await refuse(scope, send, 403, detail)
            return
        await self.app(scope, receive, send)

    async def _named(self, host: str) -> bool:
        name = name_of(host)
        if is_loopback(name) or name in self.hosts:
            return True
        # Once a key exists a foreign page lacks it, whatever name it came under.
        return bool(name) and not self.hosts and await self.keyed()

    def _foreign(self, scope: Scope, host: str) -> bool:
        origin = header(scope, b"origin").lower()
        if origin in self.origins:
            return False
        site = header(scope, b"sec-fetch-site").lower()
        if path_of(scope).startswith("/v1/") and site in ("cross-site", "same-site"):
            return True
        if scope["method"] in SAFE:
            return False
        return site in ("cross-site", "same-site") or (bool(origin) and not same(origin, host))


def name_of(host: str) -> str:
    """Return the name in a Host header without its port, lower case; empty where it is none."""
    host = host.strip().lower()
    if any(mark in host for mark in ODD):
        return ""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") else port and "x"
        return name if closed and (not port or port.isdecimal()) else ""
    name, colon, port = host.partition(":")
    if colon and not port.isdecimal():
        return ""
    return name.rstrip(".")


def same(origin: str, host: str) -> bool:
    """Say whether an Origin is the one that a Host header names, by either scheme."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if any(mark in parts.netloc for mark in ODD):
        return False
    usual = 443 if parts.scheme == "https" else 80
    _, colon, asked = host.strip().rpartition(":")
    given = int(asked) if colon and asked.isdecimal() and len(asked) < 6 else usual
    return parts.hostname.rstrip(".") == name_of(host) and (port or usual) == given
