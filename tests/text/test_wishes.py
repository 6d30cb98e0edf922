"""Questions in plain words: examples, what is wished away, and the rest."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.text.link import Linker
from tastemate.text.wishes import LONGEST, read
from tastemate.types import Item

TITLES = ["Heat (1995)", "The Good, the Bad and the Ugly (1966)", "Casino (1995)", "Love (2015)"]
CATALOG = Catalog.of(
    Item(
        str(at),
        title,
        attributes={
            "violence": at % 4,
            "genres": (("Musical", "Comedy"), ("Horror",), ("Crime",), ("Crime", "Musical"))[at],
        },
    )
    for at, title in enumerate(TITLES)
)


@cache
def _linker() -> Linker:
    return Linker(CATALOG)


def _link(title: str) -> int:
    found = _linker().link(title)
    return found.row if found.score >= 0.85 else -1


def _said(question: str) -> tuple[str, list[str], list[tuple[str, str, object]]]:
    wishes = read(question, CATALOG, _link)
    filters = [(wish.attribute, wish.operator, wish.value) for wish in wishes.filters]
    return wishes.text, [TITLES[row] for row in wishes.likes], filters


def test_the_issue_s_own_question() -> None:
    text, likes, filters = _said("something tense but not violent, like Heat")
    assert "tense" in text
    assert "violent" not in text
    assert likes == ["Heat (1995)"]
    assert filters == [("violence", "at most", 1.0)]


@pytest.mark.parametrize(
    ("question", "away"),
    [
        ("a comedy without musicals", ["Musical"]),
        ("no musicals or horror, please", ["Musical", "Horror"]),
        ("I don't want horror", ["Horror"]),
        ("funny, never horror. Warm", ["Horror"]),
        ("I'd avoid crime but love comedy", ["Crime"]),
    ],
)
def test_values_wished_away_become_filters(question: str, away: list[str]) -> None:
    wishes = read(question, CATALOG, _link)
    assert [wish.value for wish in wishes.filters] == [(value,) for value in away]
    assert all(wish.operator == "none of" and not wish.hard for wish in wishes.filters)


def test_titles_that_hold_commas_and_ands_stay_whole() -> None:
    _, likes, _ = _said("films like The Good, the Bad and the Ugly and Casino")
    assert likes == ["The Good, the Bad and the Ugly (1966)", "Casino (1995)"]


@pytest.mark.parametrize(
    ("question", "years", "text"),
    [
        ("a comedy before 1995", [("at most", 1994)], "a comedy"),
        ("after 2000, warm", [("at least", 2001)], "warm"),
        ("since 2010, warm", [("at least", 2010)], "warm"),
        ("a western from the 1960s", [("at least", 1960), ("at most", 1969)], "a western"),
        ("'70s drama", [("at least", 1970), ("at most", 1979)], "drama"),
        ("war between 1960 and 1950", [("at least", 1950), ("at most", 1960)], "war"),
        ("a comedy of 2005", [("at least", 2005), ("at most", 2005)], "a comedy"),
        ("2001: A Space Odyssey", [], "2001: A Space Odyssey"),
    ],
)
def test_years_become_filters(question: str, years: list[tuple[str, int]], text: str) -> None:
    dated = Catalog.of(
        Item(str(at), f"Film {at}", attributes={"year": 1950 + at}) for at in range(9)
    )
    wishes = read(question, dated, lambda _title: -1)
    assert [(wish.operator, wish.value) for wish in wishes.filters] == years
    assert wishes.text == text
    assert read(question, CATALOG, _link).filters == ()  # nothing here has a year


def test_not_takes_the_next_word_and_leaves_the_others() -> None:
    text, _, filters = _said("not violent animated film for kids")
    assert filters == [("violence", "at most", 1.0)]
    assert "animated" in text
    assert "kids" in text


def test_a_word_is_no_part_of_a_name() -> None:
    named = Catalog.of([Item("1", "A", attributes={"directors": ("Gore Verbinski", "Gore")})])
    wishes = read("no gore", named, lambda _title: -1)
    assert [wish.value for wish in wishes.filters] == [("Gore",)]


def test_unlike_an_example_leaves_it_out() -> None:
    wishes = read("nothing like Heat", CATALOG, _link)
    assert wishes.likes == ()
    assert wishes.excluded == (0,)


def test_i_would_like_is_no_example() -> None:
    text, likes, _ = _said("I would like something slow")
    assert likes == []
    assert "slow" in text


def test_what_nothing_tells_about_is_named() -> None:
    assert read("ghosts, not gory", CATALOG, _link).undecided == ("gory",)


@pytest.mark.parametrize(
    "question", ["", "   ", "like", "not", "but", "not like", ",,,", "like like"]
)
def test_next_to_nothing_is_no_wish(question: str) -> None:
    wishes = read(question, CATALOG, _link)
    assert not wishes.likes
    assert not wishes.filters


def test_a_huge_question_is_read_as_far_as_its_cap() -> None:
    wishes = read("like Heat, not horror " * 100_000, CATALOG, _link)
    assert wishes.likes == (0,)
    assert len(wishes.text) <= LONGEST


def test_a_hostile_question_asks_for_few_links() -> None:
    asked: list[str] = []

    def link(title: str) -> int:
        asked.append(title)
        return -1

    read("like a,b,c,d,e,f,g,h,i,j " * 200, CATALOG, link)
    assert len(asked) <= 50


@given(st.text(max_size=300))
def test_any_text_is_read(question: str) -> None:
    wishes = read(question, CATALOG, _link)
    assert all(0 <= row < len(CATALOG) for row in (*wishes.likes, *wishes.excluded))


def test_an_empty_catalogue_decides_nothing() -> None:
    wishes = read("not violent, like Heat", Catalog.of([]), lambda _title: -1)
    assert wishes.filters == ()
    assert wishes.undecided == ("violent",)


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("something like The Quantum Banana Returns (2031)", "The Quantum Banana Returns (2031)"),
        ('funny, like "the quantum banana"', "the quantum banana"),
        ("films like Heat and Quantum Banana", "Quantum Banana"),
        ("I would like Horror", ""),
        ("like French comedies", ""),
        ("something like heat", ""),
    ],
)
def test_titles_that_are_not_here_are_named(question: str, unknown: str) -> None:
    assert read(question, CATALOG, _link).unknown == ((unknown,) if unknown else ())


def test_titles_wished_away_are_left_out() -> None:
    wishes = read("something tense, not Heat or Casino", CATALOG, _link)
    assert [TITLES[row] for row in wishes.excluded] == ["Heat (1995)", "Casino (1995)"]
    assert wishes.undecided == ()
    assert read("not heat", CATALOG, _link).undecided == ("heat",)
    by_value = read("no Horror", CATALOG, _link)
    assert by_value.excluded == ()
    assert [wish.value for wish in by_value.filters] == [("Horror",)]


def test_more_examples_than_are_followed_are_told() -> None:
    assert read("; ".join(["like Heat"] * 6), CATALOG, _link).unread
    run_together = read("slow, like Heat like Casino", CATALOG, _link)
    assert run_together.likes == (0, 2)
    assert not run_together.unread
    assert not read("; ".join(["like Heat"] * 5), CATALOG, _link).unread


def test_titles_wished_away_ask_for_few_links() -> None:
    asked: list[str] = []

    def link(title: str) -> int:
        asked.append(title)
        return -1

    read("not Aa, " * 200, CATALOG, link)
    assert len(asked) <= 5
