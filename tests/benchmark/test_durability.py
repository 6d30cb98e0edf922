"""`tastemate benchmark durability`: real kills over a real store, and faults that it must see."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serve.projects import small

from tastemate.benchmark import durability, outages
from tastemate.benchmark.http import Refused, Server
from tastemate.errors import ConfigError, StageError
from tastemate.store.opening import open_store, sqlite_url
from tastemate.types import Signal


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    small(tmp_path / "project", fitted=True)
    return tmp_path / "project"


def quiet(_what: str, _share: float) -> None:
    pass


def kept(home: Path, *names: str) -> None:
    with closing(open_store(sqlite_url(home / ".tastemate" / "store.db"))) as store:
        store.events.record([Signal(name, "u1", "i1", "like", timestamp=1) for name in names])


def test_two_kills_lose_nothing_and_nothing_counts_twice(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "LONGEST", 0.5)
    rng = np.random.default_rng(1)
    found = durability._kills(home, ["i1", "i2", "i3"], 2, rng, quiet)
    assert found["problems"] == []
    assert found["cases"] == 2
    assert found["sent"] >= found["acknowledged"] >= 2 * durability.BATCH


def test_a_store_that_loses_an_acknowledged_event_is_reported(home: Path) -> None:
    kept(home, "a", "b")
    assert durability._held(home, {"a", "b", "c"}, ["a", "b"], "kill 1") == []
    lost = durability._held(home, {"a", "b", "c"}, ["a", "b", "c"], "kill 1")
    assert lost == ["kill 1: 1 acknowledged events lost, such as c"]


def test_an_event_nobody_sent_and_a_damaged_file_are_reported(home: Path) -> None:
    kept(home, "a", "b")
    strange = durability._held(home, {"a"}, ["a"], "kill 2")
    assert strange == ["kill 2: 1 events nobody sent, such as b"]
    assert durability._sound(home) == []
    path = home / ".tastemate" / "store.db"
    data = bytearray(path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[4 * page : 6 * page] = b"\x5a" * (2 * page)
    path.write_bytes(data)
    assert "integrity_check" in durability._sound(home)[0]


class Miscounting:
    """Stands for a server: says what it was told to say, one answer after another."""

    def __init__(self, *answers: dict[str, int] | StageError) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def ask(self, _path: str, body: dict[str, Any]) -> dict[str, int]:
        self.asked.append([one["event_id"] for one in body["events"]])
        answer = self.answers.pop(0)
        if isinstance(answer, StageError):
            raise answer
        return answer


def written(server: Any, *again: str) -> durability._Writer:
    writer = durability._Writer(server, ["i1"], "w", again)
    writer.run()
    return writer


def test_a_writer_sends_again_what_it_heard_nothing_of() -> None:
    batch = durability.BATCH
    gone = StageError("not answered")
    writer = written(
        Miscounting(
            {"accepted": 1, "duplicates": 1},
            {"accepted": batch, "duplicates": 2},
            {"accepted": batch, "duplicates": 3},
            gone,
        ),
        *("x", "y"),
    )
    assert writer.problems == []
    assert writer.acknowledged[:2] == ["x", "y"]
    assert len(writer.acknowledged) == 2 + 2 * batch
    assert len(writer.open) == batch  # what the next one has to send again
    assert not set(writer.open) & set(writer.acknowledged)


@pytest.mark.parametrize(
    "answers",
    [
        [{"accepted": durability.BATCH + 1, "duplicates": 0}],
        [
            {"accepted": durability.BATCH, "duplicates": 0},
            {"accepted": durability.BATCH + 3, "duplicates": 0},  # counted twice
        ],
        [Refused("/v1/events", 500, "oh")],
    ],
)
def test_a_writer_tells_of_a_server_that_miscounts_or_fails(
    answers: list[dict[str, int] | StageError],
) -> None:
    assert len(written(Miscounting(*answers)).problems) == 1


def test_a_writer_tells_of_an_event_that_is_lost_between_two_servers() -> None:
    server = Miscounting({"accepted": 1, "duplicates": 0})
    assert "sent again" in written(server, "x", "y").problems[0]


def test_a_damaged_model_is_not_served(home: Path) -> None:
    assert outages.damaged(home)["problems"] == []


def test_a_full_disk_is_told_and_loses_nothing(home: Path, tmp_path: Path) -> None:
    found = outages.full(tmp_path, str(home / "data"))
    if "skipped" in found:
        pytest.skip(found["skipped"])
    assert found["problems"] == []
    assert not (tmp_path / "disk" / "home").exists()  # unmounted


def test_a_disk_that_cannot_be_unmounted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        stays = command[0] == "umount"
        return subprocess.CompletedProcess(command, int(stays), b"", b"target is busy")

    monkeypatch.setattr(outages.subprocess, "run", run)
    monkeypatch.setattr(outages.time, "sleep", lambda _: None)
    with pytest.raises(StageError, match="still mounted .*target is busy.*: umount "):
        outages.full(tmp_path, str(tmp_path / "no data"))


def test_where_nothing_can_be_mounted_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 1, b"", b"permission denied")

    monkeypatch.setattr(outages.subprocess, "run", run)
    found = outages.full(tmp_path, "films")
    assert found["cases"] == 0
    assert "root" in found["skipped"]


def test_a_dead_database_is_told_and_lists_go_on(home: Path, tmp_path: Path) -> None:
    found = outages.dead(tmp_path / "over-postgresql", str(home / "data"))
    if "skipped" in found:
        pytest.skip(found["skipped"])
    assert found["problems"] == []


def test_lists_that_are_short_or_silent_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer: dict[str, Any] = {"items": [1] * 5, "degraded": []}
    monkeypatch.setattr(Server, "ask", lambda *_: answer)
    server = Server(1, 1)
    assert outages.list_of(server, "now") == []
    assert "lesser" in outages.list_of(server, "now", degraded=True)[0]
    answer["degraded"] = ["rerank: gone"]
    assert outages.list_of(server, "now") == ["now: rerank: gone"]
    assert "lesser" in outages.list_of(server, "now", degraded=True)[0]
    answer["degraded"] = ["store: gone"]
    assert outages.list_of(server, "now", degraded=True) == []
    answer["items"] = []
    assert outages.list_of(server, "now") == ["now: a list of 0"]


def test_all_kinds_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_server(*_: Any, **__: Any) -> Iterator[None]:
        yield

    one = {"cases": 2, "failures": 1, "problems": ["x"]}
    monkeypatch.setattr(durability, "served", no_server)
    monkeypatch.setattr(durability, "_kills", lambda *_: one)
    for name in ("damaged", "full", "dead"):
        monkeypatch.setattr(outages, name, lambda *_: one)
    found = durability.durability(3)
    assert (found["cases"], found["failures"]) == (8, 4)
    assert set(found["by_kind"]) == {
        "kill -9", "damaged model file", "full disk", "dead database",
    }  # fmt: skip
    assert {"commit", "hardware", "date"} <= set(found)
    with pytest.raises(ConfigError, match="at least 1"):
        durability.durability(0)
