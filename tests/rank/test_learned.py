import builtins

import numpy as np
import pytest

from tastemate import artifacts
from tastemate.catalog import Catalog
from tastemate.data.synthetic import random_world
from tastemate.errors import FormatError, Unavailable
from tastemate.interactions import Interactions
from tastemate.protocols import Ranker
from tastemate.rank import cells, crowd
from tastemate.rank.crowd import DAY, Crowd
from tastemate.rank.features import LONGEST, Case, Features
from tastemate.rank.learned import LEAST, Learned, grown
from tastemate.rank.likeness import words
from tastemate.rank.neighbours import neighbours
from tastemate.types import Candidate, Event, Item, Leaning, Query, history

lightgbm = pytest.importorskip("lightgbm", reason="needs lightgbm")
CATALOG, EVENTS = random_world(3, n_users=30, n_items=40, n_events=500)
VECTORS = np.eye(40, 8, dtype=np.float32)
FEATURES = Features(CATALOG, Crowd.of(EVENTS), VECTORS)


def _pool(rows) -> list[Candidate]:
    return [
        Candidate(int(row), 2.0 - at / 10, "blend", at + 1, (("a", at / 3), ("b", -np.inf)))
        for at, row in enumerate(rows)
    ]


def _query(code: int = 0, **more) -> Query:
    return Query(user=f"u{code}", history=EVENTS.history(code), **more)


def _ranker(seed: int = 0) -> Learned:
    """Trees that prefer the items with the highest mean rating."""
    rng = np.random.default_rng(seed)
    names = tuple(FEATURES.columns(Case.of(_query().history, _pool(range(5)))))
    tables, told = [], []
    for code in range(EVENTS.n_users):
        rows = rng.permutation(40)[:12]
        tables.append(FEATURES.table(Case.of(_query(code).history, _pool(rows)), names))
        told.append(np.arange(12) == FEATURES.crowd.mean[rows].argmax())
    data = lightgbm.Dataset(np.concatenate(tables), np.concatenate(told), group=[12] * len(tables))
    options = {"objective": "lambdarank", "verbose": -1, "min_data_in_leaf": 3, "num_threads": 1}
    return Learned(FEATURES, names, lightgbm.train(options, data, 20).model_to_string())


RANKER = _ranker()


def _naive(of, before, after) -> float:
    """How often `after` came within the window of `before`, decayed, counted event by event."""
    total = 0.0
    for code in range(of.n_users):
        items = of.history(code).items.tolist()
        for at, item in enumerate(items):
            for lag in range(1, crowd.WINDOW + 1):
                if item == after and at >= lag and items[at - lag] == before:
                    total += crowd.STEP ** (lag - 1)
    return total


def test_the_crowd_counts_what_is_counted_by_hand() -> None:
    known = Crowd.of(EVENTS)
    for before, after in ((0, 1), (1, 0), (2, 5), (7, 3)):
        assert known.follows[before, after] == pytest.approx(_naive(EVENTS, before, after))
    one = sum(
        (np.diff(np.flatnonzero(np.isin(items, [0, 1]))) == 1).any()
        and items.tolist().index(1) == items.tolist().index(0) + 1
        for items in (EVENTS.history(code).items for code in range(EVENTS.n_users))
        if {0, 1} <= set(items.tolist())
    )
    assert known.lags[0][0, 1] == one
    times = np.sort(EVENTS.timestamp[EVENTS.item == 4])
    assert known.first[4] == times[0]
    for when in (int(times[0]) - 1, int(times[0]), int(times[-1])):
        assert known.until(np.array([4], np.int32), [when])[0, 0] == (times <= when).sum()
    together = (known.days @ known.days.T).toarray()
    met = {(u, int(t) // DAY) for u, i, t in _triples() if i == 0}
    assert together[0, 1] == len(met & {(u, int(t) // DAY) for u, i, t in _triples() if i == 1})


def _triples():
    return zip(EVENTS.user.tolist(), EVENTS.item.tolist(), EVENTS.timestamp.tolist(), strict=True)


def test_a_time_before_the_first_or_after_the_last_event_is_counted_too() -> None:
    known = Crowd.of(EVENTS)
    rows = np.arange(40, dtype=np.int32)
    whens = [-(10**12), int(EVENTS.timestamp.min()), 10**12]
    none, some, every = known.until(rows, whens)
    assert not none.any()
    assert some.sum() == (EVENTS.timestamp == EVENTS.timestamp.min()).sum()
    np.testing.assert_array_equal(every, EVENTS.counts)
    nothing = Crowd.of(EVENTS.where(np.zeros(len(EVENTS), dtype=bool)))
    assert not nothing.until(rows, [0, 10**9]).any()


@pytest.mark.parametrize("dense", [0, 1 << 30])
def test_cells_and_products_are_those_of_the_matrix(dense, monkeypatch) -> None:
    monkeypatch.setattr(cells, "_DENSE", dense)
    known, rng = Crowd.of(EVENTS), np.random.default_rng(0)
    for size in (0, 1, 7):
        past, rows = rng.integers(0, 40, size), rng.permutation(40)[:9]
        whole = known.follows.toarray()[past][:, rows]
        np.testing.assert_allclose(cells.block(known.follows, past, rows), whole)
        has = (known.met.toarray() > 0).astype(np.float32)
        both = (has @ has.T)[past][:, rows]
        np.testing.assert_allclose(cells.products(known.met, past, rows), both)
        weighed = (known.follows @ known.follows.T).toarray()[past][:, rows]
        near = cells.products(known.follows, past, rows, weighed=True)
        np.testing.assert_allclose(near, weighed, rtol=1e-5)
        columns, values, owner = cells.gathered(known.follows, rows)
        table = np.zeros((9, 40), np.float32)
        np.add.at(table, (owner, columns), values)
        np.testing.assert_allclose(table, known.follows.toarray()[rows])


def test_neighbours_are_those_who_stood_where_somebody_stands_now(monkeypatch) -> None:
    catalog = Catalog.of([Item(f"i{at}", f"Item {at}") for at in range(8)])
    told = {"a": [0, 1, 2, 3], "b": [1, 0, 4, 2], "c": [5, 2], "d": [3, 6]}
    events = Interactions.of(
        [
            Event(user, f"i{item}", timestamp=at)
            for user, items in told.items()
            for at, item in enumerate(items)
        ],
        catalog,
    )
    met = Crowd.of(events).met
    assert met[2].toarray().ravel().tolist() == [3, 4, 2, 0]
    past = np.array([1, 0], np.int32)  # latest first: 0, then 1
    rows = np.array([2, 3, 4, 5, 6, 7], np.int32)
    found = neighbours(met, past, rows)
    full = 1 + 0.8
    assert found["neighbours"].tolist() == pytest.approx(
        [2 * full**2, full**2, full**2, 0, 0, 0], rel=1e-5
    )
    after = [full**2 * (1 + 0.8**2), full**2 * 0.8, full**2 * 0.8, 0, 0, 0]
    assert found["neighbours, after"].tolist() == pytest.approx(after, rel=1e-5)
    turned = 1 + 0.8 * 0.8**2  # b met the other one a step after, not before
    assert found["neighbours in order, after"].tolist() == pytest.approx(
        [full**2 + turned**2 * 0.8**2, full**2 * 0.8, turned**2 * 0.8, 0, 0, 0], rel=1e-5
    )
    assert found["neighbours in order, best"][0] == pytest.approx(full, rel=1e-5)
    monkeypatch.setattr("tastemate.rank.neighbours.VOICES", 1)
    assert neighbours(met, np.array([5, 2], np.int32), rows)["neighbours"][1] == 0
    assert not any(one.any() for one in neighbours(met, np.array([7], np.int32), rows).values())


def test_words_of_titles_tell_by_how_rare_they_are_and_by_what_comes_first() -> None:
    titles = ["OPI Natural Nail", "opi nail lacquer", "Argan oil", "", "argan OIL 8 oz", "Lone one"]
    table, first = words(titles)
    near = (table @ table.T).toarray()
    np.testing.assert_allclose(np.diag(near), [1, 1, 1, 0, 1, 0], atol=1e-6)
    assert near[0, 1] > 0.9
    assert near[2, 4] > 0.9
    assert near[0, 2] == 0
    assert first[0] == first[1] >= 0
    assert first[2] == first[4] >= 0
    assert first[0] != first[2]
    assert first[3] == first[5] == -1
    catalog = Catalog.of([Item(f"i{at}", title) for at, title in enumerate(titles)])
    events = Interactions.of([Event("u", "i0"), Event("u", "i2", timestamp=1)], catalog)
    case = Case.of(events.history(0), _pool([1, 4, 5]))
    found = Features(catalog, Crowd.of(events)).columns(case)
    assert found["words of last"].tolist() == pytest.approx([0, near[2, 4], 0])
    assert found["words, nearest of 20"].tolist() == pytest.approx([near[0, 1], near[2, 4], 0])
    assert found["first word of last"].tolist() == [0, 1, 0]
    assert found["first word, of how many"].tolist() == [1, 1, 0]


def test_parts_may_differ_from_candidate_to_candidate() -> None:
    pool = [
        Candidate(1, 2.0, "blend", 1, (("a", 1.0), ("b", 2.0))),
        Candidate(2, 1.0, "blend", 2, (("b", 3.0),)),
    ]
    case = Case.of(history([0, 3, 4]), pool)
    assert case.scores["a"].tolist() == [1.0, -np.inf]
    assert case.scores["b"].tolist() == [2.0, 3.0]


def test_what_is_not_there_is_nan_and_an_unknown_part_is_left_out() -> None:
    case = Case.of(_query().history, _pool([3, 1, 2]))
    table = FEATURES.table(case, ["mix of nobody", "retrieved a", "retrieved b"])
    assert np.isnan(table[:, 0]).all()
    assert table[:, 1].tolist() == sorted(table[:, 1].tolist())
    assert (table[:, 2] == 0).all()
    bare = Features(CATALOG, FEATURES.crowd)
    assert np.isnan(bare.table(case, ["text of last"])).all()
    assert np.isfinite(FEATURES.table(case, ["text of last"])).all()


def test_features_are_of_the_right_size_and_finite() -> None:
    for rows in ([0], [5, 1], range(40)):
        found = FEATURES.columns(Case.of(_query(2).history, _pool(rows)))
        for name, column in found.items():
            assert np.shape(column) in ((), (len(rows),)), name
            assert np.isfinite(column).all(), name


def test_the_order_of_a_pool_changes_no_feature_of_its_items_but_ties() -> None:
    pool = _pool(range(12))
    names = [name for name in RANKER.names if "place" not in name]
    straight = FEATURES.table(Case.of(_query().history, pool), names)
    turned = FEATURES.table(Case.of(_query().history, pool[::-1]), names)
    np.testing.assert_allclose(straight, turned[::-1], rtol=1e-4, atol=1e-5)


def test_of_a_long_history_only_the_latest_events_are_read() -> None:
    rows = np.random.default_rng(0).integers(0, 40, 3 * LONGEST).tolist()
    whole, late = history(rows), history(rows).last(LONGEST)
    pool = _pool(range(12))
    np.testing.assert_array_equal(
        FEATURES.table(Case.of(whole, pool), RANKER.names),
        FEATURES.table(Case.of(late, pool), RANKER.names),
    )


def test_it_is_a_ranker_and_learned_what_it_was_taught() -> None:
    assert isinstance(RANKER, Ranker)
    pools = [_pool(np.random.default_rng(at).permutation(40)[:12]) for at in range(20)]
    before = [list(pool) for pool in pools]
    ranked = RANKER.rank([_query(at) for at in range(20)], pools)
    assert pools == before
    hits = 0
    for came, went in zip(before, ranked, strict=True):
        assert sorted(one.row for one in went) == sorted(one.row for one in came)
        assert set(went) == set(came)
        rows = np.array([one.row for one in came])
        hits += went[0].row == rows[FEATURES.crowd.mean[rows].argmax()]
    assert hits >= 8  # by chance 20/12


@pytest.mark.parametrize(
    "query",
    [
        _query(text="a quiet one"),
        _query(leanings=(Leaning("genres", "is", "War"),)),
        Query(),
        Query(history=history(list(range(LEAST - 1)))),
    ],
)
def test_what_was_asked_for_now_is_not_overruled(query) -> None:
    pool = _pool(range(12))
    assert RANKER.rank([_query()], [pool]) != [pool]
    assert RANKER.rank([query], [pool]) == [pool]


def test_a_vector_of_tastes_leaves_the_order_to_the_trees() -> None:
    pool = _pool(range(12))
    with_it = _query(vector=np.ones(8, np.float32))
    assert RANKER.rank([with_it], [pool]) == RANKER.rank([_query()], [pool]) != [pool]


def test_a_batch_equals_its_queries_one_by_one_and_small_pools_pass() -> None:
    queries = [_query(at) for at in range(6)]
    pools = [_pool(np.arange(at, at + size)) for at, size in enumerate((0, 1, 2, 12, 30, 5))]
    together = RANKER.rank(queries, pools)
    assert together == [RANKER.rank([q], [p])[0] for q, p in zip(queries, pools, strict=True)]
    assert together[0] == []
    assert RANKER.rank([], []) == []


def test_saved_and_loaded_it_ranks_the_same(tmp_path) -> None:
    RANKER.save(tmp_path / "ranker")
    again = Learned.load(tmp_path / "ranker", CATALOG, VECTORS)
    queries, pools = [_query(1), _query(2)], [_pool(range(20)), _pool(range(10, 40))]
    for one, other in zip(RANKER.scores(queries, pools), again.scores(queries, pools), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not list((tmp_path / "ranker").glob("*.pkl"))
    assert artifacts.read(tmp_path / "ranker")[0]["names"] == list(RANKER.names)


def test_a_grown_catalogue_is_ranked_too(tmp_path) -> None:
    RANKER.save(tmp_path / "ranker")
    wide = CATALOG.with_items([Item("new", "New", "", {"genres": ("War",), "year": 2001})])
    vectors = np.vstack([VECTORS, np.ones((1, 8), np.float32)])
    again = Learned.load(tmp_path / "ranker", wide, vectors)
    (ranked,) = again.rank([_query(1)], [_pool([40, 3, 5])])
    assert sorted(one.row for one in ranked) == [3, 5, 40]
    kept = again.scores([_query(1)], [_pool([3, 5, 8])])[0]
    np.testing.assert_allclose(kept, RANKER.scores([_query(1)], [_pool([3, 5, 8])])[0])


def test_a_folder_of_another_catalogue_or_with_too_few_names_is_refused(tmp_path) -> None:
    RANKER.save(tmp_path / "ranker")
    with pytest.raises(FormatError, match="40 items"):
        Learned.load(tmp_path / "ranker", random_world(1, n_items=20)[0])
    Learned(FEATURES, RANKER.names[:-1], RANKER.trees).save(tmp_path / "short")
    with pytest.raises(FormatError, match="features"):
        Learned.load(tmp_path / "short", CATALOG)
    Learned(FEATURES, ["renamed", *RANKER.names[1:]], RANKER.trees).save(tmp_path / "other")
    with pytest.raises(FormatError, match="'renamed'"):
        Learned.load(tmp_path / "other", CATALOG)


def test_without_lightgbm_it_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == "lightgbm":
            raise ImportError("no lightgbm here")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(Unavailable, match=r"tastemate\[train\]"):
        grown(RANKER.trees)
