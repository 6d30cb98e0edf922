"""What giving up a wish would give, counted, and what only an unknown value leaves out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.chat.intent import Wish
from tastemate.chat.relaxing import MOST, relaxations, undecided
from tastemate.errors import ConfigError
from tastemate.filters import allowed
from tastemate.types import Item

CATALOG = Catalog.of(
    [
        Item("a", "A", "", {"genres": ("Crime",), "year": 1990, "violence": 3}),
        Item("b", "B", "", {"genres": ("Crime",), "year": 1995, "violence": 3}),
        Item("c", "C", "", {"genres": ("Drama",), "year": 1994, "violence": 0}),
        Item("d", "D", "", {"genres": ("Crime",), "year": 1970, "violence": 0}),
        Item("e", "E", "", {"genres": ("Crime",), "year": 1992}),
    ]
)
CRIME = Wish("genres", "is", "Crime")
SINCE = Wish("year", "at least", 1980)
TAME = Wish("violence", "at most", 1)


def test_each_wish_given_up_most_first():
    found = relaxations(CATALOG, [CRIME, SINCE, TAME])
    assert [(one.wish, one.items, one.example) for one in found] == [
        (TAME, 3, "a"),
        (CRIME, 1, "c"),
        (SINCE, 1, "d"),
    ]
    assert all(one.also == () for one in found)


def test_the_example_is_the_best_and_only_among_what_may_be_shown():
    scores = np.array([0.1, 0.9, 0.5, 0.2, -np.inf], np.float32)
    assert relaxations(CATALOG, [CRIME, SINCE, TAME], scores=scores)[0].example == "b"
    among = np.array([True, False, False, False, True])
    found = relaxations(CATALOG, [CRIME, SINCE, TAME], among, scores)
    assert [(one.wish, one.items, one.example) for one in found] == [(TAME, 2, "a")]


def test_pairs_where_no_single_one_helps():
    late, quiet = Wish("year", "at least", 2000), Wish("violence", "at least", 9)
    found = relaxations(CATALOG, [CRIME, late, quiet])
    assert [(one.wish, one.also, one.items) for one in found] == [(late, (quiet,), 4)]


def test_nothing_to_offer():
    assert relaxations(CATALOG, []) == ()
    assert relaxations(CATALOG, [CRIME]) == ()
    assert relaxations(CATALOG, [Wish("year", "at least", 2050, firm=False)]) == ()
    assert relaxations(CATALOG, [CRIME, TAME], np.zeros(5, bool)) == ()


def test_fewer_than_k_is_too_few():
    assert relaxations(CATALOG, [CRIME, TAME]) == ()
    assert relaxations(CATALOG, [CRIME, TAME], k=2)[0].wish == TAME


def test_a_soft_wish_is_never_in_the_way():
    soft = Wish("genres", "is", "Drama", firm=False)
    assert [one.wish for one in relaxations(CATALOG, [CRIME, SINCE, TAME, soft])] == [
        TAME,
        CRIME,
        SINCE,
    ]


def test_what_only_the_unknown_leaves_out():
    assert undecided(CATALOG, [CRIME, SINCE, TAME]) == ((TAME, 1),)
    assert undecided(CATALOG, [CRIME, SINCE, TAME], np.zeros(5, bool)) == ()
    assert undecided(CATALOG, []) == ()
    away = Wish("genres", "is not", "Drama")
    assert undecided(CATALOG, [away]) == ()


def test_a_wish_about_nothing_there_is():
    with pytest.raises(ConfigError):
        relaxations(CATALOG, [Wish("colour", "is", "red")])


WISHES = st.sampled_from(
    [
        CRIME,
        SINCE,
        TAME,
        Wish("genres", "is", "Drama"),
        Wish("genres", "is not", "Crime"),
        Wish("year", "at most", 1991),
        Wish("violence", "at least", 1),
        Wish("genres", "any of", ("Crime", "Drama"), firm=False),
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(WISHES, max_size=6), st.integers(1, 3))
def test_counts_are_those_of_the_filters(wishes, k):
    firm = [wish for wish in dict.fromkeys(wishes) if wish.firm]
    fitting = int(allowed(CATALOG, [wish.filter for wish in firm])[0].sum())
    found = relaxations(CATALOG, wishes, k=k)
    assert len(found) <= MOST
    if fitting >= k:
        assert found == ()
    for one in found:
        left = [wish.filter for wish in firm if wish not in (one.wish, *one.also)]
        mask, _ = allowed(CATALOG, left)
        assert one.items == int(mask.sum()) > fitting
        assert mask[CATALOG.row(one.example)]
    total = allowed(CATALOG, [wish.filter for wish in firm])[1]
    counts = [count for _, count in undecided(CATALOG, wishes)]
    assert max(counts, default=0) <= total <= sum(counts)
