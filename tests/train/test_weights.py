"""What was learned holds for what it was learned for, and survives bad files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tastemate.errors import Unavailable
from tastemate.train.weights import Learned, Served, keep_learned, read_learned

SERVED = Served("scripted:x", "listwise", 20, False, "abc", "[]")
LEARNED = Learned(0.3, 40, 90)


def test_it_holds_for_what_it_was_learned_for_alone(tmp_path: Path) -> None:
    path = tmp_path / "llm" / "weights.json"
    assert read_learned(path, SERVED) is None
    keep_learned(path, SERVED, LEARNED, ndcg=0.2)
    assert read_learned(path, SERVED) == LEARNED
    others: list[dict[str, object]] = [
        {"model": "scripted:y"},
        {"rank": "labels"},
        {"depth": 10},
        {"taste": True},
        {"data": "abd"},
        {"profile": "{}"},
    ]
    for other in others:
        assert read_learned(path, replace(SERVED, **other)) is None


def test_the_last_one_stands_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    other = replace(SERVED, model="scripted:y")
    keep_learned(path, SERVED, LEARNED)
    keep_learned(path, other, Learned(0.0, 0, 60))
    keep_learned(path, SERVED, Learned(0.7, 10, 80))
    assert read_learned(path, SERVED) == Learned(0.7, 10, 80)
    assert read_learned(path, other) == Learned(0.0, 0, 60)
    assert len(json.loads(path.read_text())) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["weights.json"]


@pytest.mark.parametrize("damaged", ["", "{", "[" * 100_000, "3", '{"a": 1}', "[1, null]", "\x00"])
def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(damaged)
    assert read_learned(path, SERVED) is None
    keep_learned(path, SERVED, LEARNED)
    assert read_learned(path, SERVED) == LEARNED


@pytest.mark.parametrize(
    "wrong", [{"weight": 2.0}, {"weight": "much"}, {"signals": -1}, {"queries": None}]
)
def test_a_damaged_record_is_passed_over(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "weights.json"
    keep_learned(path, SERVED, LEARNED)
    records = json.loads(path.read_text())
    path.write_text(json.dumps([*records, records[0] | wrong]))
    assert read_learned(path, SERVED) == LEARNED


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"set weight in \[llm\]"):
        keep_learned(tmp_path / "file" / "weights.json", SERVED, LEARNED)
