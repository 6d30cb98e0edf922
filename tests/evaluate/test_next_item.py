import json

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, Interrupted
from tastemate.evaluate import record
from tastemate.evaluate.protocol import next_item
from tastemate.interactions import Interactions
from tastemate.types import Event, Item

USERS, ITEMS, EACH = 40, 30, 12
DAY = 86_400
START = 1_000_000_000


def world(seed=0):
    """People who walk the items in a ring, one step a day: the next item is certain."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.of(Item(str(i), f"Item {i}") for i in range(ITEMS))
    events = []
    for user in range(USERS):
        first = int(rng.integers(ITEMS))
        for step in range(EACH):
            when = START + user + step * DAY
            events.append(Event(f"u{user}", str((first + step) % ITEMS), 1.0 + step % 5, when))
    return catalog, Interactions.of(events, catalog)


class Oracle:
    """Scores the item after the last one of the history highest."""

    calls = 0

    def __init__(self, catalog, interactions):
        type(self).calls += 1
        self.items = len(catalog)
        self.train = interactions

    def scores(self, queries):
        scores = np.zeros((len(queries), self.items), np.float32)
        for row, query in zip(scores, queries, strict=True):
            row[(int(query.history.items[-1]) + 1) % self.items] = 1.0
        return scores


class Dice:
    def __init__(self, catalog, interactions, seed=0):
        self.items, self.rng = len(catalog), np.random.default_rng(seed)

    def scores(self, queries):
        return self.rng.random((len(queries), self.items)).astype(np.float32)


class Flat(Dice):
    def scores(self, queries):
        return np.zeros((len(queries), self.items), np.float32)


class Silent(Dice):
    def scores(self, queries):
        return np.full((len(queries), self.items), -np.inf, np.float32)


@pytest.mark.parametrize("final", [False, True])
def test_an_oracle_is_perfect(final, tmp_path):
    result = next_item(Oracle, *world(), final=final, log=tmp_path / "final.log")
    assert result.split == ("test" if final else "validation")
    assert result.users == USERS
    assert result.items == ITEMS
    for name in ("ndcg@5", "recall@10", "mrr@20", "map@10", "hit@10"):
        assert result.metrics[name].value == result.metrics[name].low == 1.0
    assert list(result.cuts) == (["0"] if final else ["1", "2", "3"])
    assert (tmp_path / "final.log").exists() == final


def test_a_random_order_is_at_chance_and_a_flat_or_silent_one_is_last():
    result = next_item(Dice, *world(), cuts=(1, 2, 3, 4))
    # everything met is masked, so about 12 to 8 fewer items compete than the catalogue holds
    assert result.chance["recall@10"] == pytest.approx(1 / 3)
    assert 0.3 < result.metrics["recall@10"].value < 0.75
    for model in (Flat, Silent):
        assert next_item(model, *world()).metrics["recall@10"].value == 0.0
    assert next_item(Flat, *world(), equal="catalogue").metrics["recall@10"].value > 0.0


def test_each_look_at_the_test_leaves_a_line(tmp_path):
    log = tmp_path / "deep" / "final.log"
    for _ in range(2):
        result = next_item(Oracle, *world(), final=True, model="oracle", log=log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["model"] == "oracle"
    assert lines[0]["fingerprint"] == result.fingerprint
    assert lines[0]["metrics"]["ndcg@10"] == [1.0, 1.0, 1.0]


def test_the_model_never_sees_what_it_is_asked(tmp_path):
    asked = {}

    class Spy(Oracle):
        def scores(self, queries):
            for query in queries:
                code = self.train.code(query.user)
                asked[query.user] = (len(self.train.history(code)), len(query.history))
            return super().scores(queries)

    next_item(Spy, *world(), cuts=(1,))
    assert set(asked.values()) == {(EACH - 2, EACH - 2)}
    next_item(Spy, *world(), final=True, log=tmp_path / "final.log")
    assert set(asked.values()) == {(EACH - 2, EACH - 1)}
    next_item(Spy, *world(), cuts=(1,), max_history=4)
    assert set(asked.values()) == {(EACH - 2, 4)}


def test_relabelled_training_is_at_chance():
    result = next_item(Oracle, *world(), shuffle_labels=True)
    assert result.metrics["recall@5"].value < 0.5
    assert result.metrics["mrr@10"].value < 0.3


def test_kept_cells_are_read_again_and_a_stop_keeps_them(tmp_path):
    class Once(Oracle):
        calls = 0

    class Stops(Oracle):
        calls = 0

        def __init__(self, catalog, interactions):
            super().__init__(catalog, interactions)
            if Stops.calls == 2:
                raise KeyboardInterrupt

    first = next_item(Once, *world(), keep=tmp_path)
    again = next_item(Once, *world(), keep=tmp_path)
    assert Once.calls == 3
    assert first.metrics == again.metrics
    assert next_item(Once, *world(seed=5), keep=tmp_path, cuts=(1,)).users == USERS
    assert Once.calls == 4, "other data is another cell"
    with pytest.raises(Interrupted, match="after 1 of 3 cells, kept in"):
        next_item(Stops, *world(), keep=tmp_path, model="stops")
    next_item(Stops, *world(), keep=tmp_path, model="stops")
    assert Stops.calls == 4
    Stops.calls = 1
    with pytest.raises(Interrupted, match="not kept"):
        next_item(Stops, *world())


def test_a_damaged_cell_is_made_again(tmp_path):
    record.write_cell(tmp_path, {"a": 1}, {"ranks": np.arange(3)})
    found = record.read_cell(tmp_path, {"a": 1})
    assert found is not None
    assert found["ranks"].tolist() == [0, 1, 2]
    (tmp_path / record.key({"a": 1}) / "meta.json").write_text("{")
    assert record.read_cell(tmp_path, {"a": 1}) is None
    assert record.read_cell(tmp_path, {"a": 2}) is None


def test_paired_comparison_and_seeds():
    seen = []
    result = next_item(
        {seed: lambda c, i, seed=seed: Dice(c, i, seed) for seed in (1, 2)},
        *world(),
        model="dice",
        compare={"oracle": Oracle},
        progress=lambda what, share: seen.append((what, share)),
    )
    assert result.compared["oracle"]["ndcg@10"].high < 0
    assert set(result.seeds) == {"1", "2"}
    mean = np.mean([one["ndcg@10"] for one in result.seeds.values()])
    assert result.metrics["ndcg@10"].value == pytest.approx(mean)
    assert seen[-1] == ("oracle, cut 3", 1.0)
    with pytest.raises(ConfigError, match="compared with itself"):
        next_item(Dice, *world(), compare={"model": Oracle})


def test_slices_know_gaps_ties_history_and_popularity():
    catalog, plain = world()
    events = [
        Event(plain.users[u], str(i), float(v), int(t))
        for u, i, v, t in zip(plain.user, plain.item, plain.value, plain.timestamp, strict=True)
    ]
    # the odd users' last two events fall into one second, the next ones half an hour apart
    quick = []
    for at, event in enumerate(events):
        user, place = divmod(at, EACH)
        shift = {0: 0, 1: DAY - 1800}[user % 2] if place == EACH - 2 else 0
        if place == EACH - 1 and user % 2:
            shift = 2 * DAY - 1800
        quick.append(Event(event.user, event.item, event.value, event.timestamp - shift))
    result = next_item(Oracle, catalog, Interactions.of(quick, catalog), cuts=(1,))
    gaps = result.slices["gap"]
    assert gaps["under an hour"].users == USERS // 2
    assert gaps["an hour or more"].users == USERS // 2
    assert result.slices["ties"]["untied"].users == USERS // 2
    assert list(result.slices["history"]) == ["10 to 19"]
    assert sum(part.users for part in result.slices["popularity"].values()) == USERS
    assert result.depth[10].value > 0.4
    body = json.loads(json.dumps(result.as_json()))
    assert body["slices"]["gap"]["under an hour"]["metrics"]["ndcg@10"]["high"] <= 1.0


def test_order_of_ties_changes_who_is_last_only_where_times_tie():
    catalog, plain = world()
    flat = Interactions(
        plain.users, ITEMS, plain.user, plain.item, plain.value, np.zeros_like(plain.timestamp)
    )
    results = {
        ties: next_item(Oracle, catalog, flat, ties=ties, cuts=(1,)).fingerprint
        for ties in ("id", "shuffle-1", "shuffle-2")
    }
    assert len(set(results.values())) == 3
    no_clock = next_item(Oracle, catalog, flat, cuts=(1,))
    assert "gap" not in no_clock.slices


def test_what_cannot_be_measured_says_why():
    catalog, plain = world()
    with pytest.raises(DataError, match="lower min_events"):
        next_item(Oracle, catalog, plain, min_events=500)
    with pytest.raises(ConfigError, match="shuffle-1"):
        next_item(Oracle, catalog, plain, ties="shuffle1")
    with pytest.raises(ConfigError, match="worst"):
        next_item(Oracle, catalog, plain, equal="best")
    with pytest.raises(ConfigError, match="final=True"):
        next_item(Oracle, catalog, plain, cuts=(0, 1))
    with pytest.raises(ConfigError, match="cut"):
        next_item(Oracle, catalog, plain, cuts=())
    with pytest.raises(DataError, match="enough events"):
        next_item(Oracle, catalog, plain, cuts=(EACH,))

    class Short(Dice):
        def scores(self, queries):
            return np.zeros((1, self.items), np.float32)

    with pytest.raises(DataError, match="one row for each query"):
        next_item(Short, catalog, plain)


def test_a_part_of_the_users_is_the_same_on_every_cut():
    result = next_item(Oracle, *world(), limit_users=7)
    assert result.users == 7
    assert {part.users for part in result.cuts.values()} == {7}


def test_the_machine_is_named():
    assert "numpy" in record.hardware()
    assert record.command()


def test_the_published_size_of_the_core(data_dir):
    from tastemate.data.datasets import open_dataset
    from tastemate.evaluate.baselines import Popular

    folder = data_dir / "ml-latest-small"
    if not folder.is_dir():
        pytest.skip("real data: ml-latest-small is not in TASTEMATE_DATA")
    data = open_dataset(folder)
    result = next_item(Popular, data.catalog, data.interactions, cuts=(1,))
    assert (result.users, result.items, result.events) == (610, 3650, 90_274)
    assert 0.0 < result.metrics["ndcg@10"].value < 0.06
    assert result.slices["gap"]["under a minute"].users > 400
