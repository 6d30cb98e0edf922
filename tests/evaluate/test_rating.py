import json
from functools import partial

import numpy as np
import pytest

from tastemate.data.datasets import open_dataset
from tastemate.data.split import committed, random_ratio, read_letters
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError, DataError
from tastemate.evaluate.rating import blend_ratings, lowered, root_mean
from tastemate.interactions import Interactions
from tastemate.train.ratings.factors import Factors
from tastemate.train.ratings.means import Means
from tastemate.train.ratings.taste import Taste
from tastemate.train.tune import Split


def _world(n_events=3000):
    """Ratings that follow the user, the item and one hidden direction."""
    catalog, events = random_world(seed=1, n_users=60, n_items=80, n_events=n_events)
    rng = np.random.default_rng(0)
    kind, good = rng.normal(0, 0.5, 60), rng.normal(0, 0.7, 80)
    taste = rng.choice([-1.0, 1.0], 60)[events.user] * rng.choice([-1.0, 1.0], 80)[events.item]
    value = np.clip(3 + kind[events.user] + good[events.item] + 0.6 * taste, 1, 5)
    made = Interactions(
        events.users,
        len(catalog),
        events.user,
        events.item,
        value.astype(np.float32),
        events.timestamp,
    )
    return Split(catalog, *random_ratio(made, (0.6, 0.2, 0.2), 0))


@pytest.fixture(scope="module")
def split():
    return _world()


def _makers(split):
    return [Means, partial(Factors, split.catalog, rank=2), partial(Taste, split.catalog)]


def test_validation_alone_unless_the_test_is_asked_for(split, tmp_path):
    log = tmp_path / "final.log"
    found = blend_ratings(split, _makers(split), against="als", log=log)
    assert not log.exists()
    assert "test" not in json.dumps(found)
    assert [row["name"] for row in found["parts"]] == ["means", "als", "taste"]
    assert found["blend"]["validation_rmse"] < found["parts"][0]["validation_rmse"]
    interval = found["blend"]["validation_interval"]
    assert interval["low"] < interval["value"] < interval["high"]

    final = blend_ratings(split, _makers(split), against="als", final=True, log=log)
    lines = log.read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["metrics"]["rmse"][0] == round(final["blend"]["test_rmse"], 5)
    assert final["blend"]["weights"] == found["blend"]["weights"]
    assert final["cold"]["part"] == "test"
    assert final["pairs"] + final["cold"]["pairs"] == len(split.test)


def test_the_test_part_teaches_nothing(split):
    upside = Interactions(
        split.test.users,
        len(split.catalog),
        split.test.user,
        split.test.item,
        6 - split.test.value,
        split.test.timestamp,
        position=split.test.position,
    )
    other = Split(split.catalog, split.train, split.validation, upside)
    same = [blend_ratings(one, _makers(split))["blend"]["weights"] for one in (split, other)]
    assert same[0] == same[1]


def test_shuffled_ratings_find_nothing(split):
    found = blend_ratings(split, _makers(split), shuffle_labels=True)
    value = split.validation.value
    assert found["shuffled"]
    assert found["blend"]["validation_rmse"] > 0.95 * float(np.std(value))


def test_shared_events_and_empty_parts_are_refused(split):
    with pytest.raises(DataError):
        blend_ratings(Split(split.catalog, split.train, split.train, split.test), [Means])
    none = split.test.where(np.zeros(len(split.test), np.bool_))
    with pytest.raises(ConfigError, match="no ratings"):
        blend_ratings(Split(split.catalog, split.train, none, split.test), [Means])


def test_intervals_are_over_people():
    user = np.repeat(np.arange(50), 4).astype(np.int32)
    squares = np.random.default_rng(0).chisquare(1, 200)
    found = root_mean({"a": squares}, user)["a"]
    assert found.value == pytest.approx(np.sqrt(squares.mean()))
    assert found.low < found.value < found.high
    less = lowered(squares * 0.81, squares, user)
    assert less.value == pytest.approx(0.1 * found.value)
    assert less.low > 0
    assert root_mean({"a": np.zeros(0)}, user[:0])["a"].value == 0.0


def test_taste_beats_als_on_movielens(data_dir):
    folder = data_dir / "ml-latest-small"
    letters = folder / "split_spark_seed0.txt"
    if not letters.is_file():
        pytest.skip("real data: ml-latest-small and its split")
    opened = open_dataset(str(folder))
    parts = committed(opened.interactions, read_letters(letters))
    makers = [partial(Factors, opened.catalog, seeds=1), partial(Taste, opened.catalog, crowd=0.0)]
    found = blend_ratings(Split(opened.catalog, *parts), makers, against="als")
    assert found["pairs"] == 19_011
    assert found["blend"]["validation_rmse"] < 0.82
    assert found["blend"]["validation_below_als"]["low"] > 0
