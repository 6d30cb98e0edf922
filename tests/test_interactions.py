"""Events: order, histories, ties, growth."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.errors import DataError, UnknownItem, UnknownUser
from tastemate.interactions import Interactions, Scale
from tastemate.types import Event, Item

CATALOG = Catalog.of([Item(name, name.upper()) for name in "abcde"])


def world() -> Interactions:
    return Interactions.of(
        [
            Event("ann", "c", 4.0, 30),
            Event("bob", "a", 2.0, 5),
            Event("ann", "a", 5.0, 10),
            Event("ann", "b", 1.0, 30),
        ],
        CATALOG,
    )


def test_histories_are_oldest_first_and_ties_go_by_catalogue_row() -> None:
    events = world()
    ann = events.history(events.code("ann"))
    assert ann.items.tolist() == [0, 1, 2]
    assert ann.values.tolist() == [5.0, 1.0, 4.0]
    assert events.history_of("bob").items.tolist() == [0]
    assert len(events.history_of("nobody")) == 0
    assert len(events.history_of(None)) == 0


def test_somebody_unknown_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownUser, match="'ann'"):
        world().code("anne")


def test_an_event_of_an_unknown_item_is_refused() -> None:
    with pytest.raises(UnknownItem, match="'z'"):
        Interactions.of([Event("ann", "z")], CATALOG)


@pytest.mark.parametrize(
    ("user", "item", "message"),
    [([0], [9], "outside 0..4"), ([0, 0], [1], "differ in length"), ([7], [1], "user code")],
)
def test_arrays_that_make_no_sense_are_refused(
    user: list[int], item: list[int], message: str
) -> None:
    count = len(item)
    with pytest.raises(DataError, match=message):
        Interactions(
            ["ann"],
            5,
            np.array(user, np.int32),
            np.array(item, np.int32),
            np.ones(count, np.float32),
            np.zeros(count, np.int64),
        )


def test_the_matrix_keeps_the_latest_of_a_repeated_pair() -> None:
    events = Interactions.of([Event("ann", "a", 1.0, 1), Event("ann", "a", 5.0, 2)], CATALOG)
    assert events.matrix(events.value).toarray().tolist() == [[5.0, 0, 0, 0, 0]]
    assert events.matrix().sum() == 1


def test_from_end_counts_back_from_the_last() -> None:
    assert world().from_end().tolist() == [2, 1, 0, 0]


def test_shuffled_ties_move_only_ties() -> None:
    events = world()
    orders = {tuple(events.with_ties(seed).history(0).items.tolist()) for seed in range(20)}
    assert orders == {(0, 1, 2), (0, 2, 1)}
    assert events.with_ties(3).with_ties(None).history(0).items.tolist() == [0, 1, 2]


def test_where_keeps_order_users_and_people() -> None:
    kept = world().with_ties(1)
    half = kept.where(kept.user == 0)
    assert half.history(0).items.tolist() == kept.history(0).items.tolist()
    assert half.users == ("ann", "bob")
    assert len(half.history(1)) == 0


def test_new_events_and_people_join() -> None:
    people = pl.DataFrame({"group": ["x", "y"]})
    base = world()
    known = Interactions(
        base.users, 5, base.user, base.item, base.value, base.timestamp, people=people
    )
    assert known.about("bob") == {"group": "y"}
    assert known.about("eve") == {}
    assert base.about("bob") == {}
    grown_catalog = CATALOG.with_items([Item("f", "F")])
    grown = known.with_events(
        [Event("eve", "f", 3.0, 99), Event("ann", "d", 3.0, 99)], grown_catalog
    )
    assert grown.n_items == 6
    assert grown.history_of("eve").items.tolist() == [5]
    assert grown.history_of("ann").items.tolist() == [0, 1, 2, 3]
    assert grown.about("eve") == {}
    assert grown.about("bob") == {"group": "y"}
    assert known.over(CATALOG) is known
    assert known.over(grown_catalog).n_items == 6


def test_saved_and_loaded_nothing_changes(tmp_path: Path) -> None:
    base = world().with_ties(1)
    people = pl.DataFrame({"group": ["x", None]})
    events = Interactions(
        base.users, 5, base.user, base.item, base.value, base.timestamp, people=people
    )
    for each in (base, events):
        each.save(tmp_path)
        again = Interactions.load(tmp_path, 5)
        assert again.fingerprint == each.fingerprint
        assert again.about("ann") == each.about("ann")


def test_no_events_is_a_data_set_too(tmp_path: Path) -> None:
    empty = Interactions.empty(CATALOG)
    assert len(empty) == 0
    assert empty.scale == Scale(0.0, 1.0)
    assert empty.matrix().shape == (0, 5)
    empty.save(tmp_path)
    assert len(Interactions.load(tmp_path, 5)) == 0


def test_likes_are_the_upper_part_of_the_scale() -> None:
    values = np.array([0.5, 2.0, 3.0, 3.5, 5.0], np.float32)
    stars = Scale(0.5, 5.0)
    assert stars.likes(values).tolist() == [False, False, False, True, True]
    assert stars.dislikes(values).tolist() == [True, True, False, False, False]
    clicks = Scale(1.0, 1.0)
    assert clicks.likes(np.array([1.0, 0.0], np.float32)).tolist() == [True, False]
    assert clicks.dislikes(np.array([1.0, 0.0], np.float32)).tolist() == [False, True]


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abcde"), st.integers(0, 9))))
def test_every_event_is_in_exactly_one_history_in_time_order(
    drawn: list[tuple[str, str, int]],
) -> None:
    events = Interactions.of([Event(u, i, 1.0, t) for u, i, t in drawn], CATALOG)
    histories = [events.history(code) for code in range(events.n_users)]
    assert sum(len(history) for history in histories) == len(drawn)
    for history in histories:
        assert (np.diff(history.timestamps) >= 0).all()
    assert events.counts.sum() == len(drawn)


def test_a_folder_named_like_a_pattern_opens_its_own_data(tmp_path: Path) -> None:
    for name, count in (("p[12]", 2), ("p1", 1)):
        events = Interactions.of([Event("u", item) for item in "ab"[:count]], CATALOG)
        events.save(tmp_path / name)
        CATALOG.save(tmp_path / name / "catalog.parquet")
    assert len(Interactions.load(tmp_path / "p[12]", 5)) == 2
    assert len(Catalog.load(tmp_path / "p[12]" / "catalog.parquet")) == 5


def test_one_mistyped_rating_does_not_move_the_scale() -> None:
    stars = [Event("u", "abcde"[n % 5], float(1 + n % 5), n) for n in range(2000)]
    slip = [*stars, Event("u", "a", 50.0, 3000)]
    assert Interactions.of(slip, CATALOG).scale == Scale(1.0, 5.0)


def test_what_people_declare_is_part_of_the_fingerprint() -> None:
    base = world()

    def declared(group: str) -> str:
        people = pl.DataFrame({"group": [group, group]})
        return Interactions(
            base.users, 5, base.user, base.item, base.value, base.timestamp, people=people
        ).fingerprint

    assert declared("x") != declared("y")
