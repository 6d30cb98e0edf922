"""Slot precision and recall: counted by hand on a few messages, and files that are none."""

from pathlib import Path

import pytest

from tastemate.catalog import Catalog
from tastemate.chat.intent import Intent, Wish
from tastemate.errors import FormatError, NotFound
from tastemate.evaluate.understanding import Message, figures, gold, messages, outcomes, report
from tastemate.types import Item

THINGS = Catalog.of(
    [Item(str(n), f"Thing {n}", attributes={"year": 1990 + n, "kind": ("a",)}) for n in range(9)]
)
TRUTH = {
    "state": "recommendation", "wanted": [["kind", "a"]], "rather_not": [["kind", "b"]],
    "at_least": [["year", 1990]], "level": [["year", "low"]], "withdrawn": [["*", ""]],
    "context": {"company": "kids"}, "k": 3, "unknown": ["X Y"], "picked": [2],
}  # fmt: skip


def test_gold_has_the_form_of_slots() -> None:
    assert gold({"slots": TRUTH}, THINGS) == {
        ("state", "recommendation"), ("wanted", "kind=a"), ("rather not", "kind=b"),
        ("at least", "year=1990"), ("at most", "year=1992"), ("withdrawn", "*="),
        ("context company", "kids"), ("k", "3"), ("unknown", "x y"), ("picked", "2"),
    }  # fmt: skip


def test_figures_are_counted_over_all_pairs() -> None:
    asked = [
        Message(
            "1", "things", "plain", "one", {"state": "recommendation", "wanted": [["kind", "a"]]}
        ),
        Message("2", "things", "hard", "two", {"state": "greeting"}, before=("zero",)),
    ]
    seen: list[tuple[str, int]] = []

    def read(text, shown, before):
        seen.append((text, len(before)))
        return Intent(state="recommendation", wishes=(Wish("kind", "is", "a"),))

    found = outcomes(asked, read, THINGS)
    assert seen == [("one", 0), ("zero", 0), ("two", 1)]
    got = figures(found)
    assert (got.precision.value, got.recall.value) == (0.5, pytest.approx(2 / 3))
    assert got.f1.low <= got.f1.value <= got.f1.high
    told = report(found)
    assert told["kinds"]["plain"]["f1"]["value"] == 1.0
    assert [one["id"] for one in told["errors"]] == ["2"]
    assert figures(found, slot="wanted").precision.value == 0.5
    assert figures([]).f1.value == 0.0


def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No file of messages"):
        messages(tmp_path / "absent.jsonl")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "1"}\n')
    with pytest.raises(FormatError, match="line 1"):
        messages(broken)
