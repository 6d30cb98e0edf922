"""A server that keeps its connections and says nothing is given up in time; slow work is not."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from tests.conftest import Postgres

from tastemate.errors import Unavailable
from tastemate.store import database as databases
from tastemate.store.opening import open_store
from tastemate.types import Signal

ONE = Signal("1", "ann", "i", "like")


class Proxy:
    """Stands before a PostgreSQL server's socket file; `deaf`, it swallows all and stays open."""

    def __init__(self, server: str) -> None:
        self.deaf = threading.Event()
        self._server = server
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            self._open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, taken: socket.socket, given: socket.socket) -> None:
        with suppress(OSError):
            while part := taken.recv(65_536):
                if not self.deaf.is_set():
                    given.sendall(part)
            given.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxied(postgres: Postgres) -> Iterator[tuple[Proxy, str]]:
    url = postgres.fresh()
    said = parse_qs(urlsplit(url).query)
    proxy = Proxy(f"{said['host'][0]}/.s.PGSQL.5432")
    yield (
        proxy,
        f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?options={said['options'][0]}",
    )
    proxy.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    from tastemate.store import server

    monkeypatch.setattr(databases, "LIMIT", 0.3)
    monkeypatch.setattr(server, "GRACE", 0.3)
    monkeypatch.setattr(databases, "PATIENCE", 1)


def test_a_server_that_falls_silent_is_given_up_and_used_again(
    proxied: tuple[Proxy, str], quick: None
):
    proxy, url = proxied
    store = open_store(url)
    store.events.record([ONE])
    began: list[float] = []

    def falls_silent() -> None:
        with store.database.reading() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
            proxy.deaf.set()
            began.append(time.monotonic())
            connection.scalar(text("SELECT 1"))

    with pytest.raises(Unavailable, match="silent"):
        falls_silent()
    assert 0.5 < time.monotonic() - began[0] < 2
    for ask in (store.events.count, lambda: store.events.record([Signal("2", "a", "i", "like")])):
        began.append(time.monotonic())
        with pytest.raises(Unavailable, match="does not answer"):
            ask()
        assert time.monotonic() - began[-1] < 4
    proxy.deaf.clear()
    assert store.events.count() == 1
    store.close()


def test_a_commit_without_an_answer_is_no_acknowledgement(proxied: tuple[Proxy, str], quick: None):
    proxy, url = proxied
    store = open_store(url)

    def write() -> None:
        with store.transaction() as connection:
            connection.execute(text("SELECT 1"))
            proxy.deaf.set()

    with pytest.raises(Unavailable, match="not acknowledged"):
        write()
    proxy.deaf.clear()
    assert store.check() == "ok"
    store.close()


@pytest.mark.usefixtures("quick")
def test_the_server_ends_what_takes_too_long_itself_and_the_connection_stays(postgres: Postgres):
    store = open_store(postgres.fresh())
    began = time.monotonic()
    with pytest.raises(Unavailable, match="statement timeout"), store.database.reading() as one:
        one.execute(text("SELECT pg_sleep(5)"))
    assert time.monotonic() - began < 0.6
    with store.database.reading() as one:
        assert one.scalar(text("SHOW statement_timeout")) == "300ms"
    store.close()


@pytest.mark.usefixtures("quick")
def test_long_work_may_take_longer(postgres: Postgres):
    store = open_store(postgres.fresh())
    with store.database.reading(long=True) as one, store.database.writing(long=True) as other:
        for connection in (one, other):
            connection.execute(text("SELECT pg_sleep(0.8)"))
            assert connection.scalar(text("SHOW statement_timeout")) == "15min"
    store.close()


def test_what_the_url_says_of_statements_stands(postgres: Postgres):
    store = open_store(f"{postgres.fresh()}%20-c%20statement_timeout%3D7000")
    with store.database.reading() as one:
        assert one.scalar(text("SHOW statement_timeout")) == "7s"
    store.close()
