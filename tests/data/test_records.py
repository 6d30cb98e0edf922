"""New items and events from outside, checked one by one."""

import pytest

from tastemate.catalog import MOST_ATTRIBUTES, Catalog
from tastemate.data.records import new_item
from tastemate.data.signals import read_signals
from tastemate.errors import DataError
from tastemate.interactions import Scale
from tastemate.types import Item

CATALOG = Catalog.of([Item("a", "A", "", {"year": 1990, "genres": ("x",), "place": "here"})])
BARE = {"id": "b", "title": "B"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"year": -1e300}, "too large"),
        ({"year": "1e300"}, "too large"),
        ({"size": 2**53 + 2}, "too large"),
        ({"year": float("nan")}, "finite"),
        ({"year": True}, "number"),
        ({"genres": ["x", False]}, "number"),
        ({"genres": [{}]}, "text"),
        ({"": "x"}, "called"),
        ({" ": "x"}, "called"),
        ({"a\0b": "x"}, "called"),
        ({"x" * 101: "x"}, "called"),
        ({"genres": ["a\0b"]}, "NUL"),
        ({"place": "a\0b"}, "NUL"),
        ({"title": "a\0b"}, "NUL"),
        ({"text": "a\0b"}, "NUL"),
        ({"id": "a\nb"}, "control character"),
        ({"id": "x" * 257}, "256"),
    ],
)
def test_what_cannot_be_kept_is_refused(more, said):
    with pytest.raises(DataError, match=said):
        new_item(BARE | more, CATALOG)
    record = BARE | {"text": ""} | more
    fixed = [record.pop(name) for name in ("id", "title", "text")]
    with pytest.raises(DataError, match=said):
        new_item(Item(*fixed, record), CATALOG)


def test_half_characters_are_replaced_wherever_they_stand():
    made = new_item(BARE | {"genres": ["a\ud800", "y"], "place": "\udfff", "x\ud800": "z"}, CATALOG)
    assert made.attributes == {"genres": ("a?", "y"), "place": "?", "x?": "z"}
    CATALOG.with_items([made])


def test_new_items_cannot_fill_a_catalogue_with_attributes():
    many = Item("b", "B", "", {f"new {at}": "x" for at in range(MOST_ATTRIBUTES)})
    with pytest.raises(DataError, match=str(MOST_ATTRIBUTES)):
        CATALOG.with_items([many])
    wide = Catalog.of([many, Item("a", "A", "", {"year": 1990})])
    known = Item("c", "C", "", {"year": 1991, "new 3": "y"})
    assert len(wide.with_items([known])) == 3
    with pytest.raises(DataError, match="has 201 attributes"):
        wide.with_items([Item("c", "C", "", {"newer": "y"})])


def test_ratings_of_a_file_need_a_value_on_the_scale(tmp_path):
    lines = ["u,a,rating,", "u,a,rating,4", "u,a,rating,99", "u,a,like,", "u,a,like,99"]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(["user_id,item_id,kind,value", *lines]))
    found = read_signals(file, items=["a"], kinds=["rating", "like"], scale=Scale(0.5, 5.0))
    assert found.frame["value"].to_list() == [4.0, 0.0, 99.0]
    reasons = " ".join(found.report.counts)
    assert "which a rating needs" in reasons
    assert "0.5 to 5" in reasons
