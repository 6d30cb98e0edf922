"""`tastemate backup` and `tastemate restore`: everything kept, in one file and back."""

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tastemate.cli.backup import backup, restore
from tastemate.errors import ConfigError, FormatError
from tastemate.store.opening import open_store, sqlite_url
from tastemate.store.zipped import NoBackup
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


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE notes (text)")


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("notes.txt", "hello")


NO_BACKUP = {
    "missing": (lambda path: None, "There is no file"),
    "empty": (Path.touch, "is empty"),
    "folder": (Path.mkdir, "is a folder"),
    "text": (lambda path: path.write_bytes(b"nonsense"), "is no backup"),
    "database": (other_database, "is a database, but no backup"),
    "zip": (other_zip, "is no backup"),
}


def refused(*words: str) -> str:
    """Run a command that is misuse; return what it says, on one line."""
    told = CliRunner().invoke(app, [*words, "-d", "films"], env={"COLUMNS": "300"})
    assert told.exit_code == 2
    return " ".join(told.stderr.replace("│", " ").split())


@pytest.mark.parametrize("kind", NO_BACKUP)
def test_what_is_no_backup_is_misuse_and_changes_nothing(home: Path, tmp_path: Path, kind: str):
    make, what = NO_BACKUP[kind]
    fill(home)
    make(tmp_path / "b")
    for more in ((), ("--replace",)):
        said = refused("restore", "b", *more)
        assert f"b {what}" in said or f"{what} b" in said
        assert "Name a file that `tastemate backup` wrote. Nothing was changed." in said
    assert open_store(sqlite_url(store_file(home))).events.count() == 3


def test_a_damaged_store_stays_where_it_is_until_there_is_a_backup_to_put_in_its_place(
    home: Path, tmp_path: Path
):
    fill(home)
    (tmp_path / "b").write_bytes(b"nonsense")
    path = store_file(home)
    path.write_bytes(b"garbage" * 1000)
    assert "is no backup" in refused("restore", "b", "--replace")
    assert [one.name for one in path.parent.glob("store.db*")] == ["store.db"]


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + b"x" * 5000, b"PK\x03\x04"])
def test_a_damaged_backup_is_said_by_its_own_name(home: Path, tmp_path: Path, content: bytes):
    fill(home)
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(FormatError, match=r"^b is damaged") as found:
        run("restore", "b", "--replace")
    assert not isinstance(found.value, NoBackup)
    assert open_store(sqlite_url(store_file(home))).events.count() == 3


def test_a_backup_cut_short_or_of_a_newer_version_is_said_by_its_own_name(
    home: Path, tmp_path: Path
):
    fill(home)
    run("backup", "-o", "b.db")
    whole = (tmp_path / "b.db").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"^cut is damaged .* Take another backup"):
        run("restore", "cut", "--replace")
    with closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as made:
        made.execute("UPDATE tastemate_version SET version_num = '9999'")
    with pytest.raises(FormatError, match=r"^b\.db was written by a newer version"):
        run("restore", "b.db", "--replace")
    assert open_store(sqlite_url(store_file(home))).events.count() == 3
