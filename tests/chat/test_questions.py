"""The question asked back: most information, honest about what is unknown, worded for anything."""

import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.chat.intent import Wish
from tastemate.chat.questions import LEAST, SHOWN, best_question, chances, wishes_of
from tastemate.chat.session import Question
from tastemate.filters import TRUE, decide
from tastemate.types import Item


def world(n: int, **attributes) -> Catalog:
    """Items 0..n-1 with attributes given as functions of the number; None is unknown."""
    return Catalog.of(
        Item(
            str(at),
            f"Thing {at}",
            "",
            {name: v for name, of in attributes.items() if (v := of(at)) is not None},
        )
        for at in range(n)
    )


def asked(catalog: Catalog, rows=None, weights=None, **ways) -> Question | None:
    chosen = np.arange(len(catalog), dtype=np.int32) if rows is None else np.array(rows, np.int32)
    even = np.full(len(chosen), 1 / len(chosen), np.float32) if weights is None else weights
    return best_question(catalog, chosen, even, **ways)


def test_the_attribute_that_halves_is_asked_about():
    catalog = world(
        64, colour=lambda at: "red" if at % 2 else "blue", shape=lambda at: "round" if at else "odd"
    )
    found = asked(catalog)
    assert found is not None
    assert found.attribute == "colour"
    assert found.options == ("blue", "red")
    assert found.gain == pytest.approx(1.0, abs=1e-3)
    assert "blue" in found.text
    assert found.text.endswith("?")


def test_weights_decide_not_counts():
    catalog = world(
        40, one=lambda at: "a" if at < 20 else "b", two=lambda at: "c" if at % 2 else "d"
    )
    sure_of_one = np.where(np.arange(40) < 20, 1.0, 1e-6).astype(np.float32)
    assert asked(catalog, weights=sure_of_one).attribute == "two"
    sure_of_two = np.where(np.arange(40) % 2, 1.0, 1e-6).astype(np.float32)
    assert asked(catalog, weights=sure_of_two).attribute == "one"


def test_what_is_not_known_lowers_the_gain():
    catalog = world(
        80,
        half=lambda at: ("a" if at % 2 else "b") if at % 4 else None,
        all=lambda at: "c" if at % 2 else "d",
    )
    assert asked(catalog).attribute == "all"
    known_to_few = asked(catalog, not_about={"all"})
    assert known_to_few.gain < asked(catalog).gain
    blind = world(80, rare=lambda at: ("a" if at % 4 else "b") if at % 2 else None)
    assert asked(blind) is None


def test_never_about_what_was_answered_nor_when_few_are_left():
    catalog = world(30, colour=lambda at: "red" if at % 2 else "blue")
    assert asked(catalog, not_about={"colour"}) is None
    assert asked(catalog, rows=range(10), k=10) is None
    assert asked(catalog, rows=range(11), k=10) is not None
    assert asked(catalog, rows=[], weights=np.empty(0, np.float32), k=0) is None


def test_names_ids_codes_and_what_others_gave_are_not_asked_about():
    catalog = world(
        200,
        director=lambda at: f"Person {at}",
        imdb_id=lambda at: "tt1" if at % 2 else "tt2",
        language=lambda at: "eng" if at % 2 else "en-US",
        average_rating=float,
        ratings_count=lambda at: at,
        sleeve=lambda at: "red",
    )
    assert asked(catalog) is None


def test_names_are_not_asked_about_even_where_they_would_tell():
    catalog = world(200, author=lambda at: f"Person {at // 4}")
    assert asked(catalog, rows=range(16), k=5) is None
    few = world(40, author=lambda at: f"Person {at // 10}")
    assert asked(few).attribute == "author"


def test_near_duplicates_are_one_option():
    def genres(at: int) -> tuple[str, ...]:
        young = ("ya", "young-adult", "ya-fiction") if at % 2 else ("grown-up",)
        return (*young, "magic") if at % 3 == 0 else young

    found = asked(world(90, genres=genres))
    young = [one for one in found.options if one in ("ya", "young-adult", "ya-fiction")]
    assert len(young) == 1
    assert "grown-up" in found.options


def test_years_are_cut_at_the_decade_that_halves():
    catalog = world(60, year=lambda at: 1960 + at)
    found = asked(catalog)
    assert found.options == ("before 1990", "since 1990")
    assert "1990" in found.text
    assert wishes_of(found, "before 1990") == (Wish("year", "at most", 1989),)
    assert wishes_of(found, "since 1990", firm=False) == (Wish("year", "at least", 1990, False),)
    assert wishes_of(found, "before 1950") == ()


def test_numbers_are_low_or_high():
    found = asked(world(99, weight=lambda at: at))
    low, high = found.options
    assert low.startswith("at most ")
    assert high.startswith("at least ")
    assert wishes_of(found, low)[0].operator == "at most"
    assert asked(world(99, weight=lambda at: 7)) is None


def test_an_option_is_a_wish_of_the_catalogue_and_leaves_fewer():
    catalog = world(
        50,
        moods=lambda at: ("tense", "dark") if at % 2 else ("funny",),
        year=lambda at: 1990 + at % 30,
    )
    for about in ((), ("moods",)):
        found = asked(catalog, not_about=about)
        for option in found.options:
            (wish,) = wishes_of(found, option)
            left = int((decide(catalog, wish.filter) == TRUE).sum())
            assert 0 < left < len(catalog)


def test_the_seed_varies_the_words_only():
    catalog = world(60, genre=lambda at: ("a", "b", "c")[at % 3])
    found = [asked(catalog, seed=seed, noun="things") for seed in range(4)]
    assert len({one.text for one in found}) > 1
    assert all("things" in one.text for one in found)
    assert len({(one.attribute, one.options, one.gain) for one in found}) == 1


def test_chances():
    assert chances(np.array([], np.float32)).shape == (0,)
    even = chances(np.full(4, -np.inf, np.float32))
    assert even.tolist() == [0.25] * 4
    some = chances(np.array([3.0, 1.0, -np.inf], np.float32))
    assert some.sum() == pytest.approx(1.0)
    assert some[0] > some[1] == some[2]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.sampled_from(["a", "b", "c", "ya", "ya-x"])),
            st.lists(st.sampled_from(["p", "q", "r", "s", "t u"]), max_size=4, unique=True),
            st.one_of(st.none(), st.integers(-500, 2100)),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 5),
)
def test_any_catalogue_gives_a_sound_question_or_none(rows, k):
    catalog = Catalog.of(
        Item(
            str(at),
            f"T{at}",
            "",
            {"tags": tuple(many)}
            | ({"kind": one} if one is not None else {})
            | ({"year": year} if year is not None else {}),
        )
        for at, (one, many, year, _) in enumerate(rows)
    )
    weights = np.array([weight for *_, weight in rows], np.float32)
    found = asked(catalog, weights=weights, k=k)
    if found is None:
        return
    assert len(rows) > k
    assert 2 <= len(found.options) <= SHOWN
    assert len(set(found.options)) == len(found.options)
    assert LEAST <= found.gain <= math.log2(len(found.options) + 1)
    assert all(wishes_of(found, option) for option in found.options)
    assert found == asked(catalog, weights=weights, k=k)


def test_fast_on_a_large_vocabulary(data_dir: Path):
    """With 9,742 candidates and 1,475 tags the median stays far below what a turn may take."""
    from tastemate.data.datasets import open_dataset

    if not (data_dir / "ml-latest-small").is_dir():
        pytest.skip("real data: ml-latest-small is not in TASTEMATE_DATA")
    catalog = open_dataset("ml-latest-small").catalog
    rng = np.random.default_rng(0)
    rows = np.arange(len(catalog), dtype=np.int32)
    took = []
    for seed in range(12):
        weights = chances(rng.normal(size=len(rows)).astype(np.float32))
        start = time.process_time()
        found = best_question(catalog, rows, weights, seed=seed)
        took.append(time.process_time() - start)
        assert found is not None
        assert found.attribute in ("genres", "year")
    assert sorted(took)[len(took) // 2] < 0.03
