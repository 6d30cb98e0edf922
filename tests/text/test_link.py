import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.text.encoder import HashedWords
from tastemate.text.link import Linker
from tastemate.traits import split_year
from tastemate.types import Item

TITLES = [
    "Godfather, The (1972)",
    "Godfather: Part II, The (1974)",
    "Heat (1995)",
    "Heat (1986)",
    "The Heat (2013)",
    "Seven (a.k.a. Se7en) (1995)",
    "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    "Toy Story 2 (1999)",
    "Blade Runner 2049 (2017)",
    "Fast & Furious (2009)",
    "Star Wars: Episode IV - A New Hope (1977)",
    "Amélie (2001)",
    "$ (1971)",
    "Aliens",
    "???",
]


def catalogue(titles=TITLES, **columns):
    return Catalog.of(
        Item(str(at), title, attributes={name: values[at] for name, values in columns.items()})
        for at, title in enumerate(titles)
    )


@pytest.fixture(scope="module")
def linker():
    return Linker(catalogue())


@pytest.mark.parametrize(
    ("written", "row", "how"),
    [
        ("Godfather, The (1972)", 0, "exact"),
        ("The Godfather (1972)", 0, "normalised"),
        ("the godfather", 0, "normalised"),
        ("GODFATHER", 0, "normalised"),
        ("The Godfather (1973)", 0, "normalised"),
        ("the godfahter", 0, "edit distance"),
        ("The Godfather: Part II", 1, "normalised"),
        ("Heat", 2, "normalised"),
        ("Heat (1986)", 3, "exact"),
        ("heat 1986", 3, "normalised"),
        ("the heat", 4, "normalised"),
        ("Se7en", 5, "normalised"),
        ("Seven", 5, "normalised"),
        ("La cité des enfants perdus", 6, "normalised"),
        ("city of lost children", 6, "normalised"),
        ("Toy Story 2", 7, "normalised"),
        ("Toy Story 3", -1, ""),
        ("Blade Runner 2049", 8, "normalised"),
        ("Fast and Furious [2009]", 9, "normalised"),
        ("Star Wars", 10, "normalised"),
        ("Star Wars: The Clone Battles", -1, ""),
        ("amelie", 11, "normalised"),
        ("Amelie: le film", 11, "normalised"),
        ("Amelei (2001)", 11, "edit distance"),
        ("Amelei (1990)", -1, ""),
        ("Amelei", -1, ""),
        ("$ (1971)", 12, "exact"),
        ("$", -1, ""),
        ("Aliens (1986)", 13, "normalised"),
        ("???", 14, "exact"),
        ("Heat (1950)", -1, ""),
        ("nothing of the kind", -1, ""),
        ("", -1, ""),
        ("\x00\x07\ud800", -1, ""),
        ("( (1995)", -1, ""),
    ],
)
def test_links(linker, written, row, how):
    link = linker.link(written)
    assert (link.row, link.how) == (row, how)
    assert (link.score > 0) == (row >= 0)


def test_a_given_year_beats_the_written_one(linker):
    assert linker.link("Heat", 1986).row == 3
    assert linker.link("Heat (1995)", 1987).row == 3
    assert linker.link("Heat 1995", 1987).row == 3
    assert linker.link("Heat", 1995).score > linker.link("Heat", 1994).score


def test_popularity_picks_among_like_titles():
    linker = Linker(catalogue(), popularity=np.arange(len(TITLES))[::-1])
    assert linker.link("Heat").row == 2
    linker = Linker(catalogue(), popularity=np.arange(len(TITLES)))
    assert linker.link("Heat").row == 3
    assert linker.link("Heat (1995)").row == 2


def test_the_year_attribute_counts_where_titles_have_none():
    linker = Linker(catalogue(["Dune", "Dune"], year=[1984, 2021]))
    assert linker.link("dune").row == 1
    assert linker.link("dune (1984)").row == 0


def test_exact_titles_link_to_themselves(linker):
    links = [linker.link(title) for title in TITLES]
    assert [link.row for link in links] == list(range(len(TITLES)))


def test_the_encoder_is_asked_last_and_only_above_the_threshold():
    linker = Linker(catalogue(), HashedWords(), nearness=0.6)
    link = linker.link("blade the 2049 runner story")
    assert (link.row, link.how) == (8, "embedding")
    assert 0 < link.score < 1
    assert linker.link("utterly other words").row == -1
    assert linker.link("blade the 2049 runner story (1950)").row == -1
    assert linker.link("!!!").row == -1


def test_an_empty_catalogue_links_nothing():
    linker = Linker(catalogue([]), HashedWords())
    assert [link.row for link in map(linker.link, ["Heat", ""])] == [-1, -1]


@pytest.mark.parametrize("text", ["x" * 10_000_000, "(" * 10_000_000, " " * 10_000_000])
def test_huge_titles_link_nothing(linker, text):
    assert linker.link(text).row == -1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_a_row_of_the_catalogue_or_nothing(text):
    link = Linker(catalogue()).link(text)
    assert -1 <= link.row < len(TITLES)
    assert 0 <= link.score <= 1
    assert (link.row == -1) == (link.how == "")


def test_split_year():
    assert split_year("Heat (1995)") == ("Heat", 1995)
    assert split_year("Friends (1994\u20132004)") == ("Friends", 1994)
    assert split_year("Friends (1994-)") == ("Friends", 1994)
    assert split_year("Heat, [1995] ") == ("Heat", 1995)
    assert split_year("2001") == ("2001", None)
