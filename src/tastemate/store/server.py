"""A PostgreSQL server that is given up in time, also one that keeps the connection and is silent.

The server itself ends what takes too long (`statement_timeout`). One that hangs ends nothing, and
neither does TCP while something between acknowledges every packet: so the clock runs here as well.
"""

import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

GRACE = 2.0
"""Seconds more for the server to say itself that a statement took too long."""
Got = TypeVar("Got")


def server(url: URL, patience: int, limit: float, *, pooled: bool = True) -> Engine:
    """Return the engine of a server; a connection is tried before it is used.

    `patience` seconds are waited to connect, for a free connection, and for bytes that are not
    taken; `limit` seconds for a statement. What the URL says of these stands.
    """
    waits = {
        "connect_timeout": patience,
        "tcp_user_timeout": patience * 1000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
    said: dict[str, Any] = {name: much for name, much in waits.items() if name not in url.query}
    given = str(url.query.get("options", ""))
    if "statement_timeout" not in given:
        said["options"] = f"{given} -c statement_timeout={int(limit * 1000)}".strip()
    more: dict[str, Any] = {"poolclass": NullPool}
    if pooled:
        more = {"pool_size": 5, "max_overflow": 20, "pool_timeout": patience}
    engine = create_engine(url, pool_pre_ping=pooled, connect_args=said, **more)

    def connect(_dialect: Any, _record: Any, args: Any, named: dict[str, Any]) -> "Patient":
        made = Patient.connect(*args, **named)
        made.limit = limit + GRACE
        return made

    event.listen(engine, "do_connect", connect)
    return engine


class Patient(Connection[Any]):
    """A connection that is closed once the server says nothing for `limit` seconds."""

    limit = math.inf

    def wait(self, gen: Generator[Any, Any, Got], *args: Any, **more: Any) -> Got:
        """Return what a generator of the driver's makes of the server's answer."""
        try:
            return super().wait(_heard(gen, self.limit), *args, **more)
        except _Silent:
            self.close()  # what it would still say would be taken for another answer
            raise OperationalError(f"it was silent for {self.limit:g} seconds") from None


class _Silent(Exception):
    """The server said nothing for too long."""


def _heard(gen: Generator[Any, Any, Got], limit: float) -> Generator[Any, Any, Got]:
    """Pass a generator of the driver's on; raise `_Silent` after `limit` seconds without a word.

    Ten times a second the driver wakes it with nothing to read or write.
    """
    ready: Any = None
    until = time.monotonic() + limit
    while True:
        try:
            wanted = gen.send(ready)
        except StopIteration as done:
            got: Got = done.value
            return got
        ready = yield wanted
        if ready:
            until = time.monotonic() + limit
        elif time.monotonic() > until:
            raise _Silent
