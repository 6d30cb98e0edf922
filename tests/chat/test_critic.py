"""Every rule a list can break, told of the right place, and never of a list that keeps to them."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chat.small import CATALOG, GENRES, SmallDesk, talk

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import Beliefs, beliefs
from tastemate.chat.critic import Violation, checked, said, violations, without
from tastemate.chat.holding import Held
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Session, Turn
from tastemate.filters import allowed
from tastemate.scope import opened
from tastemate.types import Item, Query, Recommendation, Slate, history


def slate(*ids: str) -> Slate:
    return Slate(
        tuple(
            Recommendation(at, CATALOG[one] if one in CATALOG else Item(one, "?"), 1.0)
            for at, one in enumerate(ids, start=1)
        )
    )


def wishing(*wishes: Wish) -> Beliefs:
    return Beliefs(wishes=tuple(Held(one, 0) for one in wishes), turns=1)


def broken(shown: Slate, now: Beliefs | None = None, query: Query | None = None) -> list[tuple]:
    found = violations(shown, now or Beliefs(), query or Query(k=5), CATALOG)
    return [(one.rank, one.rule) for one in found]


def test_a_list_that_keeps_to_everything_breaks_nothing():
    now = wishing(Wish("genres", "is", "Crime"), Wish("country", "is not", "France"))
    assert broken(slate("i0", "i6", "i12"), now) == []  # their country is not known
    assert broken(slate()) == []


def test_what_is_wanted_and_not_known_breaks_a_firm_wish():
    now = wishing(Wish("country", "is", "France"))
    assert broken(slate("i1", "i0", "i2"), now) == [(2, "wish"), (3, "wish")]


def test_what_is_not_wanted_breaks_it_only_where_it_is_known():
    now = wishing(Wish("country", "is not", "France"))
    assert broken(slate("i1", "i0", "i2"), now) == [(1, "wish")]


def test_a_soft_wish_breaks_nothing():
    assert broken(slate("i1"), wishing(Wish("genres", "is", "Crime", firm=False))) == []


def test_filters_of_the_query_hold_as_well_and_each_wish_counts_once():
    crime = Wish("genres", "is", "Crime")
    query = Query(k=5, filters=(crime.filter, Wish("year", "at least", 1990).filter))
    assert broken(slate("i0", "i1"), wishing(crime), query) == [
        (1, "wish"),
        (2, "wish"),
        (2, "wish"),
    ]


@pytest.mark.parametrize(
    ("session", "rule"),
    [
        ((Intent(seen=("i1",)),), "seen"),
        ((Intent(disliked=("i1",)),), "disliked"),
        ((Intent(unlike=("i1",)),), "unlike"),
    ],
)
def test_verdicts(session, rule):
    now = beliefs(Session("s", turns=tuple(Turn("…", one) for one in session)), CATALOG)
    assert broken(slate("i0", "i1"), now) == [(2, rule)]


def test_what_was_shown_before_more_is_not_shown_again():
    turns = (Turn("crime", Intent(), shown=("i0", "i1")), Turn("more", Intent(act="more")))
    now = beliefs(Session("s", turns=turns), CATALOG)
    assert broken(slate("i1", "i2"), now) == [(1, "shown")]


def test_history_and_exclusions_of_the_query():
    query = Query(k=5, history=history([0]), exclude=frozenset((1,)))
    assert broken(slate("i0", "i1", "i2"), None, query) == [(1, "seen"), (2, "excluded")]
    assert broken(slate("i0"), None, replace(query, exclude_seen=False)) == []


def test_too_many_twice_and_unknown():
    found = broken(slate("i0", "i0", "gone", "i2"), None, Query(k=3))
    assert found == [(2, "twice"), (3, "unknown"), (4, "too many")]


def test_without_ranks_anew_and_takes_only_the_place_that_is_broken():
    shown = slate("i0", "i0", "i2")
    left = without(shown, violations(shown, Beliefs(), Query(k=5), CATALOG))
    assert [(line.rank, line.item.id) for line in left.items] == [(1, "i0"), (2, "i2")]


def test_a_violation_of_our_own_is_a_failure_that_is_told():
    with opened() as scope:
        left = checked(slate("i0", "gone"), Beliefs(), Query(k=5), CATALOG)
    assert left.ids == ["i0"]
    assert "gone at 2: unknown" in scope.errors[0]
    with opened() as scope:
        assert checked(left, Beliefs(), Query(k=5), CATALOG) is left
    assert scope.errors == []


def test_said_is_short():
    many = tuple(Violation(at, f"i{at}", "seen") for at in range(1, 9))
    assert said(many).endswith("and 5 more")


def test_the_fixed_plan_is_criticised_and_a_bug_of_it_is_in_the_trace(monkeypatch):
    monkeypatch.setattr(
        SmallDesk, "recommend", lambda self, query: slate("i1", "i0")
    )  # i1 is no crime
    reply = talk(None, Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),))).say("…")
    assert reply.slate.ids == ["i0"]
    step = next(one for one in reply.slate.trace if one.name == "critic")
    assert "i1 at 1: wish genres=Crime" in step.error


def test_a_sound_list_passes_in_silence():
    reply = talk(None, Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),))).say("…")
    assert reply.slate.ids == ["i0", "i3", "i6"]
    step = next(one for one in reply.slate.trace if one.name == "critic")
    assert (step.size, step.error) == (3, "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*CATALOG.ids, "gone"]), max_size=8),
    st.lists(
        st.builds(Wish, st.just("genres"), st.sampled_from(["is", "is not"]),
                  st.sampled_from(GENRES)) |
        st.builds(Wish, st.just("country"), st.sampled_from(["is", "is not"]),
                  st.sampled_from(["France", "Japan"])),
        max_size=3,
    ),
    st.integers(1, 6),
)  # fmt: skip
def test_what_the_critic_leaves_may_be_shown(ids, wishes, k):
    shown, now, query = slate(*ids), wishing(*wishes), Query(k=k, exclude=frozenset((2,)))
    left = without(shown, violations(shown, now, query, CATALOG))
    may, _ = allowed(CATALOG, [one.filter for one in wishes])
    may[2] = False
    assert all(may[CATALOG.row(one)] for one in left.ids)
    assert len(left.ids) == len(set(left.ids)) <= k
    assert violations(left, now, query, CATALOG) == ()


def test_it_takes_less_than_a_millisecond_over_ten_thousand_items():
    many = Catalog.of(
        Item(f"i{n}", f"T{n}", "", {"genres": (GENRES[n % 3],), "year": 1900 + n % 120})
        for n in range(10_000)
    )
    shown = Slate(tuple(Recommendation(at, many.item(at), 1.0) for at in range(1, 11)))
    now = wishing(Wish("genres", "is", "Crime"), Wish("year", "at least", 1990))
    query = Query(k=10, history=history(list(range(200, 400))))
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        violations(shown, now, query, many)
        taken.append(time.perf_counter() - start)
    assert np.median(taken[1:]) < 5e-3  # 1 ms where nothing else runs
