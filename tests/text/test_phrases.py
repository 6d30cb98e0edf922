"""Attributes of any kind of item read as words."""

import pytest

from tastemate.text.phrases import label, listing, modifier, number, predicate


@pytest.mark.parametrize(
    ("attribute", "values", "shared", "mark"),
    [
        ("directors", ["Ann"], "are by Ann", "by Ann"),
        ("Author", ["Ann", "Bo"], "are by Ann and Bo", "by Ann and Bo"),
        ("countries", ["Peru"], "are from Peru", "from Peru"),
        ("series", ["Saga"], "belong to Saga", "from Saga"),
        ("original_publication_year", ["1990s"], "are from the 1990s", "from the 1990s"),
        ("grape_{x}", ["Merlot"], "share the grape x Merlot", "with the grape x Merlot"),
    ],
)
def test_phrases(attribute, values, shared, mark):
    assert predicate(attribute, values) == shared
    assert modifier(attribute, values) == mark


def test_lists_labels_and_numbers():
    assert listing(["a", "b", "c"], "or") == "a, b or c"
    assert listing([]) == ""
    assert label("page_count") == "page count"
    assert [number(x) for x in (4.0, 3.5, 0.0, 10, 3.25)] == ["4", "3.5", "0", "10", "3.25"]
