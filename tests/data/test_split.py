import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.data import split
from tastemate.data.datasets import open_dataset
from tastemate.errors import DataError, FormatError, NotFound
from tastemate.interactions import Interactions
from tastemate.types import Event, Item


def world(rows, items=6):
    """Build a data set from (user, item number, time)."""
    catalog = Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(items))
    events = [Event(user, f"i{item}", 1.0 + item % 5, time) for user, item, time in rows]
    return catalog, Interactions.of(events, catalog)


def line(user, items, start=0):
    return [(user, item, start + at) for at, item in enumerate(items)]


events_strategy = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 20)),
    min_size=2,
    max_size=60,
    unique=True,
)


def test_core_prunes_until_stable():
    # b has two events, one of them on an item only b met: pruning the item prunes b, then more.
    rows = [*line("a", [0, 1, 2]), *line("b", [0, 3]), *line("c", [0, 1, 2])]
    catalog, interactions = split.core(*world(rows), k=2)
    assert catalog.ids == ("i0", "i1", "i2")
    assert interactions.users == ("a", "c")
    assert len(interactions) == 6


@given(events_strategy, st.integers(1, 3))
def test_core_leaves_k_events_each(rows, k):
    catalog, interactions = split.core(*world(rows), k=k)
    assert interactions.n_items == len(catalog)
    if len(interactions):
        assert interactions.counts.min() >= k
        assert np.diff(interactions.offsets).min() >= k
    again = split.core(catalog, interactions, k=k)[1]
    assert len(again) == len(interactions)


def test_core_keeps_people_and_tie_order():
    rows = [("a", 0, 5), ("a", 1, 5), ("b", 0, 1), ("c", 0, 1), ("c", 1, 1)]
    catalog, interactions = world(rows)
    interactions.people = pl.DataFrame({"age": [30, 40, 50]})
    shuffled = interactions.with_ties(3)
    _, cut = split.core(catalog, shuffled, k=2)
    assert cut.people is not None
    assert cut.about("c") == {"age": 50}
    a = shuffled.code("a")
    assert cut.history(0).items.tolist() == shuffled.history(a).items.tolist()


def test_test_cut_trains_without_the_last_two():
    _, interactions = world([*line("a", [0, 1, 2, 3]), *line("b", [4])])
    loo = split.leave_one_out(interactions)
    assert len(loo) == 1
    assert loo.users.tolist() == [0]
    assert loo.targets.tolist() == [3]
    assert loo.values.tolist() == [4.0]
    assert loo.histories[0].items.tolist() == [0, 1, 2]
    assert loo.train.item.tolist() == [0, 1]
    assert loo.gaps.tolist() == [1]
    assert not loo.tied.any()


def test_validation_cuts_see_nothing_later():
    _, interactions = world(line("a", [0, 1, 2, 3, 4]))
    for cut in (1, 2, 3):
        loo = split.leave_one_out(interactions, cut)
        assert loo.targets.tolist() == [4 - cut]
        assert loo.histories[0].items.tolist() == list(range(4 - cut))
        assert loo.train.item.tolist() == list(range(4 - cut))
    assert len(split.leave_one_out(interactions, 4)) == 0


def test_max_history_keeps_the_latest():
    _, interactions = world(line("a", [0, 1, 2, 3, 4]))
    loo = split.leave_one_out(interactions, max_history=2)
    assert loo.histories[0].items.tolist() == [2, 3]


def test_ties_are_marked_on_both_sides():
    _, interactions = world([("a", 0, 1), ("a", 1, 2), ("a", 2, 3), ("a", 3, 3)])
    assert split.leave_one_out(interactions).tied.tolist() == [True]
    assert split.leave_one_out(interactions, 1).tied.tolist() == [True]
    assert split.leave_one_out(interactions, 2).tied.tolist() == [False]


@given(events_strategy, st.integers(0, 3))
def test_leave_one_out_never_leaks(rows, cut):
    _, interactions = world(rows)
    loo = split.leave_one_out(interactions, cut)
    place = interactions.from_end()
    trained = set(loo.train.position.tolist())
    later = set(interactions.position[place <= cut].tolist())
    assert not trained & later
    for user, history, target in zip(loo.users, loo.histories, loo.targets, strict=True):
        whole = interactions.history(int(user))
        assert len(history) == len(whole) - cut - 1 >= 1
        assert whole.items[len(history)] == target
        assert history.items.tolist() == whole.items[: len(history)].tolist()


def test_negative_cut_is_refused():
    _, interactions = world(line("a", [0, 1]))
    with pytest.raises(DataError, match="from the end"):
        split.leave_one_out(interactions, -1)


def test_random_ratio_deals_all_events_once():
    _, interactions = world([(f"u{at % 7}", at % 6, at) for at in range(3000)])
    parts = split.random_ratio(interactions, (6, 2, 2), seed=1)
    split.check_disjoint(*parts)
    assert sum(map(len, parts)) == 3000
    assert abs(len(parts[0]) / 3000 - 0.6) < 0.05
    again = split.random_ratio(interactions, (6, 2, 2), seed=1)
    assert [part.position.tolist() for part in parts] == [p.position.tolist() for p in again]
    with pytest.raises(DataError, match="positive"):
        split.random_ratio(interactions, (1, 0), seed=1)


def test_global_time_puts_the_boundary_second_in_the_test():
    _, interactions = world([("a", 0, 1), ("a", 1, 2), ("b", 2, 2), ("b", 3, 3)])
    cut = split.global_time(interactions, 0.5)
    assert cut.train.timestamp.max() < cut.test.timestamp.min()
    assert sorted(cut.test.item.tolist()) == [1, 2, 3]
    assert cut.held.tolist() == [0, 1]
    split.check_disjoint(cut.train, cut.test)
    empty = Interactions.empty(Catalog.of([]))
    assert len(split.global_time(empty, 0.5).test) == 0


def test_cold_items_and_users_are_out_of_training():
    _, interactions = world([(f"u{at % 10}", at % 6, at) for at in range(60)])
    items = split.item_cold(interactions, 0.3, seed=0)
    assert len(items.held) == 2
    assert not np.isin(items.train.item, items.held).any()
    assert np.isin(items.test.item, items.held).all()
    users = split.user_cold(interactions, 0.2, seed=0)
    assert len(users.held) == 2
    assert not np.isin(users.train.user, users.held).any()
    assert len(users.train) + len(users.test) == len(interactions)
    for parts in (items, users):
        split.check_disjoint(parts.train, parts.test)
    with pytest.raises(DataError, match="between 0 and 1"):
        split.item_cold(interactions, 1.5, seed=0)
    with pytest.raises(DataError, match="Nothing can be held out"):
        split.item_cold(world([("a", 0, 0)])[1], 0.5, seed=0)


def test_check_disjoint_raises_on_a_shared_event():
    _, interactions = world(line("a", [0, 1, 2]))
    part = interactions.where(np.array([True, True, False]))
    with pytest.raises(DataError, match="share events"):
        split.check_disjoint(part, interactions)
    split.check_disjoint()


def test_committed_follows_file_order(tmp_path):
    _, interactions = world([("b", 3, 9), ("a", 1, 5), ("a", 0, 1)])
    train, validation, test = split.committed(interactions, "tv\ne\n")
    assert (train.item.tolist(), validation.item.tolist(), test.item.tolist()) == ([3], [1], [0])
    with pytest.raises(FormatError, match="letters for 3"):
        split.committed(interactions, "tv")
    with pytest.raises(FormatError, match="'x'"):
        split.committed(interactions, "txe")
    path = tmp_path / "split.txt"
    path.write_text("tve")
    assert split.read_letters(path) == "tve"
    with pytest.raises(NotFound, match="check the data folder"):
        split.read_letters(tmp_path / "none.txt")


@pytest.fixture(scope="module")
def movielens(data_dir):
    return open_dataset(data_dir / "ml-latest-small")


def test_five_core_of_movielens(movielens):
    catalog, interactions = split.core(movielens.catalog, movielens.interactions, 5)
    assert (interactions.n_users, len(catalog), len(interactions)) == (610, 3650, 90274)
    loo = split.leave_one_out(interactions)
    assert len(loo) == 610
    assert round(loo.tied.mean() * 1000) == 149
    assert len(loo.train) == 90274 - 2 * 610
    # Ties by item id: the targets of an untied user are the same in every order.
    other = split.leave_one_out(interactions.with_ties(split.TIE_ORDERS["shuffle-1"]))
    assert (other.targets == loo.targets)[~loo.tied].all()
    assert (other.targets != loo.targets).any()


def test_committed_split_of_movielens(movielens, data_dir):
    letters = split.read_letters(data_dir / "ml-latest-small" / "split_spark_seed0.txt")
    parts = split.committed(movielens.interactions, letters)
    split.check_disjoint(*parts)
    assert sum(map(len, parts)) == 100_836
    train, _, test = parts
    warm = np.isin(test.user, train.user) & np.isin(test.item, train.item)
    assert warm.sum() == 19_346
