"""The journal loses nothing it acknowledged."""

import os
from pathlib import Path

import pytest

from tastemate.errors import FormatError, Unavailable
from tastemate.store.journal import Journal


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "events.jsonl")
    assert journal.read() == []
    journal.append([{"user": "a"}, {"user": "b 🎬"}])
    journal.append([{"user": "c"}])
    assert [record["user"] for record in journal.read()] == ["a", "b 🎬", "c"]


def test_a_torn_last_line_was_never_acknowledged_and_is_cut(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append([{"user": "a"}])
    with journal.path.open("ab") as file:
        file.write(b'{"user": "to')
    assert [record["user"] for record in journal.read()] == ["a"]
    journal.append([{"user": "b"}])
    assert [record["user"] for record in journal.read()] == ["a", "b"]


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n"])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append([{"user": "a"}])
    with journal.path.open("ab") as file:
        file.write(line)
    with pytest.raises(FormatError, match="line 2"):
        journal.read()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="nothing was recorded"):
        Journal(tmp_path / "file" / "events.jsonl").append([{"user": "a"}])


def test_a_full_disk_takes_back_the_half_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append([{"user": "a"}])
    real, calls = os.write, []

    def write(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:20])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(Unavailable, match="nothing was recorded"):
        journal.append([{"user": "b"}] * 3)
    assert [record["user"] for record in journal.read()] == ["a"]


def test_an_id_that_is_no_text_comes_back_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append([{"user": "\udcff"}])
    assert journal.read() == [{"user": "\udcff"}]


def test_damaged_lines_of_what_can_be_made_again_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "features.jsonl"
    path.write_text('{"a": 1}\nnonsense\n[]\nnull\n' + "[" * 100_000 + '\n{"a": 2}\n')
    assert Journal(path, derived=True).read() == [{"a": 1}, {"a": 2}]
    with pytest.raises(FormatError):
        Journal(path).read()
    assert Journal(tmp_path, derived=True).read() == []
