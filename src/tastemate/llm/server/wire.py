"""What both network clients share: where a server is, what is read of it, what its errors mean.

The SDKs raise and read whatever a server sends. A recommender must get a value for every failure,
must not be hurt by a reply of gigabytes or one that trickles for hours, and must never show a key.

Both SDKs send through httpx2, which is what bounds them here. It is no dependency of ours: it comes
with either SDK (openai 3, anthropic 2), and without it `Wire.client` says what to do.
"""

import ipaddress
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.server.body import dig, printable, reason, waiting
from tastemate.llm.wrappers.around import failed
from tastemate.messages import Completion, Fault

if TYPE_CHECKING:
    import httpx2

LARGEST = 2 * 1024 * 1024
"""Bytes of one reply that are read."""
CONNECT = 5.0
"""Seconds to wait for a connection at most."""
SOON = 0.5
"""Seconds in which a server that can be reached takes a connection."""
LOADING = 30.0
"""Seconds that the import of an SDK may keep anybody waiting."""
TELLING = 8
"""Characters of a key in a row that are not shown."""
NO_KEY = "none"
"""What is sent as the key to a server that takes none: the SDKs send one always."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a model answers, and the variable of the environment that holds its key."""

    base_url: str
    key: str = ""
    """Name of the variable; empty for a server that takes no key."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            usable = usable and (parts.port or 1) > 0 and not re.search(r"\s", self.base_url)
            private = "@" in parts.netloc or bool(parts.query)
        except ValueError:
            usable = private = False
        if private:
            raise ConfigError(
                "base_url holds a user, a password or a query. Leave them out: a key is read only "
                "from the environment variable that `key` names."
            )
        if not usable:
            raise ConfigError(
                f"base_url is {self.base_url!r}; write an address such as http://127.0.0.1:8000/v1."
            )
        if self.key and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.key):
            raise ConfigError(
                "`key` must be the name of an environment variable, such as OPENAI_API_KEY, never "
                "the key itself."
            )

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def secret(self) -> str:
        """Return the key, or "" where none is needed; raise `Unavailable` where it is missing."""
        found = os.environ.get(self.key, "").strip() if self.key else ""
        if found and not (found.isascii() and found.isprintable() and " " not in found):
            raise Unavailable(f"{self.key} holds something that cannot be a key. Set it anew.")
        if not found and self.key and not self.loopback:
            raise Unavailable(
                f"There is no key for {self.base_url}. Set the environment variable {self.key}"
                f' (or `key = ""` for a server that takes none).'
            )
        return found


class TooLong(Exception):
    """A reply of more bytes than are read."""


@dataclass(slots=True)
class Wire:
    """The connection to one server through an SDK, `openai` or `anthropic`, made on first use."""

    package: str
    maker: str
    """The SDK's client class."""
    server: Server
    seconds: float
    """Longest wait for the next bytes, and for a whole reply that is not streamed."""
    _client: Any = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.seconds < math.inf:
            raise ConfigError(f"seconds is {self.seconds}; it must be above 0.")

    def client(self) -> Any:
        """Return the SDK's client; raise `Unavailable` without the package or the key."""
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def start(self, part: str, seconds: float) -> None:
        """Begin to import the SDK and the part of it that is called; wait so long for it.

        Nothing is sent. What fails here is said by the first call.
        """

        def load() -> None:
            with suppress(Unavailable):
                getattr(self.client(), part)

        thread = threading.Thread(target=load, daemon=True, name="tastemate-sdk")
        thread.start()
        thread.join(max(seconds, 0.0))

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def timeout(self) -> "httpx2.Timeout":
        """Return the socket timeouts of a call made now: never longer than the scope has left."""
        import httpx2

        wait = max(min(self.seconds, scope.current().left()), 0.001)
        return httpx2.Timeout(wait, connect=min(CONNECT, wait))

    def errors(self) -> tuple[type[Exception], ...]:
        """Return everything the SDK lets through when a call fails."""
        import httpx2

        sdk = import_module(self.package)
        root = sdk.OpenAIError if self.package == "openai" else sdk.AnthropicError
        # ValueError: a body that is no JSON, a number JSON has no word for; OSError: TLS
        return (root, httpx2.HTTPError, TooLong, ValueError, RecursionError, OSError)

    def failure(self, error: Exception, model: str) -> Completion:
        """Return the value of an error that is one of `errors`."""
        import httpx2

        sdk = import_module(self.package)
        chain = (error, error.__cause__, error.__context__)
        if any(isinstance(one, TooLong) for one in chain):
            return failed(model, "reply", f"{model} sent more than {LARGEST} bytes; not read on.")
        if isinstance(error, sdk.APIStatusError):
            return self._refusal(error, model)
        if isinstance(error, sdk.APITimeoutError | httpx2.TimeoutException):
            return self._silence(chain, model)
        if isinstance(error, sdk.APIConnectionError | httpx2.HTTPError | OSError):
            cause = self.told(str(error.__cause__ or error))
            return failed(
                model,
                "unreachable",
                f"{self.server.base_url} cannot be reached ({cause}). Is the server running?",
            )
        if isinstance(error, sdk.APIError):  # an error event in the middle of a stream
            return failed(model, "server", f"{model} failed: {self.told(str(error))}.")
        return failed(model, "reply", f"{model} sent what is no reply ({type(error).__name__}).")

    def told(self, text: str) -> str:
        """Return words of a server for a person: one short line, without the key."""
        secret = os.environ.get(self.server.key, "").strip() if self.server.key else ""
        if len(secret) > 3:
            text = _masked(text.replace(secret, "[key]")[:4000], secret)
        text = re.sub(r"\b(?:sk|key)-[\w*-]{6,}|\bBearer \S+", "[key]", text[:2000])
        text = "".join(mark if mark.isprintable() else " " for mark in printable(text))
        return " ".join(text.split())[:300].rstrip(".") or "no reason given"

    def _made(self) -> Any:
        try:
            import httpx2

            maker = getattr(import_module(self.package), self.maker)
        except ImportError as missing:
            lacks = f"The package {self.package!r} is missing"
            if missing.name == "httpx2":
                lacks = f"httpx2, which comes with newer versions of {self.package!r}, is missing"
            raise Unavailable(
                f"{lacks} ({missing}). Install it: pip install -U {self.package}."
            ) from missing
        secret = self.server.secret()
        try:
            url = httpx2.URL(self.server.base_url)
        except httpx2.InvalidURL as broken:
            raise Unavailable(f"base_url {self.server.base_url!r} is broken: {broken}.") from broken
        client = httpx2.Client(
            timeout=httpx2.Timeout(self.seconds, connect=min(CONNECT, self.seconds)),
            follow_redirects=False,  # a prompt and a key go where the settings say, nowhere else
            trust_env=not self.server.loopback,  # a proxy cannot reach what listens on this machine
            event_hooks={"response": [_guard(self.seconds)]},
        )
        return maker(
            api_key=secret or NO_KEY,
            base_url=url,
            max_retries=0,
            http_client=client,
            default_headers={"Accept-Encoding": "identity"},
        )

    def _silence(self, chain: Iterable[BaseException | None], model: str) -> Completion:
        """Return the value of a call that waited in vain; one that met nobody was not sent."""
        import httpx2

        waits: list[Any] = [dig(one, "_request", "extensions", "timeout") for one in chain]
        connect, read = (
            next((found for wait in waits if (found := dig(wait, name))), 0.0)
            for name in ("connect", "read")
        )
        if any(isinstance(one, httpx2.ConnectTimeout) for one in chain):
            said = f"{self.server.base_url} took no connection within {connect:.1f} s."
            return failed(model, "unreachable" if connect >= SOON else "unsent", said)
        within = f"within {read:.1f} s" if read else "in time"
        return failed(model, "timeout", f"{model} gave no answer {within}.")

    def _refusal(self, error: Any, model: str) -> Completion:
        status, body = int(error.status_code), getattr(error, "body", None)
        said = self.told(reason(body) or str(getattr(error, "message", "")))
        spent = "insufficient_quota" in str(getattr(error, "code", "")) or "quota" in said.lower()
        fault: Fault = "refused"
        if status == 408:
            fault = "timeout"
        elif status in (425, 529) or (status == 429 and not spent):
            fault = "busy"
        elif status >= 500 or status < 300:  # under 300: an error event in the middle of a stream
            fault = "server"
        if status == 404:
            said += ". Check the model's name and the path of base_url (most end in /v1)"
        wait = waiting(error.response.headers) if fault in ("busy", "server") else 0.0
        return failed(model, fault, f"{model} answered {status}: {said}.", wait=wait)


def _masked(text: str, secret: str) -> str:
    """Return the text with [key] for every run of `TELLING` or more characters of the secret."""
    kept: list[str] = []
    at = 0
    while at < len(text):
        end = at + TELLING
        if end > len(text) or text[at:end] not in secret:
            kept.append(text[at])
            at += 1
            continue
        while end < len(text) and text[at : end + 1] in secret:
            end += 1
        kept.append("[key]")
        at = end
    return "".join(kept)


def _guard(seconds: float) -> "Callable[[httpx2.Response], None]":
    """Return a hook that bounds what is read of a response: bytes, and seconds from its start."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, inner: httpx2.SyncByteStream, end: float) -> None:
            self._inner, self._end = inner, end

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self._inner:
                size += len(chunk)
                if size > LARGEST:
                    raise TooLong
                if time.monotonic() > self._end:
                    raise httpx2.ReadTimeout("The reply took too long.")
                yield chunk

        def close(self) -> None:
            self._inner.close()

    def hook(response: httpx2.Response) -> None:
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        left = scope.current().left()
        end = time.monotonic() + (left if streamed else min(left, seconds))
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = Bounded(response.stream, end)

    return hook
