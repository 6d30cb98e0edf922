"""Opening a store: where there is none, where there is something else, where there is no way."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import exc, make_url
from tests.conftest import Postgres

from tastemate.errors import ConfigError, FormatError, TastemateError, Unavailable
from tastemate.store import database as databases
from tastemate.store.backup import backup, restore
from tastemate.store.failing import explained
from tastemate.store.opening import open_store, sqlite_url
from tastemate.types import Signal

ONE = Signal("1", "ann", "i", "like")


def test_a_file_appears_with_the_first_write_whole_and_private(tmp_path: Path):
    path = tmp_path / "deep" / "a?b#c%d.db"
    store = open_store(sqlite_url(path))
    assert store.events.of("ann") == []
    assert store.users.hash_of("ann") == store.users.hash_of("ann")
    assert not path.parent.exists()
    born = store.id
    store.events.record([ONE])
    assert store.id == born
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert open_store(sqlite_url(path)).events.of("ann") == [ONE]


def test_what_another_made_is_seen_by_who_had_read_nothing(tmp_path: Path):
    mine, other = (open_store(sqlite_url(tmp_path / "store.db")) for _ in range(2))
    assert mine.events.count() == 0
    other.events.record([ONE])
    assert mine.events.of("ann") == [ONE]
    assert mine.id == other.id


def test_every_commit_is_synced_and_bytes_are_overwritten(tmp_path: Path):
    store = open_store(sqlite_url(tmp_path / "store.db"))
    store.events.record([ONE])
    with store.transaction() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert waits == 10_000


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql://h:x/y", "://"],
)
def test_a_url_that_names_no_store(url: str):
    with pytest.raises(ConfigError, match=r"sqlite|postgresql"):
        open_store(url)


@pytest.mark.parametrize("content", [b"", b"not a database, for sure" * 100])
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"not a Tastemate store|no store"):
        open_store(sqlite_url(path))
    assert path.read_bytes() == content


def test_a_database_of_something_else(tmp_path: Path):
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE users (name TEXT)")
    other.close()
    with pytest.raises(FormatError, match="not a Tastemate store"):
        open_store(sqlite_url(path))


def test_a_database_of_something_else_on_a_server(postgres: Postgres):
    import psycopg

    url = postgres.fresh()
    with psycopg.connect(url) as other:
        other.execute("CREATE TABLE users (name TEXT)")
    with pytest.raises(FormatError, match="not a Tastemate store"):
        open_store(url)


def test_a_damaged_file_is_said_and_can_be_restored(tmp_path: Path):
    path = tmp_path / "store.db"
    store = open_store(sqlite_url(path))
    store.events.record([Signal(f"{n}", "ann", "i" * 100, "like") for n in range(2000)])
    store.close()
    backup(store, tmp_path / "backup")
    held = bytearray(path.read_bytes())
    middle = len(held) // 2
    held[middle:] = os.urandom(len(held) - middle)
    path.write_bytes(held)
    damaged = open_store(sqlite_url(path))
    assert "Restore a backup" in damaged.check(deep=True)
    with pytest.raises(FormatError, match="Restore a backup"):
        damaged.events.count()
    with pytest.raises(FormatError):
        restore(tmp_path / "backup", sqlite_url(path))
    restore(tmp_path / "backup", sqlite_url(path), replace=True)
    assert damaged.events.count() == 2000  # who had it open goes on with the new one
    assert len(list(tmp_path.glob("store.db.damaged-*[0-9]"))) == 1


def test_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    store = open_store(sqlite_url(tmp_path / "file" / "store.db"))
    assert store.events.count() == 0
    with pytest.raises(Unavailable, match="cannot be written"):
        store.events.record([ONE])


def test_a_folder_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "store.db"
    store = open_store(sqlite_url(path))
    store.events.record([ONE])
    store.close()
    may = os.access
    monkeypatch.setattr(os, "access", lambda at, mode: mode != os.W_OK and may(at, mode))
    read = open_store(sqlite_url(path))
    assert read.events.of("ann") == [ONE]
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]
    with pytest.raises(Unavailable, match="Mend the permissions"):
        read.events.record([ONE])


def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path: Path):
    store = open_store(sqlite_url(tmp_path / "store.db"))
    store.events.record([ONE])
    with store.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.database.close()
    many = [Signal(f"x{n}", "u" * 500, "i", "like") for n in range(2000)]
    with store.transaction() as connection:  # this connection goes back to the pool
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(Unavailable, match="disk is full"):
        store.events.record(many)
    assert store.events.of("ann") == [ONE]
    store.database.close()
    assert store.events.record(many).accepted == 2000


def test_a_disk_that_is_full_as_the_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(databases, "linked", full)
    store = open_store(sqlite_url(tmp_path / "store.db"))
    with pytest.raises(Unavailable, match="No space left"):
        store.events.record([ONE])
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert store.events.record([ONE]).accepted == 1


def test_a_file_held_by_another_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(databases, "BUSY", 0.05)
    path = tmp_path / "store.db"
    store = open_store(sqlite_url(path))
    store.events.record([ONE])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.close()
    with pytest.raises(Unavailable, match="held by another process"):
        store.events.record([Signal("2", "ann", "i", "like")])
    assert store.events.of("ann") == [ONE]  # reading goes on
    other.close()
    assert store.events.record([Signal("2", "ann", "i", "like")]).accepted == 1


def test_a_file_that_was_removed_or_replaced_is_noticed(tmp_path: Path):
    path = tmp_path / "store.db"
    store = open_store(sqlite_url(path))
    store.events.record([ONE])
    for one in tmp_path.iterdir():
        one.unlink()
    assert store.events.count() == 0
    assert store.events.record([ONE]).accepted == 1
    assert open_store(sqlite_url(path)).events.of("ann") == [ONE]


def test_a_server_that_is_not_there():
    url = "postgresql://me:secret@127.0.0.1:1/x?connect_timeout=2"
    with pytest.raises(Unavailable, match="does not answer") as found:
        open_store(url)
    assert "secret" not in str(found.value)


def test_a_server_that_does_not_answer_is_given_up_after_two_seconds():
    with socket.socket() as listening:  # takes connections and says nothing
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            open_store(f"postgresql://me@127.0.0.1:{listening.getsockname()[1]}/x")
        assert time.monotonic() - began < 2.8


def test_a_server_without_a_free_connection_is_said_after_two_seconds(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(databases, "PATIENCE", 1)
    store = open_store(postgres.fresh())
    with ExitStack() as held:
        for _ in range(25):
            held.enter_context(store.database.reading())
        began = time.monotonic()
        with pytest.raises(Unavailable, match="busy"):
            store.events.count()
        assert time.monotonic() - began < 2
    assert store.events.count() == 0
    store.close()


def test_whatever_a_driver_raises_is_told_as_ours():
    psycopg = pytest.importorskip("psycopg")
    place = databases.Database(make_url("sqlite:////x/store.db"))

    def kinds(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(kinds(one) for one in kind.__subclasses__()))

    for family in (psycopg.Error, sqlite3.Error):
        for kind in kinds(family):
            raised = kind("what it says")
            wrapped = exc.DBAPIError.instance("SELECT 1", {}, raised, family)
            for error in (raised, wrapped):
                with pytest.raises(TastemateError) as found, explained(place):
                    raise error
                assert "what it says" in str(found.value), kind
    with pytest.raises(Unavailable, match="can only be read"), explained(place):
        raise psycopg.errors.ReadOnlySqlTransaction("no")
    with pytest.raises(ZeroDivisionError), explained(place):
        raise ZeroDivisionError  # ours, and shown as ours


def test_a_server_that_only_reads_for_now(postgres: Postgres):
    url = postgres.fresh()
    open_store(url).close()
    store = open_store(f"{url}%20-cdefault_transaction_read_only%3Don")
    with pytest.raises(Unavailable, match="can only be read"):
        store.events.record([ONE])
    assert store.events.count() == 0
    store.close()


def test_a_server_that_dies_and_comes_back(postgres: Postgres):
    import psycopg

    url = postgres.fresh()
    store = open_store(url)
    store.events.record([ONE])
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with psycopg.connect(postgres.server.get_uri(), autocommit=True) as other:

        def half() -> None:
            with store.transaction() as connection:
                store.versions.bump("model", connection)
                other.execute(end)
                store.versions.bump("model", connection)

        with pytest.raises(Unavailable, match="does not answer"):
            half()
        assert store.versions.all()["model"] == 0
        other.execute(end)  # and those that wait in the pool
    assert store.events.of("ann") == [ONE]  # by itself, once the server is back
    assert store.events.record([Signal("2", "ann", "i", "like")]).accepted == 1
    store.close()


def test_alembic_is_not_imported_for_a_new_store(tmp_path: Path):
    code = (
        "import sys; from tastemate.store.opening import open_store; "
        f"s = open_store({sqlite_url(tmp_path / 's.db')!r}); s.versions.bump('model'); s.close(); "
        "print('alembic' in sys.modules, 'psycopg' in sys.modules, 'polars' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False", "False"]


def test_the_newest_migration_is_the_schema_that_is_written():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from tastemate.store import schema
    from tastemate.store.upgrading import FOLDER

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == schema.HEAD == schema.REVISIONS[-1]
    assert {one.revision for one in scripts.walk_revisions()} == set(schema.REVISIONS)
