"""The sockets a server listens on: one for a process, or one of its own for each of several."""

import errno
import socket
import sys
from typing import Any

from tastemate.errors import ConfigError

QUEUE = 2_048
"""Connections that may wait to be taken."""


def bind(host: str, port: int, workers: int = 1) -> socket.socket:
    """Return a listening socket; raise `ConfigError` in one sentence where there can be none.

    For several workers it is one that each opens again for itself: it does not listen yet.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, OverflowError) as error:
        raise ConfigError(f"There is no address {host!r} here. Use --host 127.0.0.1.") from error
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(QUEUE)
    except OSError as error:
        bound.close()
        raise ConfigError(_refused(host, port, error)) from error
    if workers > 1 and sys.platform == "linux":  # elsewhere connections are not dealt out
        return _shared(bound)
    bound.set_inheritable(True)
    return bound


def _refused(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken already, perhaps by another `tastemate serve`. Stop that one, "
            f"or choose another port: --port {port + 1 if port < 65535 else 8765}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user. Choose one above 1023: --port 8765."
    return (
        f"{host}:{port} cannot be listened on ({error.strerror}). Name an address of this machine."
    )


class Shared(socket.socket):
    """A bound socket that another process opens again for itself, at the same address.

    The kernel then deals connections out evenly. Of one socket that all listen on, the process
    that is quickest takes all that wait.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Be opened again where this is read: a process of ours, given the same address."""
        return _opened, (self.family, self.type, self.proto, self.getsockname())


def _shared(bound: socket.socket) -> Shared:
    """Return what several processes may listen on, in place of a socket that proved it free."""
    address = bound.getsockname()
    bound.close()
    try:
        return _opened(bound.family, bound.type, bound.proto, address)
    except OSError as error:
        raise ConfigError(_refused(address[0], address[1], error)) from error


def _opened(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> Shared:
    """Return a socket bound to an address beside others of this user; it does not listen yet."""
    own = Shared(family, kind, protocol)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        own.bind(address)
    except OSError:
        own.close()
        raise
    own.set_inheritable(True)
    return own
