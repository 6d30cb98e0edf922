"""Statements are read from the history, rest on it, and stay silent without evidence."""

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.profile.taste import AttributeTaste
from tastemate.protocols import Profiler
from tastemate.traits import Traits, decade, is_year
from tastemate.types import NO_HISTORY, Event, Item, Taste, history


def shelf():
    """100 books: every 10th about whales, half English; years 1850 + row."""
    return Catalog.of(
        Item(
            f"b{row}",
            f"Book {row}",
            attributes={
                "subjects": ("Whales",) if row % 10 == 0 else ("Land",),
                "language": "English" if row % 2 else "French",
                "author": f"Author {row % 20}",
                "original_publication_year": 1850 + row,
                "pages": 100,
            },
        )
        for row in range(100)
    )


@pytest.fixture(scope="module")
def books():
    return shelf()


@pytest.fixture(scope="module")
def readings(books):
    rng = np.random.default_rng(1)
    return Interactions.of(
        [
            Event(f"u{user}", f"b{item}", float(rng.integers(1, 6)), at)
            for user in range(20)
            for at, item in enumerate(rng.choice(100, 15, replace=False))
        ],
        books,
    )


WHALER = history([0, 10, 20, 30, 40, 51, 62], [5, 5, 4, 5, 4, 1, 1])


def test_a_whale_reader_likes_whales(books, readings):
    profiler = AttributeTaste(books, readings)
    assert isinstance(profiler, Profiler)
    taste = profiler.taste([WHALER])[0]
    first = taste.statements[0]
    assert (first.attribute, first.value, first.likes) == ("subjects", "Whales", True)
    assert first.lift > 2
    assert first.items == ("b30", "b10", "b0", "b40", "b20")  # best value first, then latest
    assert "about Whales" in taste.text
    assert "You like titles" in taste.text


def test_dislikes_need_low_values(books, readings):
    sad = history([0, 10, 20, 30, 41, 43, 45, 47], [1, 1, 1, 2, 5, 5, 5, 5])
    taste = AttributeTaste(books, readings).taste([sad])[0]
    assert ("Whales", False) in [(s.value, s.likes) for s in taste.statements]
    assert "You care less for titles about Whales" in taste.text
    fond = history([0, 10, 20, 30, 41, 43, 45, 47], [4] * 8)
    assert all(s.likes for s in AttributeTaste(books, readings).taste([fond])[0].statements)


def test_low_for_this_person_is_a_dislike_though_not_on_the_scale(books, readings):
    profiler = AttributeTaste(books, readings)
    values = history([1, 2, 3, 4], [5, 5, 5, 3])
    assert profiler.dislikes(values).tolist() == [False, False, False, True]
    assert profiler.likes(values).tolist() == [True, True, True, False]


def test_every_statement_rests_on_the_history(books, readings):
    profiler = AttributeTaste(books, readings)
    histories = [readings.history(code) for code in range(readings.n_users)] + [WHALER]
    for past, taste in zip(histories, profiler.taste(histories), strict=True):
        assert len(taste.statements) <= 8
        mine = {books.ids[row] for row in past.items}
        for statement in taste.statements:
            assert 0 < len(statement.items) <= 5
            assert mine.issuperset(statement.items)
            for name in statement.items:
                value = books[name].attributes[statement.attribute]
                if is_year(statement.attribute):
                    value = decade(value)
                assert statement.value in (value if isinstance(value, tuple) else (value,))


def test_little_history_says_little(books, readings):
    empty, single = AttributeTaste(books, readings).taste([NO_HISTORY, history([0], [5])])
    assert empty == Taste()
    assert len(single.statements) <= 2
    assert AttributeTaste(books, readings).taste([]) == []


def test_batch_equals_single_and_the_same_twice(books, readings):
    profiler = AttributeTaste(books, readings)
    histories = [WHALER, readings.history(3), NO_HISTORY]
    assert profiler.taste(histories) == [profiler.taste([past])[0] for past in histories]
    assert profiler.taste(histories) == AttributeTaste(books, readings).taste(histories)


def test_excluded_attributes_are_never_spoken_of(books, readings):
    for profiler in (
        AttributeTaste(books, readings, exclude=("subjects",)),
        AttributeTaste(books, readings, exclude=("subjects",), traits=Traits.of(books)),
    ):
        taste = profiler.taste([WHALER])[0]
        assert "subjects" not in {s.attribute for s in taste.statements}
        assert "Whales" not in taste.text


def test_one_attribute_does_not_fill_the_list():
    books = Catalog.of(
        Item(f"b{i}", f"B{i}", attributes={"tags": tuple(f"t{i % 7 + j}" for j in range(3))})
        for i in range(200)
    )
    statements = (
        AttributeTaste(books, Interactions.empty(books), limit=3)
        .taste([history(list(range(0, 140, 7)) + list(range(1, 60, 7)))])[0]
        .statements
    )
    supports = [s.items for s in statements]
    assert len(set(supports)) == len(supports)
    assert len(statements) <= 3


def test_works_without_attributes_events_or_items():
    bare = Catalog.of([Item("a", "A")])
    assert AttributeTaste(bare, Interactions.empty(bare)).taste([history([0])]) == [Taste()]
    none = Catalog.of([])
    assert AttributeTaste(none, Interactions.empty(none)).taste([NO_HISTORY]) == [Taste()]


def test_new_items_at_the_end_of_the_catalogue_count(books, readings):
    grown = books.with_items([Item("new", "New", attributes={"subjects": ("Whales",)})])
    taste = AttributeTaste(grown, readings).taste([history([0, 10, 100], [5, 5, 5])])[0]
    whales = next(s for s in taste.statements if s.value == "Whales")
    assert "new" in whales.items


def test_traits_of_a_catalogue(books):
    traits = Traits.of(books)
    assert "pages" not in traits.attributes
    assert traits.name(traits.at(0)[-1]) == ("original_publication_year", "1850s")
    assert traits.rarity[traits.values.index("Whales")] > traits.rarity[traits.values.index("Land")]
    assert decade(-43) == "40s BC"
    assert Traits.of(books, exclude=books.attributes).matrix.shape == (100, 0)
