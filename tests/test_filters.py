"""Three-valued wishes: the tables of Kleene's logic, every operator, and the parser."""

import contextlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.filters import (
    FALSE,
    TRUE,
    UNKNOWN,
    allowed,
    both,
    decide,
    either,
    negate,
    parse,
    resolve,
    show,
)
from tastemate.types import Filter, Item

BOOKS = Catalog.of(
    [
        Item("b1", "Dune", attributes={"year": 1965, "subjects": ("Desert", "Politics")}),
        Item("b2", "Emma", attributes={"year": 1815, "subjects": ("Love",), "country": "UK"}),
        Item("b3", "Notes", attributes={"subjects": ("Love", "Politics"), "country": "Peru"}),
        Item("b4", "Blank", attributes={"year": 1990}),
    ]
)


def verdicts(*wish):
    return decide(BOOKS, Filter(*wish)).tolist()


def test_every_operator_on_every_kind_of_attribute():
    assert verdicts("year", "at least", 1900) == [1, 0, -1, 1]
    assert verdicts("year", "at most", 1815) == [0, 1, -1, 0]
    assert verdicts("year", "is", 1965) == [1, 0, -1, 0]
    assert verdicts("year", "is not", 1965) == [0, 1, -1, 1]
    assert verdicts("year", "any of", ("1965", "1990")) == [1, 0, -1, 1]
    assert verdicts("year", "none of", ("1965", "1990")) == [0, 1, -1, 0]
    assert verdicts("country", "is", "uk") == [-1, 1, 0, -1]
    assert verdicts("country", "none of", ("UK", "Peru")) == [-1, 0, 0, -1]
    assert verdicts("subjects", "is", "love") == [0, 1, 1, -1]
    assert verdicts("subjects", "is not", "Love") == [1, 0, 0, -1]
    assert verdicts("subjects", "any of", ("Desert", "Love")) == [1, 1, 1, -1]
    assert verdicts("subjects", "any of", "Desert") == [1, 0, 0, -1]
    assert verdicts("id", "any of", ("b1", "gone")) == [1, 0, 0, 0]
    assert verdicts("id", "none of", ("b1", "gone")) == [0, 1, 1, 1]
    assert verdicts("title", "is", "dune") == [1, 0, 0, 0]


def test_nothing_to_choose_from_is_false_and_its_negation_true():
    assert verdicts("country", "any of", ()) == [-1, 0, 0, -1]
    assert verdicts("country", "none of", ()) == [-1, 1, 1, -1]


def test_a_list_with_a_gap_is_true_where_it_holds_the_value_and_unknown_elsewhere():
    frame = pl.DataFrame(
        {"id": ["a", "b"], "title": ["A", "B"], "tags": [["x", None], ["y"]], "n": [1.0, np.nan]}
    )
    catalog = Catalog(frame)
    assert decide(catalog, Filter("tags", "is", "x")).tolist() == [TRUE, FALSE]
    assert decide(catalog, Filter("tags", "is", "y")).tolist() == [UNKNOWN, TRUE]
    assert decide(catalog, Filter("n", "at least", 0)).tolist() == [TRUE, UNKNOWN]


def test_an_empty_text_is_known_to_be_none():
    catalog = Catalog.of(
        [Item("a", "A", attributes={"series": ""}), Item("b", "B", attributes={"series": "S"})]
    )
    assert decide(catalog, Filter("series", "is not", "S")).tolist() == [1, 0]


def test_hard_leaves_out_the_unknown_and_counts_it_soft_keeps_it():
    mask, unknown = allowed(BOOKS, [Filter("year", "at least", 1900)])
    assert mask.tolist() == [True, False, False, True]
    assert unknown == 1
    mask, unknown = allowed(BOOKS, [Filter("year", "at least", 1900, hard=False)])
    assert mask.tolist() == [True, False, True, True]
    assert unknown == 0


def test_what_some_wish_calls_false_does_not_count_as_unknown():
    wishes = [Filter("year", "at least", 1900), Filter("subjects", "is not", "Love")]
    mask, unknown = allowed(BOOKS, wishes)
    assert mask.tolist() == [True, False, False, False]
    assert unknown == 1  # b4 lacks subjects; b3 lacks a year but is false anyway
    assert allowed(BOOKS, [])[0].all()


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Filter("yaer", "is", 1990), "'year'"),
        (Filter("subjects", "is", "Polics"), "'Politics'"),
        (Filter("subjects", "any of", ("Love", "Dessert")), "'Desert'"),
        (Filter("subjects", "at least", "Love"), "holds text"),
        (Filter("subjects", "is", ("Love", "Desert")), "any of"),
        (Filter("year", "is", ("1990", "1991")), "any of"),
        (Filter("year", "at least", "soon"), "holds numbers"),
        (Filter("year", "at least", float("nan")), "holds numbers"),
        (Filter("title", "is", "Duna"), "'Dune'"),
        (Filter("id", "is not", "b9"), "'b"),
        (Filter("year", "atleast", 3), "'at least'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_nearest(wish, says):
    with pytest.raises(ConfigError, match=says):
        decide(BOOKS, wish)


def test_an_empty_catalogue_answers_with_nothing():
    empty = Catalog.of([])
    assert decide(empty, Filter("id", "any of", ())).shape == (0,)


THREE = st.lists(st.sampled_from([TRUE, FALSE, UNKNOWN]), min_size=1, max_size=9)


@settings(deadline=None)
@given(THREE, st.randoms())
def test_kleene_logic_agrees_with_every_way_to_fill_in_the_unknown(values, random):
    one = np.array(values, dtype=np.int8)
    other = np.array(random.sample(values, len(values)), dtype=np.int8)
    for got, rule in ((both(one, other), all), (either(one, other), any)):
        for a, b, verdict in zip(one, other, got, strict=True):
            worlds = {
                rule((x, y))
                for x in ((a,) if a >= 0 else (0, 1))
                for y in ((b,) if b >= 0 else (0, 1))
            }
            assert verdict == (int(worlds.pop()) if len(worlds) == 1 else UNKNOWN)
    assert negate(negate(one)).tolist() == values


@settings(deadline=None)
@given(st.sampled_from(["Love", "Desert", "Politics"]), st.integers(-3000, 3000))
def test_a_wish_and_its_opposite_never_agree(value, year):
    pairs = [
        (Filter("subjects", "is", value), Filter("subjects", "is not", value)),
        (Filter("year", "any of", (str(year),)), Filter("year", "none of", (str(year),))),
    ]
    for wish, opposite in pairs:
        assert negate(decide(BOOKS, wish)).tolist() == decide(BOOKS, opposite).tolist()


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("subject=Love", Filter("subjects", "is", "Love")),
        ("Subjects != Love", Filter("subjects", "is not", "Love")),
        ("year>=1990", Filter("year", "at least", 1990)),
        ("year ≤ 1999.5", Filter("year", "at most", 1999.5)),
        ("years at most 1999", Filter("year", "at most", 1999)),
        ("country in UK,Peru", Filter("country", "any of", ("UK", "Peru"))),
        ("countries not in UK, Peru", Filter("country", "none of", ("UK", "Peru"))),
        ("subjects none of Love", Filter("subjects", "none of", ("Love",))),
        ("year in 1965,1990", Filter("year", "any of", ("1965", "1990"))),
        ('title="Dune"', Filter("title", "is", "Dune")),
        ("id in b1,b2", Filter("id", "any of", ("b1", "b2"))),
    ],
)
def test_what_people_type_is_read(text, wish):
    assert parse(text, BOOKS) == wish


@pytest.mark.parametrize(
    "text", ["", "year", "year>", "=3", "year>=", "year>=soon", "subjects=Lovv", "what=1"]
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigError):
        parse(text, BOOKS)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_politely(text):
    read = None
    with contextlib.suppress(ConfigError):
        read = parse(text, BOOKS)
    assert read is None or read.attribute in ("id", "title", *BOOKS.attributes)


WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12
).filter(lambda word: word.strip() == word)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4, unique=True), st.data())
def test_parse_reads_what_show_writes(values, data):
    catalog = Catalog.of(
        Item(f"i{at}", "T", attributes={"tags": (v,)}) for at, v in enumerate(values)
    )
    chosen = tuple(data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True)))
    for wish in (
        Filter("tags", "is", chosen[0]),
        Filter("tags", "is not", chosen[0]),
        Filter("tags", "any of", chosen),
        Filter("tags", "none of", chosen),
    ):
        assert parse(show(wish), catalog) == wish


def test_names_are_forgiving_but_not_guessing():
    assert resolve(BOOKS, "Subject") == "subjects"
    assert resolve(BOOKS, "year") == "year"
    with pytest.raises(ConfigError, match="It has: id, title, year"):
        resolve(BOOKS, "colour")


def test_ten_thousand_items_are_decided_quickly():
    import time

    rng = np.random.default_rng(0)
    n = 10_000
    frame = pl.DataFrame(
        {
            "id": [str(i) for i in range(n)],
            "title": [f"T{i}" for i in range(n)],
            "year": rng.integers(1900, 2020, n),
            "tags": [[f"t{a}", f"t{b}"] for a, b in rng.integers(0, 50, (n, 2))],
        }
    )
    catalog = Catalog(frame)
    wishes = [Filter("year", "at least", 1990), Filter("tags", "is", "t3")]
    allowed(catalog, wishes)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        allowed(catalog, wishes)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002
