"""What is well known and new comes first, and what the data does not tell is left out."""

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.familiar import Familiar
from tastemate.types import Event, Item, Query

DAY = 86_400
NOW = int((2018 - 1970 + 0.5) * 365.25 * DAY)


def world(years: list[int | None], lately: list[int], before: list[int]) -> Familiar:
    """Fit on items with so many late and early events."""
    catalog = Catalog.of(
        Item(str(at), f"t{at}", attributes={} if year is None else {"year": year})
        for at, year in enumerate(years)
    )
    events = [
        Event(f"u{at}-{n}", str(at), 4.0, NOW - DAY if n < late else NOW - 4000 * DAY)
        for at, (late, early) in enumerate(zip(lately, before, strict=True))
        for n in range(late + early)
    ]
    return Familiar().fit(catalog, Interactions.of(events, catalog))


def test_of_two_alike_the_newer_comes_first() -> None:
    scores = world([1990, 2017, 1990], [3, 3, 0], [5, 5, 8]).scores([Query(), Query()])
    assert scores.shape == (2, 3)
    assert scores[0, 1] > scores[0, 0] > scores[0, 2]


def test_an_item_without_a_year_is_neither_old_nor_new() -> None:
    row = world([1970, None, 2018], [2, 2, 2], [0, 0, 0]).scores([Query()])[0]
    assert row[2] > row[1] > row[0]


def test_without_years_counts_decide() -> None:
    row = world([None, None], [1, 4], [0, 0]).scores([Query()])[0]
    assert row[1] > row[0]


def test_without_events_nothing_is_known() -> None:
    catalog = Catalog.of([Item("a", "A", attributes={"year": 2001}), Item("b", "B")])
    scores = Familiar().fit(catalog, Interactions.of([], catalog)).scores([Query()])
    assert np.array_equal(scores, np.zeros((1, 2), dtype=np.float32))


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="negative"):
        Familiar(count=-1)
    with pytest.raises(ConfigError, match="above 0"):
        Familiar(years=0)
