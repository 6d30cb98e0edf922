"""`tastemate backup` and `tastemate restore`: everything kept, in one file and back."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tastemate.cli.backup import backup, restore
from tastemate.errors import ConfigError, FormatError, NotFound
from tastemate.store.opening import open_store, sqlite_url
from tastemate.types import Signal

app = typer.Typer()
app.command()(backup)
app.command()(restore)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def run(*words: str) -> str:
    return CliRunner().invoke(app, [*words, "-d", "films"], catch_exceptions=False).stdout


def store_file(home: Path) -> Path:
    (path,) = home.rglob("store.db")
    return path


def fill(home: Path) -> None:
    from tastemate.cli.backup import _store_of

    store = open_store(_store_of("films")[1])
    store.events.record([Signal(f"{n}", "ann", "i", "like", timestamp=n) for n in range(3)])
    store.close()


def test_there_and_back(home: Path, tmp_path: Path):
    fill(home)
    told = json.loads(run("backup", "--out", "b.db", "--json"))
    assert (told["written"], told["rows"]["events"]) == ("b.db", 3)
    path = store_file(home)
    path.unlink()
    assert "is restored and checked" in run("restore", "b.db")
    assert open_store(sqlite_url(path)).events.count() == 3
    with pytest.raises(ConfigError, match="not empty"):
        run("restore", "b.db")
    assert json.loads(run("restore", "b.db", "--replace", "--json"))["rows"]["events"] == 3
    with pytest.raises(ConfigError, match="there already"):
        run("backup", "--out", "b.db")


def test_nothing_kept_yet_is_backed_up_too(tmp_path: Path):
    assert json.loads(run("backup", "-o", "b.db", "--json"))["rows"]["events"] == 0
    assert "is restored" in run("restore", "b.db")


def test_a_damaged_store_is_restored_over(home: Path):
    fill(home)
    run("backup", "--out", "b.db")
    path = store_file(home)
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(FormatError, match="not a Tastemate store"):
        run("restore", "b.db")
    run("restore", "b.db", "--replace")
    assert open_store(sqlite_url(path)).events.count() == 3
    assert len(list(path.parent.glob("store.db.damaged-*"))) == 1


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"SQLite format 3\0" + b"x" * 5000, b"PK\x03\x04"]
)
def test_what_is_no_backup_changes_nothing(home: Path, tmp_path: Path, content: bytes):
    fill(home)
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(FormatError):
        run("restore", "b", "--replace")
    assert open_store(sqlite_url(store_file(home))).events.count() == 3
    with pytest.raises(NotFound):
        run("restore", "nothing")
