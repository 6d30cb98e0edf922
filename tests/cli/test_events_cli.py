"""Events from files: each line judged, none recorded twice."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.serve.projects import small
from typer.testing import CliRunner

from tastemate.cli import events
from tastemate.cli.main import app
from tastemate.data import signals
from tastemate.errors import FormatError, Interrupted, NothingUsable
from tastemate.project import Tastemate

GOOD = {"user_id": "u1", "item_id": "i1", "kind": "like", "timestamp": 1_700_000_000}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    small(tmp_path / "project")
    return tmp_path / "project"


def imported(home: Path, file: Path, *more: str) -> dict[str, object]:
    said = CliRunner().invoke(
        app, ["events", "import", str(file), "-d", str(home), "--json", *more]
    )
    if said.exception is not None:
        raise said.exception
    return json.loads(said.stdout)


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        pl.DataFrame(rows).write_csv(path)
    return path


@pytest.mark.parametrize("end", [".csv", ".tsv.csv", ".jsonl", ".parquet"])
def test_the_same_file_twice_is_the_same_events(home: Path, tmp_path: Path, end: str) -> None:
    rows = [GOOD | {"user_id": f"u{at}", "value": float(at)} for at in range(5)]
    file = written(tmp_path / f"e{end}", rows)
    assert (imported(home, file)["accepted"], imported(home, file)["accepted"]) == (5, 0)
    kept = Tastemate.open(home).store.events.of("u4")
    assert [(one.item, one.kind, one.value, one.timestamp) for one in kept] == [
        ("i1", "like", 4.0, 1_700_000_000)
    ]


def test_every_bad_line_is_named(home: Path, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        GOOD,
        GOOD | {"user_id": " "},
        GOOD | {"item_id": "nowhere"},
        GOOD | {"kind": "lkie"},
        GOOD | {"timestamp": "yesterday"},
        GOOD | {"timestamp": 99_999_999_999},
        GOOD | {"timestamp": -5},
        GOOD | {"value": "much"},
        GOOD | {"value": "1e300"},
        GOOD | {"position": 1.5},
        GOOD | {"session_id": "s" * 300},
        GOOD | {"user_id": "a\x07b"},
        GOOD | {"timestamp": "2024-01-02T03:04:05Z"},
    ]
    file = written(tmp_path / "e.jsonl", rows)
    file.write_text(file.read_text() + "nonsense\n")
    told = imported(home, file, "--rejected", str(tmp_path / "bad.jsonl"))
    assert (told["accepted"], told["rejected"]) == (2, 12)
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [(one["line"], one["field"]) for one in lines] == [
        *((2, "user_id"), (3, "item_id"), (4, "kind"), (5, "timestamp"), (6, "timestamp")),
        *((7, "timestamp"), (8, "value"), (9, "value"), (10, "position"), (11, "session_id")),
        *((12, "user_id"), (14, "line")),
    ]
    assert "Did you mean 'like'" in lines[2]["reason"]


def test_ids_of_ones_own_decide(home: Path, tmp_path: Path) -> None:
    rows = [GOOD | {"event_id": "a"}, GOOD | {"event_id": "b"}, GOOD | {"event_id": "a"}]
    told = imported(home, written(tmp_path / "e.csv", rows))
    assert (told["accepted"], told["duplicates"]) == (2, 1)


def test_an_interrupted_import_goes_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "AT_ONCE", 10)
    rows = [GOOD | {"timestamp": 1_700_000_000 + at} for at in range(35)]
    file = written(tmp_path / "e.csv", rows)
    calls = [0]
    whole = signals.Read.signals

    def cut(self: signals.Read, at_once: int):
        for part in whole(self, at_once):
            calls[0] += 1
            if calls[0] == 3:
                raise KeyboardInterrupt
            yield part

    monkeypatch.setattr(signals.Read, "signals", cut)
    with pytest.raises(Interrupted, match="20 events are recorded"):
        imported(home, file)
    told = imported(home, file)
    assert (told["accepted"], told["duplicates"]) == (15, 20)
    assert Tastemate.open(home).store.events.count() == 35


def test_a_file_that_is_something_else(home: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no column 'kind'"):
        imported(home, written(tmp_path / "a.csv", [{"user_id": "u", "item_id": "i1"}]))
    with pytest.raises(FormatError, match="Did you mean 'timestamp'"):
        imported(home, written(tmp_path / "b.csv", [GOOD | {"timestmap": 1}]))
    with pytest.raises(NothingUsable, match="--rejected"):
        imported(home, written(tmp_path / "c.csv", [GOOD | {"item_id": "x"}]))


@pytest.mark.parametrize("end", ["csv", "jsonl", "parquet"])
def test_what_is_written_out_can_be_read_in(home: Path, tmp_path: Path, end: str) -> None:
    odd = 'a "quoted", id\u2028🎬'
    rows = [GOOD, GOOD | {"user_id": odd, "kind": "rating", "value": 0.1, "position": 3}]
    imported(home, written(tmp_path / "e.jsonl", rows))
    out = tmp_path / f"out.{end}"
    said = CliRunner().invoke(app, ["events", "export", str(out), "-d", str(home)])
    assert said.exit_code == 0, said.output
    small(tmp_path / "other")
    told = imported(tmp_path / "other", out)
    assert (told["accepted"], told["rejected"]) == (2, 0)
    here, there = (Tastemate.open(one).store.events for one in (home, tmp_path / "other"))
    assert here.of(odd) == there.of(odd)
    assert here.of(odd)[0].value == 0.1


def test_another_form_is_refused(home: Path, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["events", "export", str(tmp_path / "x.xls"), "-d", str(home)])
    assert isinstance(said.exception, FormatError)
