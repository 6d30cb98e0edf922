"""`tastemate benchmark durability`: real kills over a real store, and faults that it must see."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.serve.projects import small

from tastemate.benchmark import durability, outages
from tastemate.benchmark.http import Refused
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
    data[2 * page : 20 * page] = b"\x5a" * (18 * page)
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


def test_all_kinds_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_server(*_: Any, **__: Any) -> Iterator[None]:
        yield

    project = SimpleNamespace(catalog=SimpleNamespace(ids=["i1"]))
    one = {"cases": 2, "failures": 1, "problems": ["x"]}
    monkeypatch.setattr(durability, "served", no_server)
    monkeypatch.setattr(durability.Tastemate, "open", lambda *_: project)
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
