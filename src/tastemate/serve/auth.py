"""Who is calling, and what they may do: API keys, kept hashed in the store.

A service that has no key answers on loopback only and lets everybody there do everything. Once a
key was made, every request to `/v1` and `/metrics` needs one. A secret is never logged, never put
into an error, and never kept: what is remembered here for some seconds is its hash.
"""

import asyncio
import hashlib
import ipaddress
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from tastemate.errors import ConfigError, Unavailable
from tastemate.serve.limits import Buckets
from tastemate.serve.problem import Problem
from tastemate.serve.refusal import header, path_of, refuse, said

SCOPES = ("read", "write", "admin")
"""What a key may be allowed; "admin" allows the others too."""
SECRET = re.compile(r"tm_[A-Za-z0-9]{1,64}_[A-Za-z0-9_-]{20,100}")
"""What a secret looks like; anything else is refused without a look into the store."""
REMEMBERED = 3.0
"""Seconds for which a verified key is not looked up again: a revoke works after these."""
STALE = 3_600.0
"""Seconds for which a key verified before is still taken while the store does not answer."""
PATIENCE = 1.0
"""Seconds to wait for the store where it is known what it said before."""
MOST = 10_000
"""Keys remembered."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: the key's id and name, and what it may do."""

    key: str
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Say whether the caller has a scope."""
        return scope in self.scopes or "admin" in self.scopes

    def lacks(self, *scopes: str) -> str:
        """Return what a caller without one of these scopes is told; empty for one that has all."""
        lacking = next((scope for scope in scopes if not self.may(scope)), "")
        whole = " ".join(f"--scope {scope}" for scope in scopes)
        return f"This key may not {lacking}; make one with {whole}." if lacking else ""


LOCAL = Caller("", "local", frozenset(SCOPES))
"""Whoever reaches a service without keys, on its own machine."""


class KeptKey(Protocol):
    """What the store says of a key."""

    @property
    def id(self) -> str:
        """What it is called in lists and logs."""
        ...

    @property
    def name(self) -> str:
        """Whose it is."""
        ...

    @property
    def scopes(self) -> Collection[str]:
        """What it may do."""
        ...


class KeptKeys(Protocol):
    """What is asked of the store's keys."""

    def verify(self, secret: str) -> KeptKey | None:
        """Return the key that a secret belongs to, if it is not revoked."""
        ...

    def any(self) -> bool:
        """Say whether there is a key that holds."""
        ...

    def all(self) -> Sequence[KeptKey]:
        """Return every key, revoked ones too."""
        ...


class Keyed(Protocol):
    """A store, as far as keys go."""

    @property
    def keys(self) -> KeptKeys:
        """Its keys."""
        ...


@dataclass(slots=True)
class _Known:
    """What the store said: when, and when it was last asked (perhaps in vain)."""

    at: float
    tried: float
    said: Caller | bool


class Callers:
    """The keys of a store, remembered by hash: asked for again after `REMEMBERED` seconds.

    While the store does not answer, what it said last holds: that keys are needed (or not) for as
    long as it takes, a key for `STALE` seconds. Nobody can revoke one meanwhile but through it.
    """

    def __init__(
        self, store: Callable[[], Keyed], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock = store, clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def keyed(self) -> bool:
        """Say whether a key is needed; raise `Unavailable` where the store never said."""
        return bool(await self._look(b"", self._any, math.inf))

    async def verify(self, secret: str) -> Caller | None:
        """Return the caller of a secret; None where there is no such key, or it was revoked.

        Raises `Unavailable` where the store does not answer and said nothing lately.
        """
        digest = _digest(secret)
        said = await self._look(digest, lambda: self._caller(secret), STALE)
        if isinstance(said, Caller):
            return said
        self._known.pop(digest, None)
        return None

    def was_known(self, secret: str) -> bool:
        """Say whether a secret was verified before, however long ago."""
        return _digest(secret) in self._known

    async def _look(
        self, name: bytes, ask: Callable[[], Caller | bool], stale: float
    ) -> Caller | bool:
        now = self._clock()
        held = self._known.get(name)
        if held is None:
            return await run_in_threadpool(self._asked, name, ask)
        if now - held.tried < REMEMBERED:
            return held.said
        held.tried = now  # whoever comes meanwhile takes what is known, and one asks
        asking = asyncio.ensure_future(run_in_threadpool(self._asked, name, ask))
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.wait_for(asyncio.shield(asking), PATIENCE)
        except (Unavailable, TimeoutError) as error:
            if now - held.at > stale:
                raise Unavailable("The store does not answer. Ask again in a moment.") from error
            return held.said

    def _asked(self, name: bytes, ask: Callable[[], Caller | bool]) -> Caller | bool:
        """Ask the store, and remember what it says; a thread's work."""
        said = ask()
        if name and not said:
            self._known.pop(name, None)
            return said
        now = self._clock()
        self._known[name] = _Known(now, now, said)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return said

    def _any(self) -> bool:
        # A revoked key counts too: taking the last one back must not open the doors.
        return bool(self._store().keys.all())

    def _caller(self, secret: str) -> Caller | bool:
        found = self._store().keys.verify(secret)
        return Caller(found.id, found.name, frozenset(found.scopes)) if found else False


class Authenticated:
    """Puts the `Caller` into `request.state.caller`, or refuses with 401."""

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        *,
        open_metrics: bool = False,
        wrong_keys: float = 20.0,
    ) -> None:
        self.app, self.callers = app, callers
        self._guarded = ("/v1/",) if open_metrics else ("/v1/", "/metrics")
        self._failures = Buckets(1.0, wrong_keys or math.inf)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through if somebody known makes it, or if its path is open to all."""
        if scope["type"] != "http" or not path_of(scope).startswith(self._guarded):
            await self.app(scope, receive, send)
            return
        try:
            caller = await self._caller(scope)
        except Unavailable as error:
            await refuse(scope, send, 503, str(error), wait=1.0)
            return
        except _Refused as no:
            told = {"WWW-Authenticate": 'Bearer realm="tastemate"'} if no.status == 401 else {}
            await refuse(scope, send, no.status, no.detail, wait=no.wait, headers=told)
            return
        said(scope)["caller"] = caller
        await self.app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        secret = presented(scope)
        # clients of other protocols always send a key: one of no shape of ours is none where
        # none is needed
        if secret and (SECRET.fullmatch(secret) or await self.callers.keyed()):
            return await self._verified(scope, secret)
        if await self.callers.keyed():
            raise _Refused(401, "This service needs a key: Authorization: Bearer tm_…")
        if not nearby(scope):
            raise _Refused(
                401, "Without a key this service answers its own machine only: tastemate keys make"
            )
        return LOCAL

    async def _verified(self, scope: Scope, secret: str) -> Caller:
        address = (scope.get("client") or ("",))[0]
        caller = None
        if not self.callers.was_known(secret):
            wait = self._failures.empty(address)
            if wait:
                raise _Refused(429, "Too many wrong keys came from this address.", wait)
        if SECRET.fullmatch(secret):
            caller = await self.callers.verify(secret)
        if caller is None:
            self._failures.take(address)
            raise _Refused(401, "This key is unknown or revoked: tastemate keys list")
        return caller


class _Refused(Exception):
    """A request that is not let through; never leaves this module."""

    def __init__(self, status: int, detail: str, wait: float = 0.0) -> None:
        super().__init__(detail)
        self.status, self.detail, self.wait = status, detail, wait


def presented(scope: Scope) -> str:
    """Return the secret that a request brings: `Authorization: Bearer`, else `X-API-Key`."""
    kind, _, secret = header(scope, b"authorization").strip().partition(" ")
    if kind.lower() == "bearer" and secret.strip():
        return secret.strip()
    return header(scope, b"x-api-key").strip()


def needs(*scopes: str) -> Callable[[Request], Awaitable[Caller]]:
    """Return a dependency that gives the `Caller`, or refuses one without all `scopes` (403).

    Raises `ConfigError` where there is no such scope.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigError(f"There is no scope {scope!r}; it is one of {', '.join(SCOPES)}.")

    async def needed(request: Request) -> Caller:
        caller = said(request.scope).get("caller")
        if not isinstance(caller, Caller):
            raise Problem(401, "This service needs a key: Authorization: Bearer tm_…")
        if lacking := caller.lacks(*scopes):
            raise Problem(403, lacking)
        return caller

    return needed


def bind_check(host: str, store: Keyed) -> None:
    """Raise `ConfigError` where a service without a key would answer other machines."""
    if is_loopback(host) or store.keys.any():
        return
    raise ConfigError(
        f"{host or 'Every address'} can be reached from other machines, and no key was made. "
        "Make one first: tastemate keys make NAME --scope read --scope write. "
        "Or stay on this machine: --host 127.0.0.1."
    )


@lru_cache(1_024)
def is_loopback(host: str) -> bool:
    """Say whether an address (no name but localhost) is this machine's own."""
    bare = host.strip("[]")
    if bare.lower() == "localhost":
        return True
    if "%" in bare:  # no address of loopback has a zone
        return False
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def nearby(scope: Scope) -> bool:
    """Say whether a request comes from this machine: loopback, a socket file, or no address."""
    host = (scope.get("client") or ("",))[0]
    return is_loopback(host) or not _is_address(host)


@lru_cache(1_024)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
