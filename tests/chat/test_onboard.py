from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.chat.onboard import PAGE, STEPS, Guide, Onboarding
from tastemate.data.datasets import open_dataset
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.types import Event, Item

ITEMS = 40


@pytest.fixture(scope="module")
def world():
    """Half the people like even items, the others odd ones; low numbers are better known."""
    catalog = Catalog.of(
        Item(f"i{n}", f"T{n}", attributes={"kind": ("even", "odd")[n % 2]}) for n in range(ITEMS)
    )
    rng = np.random.default_rng(0)
    events = []
    for user in range(60):
        mine = np.arange(user % 2, ITEMS, 2)
        weights = 1.0 / (1 + mine)
        chosen = rng.choice(mine, size=10, replace=False, p=weights / weights.sum())
        events += [Event(f"u{user}", f"i{item}", 5.0, at) for at, item in enumerate(chosen)]
        events += [Event(f"u{user}", f"i{1 - user % 2}", 1.0, 99)]
    return catalog, Interactions.of(events, catalog)


def test_a_page_holds_known_items_of_different_tastes(world):
    guide = Guide.of(*world)
    page = guide.next(Onboarding())
    assert len(page) == len(set(page)) == PAGE
    assert {row % 2 for row in page[:2]} == {0, 1}


def test_answers_make_some_people_likelier_and_the_next_page_theirs(world):
    guide = Guide.of(*world)
    first = guide.next(Onboarding())
    state = Onboarding().picked(first, [row for row in first if row % 2])
    odd = guide.likely(state)[1::2].sum()
    assert odd > 0.95
    page = guide.next(state, 4)
    assert not set(page) & set(first)
    assert all(row % 2 for row in page)


def test_at_most_five_steps_and_nothing_twice(world):
    guide, state, shown = Guide.of(*world), Onboarding(), []
    while page := guide.next(state, 6):
        shown += page
        state = state.picked(page, page[:1])
    assert state.steps == STEPS
    assert state.done
    assert len(shown) == len(set(shown)) == 6 * STEPS
    with pytest.raises(ConfigError, match="at most 5"):
        state.picked((0,), ())
    with pytest.raises(ConfigError, match="at most 5"):
        state.said("more")
    assert guide.next(Onboarding().end()) == ()


def test_an_answer_is_numbers_words_or_nothing():
    page = (7, 3, 9)
    assert Onboarding().answered(page, " 1, 3 ").liked == (7, 9)
    assert Onboarding().answered(page, "").steps == 1
    told = Onboarding().answered(page, "2 tense films, not 10")
    assert told.sentence == "2 tense films, not 10"
    assert told.steps == 1
    with pytest.raises(ConfigError, match="no 4"):
        Onboarding().answered(page, "4")


def test_what_is_declared_takes_no_step_and_counts_where_known(world):
    catalog, interactions = world
    side = pl.DataFrame({"side": ["left" if n % 2 else "right" for n in range(60)]})
    known = Interactions(
        interactions.users,
        interactions.n_items,
        interactions.user,
        interactions.item,
        interactions.value,
        interactions.timestamp,
        people=side,
    )
    state = Onboarding().declared({"side": "left", "age": 30})
    assert state.steps == 0
    assert Guide.of(catalog, known).likely(state)[1::2].sum() == pytest.approx(2 / 3)
    assert Guide.of(catalog, interactions).likely(state)[1::2].sum() == pytest.approx(0.5)
    assert state.query().about == {"side": "left", "age": 30}


def test_the_state_is_a_value_and_gives_a_query():
    before = Onboarding()
    after = before.picked((4, 5), (5, 5)).said("  something   warm ")
    assert before == Onboarding()
    assert after == replace(after)
    query = after.query(3, value=5.0)
    assert query.k == 3
    assert query.text == "something warm"
    assert query.history.items.tolist() == [5]
    assert query.history.values.tolist() == [5.0]
    assert after.shown == {4, 5}


def test_words_move_the_next_page(world):
    guide = Guide.of(*world)
    fits = np.where(np.arange(ITEMS) % 2, 1.0, 0.0).astype(np.float32)
    page = guide.next(Onboarding().said("odd ones"), 4, fits)
    assert sum(row % 2 for row in page) >= 3
    silent = np.full(ITEMS, -np.inf, np.float32)
    assert guide.next(Onboarding(), 4, silent) == guide.next(Onboarding(), 4)


def test_without_interactions_pages_spread_over_the_catalogue(world):
    catalog, _ = world
    guide = Guide.of(catalog, Interactions.empty(catalog))
    page = guide.next(Onboarding())
    assert len(set(page)) == PAGE
    assert {row % 2 for row in page} == {0, 1}
    liked = [row for row in page if row % 2]
    after = guide.next(Onboarding().picked(page, liked), 1)
    assert after[0] % 2
    vectors = np.eye(ITEMS, dtype=np.float32)
    assert len(Guide.of(catalog, Interactions.empty(catalog), vectors).next(Onboarding())) == PAGE


@pytest.mark.parametrize("n", [0, 1, 3])
def test_tiny_catalogues(n):
    catalog = Catalog.of(Item(str(i), "T") for i in range(n))
    guide = Guide.of(catalog, Interactions.empty(catalog))
    assert sorted(guide.next(Onboarding())) == list(range(n))
    disliked = [Event("u", str(i), 1.0 + i, i) for i in range(n)]
    assert len(Guide.of(catalog, Interactions.of(disliked, catalog)).next(Onboarding())) <= n
    with pytest.raises(ConfigError, match="pool"):
        Guide.of(catalog, Interactions.empty(catalog), pool=0)


def test_books_without_a_single_interaction(data_dir):
    if not (data_dir / "goodbooks").exists():
        pytest.skip("real data: goodbooks is not in TASTEMATE_DATA")
    books = open_dataset("goodbooks")
    guide = Guide.of(books.catalog, books.interactions)
    page = guide.next(Onboarding())
    assert len(set(page)) == PAGE
    again = guide.next(Onboarding().picked(page, page[:1]))
    assert not set(page) & set(again)


@given(st.text(max_size=60))
def test_any_text_is_an_answer_or_an_error(text):
    page = (7, 3, 9)
    try:
        state = Onboarding().answered(page, text)
    except ConfigError:
        return
    assert state.steps == 1
    assert set(state.liked) <= set(page)
