from dataclasses import replace

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError, DataError, FormatError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.train.ratings.blend import crossed, learn
from tastemate.train.ratings.factors import Factors
from tastemate.train.ratings.likeness import likeness
from tastemate.train.ratings.means import Means
from tastemate.train.ratings.neighbours import Neighbours
from tastemate.train.ratings.pairs import Pairs, groups
from tastemate.train.ratings.smoother import Smoother
from tastemate.train.ratings.tags import read_tag_times, tag_times
from tastemate.train.ratings.taste import Taste
from tastemate.train.ratings.weighing import weigh
from tastemate.types import Event, Item

KINDS = ("Comedy", "War")


def world(users=30, items=40, seed=0, share=0.5):
    """Even users like comedies (4.5 against 1.5), odd ones war films; half is known."""
    catalog = Catalog.of(
        Item(f"i{at}", f"Film {at}", "", {"genres": (KINDS[at % 2],), "year": 1990.0 + at % 2})
        for at in range(items)
    )
    rng = np.random.default_rng(seed)
    events, asked = [], []
    for user in range(users):
        for item in range(items):
            value = 4.5 if (user + item) % 2 == 0 else 1.5
            event = Event(f"u{user}", f"i{item}", value, 1_000_000 + 86_400 * item)
            (events if rng.random() < share else asked).append(event)
    train = Interactions.of(events, catalog)
    code = {user: at for at, user in enumerate(train.users)}
    pairs = Pairs(
        np.array([code[event.user] for event in asked], np.int32),
        catalog.rows(event.item for event in asked),
        np.array([event.timestamp for event in asked], np.int64),
    )
    return catalog, train, pairs, np.array([event.value for event in asked])


def rmse(got, value):
    return float(np.sqrt(np.mean(np.square(got - value))))


def makers(catalog):
    return [
        Means(),
        Factors(catalog, rank=2, regularisation=0.05, seeds=2),
        Neighbours("item"),
        Neighbours("user"),
        Taste(catalog),
        Taste(catalog, timed=False, crowd=0.0),
    ]


def test_taste_and_neighbours_find_the_one_right_answer():
    catalog, train, pairs, value = world()
    errors = {model.name: rmse(model.fit(train).predict(pairs), value) for model in makers(catalog)}
    assert errors["means"] > 1.3
    for name in ("als", "item-neighbours", "user-neighbours"):
        assert errors[name] < 0.6, errors
    assert errors["taste"] < 0.1, errors


def test_an_item_nobody_rated_is_known_by_its_genre():
    catalog, train, pairs, _ = world()
    train = train.where(train.item != 0)
    at = np.flatnonzero(pairs.item == 1)[:1].astype(np.intp)
    asked = replace(pairs.take(at), item=np.zeros(1, np.int32))
    right = 4.5 if int(train.users[int(asked.user[0])][1:]) % 2 == 0 else 1.5
    assert Taste(catalog).fit(train).predict(asked)[0] == pytest.approx(right, abs=0.3)
    assert not asked.known(train)[0]


@pytest.mark.parametrize("at", range(6))
def test_predictors_answer_cold_pairs_within_the_scale_and_do_so_again(at):
    catalog, interactions = random_world(seed=3, n_users=20, n_items=30)
    train = interactions.where((interactions.user > 1) & (interactions.item > 2))
    pairs = Pairs.of(interactions)
    model, again = makers(catalog)[at], makers(catalog)[at]
    with pytest.raises(NotFitted):
        model.predict(pairs)
    got = model.fit(train).predict(pairs)
    assert got.shape == (len(pairs),)
    assert np.isfinite(got).all()
    assert np.array_equal(got, again.fit(train).predict(pairs))
    assert len(model.predict(pairs.take(np.zeros(0, np.intp)))) == 0


def test_a_prediction_does_not_hang_on_who_else_is_asked():
    catalog, train, pairs, _ = world()
    for model in makers(catalog):
        every = model.fit(train).predict(pairs)
        one = model.predict(pairs.take(np.array([5])))
        assert one[0] == pytest.approx(every[5], abs=1e-4)


def test_training_ratings_alone_are_read():
    catalog, train, pairs, _ = world()
    late = replace(pairs, timestamp=pairs.timestamp + 10 * 365 * 86_400)
    still = Taste(catalog, timed=False).fit(train)
    assert np.allclose(still.predict(pairs), still.predict(late))


def test_repeated_ratings_and_a_single_rating_do_no_harm():
    catalog, train, pairs, _ = world(users=4, items=6)
    twice = train.with_events([Event("u0", "i0", 1.5, 5), Event("u0", "i0", 4.5, 6)], catalog)
    single = train.where(np.arange(len(train)) == 0)
    for model in makers(catalog):
        assert np.isfinite(model.fit(twice).predict(pairs)).all()
        assert np.isfinite(model.fit(single).predict(pairs)).all()


def test_sittings_carry_over():
    """Two ratings of one person at one minute are alike, whatever the items."""
    rng = np.random.default_rng(1)
    catalog = Catalog.of(Item(f"i{at}", f"Film {at}", "", {}) for at in range(60))
    events, moods = [], {}
    for user in range(40):
        for item in range(60):
            sitting = item // 6
            mood = moods.setdefault((user, sitting), float(rng.choice([-1.0, 1.0])))
            events.append(
                Event(f"u{user}", f"i{item}", 3 + mood, 10_000_000 * user + 86_400 * sitting + item)
            )
    every = Interactions.of(events, catalog)
    known = rng.random(len(every)) < 0.5
    train, asked = every.where(known), every.where(~known)
    timed = Taste(catalog).fit(train)
    assert rmse(timed.predict(Pairs.of(asked)), asked.value) < 0.4
    assert timed.weights["sitting"] > timed.weights["always"]
    blind = Taste(catalog, timed=False).fit(train)
    assert rmse(blind.predict(Pairs.of(asked)), asked.value) > 0.8


def test_weights_follow_the_marginal_likelihood():
    rng = np.random.default_rng(0)
    places = groups(np.repeat(np.arange(60), 12).astype(np.int32), 60)
    shared = np.repeat(rng.standard_normal(60), 12)
    noise = 0.5 * rng.standard_normal(720)

    def blocks(at):
        return [np.ones((len(at), len(at)), np.float32), np.eye(len(at), k=1, dtype=np.float32) * 0]

    found = weigh(places, blocks, shared + noise, np.array([0.1, 0.1, 0.5]))
    assert found[0] == pytest.approx(0.8, abs=0.25)
    assert found[2] == pytest.approx(0.2, abs=0.06)


def test_a_smoother_splits_a_residual():
    same = [np.array([0, 1, 2])]
    smoother = Smoother(same, lambda at: np.ones((len(at), len(at)), np.float32), 1.0)
    residual = np.array([1.0, 2.0, 3.0])
    smooth = smoother.smooth(residual, smoother.alphas(residual))
    assert np.allclose(smooth, 6.0 / 4.0, atol=1e-5)


def test_tags_are_those_written_before():
    tags = tag_times(
        2, np.array([1, 1], np.int32), np.array([10, 20], np.int64), ["dull", "Dull heroes"]
    )
    rows = tags.rows(np.array([1, 1, 1, 0], np.int32), np.array([10, 11, 21, 99], np.int64))
    assert np.diff(rows.indptr).tolist() == [0, 1, 2, 0]
    assert np.allclose(rows.multiply(rows).sum(axis=1).ravel(), [0, 1, 1, 0], atol=1e-6)


def test_tags_are_read_with_their_times(tmp_path):
    catalog = Catalog.of([Item("7", "Seven", "", {})])
    path = tmp_path / "tags.csv"
    path.write_text("userId,movieId,tag,timestamp\n1,7,grim,100\n1,8,odd,100\n2,7,Grim,50\n")
    tags = read_tag_times(path, catalog)
    assert len(tags.tag) == 2
    assert len(tags.rarity) == 1
    path.write_text("movieId,tag\n7,grim\n")
    with pytest.raises(FormatError, match="timestamp"):
        read_tag_times(path, catalog)


def test_likeness_reads_what_a_catalogue_has_and_no_more():
    catalog, train, _, _ = world()
    like = likeness(catalog, timed=False)
    assert like.names == ("always", "popularity", "quality", "attributes", "numbers")
    seen = like.seen(train.item[:3], train.timestamp[:3])
    blocks = like.blocks(seen, seen)
    assert len(blocks) == len(like.names)
    assert all(block.shape == (3, 3) for block in blocks)
    bare = likeness(Catalog.of([Item("a", "A", "", {})]))
    assert bare.names == ("always", "popularity", "quality", "sitting", "month")


def test_a_blend_learns_whom_to_believe():
    rng = np.random.default_rng(0)
    value = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], 400)
    told = np.column_stack([value + rng.normal(0, 0.3, 400), rng.normal(3, 1, 400)])
    scale = Scale(1.0, 5.0)
    weights = learn(("good", "noise"), told, value, scale)
    assert weights.as_json()["good"] > 0.9
    assert weights.as_json()["noise"] < 0.05
    user = np.repeat(np.arange(40), 10).astype(np.int32)
    mixed = crossed(("good", "noise"), told, value, user, scale)
    assert rmse(mixed, value) < 0.35
    assert mixed.min() >= 1.0
    with pytest.raises(DataError):
        learn(("good",), told, value, scale)
    with pytest.raises(DataError):
        crossed(("good", "noise"), told, value, np.zeros(400, np.int32), scale)


def test_bad_options_are_refused():
    catalog, train, _, _ = world(users=2, items=2)
    with pytest.raises(ConfigError):
        Taste(catalog, vectors=np.zeros((9, 4), np.float32))
    with pytest.raises(ConfigError):
        Taste(catalog, rounds=0)
    with pytest.raises(ConfigError):
        Neighbours("item", k=0)
    with pytest.raises(ConfigError):
        Factors(catalog, seeds=0)
    with pytest.raises(ConfigError, match="no rating"):
        Taste(catalog).fit(train.where(np.zeros(len(train), np.bool_)))
