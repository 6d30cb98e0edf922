"""The catalogue: ids, rows, attributes, growth."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tastemate.catalog import Catalog, as_json
from tastemate.errors import DataError, UnknownItem
from tastemate.types import Item

HEAT = Item("heat", "Heat (1995)", "Two men.", {"year": 1995, "genres": ("Crime", "Drama")})
UP = Item("up", "Up (2009)", "", {"year": 2009, "genres": ("Animation",), "studio": "Pixar"})


def test_an_item_goes_in_and_comes_out_the_same() -> None:
    catalog = Catalog.of([HEAT, UP])
    assert catalog["heat"] == HEAT
    assert catalog.item(1) == UP
    assert [item.id for item in catalog] == ["heat", "up"]
    assert "up" in catalog
    assert "down" not in catalog


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownItem, match="heat"):
        Catalog.of([HEAT, UP]).row("haet")


def test_codes_are_rows_or_minus_one() -> None:
    codes = Catalog.of([HEAT, UP]).codes(pl.Series(["up", "nobody", "heat"]))
    assert codes.tolist() == [1, -1, 0]


@pytest.mark.parametrize("column", ["id", "title"])
def test_a_catalogue_without_ids_or_titles_is_refused(column: str) -> None:
    frame = pl.DataFrame({"id": ["a"], "title": ["A"]}).drop(column)
    with pytest.raises(DataError, match=column):
        Catalog(frame)


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(DataError, match="'heat' appears twice"):
        Catalog.of([HEAT, HEAT])


def test_attributes_of_mixed_kinds_are_refused() -> None:
    odd = Item("odd", "Odd", "", {"year": ("nineteen", "ninety")})
    with pytest.raises(DataError, match="one kind of value"):
        Catalog.of([HEAT, odd])


def test_incidence_says_who_carries_what() -> None:
    catalog = Catalog.of([HEAT, UP, Item("x", "X")])
    genres = catalog.incidence("genres")
    assert genres.values == ("Animation", "Crime", "Drama")
    assert genres.matrix.toarray().tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert genres.codes["Drama"] == 2
    studio = catalog.incidence("studio")
    assert studio.values == ("Pixar",)
    assert catalog.incidence("genres") is genres


def test_numbers_are_nan_where_unknown() -> None:
    catalog = Catalog.of([HEAT, Item("x", "X")])
    assert catalog.is_numeric("year")
    years = catalog.numbers("year")
    assert years[0] == 1995
    assert np.isnan(years[1])


def test_new_items_come_after_the_old_and_a_known_id_is_replaced_in_its_row() -> None:
    catalog = Catalog.of([HEAT, UP])
    grown = catalog.with_items(
        [Item("new", "New"), Item("heat", "Heat, recut", "", {"year": 1996})]
    )
    assert grown.ids == ("heat", "up", "new")
    assert grown.item(0).title == "Heat, recut"
    assert grown.item(0).attributes["year"] == 1996
    assert grown["up"] == UP
    assert len(catalog) == 2


def test_a_new_item_of_another_kind_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit"):
        Catalog.of([HEAT]).with_items([Item("x", "X", "", {"year": "long ago"})])


def test_select_keeps_order_and_describe_says_everything() -> None:
    catalog = Catalog.of([HEAT, UP])
    assert catalog.select(np.array([1, 0])).ids == ("up", "heat")
    assert catalog.describe(0) == "Heat (1995). Crime, Drama. Two men."


def test_an_empty_catalogue_is_a_catalogue() -> None:
    catalog = Catalog.of([])
    assert len(catalog) == 0
    assert catalog.attributes == ()
    assert len(catalog.with_items([HEAT])) == 1


def test_saved_and_loaded_it_has_the_same_fingerprint(tmp_path: Path) -> None:
    catalog = Catalog.of([HEAT, UP])
    catalog.save(tmp_path / "catalog.parquet")
    again = Catalog.load(tmp_path / "catalog.parquet")
    assert again.fingerprint == catalog.fingerprint
    assert Catalog.of([UP, HEAT]).fingerprint != catalog.fingerprint
    assert as_json(again["heat"])["genres"] == ["Crime", "Drama"]
