"""Nothing that was acknowledged is lost, and nothing counts twice: a server killed again and again.

Also what else goes wrong under a service: a full disk, a damaged model file, a database that is
gone. Each must be told in words, and the last good model must go on answering.
"""

import os
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.benchmark import outages
from tastemate.benchmark.http import Refused, Server, served
from tastemate.errors import ConfigError, StageError, TastemateError
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
        kinds["damaged model file"] = outages.damaged(home)
        say("a full disk", 0.94)
        kinds["full disk"] = outages.full(Path(folder))
        say("a dead database", 0.97)
        kinds["dead database"] = outages.dead(Path(folder) / "over-postgresql")
    return {
        "cases": sum(one["cases"] for one in kinds.values()),
        "failures": sum(one["failures"] for one in kinds.values()),
        "by_kind": kinds,
        "seed": seed,
    } | record.circumstances()


class _Writer(threading.Thread):
    """Sends batches until the server is gone; knows what was sent and what was acknowledged.

    It begins with `again`: what another one sent and heard nothing of. Each batch repeats some of
    what was acknowledged, which must not count twice.
    """

    def __init__(
        self, server: Server, ids: Sequence[str], name: str, again: Sequence[str] = ()
    ) -> None:
        super().__init__(daemon=True)
        self.server, self.ids, self.prefix = server, ids, name
        self.sent: list[str] = []
        self.acknowledged: list[str] = []
        self.open: list[str] = list(again)
        """Sent, and not yet acknowledged."""
        self.problems: list[str] = []

    def run(self) -> None:
        """Send until the server is gone, or answers what it should not."""
        try:
            if self.open:
                told = self._told(self.open)
                if told["accepted"] + told["duplicates"] != len(self.open):
                    self.problems.append(f"sent again, {len(self.open)} events: {told}")
                self.acknowledged += self.open
            number = 0
            while not self.problems:
                self.open = [f"{self.prefix}-{number + at}" for at in range(BATCH)]
                number += BATCH
                again = self.acknowledged[-3:]
                self.sent += self.open
                told = self._told([*again, *self.open])
                if (told["accepted"], told["duplicates"]) != (BATCH, len(again)):
                    self.problems.append(f"{BATCH} new events and {len(again)} old ones: {told}")
                self.acknowledged += self.open
                self.open = []
        except Refused as error:
            self.problems.append(str(error))
        except StageError:
            return  # it was killed

    def _told(self, names: Sequence[str]) -> Mapping[str, Any]:
        now = int(time.time())
        events = [
            {
                "event_id": name,
                "user_id": f"u{at % 7}",
                "item_id": self.ids[at % len(self.ids)],
                "kind": "like",
                "timestamp": now,
            }
            for at, name in enumerate(names)
        ]
        told: Mapping[str, Any] = self.server.ask("/v1/events", {"events": events})
        return told


def _kills(
    home: Path, ids: Sequence[str], kills: int, rng: np.random.Generator, say: Progress
) -> dict[str, Any]:
    """Kill a server that is being written to; hold what it acknowledged against the store."""
    sent: set[str] = set()
    acknowledged: list[str] = []
    problems: list[str] = []
    again: list[list[str]] = [[] for _ in range(WRITERS)]
    resent = 0
    for at in range(kills):
        say(f"kill {at + 1} of {kills}", 0.02 + 0.9 * at / kills)
        with _to_be_killed(home) as server:
            writers = [_Writer(server, ids, f"{at}-{one}", left) for one, left in enumerate(again)]
            if at % TRAINS == 0:
                with suppress(Refused):  # a fit may be under way already
                    server.ask("/v1/train", {})
            for writer in writers:
                writer.start()
            problems += _first_acknowledged(writers, f"kill {at + 1}")
            time.sleep(float(rng.uniform(0.0, LONGEST)))
        for writer in writers:
            writer.join(70)
            sent.update(writer.sent)
            acknowledged += writer.acknowledged
            problems += [f"kill {at + 1}: {one}" for one in writer.problems]
        again = [writer.open for writer in writers]
        resent += sum(len(one) for one in again)
        problems += _held(home, sent, acknowledged, f"kill {at + 1}")
        if problems:
            break
    problems += _sound(home)
    with served(home, "films") as server:
        problems += outages.list_of(server, "after the last kill")
    return {
        "cases": kills,
        "failures": len(problems),
        "acknowledged": len(acknowledged),
        "sent": len(sent),
        "sent_again": resent,
        "problems": problems[:20],
    }


def _first_acknowledged(writers: Sequence[_Writer], when: str) -> list[str]:
    end = time.monotonic() + 30
    while not any(writer.acknowledged for writer in writers):
        if time.monotonic() > end:
            return [f"{when}: nothing was acknowledged in 30 s"]
        time.sleep(0.01)
    return []


def _sound(home: Path) -> list[str]:
    """Return what SQLite's whole integrity check finds in the store."""
    try:
        with closing(sqlite3.connect(home / ".tastemate" / "store.db")) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.Error as error:
        found = [str(error)]
    return [] if found == ["ok"] else [f"integrity_check: {'; '.join(found[:3])}"]


def _held(home: Path, sent: set[str], acknowledged: Sequence[str], when: str) -> list[str]:
    """Return what is wrong with the store after a kill."""
    try:
        with closing(open_store(sqlite_url(home / ".tastemate" / "store.db"))) as store:
            kept = store.events.frame()["id"].to_list()
            sound = store.check(deep=True)
    except TastemateError as error:
        return [f"{when}: {error}"]
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
