import numpy as np
import polars as pl
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.logistic import Logistic, _minimise, _Pairs
from tastemate.types import Item, Query, history


def _catalog(n: int = 60) -> Catalog:
    return Catalog.of(
        Item(
            f"i{at:02}",
            f"Item {at}",
            attributes={
                "genres": ("Crime",) if at % 2 else ("Comedy", "Family"),
                "year": 1990 + at,
            },
        )
        for at in range(n)
    )


@pytest.fixture(scope="module")
def world():
    """Old people like crime (odd items), young ones comedy; the last ten items nobody met."""
    catalog = _catalog()
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(80), 12)
    item = np.concatenate([rng.choice(50, 12, replace=False) for _ in range(80)])
    value = np.where(user % 2 == item % 2, 5.0, 1.0)
    people = pl.DataFrame(
        {
            "group": ["old" if code % 2 else "young" for code in range(80)],
            "age": [70 if code % 2 else 20 for code in range(80)],
            "hobbies": [["chess"] if code % 2 else ["surf", "chess"] for code in range(80)],
        }
    )
    events = Interactions(
        [f"u{code}" for code in range(80)],
        len(catalog),
        user.astype(np.int32),
        item.astype(np.int32),
        value.astype(np.float32),
        np.arange(len(user), dtype=np.int64),
        people=people,
    )
    return catalog, events


@pytest.fixture(scope="module")
def model(world) -> Logistic:
    return Logistic(regularisation=1.0).fit(*world)


def _lead(scores, parity: int) -> float:
    """How far the items of a parity lead on average."""
    return float(scores[parity::2].mean() - scores[1 - parity :: 2].mean())


def test_the_history_decides(model):
    crime = Query(history=history([1, 3, 5], [5, 5, 5]))
    comedy = Query(history=history([0, 2, 4], [5, 5, 5]))
    scores = model.scores([crime, comedy])
    assert _lead(scores[0], 1) > 0.1
    assert _lead(scores[1], 0) > 0.1


def test_what_is_declared_decides_without_a_history(model):
    old, young = model.scores(
        [
            Query(about={"group": "old", "age": 70, "hobbies": ("chess",)}),
            Query(about={"group": "young", "age": 20}),
        ]
    )
    assert _lead(old, 1) > 0.1
    assert _lead(young, 0) > 0.1


def test_everybody_and_everything_gets_a_probability(model):
    scores = model.scores([Query(), Query(about={"unheard": "of", "age": "?"})])
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()


def test_dislikes_are_no_profile(model):
    disliked = model.scores([Query(history=history([1, 3], [1, 1]))])
    np.testing.assert_array_equal(disliked, model.scores([Query()]))


def test_cold_items_are_told_apart_by_their_attributes(model):
    scores = model.scores([Query(history=history([1, 3, 5], [5, 5, 5]))])[0]
    assert scores[51::2].min() > scores[50::2].max()


def test_same_seed_same_model(world):
    queries = [Query(history=history([1, 3]))]
    first, again, other = (
        Logistic(seed=seed, pairs=200).fit(*world).scores(queries) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_saved_and_loaded_it_scores_new_items_too(world, model, tmp_path):
    catalog, _ = world
    model.save(tmp_path / "m")
    new = [
        Item("crime", "Crime", attributes={"genres": ("Crime",), "year": 2020}),
        Item("comedy", "Comedy", attributes={"genres": ("Comedy", "Family"), "year": 2020}),
    ]
    loaded = Logistic().load(tmp_path / "m", catalog.with_items(new))
    query = Query(history=history([1, 3, 5], [5, 5, 5]), about={"group": "old"})
    scores = loaded.scores([query])[0]
    np.testing.assert_allclose(scores[:-2], model.scores([query])[0], atol=1e-6)
    assert scores[-2] > scores[-1]


def test_the_gradient_is_that_of_the_loss(monkeypatch):
    from scipy.optimize import check_grad

    rng = np.random.default_rng(0)
    pairs = _Pairs(
        *(rng.normal(size=(30, width)).astype(np.float32) for width in (3, 3, 2)),
        (rng.random(30) < 0.4).astype(np.float32),
    )
    kept = {}

    def look(loss, start, **_):
        kept["error"] = check_grad(
            lambda t: loss(t)[0], lambda t: loss(t)[1], rng.normal(size=len(start)), epsilon=1e-3
        )
        return type("Found", (), {"x": start})

    monkeypatch.setattr("tastemate.retrieve.logistic.minimize", look)
    _minimise(pairs, 1.0)
    assert kept["error"] < 0.2


def test_clicks_without_attributes_or_people_still_serve():
    catalog = Catalog.of(Item(f"i{at}", "x") for at in range(8))
    events = Interactions(
        ["a", "b"],
        8,
        np.array([0, 0, 1], np.int32),
        np.array([0, 1, 0], np.int32),
        np.ones(3, np.float32),
        np.arange(3),
    )
    scores = Logistic(regularisation=0.1).fit(catalog, events).scores([Query()])[0]
    assert np.isfinite(scores).all()
    assert scores[0] > scores[5]


@pytest.mark.parametrize("n", [0, 4])
def test_without_events_nothing_is_served(n, tmp_path):
    catalog = _catalog(n)
    model = Logistic().fit(catalog, Interactions.empty(catalog))
    assert np.isneginf(model.scores([Query()])).all()
    model.save(tmp_path / "m")
    assert Logistic().load(tmp_path / "m", catalog).scores([Query()]).shape == (1, n)


def test_what_is_wrong_is_said():
    with pytest.raises(NotFitted, match="fit or load"):
        Logistic().scores([Query()])
    for options in ({"regularisation": 0}, {"negatives": 0}, {"pairs": 0}, {"values": -1}):
        with pytest.raises(ConfigError, match="good starts"):
            Logistic(**options)


def test_an_item_nobody_met_is_no_worse_than_its_attributes(world):
    catalog, events = world
    model = Logistic(regularisation=1.0).fit(catalog, events)
    scores = model.scores([Query(history=history([1, 3, 5], [5, 5, 5]))])[0]
    assert scores[51::2].min() > scores[:50:2].max()


def test_similar_shares_attributes(model):
    lines = model.similar(np.array([0], dtype=np.int32), 3)
    assert all(candidate.row % 2 == 0 for candidate in lines[0])
