from pathlib import Path

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.split import committed, read_letters
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.als import BiasedAls
from tastemate.retrieve.factors import ridge
from tastemate.train.tune import rmse
from tastemate.types import Event, Item, Query, history


def _catalog(n: int) -> Catalog:
    return Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(n))


def _interactions(n_items: int, user, item, value) -> Interactions:
    users = [f"u{at}" for at in range(int(max(user, default=-1)) + 1)]
    return Interactions(
        users,
        n_items,
        np.asarray(user, np.int32),
        np.asarray(item, np.int32),
        np.asarray(value, np.float32),
        np.arange(len(user), dtype=np.int64),
    )


@pytest.fixture(scope="module")
def world():
    """A low-rank world of ratings on 0.5..5, 60% seen: catalogue, training part, the rest."""
    rng = np.random.default_rng(7)
    n_users, n_items = 120, 60
    truth = 3 + rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items)) * 0.6
    truth += rng.normal(size=n_users)[:, None] * 0.3 + rng.normal(size=n_items) * 0.3
    noisy = np.clip(truth + rng.normal(size=truth.shape) * 0.1, 0.5, 5)
    seen = rng.random(truth.shape) < 0.6
    seen[:, -1] = False
    train = _interactions(n_items, *np.nonzero(seen), noisy[seen])
    rest = ~seen
    rest[:, -1] = False
    return _catalog(n_items), train, _interactions(n_items, *np.nonzero(rest), noisy[rest])


def _queries(interactions: Interactions) -> list[Query]:
    return [Query(history=interactions.history(code)) for code in range(interactions.n_users)]


def test_ridge_solves_each_system():
    rng = np.random.default_rng(0)
    from scipy import sparse

    values = sparse.random(40, 30, 0.3, "csr", np.float32, rng)
    factors = rng.normal(size=(30, 5)).astype(np.float32)
    penalty = rng.uniform(0.5, 2, 40).astype(np.float32)
    solved = ridge(values, factors, penalty)
    for row in range(40):
        met = values.indices[values.indptr[row] : values.indptr[row + 1]]
        f = factors[met]
        right = f.T @ values.data[values.indptr[row] : values.indptr[row + 1]]
        expected = np.linalg.solve(f.T @ f + penalty[row] * np.eye(5), right)
        np.testing.assert_allclose(solved[row], expected, atol=1e-4)


def test_error_falls_well_below_that_of_the_means(world):
    catalog, train, rest = world
    means = BiasedAls(iterations=0).fit(catalog, train)
    model = BiasedAls(rank=2, regularisation=0.02).fit(catalog, train)
    assert rmse(model, train, rest).warm < 0.5 * rmse(means, train, rest).warm


def test_scores_are_predicted_ratings_and_never_rated_items_have_none(world):
    catalog, train, _ = world
    model = BiasedAls(rank=2).fit(catalog, train)
    queries = _queries(train)[:3]
    scores = model.scores(queries)
    assert scores.shape == (3, len(catalog))
    assert scores.dtype == np.float32
    assert np.isneginf(scores[:, -1]).all()
    assert np.isfinite(scores[:, :-1]).all()
    rows = np.arange(len(catalog) - 1, dtype=np.int32)
    predicted = np.stack(model.predict(queries, [rows] * 3))
    scale = train.scale
    np.testing.assert_allclose(predicted, np.clip(scores[:, :-1], scale.low, scale.high), atol=1e-5)


def test_a_batch_is_its_single_answers(world):
    catalog, train, _ = world
    model = BiasedAls(rank=3).fit(catalog, train)
    queries = _queries(train)[:8]
    together = model.scores(queries)
    alone = np.concatenate([model.scores([query]) for query in queries])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_same_seed_same_model_other_seed_another(world):
    catalog, train, _ = world
    queries = _queries(train)[:4]
    first, again, other = (
        BiasedAls(rank=4, iterations=2, seed=seed).fit(catalog, train).scores(queries)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_saved_and_loaded_over_a_grown_catalogue_it_answers_the_same(world, tmp_path):
    catalog, train, _ = world
    model = BiasedAls(rank=3).fit(catalog, train)
    model.save(tmp_path / "als")
    grown = catalog.with_items([Item("new", "New")])
    loaded = BiasedAls().load(tmp_path / "als", grown)
    queries = _queries(train)[:4]
    scores = loaded.scores(queries)
    np.testing.assert_array_equal(scores[:, :-1], model.scores(queries))
    assert np.isneginf(scores[:, -1]).all()
    new = np.array([len(catalog)], np.int32)
    got = loaded.predict(queries[:1], [new])[0]
    bare = model.predict(queries[:1], [np.array([len(catalog) - 1], np.int32)])[0]
    np.testing.assert_array_equal(got, bare)
    assert loaded.similar(new, 3) == [[]]


def test_cold_people_and_items_are_predicted_by_the_means():
    catalog = _catalog(4)
    train = _interactions(4, [0, 0, 1, 1], [0, 1, 0, 1], [5, 3, 4, 1])
    model = BiasedAls(rank=1, user_shrinkage=0, item_shrinkage=0).fit(catalog, train)
    nobody, happy = model.predict(
        [Query(), Query(history=history([0, 1], [5, 3]))], [np.arange(4, dtype=np.int32)] * 2
    )
    assert nobody[0] > nobody[1]
    assert nobody[2] == nobody[3] == pytest.approx(3.25)
    assert happy[2] > 3.5
    assert np.isneginf(model.scores([Query()])).all()


def test_of_an_item_rated_twice_the_latest_counts(world):
    catalog, train, _ = world
    model = BiasedAls(rank=2).fit(catalog, train)
    twice = Query(history=history([3, 5, 3], [1, 4, 5]))
    once = Query(history=history([5, 3], [4, 5]))
    np.testing.assert_allclose(model.scores([twice]), model.scores([once]), atol=1e-6)
    shares = model.contributions(twice, np.arange(10, dtype=np.int32))
    assert (shares[:, 0] == 0).all()


def test_contributions_sum_to_the_personal_part(world):
    catalog, train, _ = world
    model = BiasedAls(rank=3).fit(catalog, train)
    query = _queries(train)[5]
    items = np.arange(len(catalog), dtype=np.int32)
    total = model.contributions(query, items).sum(axis=1)
    means = BiasedAls(iterations=0).fit(catalog, train).scores([query])[0, :-1]
    np.testing.assert_allclose(total[:-1], model.scores([query])[0, :-1] - means, atol=1e-4)
    assert model.contributions(Query(), items).shape == (len(catalog), 0)


def test_similar_items_are_other_rated_ones(world):
    catalog, train, _ = world
    found = BiasedAls(rank=3).fit(catalog, train).similar(np.array([0, 59], np.int32), 5)
    assert len(found[0]) == 5
    assert found[1] == []
    rows = [candidate.row for candidate in found[0]]
    assert 0 not in rows
    assert 59 not in rows
    assert [c.score for c in found[0]] == sorted((c.score for c in found[0]), reverse=True)


@pytest.mark.parametrize("value", [1.0, 4.0])
def test_constant_values_are_no_ratings(value):
    catalog = _catalog(3)
    train = _interactions(3, [0, 0, 1], [0, 1, 1], [value] * 3)
    model = BiasedAls().fit(catalog, train)
    query = Query(history=history([0], [value]))
    assert np.isneginf(model.scores([query])).all()
    assert model.predict([query], [np.array([1, 2], np.int32)])[0].tolist() == [value, value]


def test_one_user_one_rating_and_empty_worlds_stay_finite():
    single = Interactions.of([Event("a", "i0", 2.0), Event("a", "i1", 4.0)], _catalog(3))
    scores = BiasedAls().fit(_catalog(3), single).scores([Query(history=single.history(0))])
    assert np.isfinite(scores[0, :2]).all()
    assert np.isneginf(scores[0, 2])
    for n in (0, 3):
        empty = BiasedAls().fit(_catalog(n), Interactions.empty(_catalog(n)))
        assert empty.scores([Query()]).shape == (1, n)
        assert np.isneginf(empty.scores([Query()])).all()
        assert empty.scores([]).shape == (0, n)
        assert empty.predict([], []) == []
        assert empty.retrieve([Query()], 5) == [[]]


def test_what_is_wrong_is_said():
    with pytest.raises(NotFitted, match="fit or load"):
        BiasedAls().scores([Query()])
    for options in ({"rank": 0}, {"iterations": -1}, {"regularisation": 0}, {"user_shrinkage": -1}):
        with pytest.raises(ConfigError):
            BiasedAls(**options)


def test_p2_best_cell_on_the_committed_split(data_dir: Path):
    dataset = open_dataset(data_dir / "ml-latest-small")
    letters = read_letters(data_dir / "ml-latest-small" / "split_spark_seed0.txt")
    train, validation, test = committed(dataset.interactions, letters)
    model = BiasedAls(rank=12, regularisation=0.2).fit(dataset.catalog, train)
    final = rmse(model, train, test)
    assert rmse(model, train, validation).warm < 0.8535
    assert final.warm_pairs == 19_346
    assert final.warm < 0.857
    assert final.pairs == 20_349
    assert final.every < 0.866
