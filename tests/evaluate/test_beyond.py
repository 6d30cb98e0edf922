import json

import numpy as np
import polars as pl
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError, Interrupted
from tastemate.evaluate.baselines import Popular, Together
from tastemate.evaluate.beyond import beyond_accuracy
from tastemate.evaluate.groups import item_thirds, user_groups
from tastemate.evaluate.latent import latent
from tastemate.evaluate.lists import held_back
from tastemate.evaluate.loop import World, simulate, spread
from tastemate.interactions import Interactions
from tastemate.metrics import as_lists
from tastemate.types import Event, Item, history

ITEMS = 60


def world(users=40, each=15):
    genres = ("a", "b", "c", "d")
    catalog = Catalog.of(
        Item(str(i), f"Film {i}", attributes={"genres": (genres[i % 4], genres[i // 15])})
        for i in range(ITEMS)
    )
    rng = np.random.default_rng(2)
    weights = 1 / np.arange(1, ITEMS + 1)
    events = [
        Event(f"u{user}", str(int(item)), float(1 + place % 5), place)
        for user in range(users)
        for place, item in enumerate(
            rng.choice(ITEMS, each, replace=False, p=weights / weights.sum())
        )
    ]
    plain = Interactions.of(events, catalog)
    people = pl.DataFrame(
        {
            "group": ["x" if user % 2 else "y" for user in range(users)],
            "name": [f"name {user}" for user in range(users)],
        }
    )
    return catalog, Interactions(
        plain.users,
        ITEMS,
        plain.user,
        plain.item,
        plain.value,
        plain.timestamp,
        people=people,
    )


class Uniform:
    """Shows everybody different items, all over the catalogue."""

    def __init__(self, catalog, interactions):
        self.items, self.rng = len(catalog), np.random.default_rng(0)

    def scores(self, queries):
        return self.rng.random((len(queries), self.items)).astype(np.float32)


@pytest.fixture(scope="module")
def result():
    seen = []
    found = beyond_accuracy(
        {"popular": Popular, "uniform": Uniform},
        *world(),
        min_events=0,
        rounds=6,
        people=12,
        progress=lambda what, share: seen.append(what),
    )
    assert len(seen) == 2
    return found


def line(result, model, label):
    (found,) = [row for row in result.rows if row.model == model and row.slice == label]
    return {name: one.value for name, one in found.metrics.items()}


def test_popular_lists_are_narrow_and_random_ones_wide(result):
    narrow, wide = (line(result, model, "all") for model in ("popular", "uniform"))
    assert wide["coverage"] > narrow["coverage"]
    assert wide["gini"] < narrow["gini"]
    assert wide["novelty"] > narrow["novelty"]
    assert narrow["popularity_lift"] > wide["popularity_lift"]
    assert narrow["serendipity"] == 0.0
    assert 0 <= narrow["overlap_collaborative"] <= 1
    assert narrow["ndcg@10"] > wide["ndcg@10"]


def test_items_and_declared_groups_have_their_rows(result):
    shares = [line(result, "uniform", f"items: {third}") for third in ("popular", "middle", "rare")]
    assert sum(one["exposure"] for one in shares) == pytest.approx(1.0)
    assert sum(one["share_of_items"] for one in shares) == pytest.approx(1.0)
    assert line(result, "popular", "items: popular")["exposure"] > shares[0]["exposure"]
    assert "ndcg@10" in line(result, "popular", "users: group = x")
    assert line(result, "popular", "users: group, widest gap")["novelty widest gap"] >= 0
    assert not [row for row in result.rows if "name" in row.slice]


def test_the_loop_has_two_arms_and_its_curves(result):
    plain, diverse = (line(result, "popular", f"loop: {arm}") for arm in ("plain", "diverse"))
    assert diverse["ild_genre first"] > plain["ild_genre first"]
    assert len(result.loop["popular"]["plain"]["ild_genre"]) == 6
    body = json.loads(json.dumps(result.as_json()))
    assert {"model", "slice", "metrics"} <= set(body["rows"][0])


def test_a_stopped_run_goes_on_from_the_finished_models(tmp_path):
    fitted = []

    def popular(catalog, interactions):
        fitted.append("popular")
        return Popular(catalog, interactions)

    def stopped(catalog, interactions):
        raise KeyboardInterrupt

    def run(second):
        lots = {"popular": popular, "second": second}
        options = {"rounds": 2, "people": 5, "min_events": 0}
        return beyond_accuracy(lots, *world(), keep=tmp_path, **options)

    with pytest.raises(Interrupted, match="kept in"):
        run(stopped)
    first, again = run(Together), run(stopped)
    assert fitted == ["popular"]
    assert first.rows == again.rows
    assert first.loop == again.loop


def test_what_is_held_back_leaves_the_test_alone():
    _, events = world(users=3, each=11)
    train = held_back(events)
    assert np.diff(train.offsets).tolist() == [8, 8, 8]
    assert train.from_end().min() == 0
    catalog = Catalog.of([Item("0", "A")])
    with pytest.raises(DataError, match="hold some out"):
        beyond_accuracy({}, catalog, Interactions.of([Event("a", "0")], catalog), min_events=0)


def test_same_seed_same_figures():
    tables = [
        beyond_accuracy(
            {"together": Together},
            *world(),
            min_events=0,
            rounds=2,
            people=5,
            limit_users=20,
            vectors=np.eye(ITEMS, dtype=np.float32),
        )
        for _ in range(2)
    ]
    assert tables[0].rows == tables[1].rows
    assert tables[0].users == 20
    assert line(tables[0], "together", "all")["ild_embedding"] == pytest.approx(1.0)


def test_spreading_trades_place_for_difference():
    member = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    pool = as_lists([[0, 1, 2, 3], [0, 1]], 4)
    assert spread(pool, member, 2, 0.0)[0].tolist() == [0, 1]
    assert spread(pool, member, 2, 0.8)[0].tolist() == [0, 3]
    assert spread(pool, member, 3, 0.8)[1].tolist() == [0, 1, -1]


def test_a_person_who_is_shown_nothing_clicks_nothing():
    class Silent(Uniform):
        def scores(self, queries):
            assert all(len(query.history) == 1 for query in queries)
            return np.full((len(queries), self.items), -np.inf, np.float32)

    catalog, interactions = world()
    one = World(
        ["a"],
        [history([0])],
        np.zeros((1, ITEMS), np.float32),
        np.ones((ITEMS, 1), np.float32),
        np.ones((ITEMS, 1), np.float32),
        1.0,
    )
    rounds = simulate(Silent(catalog, interactions), one, rounds=2, k=3, diversity=0.0)
    assert rounds.coverage.tolist() == [0.0, 0.0]


def test_clicks_join_the_history():
    lengths = []

    class Spy(Uniform):
        def scores(self, queries):
            lengths.append([len(query.history) for query in queries])
            return super().scores(queries)

    catalog, interactions = world()
    people = World(
        ["a", "b"],
        [history([0, 1]), history([])],
        np.random.default_rng(0).random((2, ITEMS)).astype(np.float32),
        np.ones((ITEMS, 1), np.float32),
        np.ones((ITEMS, 1), np.float32),
        1.0,
    )
    simulate(Spy(catalog, interactions), people, rounds=3, k=5, diversity=0.3)
    assert lengths == [[2, 0], [3, 1], [4, 2]]


def test_thirds_hold_a_third_of_the_events_each():
    thirds, labels = item_thirds(np.array([30, 10, 10, 10, 5, 5, 5, 5, 5, 5]))
    assert labels == ("popular", "middle", "rare")
    assert thirds.tolist() == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2]


def test_groups_without_declarations():
    catalog, events = world()
    bare = Interactions(
        events.users, ITEMS, events.user, events.item, events.value, events.timestamp
    )
    groups = user_groups(bare, np.arange(40))
    assert groups.declared == {}
    tastes = [groups.masks[f"taste: {name}"].sum() for name in ("rare", "middle", "popular")]
    assert sum(tastes) == 40


def test_too_little_for_a_factor():
    catalog = Catalog.of([Item("0", "A")])
    assert latent(Interactions.empty(catalog)).items.tolist() == [[0.0]]
