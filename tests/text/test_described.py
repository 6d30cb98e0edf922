import numpy as np

from tastemate.catalog import Catalog
from tastemate.text.described import row_hashes, stale_rows
from tastemate.types import Item

OLD = Catalog.of(
    [
        Item("a", "A", "text", {"genres": ("Crime",), "year": 1990}),
        Item("b", "B", "", {"genres": ("Crime", "War"), "maker": "x"}),
    ]
)


def test_new_items_and_columns_leave_old_hashes_as_they_are():
    grown = OLD.with_items([Item("c", "C", "", {"year": 1990.5, "place": "Nice"})])
    assert stale_rows(row_hashes(grown), row_hashes(OLD)).tolist() == [2]


def test_each_field_counts():
    was = row_hashes(OLD)
    for new in (
        Item("a", "AA", "text", {"genres": ("Crime",), "year": 1990}),
        Item("a", "A", "other", {"genres": ("Crime",), "year": 1990}),
        Item("a", "A", "text", {"genres": ("War",), "year": 1990}),
        Item("a", "A", "text", {"genres": ("Crime",), "year": 1991}),
    ):
        assert stale_rows(row_hashes(OLD.with_items([new])), was).tolist() == [0]


def test_nothing_in_nothing_out():
    none = row_hashes(Catalog.of([]))
    assert none.dtype == np.uint64
    assert len(stale_rows(none, none)) == 0
