import builtins

import numpy as np
import pytest

from tastemate import artifacts
from tastemate.data.synthetic import random_world
from tastemate.errors import FormatError, Unavailable
from tastemate.protocols import Ranker
from tastemate.rank import crowd
from tastemate.rank.crowd import DAY, Crowd
from tastemate.rank.features import LONGEST, Case, Features
from tastemate.rank.learned import LEAST, Learned, grown
from tastemate.types import Candidate, Item, Leaning, Query, history

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
        _query(vector=np.ones(8, np.float32)),
        Query(),
        Query(history=history(list(range(LEAST - 1)))),
    ],
)
def test_what_was_asked_for_now_is_not_overruled(query) -> None:
    pool = _pool([9, 4, 7, 1])
    assert RANKER.rank([query], [pool]) == [pool]


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


def test_without_lightgbm_it_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == "lightgbm":
            raise ImportError("no lightgbm here")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(Unavailable, match=r"tastemate\[train\]"):
        grown(RANKER.trees)
