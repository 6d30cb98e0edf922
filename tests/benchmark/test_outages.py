"""What breaks under a service, broken for real: a model file, a disk, a database."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.serve.projects import small

from tastemate.benchmark import outages
from tastemate.benchmark.http import Server
from tastemate.errors import StageError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    small(tmp_path / "project", fitted=True)
    return tmp_path / "project"


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
    monkeypatch.setattr(outages, "_filled", lambda *_: [])
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


def test_a_dead_database_is_told_and_lists_go_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "TOLD", 20.0)  # on a busy machine
    found = outages.dead(home, "of the project")
    if "skipped" in found:
        pytest.skip(found["skipped"])
    assert found["problems"] == []


def test_lists_that_are_short_or_silent_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "TOLD", 0.0)
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
