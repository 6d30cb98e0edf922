import json

import numpy as np
import pytest

from tastemate.benchmark import replay as day
from tastemate.benchmark import tokens as bench
from tastemate.data.datasets import open_dataset
from tastemate.errors import DataError
from tastemate.evaluate.lists import held_back
from tastemate.explain.phrased import read
from tastemate.interactions import Interactions
from tastemate.llm.person import Person, Rated
from tastemate.llm.prompts import explanation, listwise, profile
from tastemate.llm.tokens import estimate
from tastemate.types import Evidence, Item

ITEMS = [Item(str(at), f"Film {at}") for at in range(6)]


@pytest.fixture(scope="module")
def films():
    return open_dataset("films")


@pytest.fixture(scope="module")
def counted(films):
    wanted = {"labels": (bench.ranked("labels", 10),), "listwise": (bench.ranked("listwise", 10),)}
    return bench.tokens(films, 4, configurations=wanted)


def test_rows_hold_ours_against_theirs(counted):
    assert {"labels", "listwise"} == {row["name"] for row in counted["rows"]}
    for row in counted["rows"]:
        assert row["ratio"] == pytest.approx(row["value"] / row["against_value"], abs=1e-3)
        assert 0 < row["prompts"] < row["value"]
        assert row["as_written"] > row["ratio"]
        assert row["calls"] == 1
    assert json.dumps(counted)
    assert counted["widest"] == max(row["ratio"] for row in counted["rows"])


def test_label_scores_cost_one_token_of_reply(counted):
    labels = [row for row in counted["rows"] if row["name"] == "labels"]
    assert all(row["value"] - row["prompts"] == pytest.approx(1, abs=0.11) for row in labels)
    other = [row for row in counted["rows"] if row["name"] == "listwise"]
    assert all(row["value"] - row["prompts"] > 10 for row in other)


def test_labels_of_ten_stay_within_a_quarter(counted):
    assert all(row["ratio"] <= 0.25 for row in counted["rows"] if row["name"] == "labels")


def test_rows_say_whether_they_keep_to_a_quarter(counted):
    for row in counted["rows"]:
        assert row["goal"] == (row["value"] <= 0.25 * row["against_value"])


def test_worded_stages_are_counted_by_their_calls(films):
    wanted = {
        "taste": (bench.ranked("labels", 10, taste=True),),
        "three": (bench.ranked("labels", 10), bench.phrased()),
        "ten": (bench.ranked("labels", 10), bench.phrased(lines=10)),
    }
    rows = bench.tokens(films, 3, configurations=wanted)["rows"]
    taste, three, ten = (next(r for r in rows if r["name"] == name) for name in wanted)
    assert taste["calls"] == three["calls"] == ten["calls"] == 2
    assert three["value"] < ten["value"]


def test_the_default_configuration_of_a_long_history_keeps_to_a_quarter(data_dir):
    """Labels, taste and the first reasons by the model, all cold, of people with 150 events."""
    films = open_dataset(str(data_dir / "ml-latest-small"))
    events = films.interactions
    long = [events.users[at] for at in np.flatnonzero(np.diff(events.offsets) >= 150)[:5]]
    name = "labels, 10 candidates, taste and first 3 reasons worded"
    found = bench.tokens(films, long, configurations={name: bench.CONFIGURATIONS[name]})
    assert found["widest"] <= 0.25
    assert all(row["calls"] == 3 for row in found["rows"])


def test_a_cold_call_is_counted_for_everybody(films):
    """The same two people cost the same together as one by one: nothing is cached."""
    wanted = {"labels": (bench.ranked("labels", 10),)}
    users = films.interactions.users[:2]
    alone = [bench.tokens(films, [user], configurations=wanted)["rows"][0] for user in users]
    both = bench.tokens(films, list(users), configurations=wanted)["rows"][0]
    assert both["value"] == pytest.approx(sum(row["value"] for row in alone) / 2, abs=0.1)


def test_batching_shares_the_static_part(films):
    wanted = {
        "one": (bench.ranked("listwise", 10),),
        "eight": (bench.ranked("listwise", 10, users_per_call=8),),
    }
    rows = bench.tokens(films, 8, configurations=wanted)["rows"]
    one, eight = (next(row for row in rows if row["name"] == name) for name in wanted)
    assert eight["calls"] == pytest.approx(1 / 8, abs=1e-3)
    assert eight["value"] < one["value"]


def test_the_meter_answers_what_fits():
    meter = bench.Meter()
    model = meter.model
    order = json.loads(model.complete([listwise(Person(), ITEMS)])[0].text)["order"]
    assert sorted(order) == [1, 2, 3, 4, 5, 6]
    taste = json.loads(model.complete([profile([Rated(item, 4.0) for item in ITEMS])])[0].text)
    assert taste == {"text": bench.SENTENCE, "statements": list(bench.STATEMENTS)}
    fact = Evidence("e1", "liked item", "0", "Film 0")
    shown = [(item, [fact]) for item in ITEMS[:3]]
    reasons = json.loads(model.complete([explanation("single", shown)])[0].text)["reasons"]
    assert [place for place in read({"reasons": reasons}, 3)] == [0, 1, 2]
    assert len(meter.said) == 3
    prompts, replies = meter.used(estimate)
    assert prompts > 50
    assert replies > 20
    assert model.name == "scripted:meter"


def test_nobody_with_events_is_said(films):
    few = films.interactions.where(films.interactions.from_end() < 3)
    lean = type(films)(films.name, films.catalog, few, ())
    with pytest.raises(DataError, match="20 events"):
        bench.tokens(lean, 3)


def test_traffic_is_skewed_and_grows_histories(films):
    train = held_back(films.interactions)
    looks = day.traffic(train, films.interactions, 400, seed=3)
    assert len(looks) == 400
    assert looks == day.traffic(train, films.interactions, 400, seed=3)
    visits = sorted(sum(one.user == u for one in looks) for u in {o.user for o in looks})
    assert visits[-1] > 5 * visits[len(visits) // 2]
    grown = [one for one in looks if one.events > len(train.history(one.user))]
    assert grown
    assert all(one.events <= len(films.interactions.history(one.user)) for one in looks)
    assert 0.03 < sum(bool(one.text) for one in looks) / 400 < 0.2
    assert len(set(looks)) < len(looks)


def test_nobody_to_replay_is_said(films):
    empty = Interactions.empty(films.catalog)
    with pytest.raises(DataError, match="history"):
        day.traffic(empty, empty, 5)


def test_cache_and_gate_save_in_one_run(films):
    found = day.replay(films, 60, model="popular", seed=1)
    assert found["arms"]["neither"]["answered_by_cache"] == 0
    assert found["cache_hit_rate"] == pytest.approx(found["day"]["same as before"], abs=0.05)
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["neither: tokens"]["ratio"] == 1
    assert rows["cache: tokens"]["ratio"] == pytest.approx(1 - found["cache_hit_rate"], abs=0.1)
    assert rows["gate: calls"]["ratio"] == pytest.approx(1 - found["gate_rate"])
    base = found["arms"]["neither"]
    assert base["tokens"] > 60 * 100
    assert 0 < base["cost"] == pytest.approx(base["tokens"] * 0.15e-6, rel=0.05)
    assert json.dumps(found)
