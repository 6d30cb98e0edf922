"""Restoring: what is no whole backup is refused, and the store stays as it was."""

import json
import os
import shutil
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Postgres

from tastemate.errors import FormatError, Unavailable
from tastemate.store.backup import backup, restore
from tastemate.store.opening import Store, open_store, sqlite_url
from tastemate.store.zipped import ABOUT, NoBackup, Zipped, write_zip
from tastemate.types import Signal


def signals(n: int, user: str = "ann") -> list[Signal]:
    return [Signal(f"{user}{k}", user, "i", "like", timestamp=k) for k in range(n)]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Store]:
    """A store of six events that is in use: they are in its log only."""
    store = open_store(sqlite_url(tmp_path / "live" / "store.db"))
    store.events.record(signals(6))
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    """The store to restore into, with two events of its own."""
    store = open_store(sqlite_url(tmp_path / "target" / "store.db"))
    store.events.record(signals(2, "old"))
    yield store
    store.close()


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A zip as a server's backup is, of six events."""
    store = open_store(sqlite_url(tmp_path / "whole" / "store.db"))
    store.events.record(signals(6))
    write_zip(store.database, tmp_path / "whole.zip")
    store.close()
    return tmp_path / "whole.zip"


def edited(path: Path, changes: dict[str, Any], name: str = "odd.zip") -> Path:
    """Write a zip like another one: of each part other bytes, what makes them, or None for none."""
    odd = path.with_name(name)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(odd, "w", zipfile.ZIP_DEFLATED) as new:
        for part in dict.fromkeys([*old.namelist(), *changes]):
            content = old.read(part) if part in old.namelist() else b""
            change = changes.get(part, content)
            if change is not None:
                new.writestr(part, change(content) if callable(change) else change)
    return odd


def about(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | changes).encode()


def counted(what: str, **changes: Any) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        said = json.loads(content)
        said[what] |= changes
        return json.dumps(said).encode()

    return change


def first_row(**changes: Any) -> Callable[[bytes], bytes]:
    """Change columns of the first row; `...` takes one out."""

    def change(content: bytes) -> bytes:
        begun, rest = content.split(b"\n", 1)
        row = json.loads(begun) | changes
        kept = {name: value for name, value in row.items() if value is not ...}
        return json.dumps(kept).encode() + b"\n" + rest

    return change


def first_line(line: bytes) -> Callable[[bytes], bytes]:
    return lambda content: line + b"\n" + content.split(b"\n", 1)[1]


def refused(path: Path, target: Store) -> FormatError:
    """Restore what cannot be; return what it says, with the store as it was before."""
    before = (target.events.since(0), target.versions.all(), target.id)
    for replace in (False, True):
        with pytest.raises(FormatError) as found:
            restore(path, target.url, replace=replace)
        assert (target.events.since(0), target.versions.all(), target.id) == before
    assert [one.name for one in target.database.path.parent.glob("*damaged*")] == []
    assert str(path) in str(found.value)
    assert "Take another backup" in str(found.value) or isinstance(found.value, NoBackup)
    return found.value


def test_what_is_in_the_log_of_a_live_store_is_restored_too(live: Store, tmp_path: Path):
    path = live.database.path
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as alone:
        assert alone.execute("SELECT count(*) FROM events").fetchone() == (0,)
    other = sqlite_url(tmp_path / "other.db")
    assert restore(path, other).rows["events"] == 6
    restored = open_store(other)
    assert restored.events.since(0) == live.events.since(0)
    restored.close()
    assert live.events.count() == 6


def test_what_a_store_that_was_killed_left_in_its_log_is_restored_too(live: Store, tmp_path: Path):
    held = live.database.path
    for end in ("", "-wal"):
        shutil.copyfile(f"{held}{end}", tmp_path / f"killed.db{end}")
    before = [(tmp_path / f"killed.db{end}").read_bytes() for end in ("", "-wal")]
    (tmp_path / "link.db").symlink_to(tmp_path / "killed.db")
    assert restore(tmp_path / "link.db", sqlite_url(tmp_path / "other.db")).rows["events"] == 6
    assert [(tmp_path / f"killed.db{end}").read_bytes() for end in ("", "-wal")] == before


def test_a_store_is_not_restored_into_itself(live: Store, tmp_path: Path):
    path, before = live.database.path, live.events.since(0)
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    for named in (path, tmp_path / "link", tmp_path / "hard"):
        with pytest.raises(NoBackup, match=r"is the store itself.* Nothing was changed"):
            restore(named, live.url, replace=True)
        assert live.events.since(0) == before
    assert len(before) == 6


def test_reading_a_backup_leaves_nothing_beside_it(live: Store, tmp_path: Path, target: Store):
    taken = tmp_path / "taken" / "backup.db"
    backup(live, taken)
    before = taken.read_bytes()
    restore(taken, target.url, replace=True)
    assert target.events.since(0) == live.events.since(0)
    assert [one.name for one in taken.parent.iterdir()] == ["backup.db"]
    assert taken.read_bytes() == before


def test_a_backup_that_changes_while_it_is_read_is_said(
    live: Store, tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
):
    taken = tmp_path / "backup.db"
    backup(live, taken)
    connect = sqlite3.connect

    def touched(*where: Any, **how: Any) -> sqlite3.Connection:
        os.utime(taken, ns=(1, 1))
        return connect(*where, **how)

    monkeypatch.setattr(sqlite3, "connect", touched)
    with pytest.raises(Unavailable, match="changed while it was read"):
        restore(taken, target.url, replace=True)
    assert target.events.count() == 2


def test_a_database_that_ends_as_a_zip_does_is_a_database(tmp_path: Path, target: Store):
    store = open_store(sqlite_url(tmp_path / "a.db"))
    end = "PK\x05\x06" + "\1" * 18
    store.events.record([Signal(end + "x" * n, "ann", "i", "like") for n in range(300)])
    store.close()
    backup(store, tmp_path / "backup.db")
    assert zipfile.is_zipfile(tmp_path / "backup.db")
    assert restore(tmp_path / "backup.db", target.url, replace=True).rows["events"] == 300


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, target: Store, kind: str):
    path = Path(kind)
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    assert "is a pipe or a device" in str(refused(path, target))


def test_a_file_that_cannot_be_read_is_said(
    whole: Path, target: Store, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(Unavailable, match=r"cannot be read \(Permission denied\)"):
        restore(whole, target.url, replace=True)


def test_a_zip_is_restored_and_numbering_goes_on(whole: Path, target: Store):
    assert restore(whole, target.url, replace=True).rows["events"] == 6
    assert [one.user for _, one in target.events.since(0)] == ["ann"] * 6
    odd = edited(whole, {ABOUT: counted("counters", events=0)})
    restore(odd, target.url, replace=True)
    target.events.record(signals(1, "new"))
    assert target.events.last() == 7


ODD_ABOUT = {
    "rows of a number": about(rows=5),
    "no rows": about(rows=None),
    "rows of some tables": about(rows={"events": 6}),
    "a table nobody knows": counted("rows", nonsense=1),
    "more rows than there are": counted("rows", events=7),
    "fewer rows than there are": counted("rows", events=5),
    "rows of a word": counted("rows", events="6"),
    "a list of counters": about(counters=[]),
    "no counters": about(counters={}),
    "an unknown counter": counted("counters", nonsense=1),
    "a counter past every integer": counted("counters", events=10**30),
    "a counter below nothing": counted("counters", events=-1),
    "a counter of half": counted("counters", events=1.5),
}
ODD_EVENTS = {
    "a row without JSON": first_line(b"nonsense"),
    "an empty line": first_line(b""),
    "a row that is a list": first_line(b"[1]"),
    "bytes that are no UTF-8": first_line(b'{"id": "\xff\xfe"}'),
    "a row too deep": first_line(b"[" * 100_000),
    "a number of 10,000 digits": first_line(b"1" * 10_000),
    "an unknown column": first_row(nonsense=1),
    "a missing column": first_row(item=...),
    "a text for a number": first_row(value="much"),
    "a number that is none": first_row(value=float("nan")),
    "a number without end": first_row(value=10**400),
    "a number for a text": first_row(user=5),
    "nothing": first_row(user=None),
    "an integer past every integer": first_row(timestamp=10**30),
    "an integer too long for its column": first_row(position=2**31),
    "half an integer": first_row(seq=0.5),
    "a NUL": first_row(user="a\0b"),
    "half a character": first_row(user="\ud800"),
    "a line missing": lambda content: content.split(b"\n", 1)[1],
    "no part at all": None,
}


@pytest.mark.parametrize("kind", [*ODD_ABOUT, *ODD_EVENTS])
def test_an_odd_zip_leaves_the_store_and_says_where(whole: Path, target: Store, kind: str):
    part = ABOUT if kind in ODD_ABOUT else "events.jsonl"
    said = str(refused(edited(whole, {part: (ODD_ABOUT | ODD_EVENTS)[kind]}), target))
    assert ABOUT in said or "events.jsonl" in said
    assert len(said) < 500


@pytest.mark.parametrize(
    "said",
    [b"[]", b"5", b"{}", b"\xff", b"nonsense", b'{"format": [], "revision": {}}', b"[" * 10**5],
)
def test_a_zip_of_another_kind_is_no_backup(whole: Path, target: Store, said: bytes):
    assert isinstance(refused(edited(whole, {ABOUT: said}), target), NoBackup)


def test_a_zip_of_a_newer_version_or_with_an_unknown_table(whole: Path, target: Store):
    for newer in (about(format=2), about(revision="9999")):
        with pytest.raises(FormatError, match="newer version. Update Tastemate"):
            restore(edited(whole, {ABOUT: newer}), target.url, replace=True)
    assert "likes.jsonl" in str(refused(edited(whole, {"likes.jsonl": b"{}\n"}), target))


def test_a_zip_with_flipped_bytes_is_an_error_of_ours(whole: Path):
    content, spoilt = whole.read_bytes(), whole.with_name("spoilt.zip")
    for place in range(0, len(content), 7):
        spoilt.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        with suppress(FormatError), Zipped(spoilt) as zipped:
            zipped.check()


def twice(content: bytes) -> bytes:
    """Give the second row the id of the first."""
    rows = [json.loads(line) for line in content.splitlines()]
    rows[1]["id"] = rows[0]["id"]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_rows_that_contradict_each_other_leave_the_store(whole: Path, target: Store):
    odd = edited(whole, {"events.jsonl": twice})
    before = target.events.since(0)
    with pytest.raises(FormatError, match=r"contradict each other .* Nothing was changed"):
        restore(odd, target.url, replace=True)
    assert target.events.since(0) == before


def test_odd_zips_leave_a_store_on_a_server(whole: Path, postgres: Postgres):
    url = postgres.fresh()
    store = open_store(url)
    store.events.record(signals(2, "old"))
    before = (store.events.since(0), store.versions.all())
    for part, change in (
        (ABOUT, about(rows=5)),
        (ABOUT, counted("rows", events=7)),
        ("events.jsonl", first_row(nonsense=1)),
        ("events.jsonl", first_row(position=2**31)),
        ("events.jsonl", twice),
    ):
        with pytest.raises(FormatError, match="Take another backup"):
            restore(edited(whole, {part: change}), url, replace=True)
        assert (store.events.since(0), store.versions.all()) == before
    assert restore(whole, url, replace=True).rows["events"] == 6
    store.close()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["format", "revision", "rows", "counters"]), PLAIN, st.binary(max_size=30))
def test_whatever_a_zip_holds_is_an_error_of_ours(whole: Path, name: str, value: Any, line: bytes):
    for part, change in (
        (ABOUT, about(**{name: value})),
        ("events.jsonl", first_line(line)),
        ("events.jsonl", first_row(timestamp=value, user=line.decode("latin-1"))),
    ):
        with suppress(FormatError), Zipped(edited(whole, {part: change})) as zipped:
            zipped.check()


def test_a_big_zip_is_checked_row_by_row(tmp_path: Path):
    store = open_store(sqlite_url(tmp_path / "big.db"))
    for n in range(40):
        store.audit.write("me", "much", f"{n}", {"text": "x" * 500_000})
    write_zip(store.database, tmp_path / "big.zip")
    store.close()
    with Zipped(tmp_path / "big.zip") as zipped:
        tracemalloc.start()
        zipped.check()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 5_000_000  # of 20 MB
