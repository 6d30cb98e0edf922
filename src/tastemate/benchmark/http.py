"""What the service takes and how fast it answers, measured from outside, in another process.

Requests come in an open loop (`openloop`), alone and while events come in and a model is fitted.
The client shares the machine with the server, as it is on the two cores the goals speak of.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.benchmark.openloop import PATIENCE, Shot, Volley, due, fire
from tastemate.benchmark.rivals import Figure
from tastemate.benchmark.speed import Speed
from tastemate.errors import ConfigError, StageError
from tastemate.evaluate import record
from tastemate.project import Tastemate
from tastemate.protocols import Progress

READY = 600.0
"""Seconds a server may take to fit and be ready."""
BATCH = 100
"""Events in one request while lists are asked for."""
INGEST = 500
"""Events in one request where only events come in."""
SENDERS = 4
"""Connections over which they come."""
OPEN = {"TASTEMATE_SERVE__RATE_PER_KEY": "0", "TASTEMATE_SERVE__RATE_PER_USER": "0"}
"""No caller is held back: all of the load comes from one, and that is what is measured."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked of the server."""

    rate: float = 300.0
    """Lists asked for a second."""
    seconds: float = 20.0
    """Of each phase."""
    warm: float = 5.0
    """Seconds of a third of the rate before the first figure."""
    events: float = 3_000.0
    """Events that come in a second, meanwhile and alone."""
    readers: int = 20_000
    """People of whom events come besides those who are asked for."""
    file_events: int = 200_000
    """Events of the file that is imported."""
    fresh: int = 200
    """Times that the way from an event to the next answer is measured."""
    workers: int = 1

    def __post_init__(self) -> None:
        if min(astuple(self)) <= 0:
            raise ConfigError("Rates, seconds and counts of a benchmark must be above 0.")


class Refused(StageError):
    """A request was answered, but not with 2xx."""

    def __init__(self, path: str, status: int, told: str) -> None:
        super().__init__(f"{path} was answered with {status}: {told}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Server:
    """A service in a process of its own."""

    port: int
    pid: int

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return what one request is answered.

        Raises `Refused` for anything but 2xx, and `StageError` where there is no answer.
        """
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data,
            {"Content-Type": "application/json"} if data else {},
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                told = error.read().decode("utf-8", "replace")[:500]
            raise Refused(path, error.code, told) from error
        except (OSError, ValueError, HTTPException) as error:
            raise StageError(f"{path} was not answered: {error}") from error


def http(
    dataset: str, load: Load | None = None, *, seed: int = 0, progress: Progress | None = None
) -> Speed:
    """Measure a service over a data set, in a state folder of its own that is then removed.

    Raises `StageError` when the server does not start or refuses what it should take.
    """
    wants, say = load or Load(), progress or (lambda _what, _share: None)
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="tastemate-http-") as folder:
        home = Path(folder) / "home"
        say("starting a server and fitting", 0.0)
        with served(home, dataset, wants.workers) as server:
            project = Tastemate.open(home)
            users = list(project.interactions.users)
            if not users:
                raise StageError(f"{dataset} has no users to ask for. Name one with interactions.")
            _fire_lists(server, users, wants.rate / 3, wants.warm, rng)  # warm
            say("lists alone", 0.2)
            rows = _lists(server, users, wants, rng, "alone")
            say("from an event to the next answer", 0.35)
            rows += _freshness(server, users, wants.fresh, rng)
            say("lists while events come in and a model is fitted", 0.5)
            many = [*users, *(f"reader-{at}" for at in range(wants.readers))]
            for doing, who in ((many, f"of {len(many)} people"), (users, "of the same people")):
                rows += _busy(server, project, users, doing, wants, rng, who)
            say("events alone", 0.7)
            rows += _ingest(server, project, wants, rng)
        say("lists alone, none held", 0.8)
        with served(home, dataset, wants.workers, {"TASTEMATE_SERVE__CACHED": "0"}) as server:
            _fire_lists(server, users, wants.rate / 3, wants.warm, rng)
            rows += _lists(server, users, wants, rng, "alone, no answer held")
        say("events by file", 0.9)
        rows += _imported(home, project, wants.file_events, rng)
        proof = record.provenance(project.catalog, project.interactions)
    return Speed(tuple(rows), dataset, proof)


@contextmanager
def served(
    home: Path,
    dataset: str,
    workers: int = 1,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a service over a project folder until the block ends; ready when it begins.

    It holds no caller back (`OPEN`) and writes no log; `environ` says what else is set.
    Raises `StageError` when it ends or is not ready in `READY` seconds.
    """
    command = [sys.executable, "-m", "tastemate", "serve", "--port", "0"]
    command += ["--home", str(home), "--workers", str(workers)]
    if not (home / "tastemate.toml").exists():
        command += ["--dataset", dataset]
    quiet = {"TASTEMATE_SERVE__LOG_FILE": "none", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env={**os.environ, **quiet, **OPEN, **(environ or {})},
        )
        try:
            server = Server(_port(process, told), process.pid)
            _await_ready(server, process, told)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _port(process: "subprocess.Popen[str]", told: Any) -> int:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line.startswith("http://"):
        told.seek(0)
        raise StageError(f"The server did not start: {line}{told.read()[-800:]}")
    return int(line.strip().rsplit(":", 1)[1])


def _await_ready(server: Server, process: "subprocess.Popen[str]", told: Any) -> None:
    end = time.monotonic() + READY
    while time.monotonic() < end:
        if process.poll() is not None:
            told.seek(0)
            raise StageError(f"The server ended: {told.read()[-800:]}")
        try:
            server.ask("/health/ready")
        except StageError:
            time.sleep(0.2)
        else:
            return
    raise StageError(f"The server was not ready in {READY:.0f} s.")


def _list_shots(users: Sequence[str], times: Sequence[float], rng: Any) -> list[Shot]:
    drawn = rng.integers(len(users), size=len(times))
    return [
        Shot(float(at), "/v1/recommend", json.dumps({"user_id": users[one], "k": 10}).encode())
        for at, one in zip(times, drawn, strict=True)
    ]


def _fire_lists(
    server: Server, users: Sequence[str], rate: float, seconds: float, rng: Any
) -> Volley:
    return fire(server.port, _list_shots(users, list(due(rate, seconds, rng)), rng))


def _lists(server: Server, users: Sequence[str], wants: Load, rng: Any, when: str) -> list[Figure]:
    found = _fire_lists(server, users, wants.rate, wants.seconds, rng)
    return _answered(f"lists at {wants.rate:g}/s, {when}", found)


def _answered(name: str, found: Volley) -> list[Figure]:
    return [
        Figure.of(f"{name}: p50", _ms(found, 50), "ms"),
        Figure.of(f"{name}: p99", _ms(found, 99), "ms", "the goal", 60.0),
        Figure.of(f"{name}: not answered with 2xx, of {len(found.status)}", found.failed, "count"),
    ]


def _ms(found: Volley, share: float) -> float:
    """Return a percentile in milliseconds; an answer that never came counts as the wait for it."""
    return min(found.percentile(share), PATIENCE) * 1000


def _busy(
    server: Server,
    project: Tastemate,
    users: Sequence[str],
    doing: Sequence[str],
    wants: Load,
    rng: Any,
    who: str,
) -> list[Figure]:
    """Ask for lists while events come in and models are fitted, one fit after another.

    `doing` are those who do something meanwhile, `who` says it: every event makes the list of
    somebody anew, so that the fewer they are, the more of those asked for have to be made.
    """
    lists = _list_shots(users, list(due(wants.rate, wants.seconds, rng)), rng)
    batches = int(wants.events * wants.seconds / BATCH)
    events = [
        Shot(at * wants.seconds / batches, "/v1/events", _batch(project, doing, BATCH, rng))
        for at in range(batches)
    ]
    fits = [Shot(float(at), "/v1/train", b"{}") for at in range(max(int(wants.seconds), 1))]
    found = fire(server.port, [*lists, *events, *fits])
    asked, taken, begun = found.parts(len(lists), len(events), len(fits))
    name = f"lists at {wants.rate:g}/s, with {wants.events:g} events/s {who} and fits"
    return [
        *_answered(name, asked),
        Figure.of(f"batches of {BATCH} events {who}, meanwhile: p99", _ms(taken, 99), "ms"),
        Figure.of(f"batches {who} not taken, of {len(events)}", taken.failed, "count"),
        Figure.of(
            f"fits begun meanwhile, with events {who}", int((begun.status == 202).sum()), "count"
        ),
    ]


def _ingest(server: Server, project: Tastemate, wants: Load, rng: Any) -> list[Figure]:
    """Send events as fast as they are taken: each connection sends when it was answered."""
    users = [f"new-{at}" for at in range(1_000)]
    batches = max(int(wants.events * wants.seconds / INGEST), 4)
    bodies = [_batch(project, users, INGEST, rng) for _ in range(batches)]
    shots = [Shot(0.0, "/v1/events", body) for body in bodies]
    found = fire(server.port, shots, most=SENDERS, patience=10 * PATIENCE)
    rate = (batches - found.failed) * INGEST / found.percentile(100)
    return [
        Figure.of(f"events by API, batches of {INGEST}", rate, "events/s", "the goal", 3_000.0),
        Figure.of(f"batches of {INGEST} not taken, of {batches}", found.failed, "count"),
    ]


def _freshness(server: Server, users: Sequence[str], times: int, rng: Any) -> list[Figure]:
    """Dislike what stands first, and ask until it is gone."""
    took = []
    for user in (users[one] for one in rng.integers(len(users), size=times)):
        asked = {"user_id": user, "k": 10}
        items = server.ask("/v1/recommend", asked)["items"]
        if not items:
            continue
        first = items[0]["item_id"]
        start = time.perf_counter()
        server.ask("/v1/feedback", {"user_id": user, "item_id": first, "kind": "dislike"})
        while first in [one["item_id"] for one in server.ask("/v1/recommend", asked)["items"]]:
            if time.perf_counter() - start > 10:
                break
        took.append(time.perf_counter() - start)
    if not took:
        raise StageError("No list had an item to dislike.")
    p50, p99 = (float(np.percentile(took, one, method="higher")) for one in (50, 99))
    return [
        Figure.of("from a dislike to an answer without the item: p50", p50, "s"),
        Figure.of("from a dislike to an answer without the item: p99", p99, "s", "the goal", 1.0),
    ]


def _imported(home: Path, project: Tastemate, events: int, rng: Any) -> list[Figure]:
    """Import a file of events with the command line."""
    path = home.parent / "events.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("event_id", "user_id", "item_id", "kind", "timestamp"))
        now = int(time.time())
        for at in range(events):
            item = project.catalog.ids[int(rng.integers(len(project.catalog)))]
            writer.writerow((f"file-{at}", f"reader-{at % 5_000}", item, "click", now))
    start = time.perf_counter()
    command = [sys.executable, "-m", "tastemate", "events", "import", str(path)]
    done = subprocess.run(
        [*command, "--dataset", str(home), "--json"], capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode or json.loads(done.stdout)["accepted"] != events:
        raise StageError(f"The file was not imported whole: {done.stdout}{done.stderr[-500:]}")
    rate = events / took
    return [Figure.of("events by file, start included", rate, "events/s", "the goal", 20_000.0)]


def _batch(project: Tastemate, users: Sequence[str], size: int, rng: Any) -> bytes:
    ids, now = project.catalog.ids, int(time.time())
    return json.dumps(
        {
            "events": [
                {
                    "event_id": f"{rng.integers(2**62):x}",
                    "user_id": users[int(rng.integers(len(users)))],
                    "item_id": ids[int(rng.integers(len(ids)))],
                    "kind": "click",
                    "timestamp": now,
                }
                for _ in range(size)
            ]
        }
    ).encode()
