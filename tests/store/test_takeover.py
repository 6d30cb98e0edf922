"""What earlier versions kept is taken over once, whatever happens in between."""

import json
from pathlib import Path

import pytest

from tastemate.chat.coded import encoded
from tastemate.chat.intent import Intent
from tastemate.chat.keeping import Sessions
from tastemate.chat.session import Turn
from tastemate.errors import FormatError
from tastemate.store.journal import Journal
from tastemate.store.opening import Store, open_store, sqlite_url
from tastemate.store.takeover import Taken, forget, take_over
from tastemate.types import Item, Signal

EVENTS = [
    {"user": "ann", "item": "a", "value": 5.0, "timestamp": 3},
    {"user": "bob", "item": "b", "value": 0.5, "timestamp": 2},
    {"user": "ann", "item": "a", "value": 5.0, "timestamp": 3},  # said twice: two events
]
ITEMS = [
    {"id": "x", "title": "X", "text": "", "attributes": {"genres": ["a", "b"], "year": 1990}},
    {"id": "y", "title": "Y", "text": "t", "attributes": {}},
    {"id": "x", "title": "X2", "text": "", "attributes": {}},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Journal(tmp_path / "events.jsonl").append(EVENTS)
    Journal(tmp_path / "items.jsonl").append(ITEMS)
    turn = encoded(Turn("hello", Intent(text="x"), at=7))
    for n, name in enumerate(("s", "t")):
        head = {"format": 1, "id": name, "user": "ann" if n else None}
        Journal(tmp_path / "sessions" / f"a{n}" / f"{name}.jsonl").append([head, turn])
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(sqlite_url(tmp_path / "store.db"))


def files(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*.jsonl*")}


def test_everything_is_taken_over_once(folder: Path, store: Store):
    assert take_over(folder, store) == Taken(3, 2, 2)
    assert [
        (one.user, one.item, one.kind, one.value, one.timestamp) for _, one in store.events.since(0)
    ] == [(one["user"], one["item"], "rating", one["value"], one["timestamp"]) for one in EVENTS]
    assert store.items.all() == [Item("x", "X2"), Item("y", "Y", "t")]
    kept = Sessions(store.sessions)
    assert kept.open("t").turns == (Turn("hello", Intent(text="x"), at=7),)
    assert {(one.id, one.user) for one in kept.all()} == {("s", None), ("t", "ann")}
    assert all(name.endswith(".jsonl.imported") for name in files(folder))
    assert take_over(folder, store) == Taken()


def test_what_was_interrupted_is_begun_again(folder: Path, store: Store):
    take_over(folder, store)
    for name in files(folder):
        (folder / name).rename(folder / name.removesuffix(".imported"))
    store.items.add([Item("x", "X3")])
    assert take_over(folder, store) == Taken()
    assert store.events.count() == 3
    assert store.items.all()[0].title == "X3"
    assert all(name.endswith(".imported") for name in files(folder))


def test_nothing_to_take_over_writes_nothing(tmp_path: Path):
    store = open_store(sqlite_url(tmp_path / "store.db"))
    assert take_over(tmp_path, store) == Taken()
    assert list(tmp_path.iterdir()) == []


def test_damage_is_said_and_left(folder: Path, store: Store):
    damaged = folder / "sessions" / "a0" / "s.jsonl"
    damaged.write_text(damaged.read_text() + "garbage\n")
    torn = folder / "sessions" / "b0" / "torn.jsonl"
    torn.parent.mkdir()
    torn.write_text('{"format"')
    assert take_over(folder, store) == Taken(3, 2, 1, (damaged,))
    assert damaged.exists()
    assert not torn.exists()
    with (folder / "events.jsonl").open("w") as file:
        file.write(json.dumps(EVENTS[0]) + "\n" + '{"user": "ann"}\n')
    with pytest.raises(FormatError, match="damaged"):
        take_over(folder, store)
    assert store.events.count() == 3
    assert (folder / "events.jsonl").exists()


def test_what_was_recorded_before_stays(folder: Path, store: Store):
    mine = Signal("1", "ann", "z", "like")
    store.events.record([mine])
    take_over(folder, store)
    assert mine in store.events.of("ann")
    assert store.events.count() == 4


def test_who_is_erased_goes_from_what_was_taken_over_too(folder: Path, store: Store):
    take_over(folder, store)
    assert forget(folder, "ann") == 3
    assert forget(folder, "ann") == forget(folder, "") == 0
    assert all(b'"ann"' not in one.read_bytes() for one in folder.rglob("*.imported"))
    assert len((folder / "events.jsonl.imported").read_text().splitlines()) == 1
    assert forget(folder / "nowhere", "ann") == 0
