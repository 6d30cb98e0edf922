"""Fairness turned up step by step, and in the loop: who gets more, who less, what it costs."""

import json

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.evaluate.baselines import Popular
from tastemate.evaluate.loop import World, simulate
from tastemate.evaluate.steps import exposures, fair_steps
from tastemate.interactions import Interactions
from tastemate.metrics import as_lists
from tastemate.rank.beliefs import Thompson
from tastemate.rank.explore import Explorer
from tastemate.rank.fair import Fair
from tastemate.types import Controls, Event, Item, history

ITEMS = 60


@pytest.fixture(scope="module")
def world():
    catalog = Catalog.of(
        Item(str(at), f"Item {at}", attributes={"press": "small" if at > 30 else "big"})
        for at in range(ITEMS)
    )
    rng = np.random.default_rng(2)
    weights = 1 / np.arange(1, ITEMS + 1)
    events = [
        Event(f"u{user}", str(int(item)), float(1 + place % 5), place)
        for user in range(40)
        for place, item in enumerate(
            rng.choice(ITEMS, 16, replace=False, p=weights / weights.sum())
        )
    ]
    return catalog, Interactions.of(events, catalog)


def test_each_step_gives_the_rare_more_and_the_first_is_what_it_was(world):
    rows = fair_steps(Popular, *world, table={"attribute": "press"}, min_events=0, k=10)
    assert [row["fair"] for row in rows] == [0.0, 0.25, 0.5, 1.0]
    assert rows[0]["ndcg less"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    small = [{one["group"]: one for one in row["groups"]}["small"]["exposure"] for row in rows]
    assert small[0] < small[-1]
    rare = [{one["group"]: one for one in row["exposure"]}["rare"]["exposure"] for row in rows]
    assert rare[0] < rare[-1]
    assert rows[-1]["popularity mix"]["value"] < rows[0]["popularity mix"]["value"]
    assert json.dumps(rows) == json.dumps(
        fair_steps(Popular, *world, table={"attribute": "press"}, min_events=0, k=10)
    )


def test_exposure_is_shared_out_and_the_ratio_is_over_the_share_of_items():
    member = np.array([[True, False], [False, True], [False, True], [False, True]])
    rows = exposures(as_lists([[0, 1]], 2), member, ("one", "rest"))
    first = 1 / (1 + 1 / np.log2(3))
    assert rows[0]["exposure"] == pytest.approx(first)
    assert rows[0]["ratio"] == pytest.approx(first / 0.25)
    assert rows[0]["exposure"] + rows[1]["exposure"] == pytest.approx(1.0)


@pytest.mark.parametrize("way", ["fair", "explore"])
def test_the_loop_takes_any_arranger_and_shows_what_is_less_known(world, way):
    catalog, events = world
    fit = Popular(catalog, events)
    people = World(
        [f"u{at}" for at in range(20)],
        [history([40 + at, 41 + at]) for at in range(10)] + [history([0, 1])] * 10,
        np.random.default_rng(0).random((20, ITEMS)).astype(np.float32),
        np.ones((ITEMS, 1), np.float32),
        np.ones((ITEMS, 1), np.float32),
        1.0,
        novelty=np.arange(ITEMS, dtype=np.float64),
    )
    ways = {"fair": Fair(catalog, events.counts), "explore": Explorer(Thompson())}
    plain = simulate(fit, people, rounds=2, k=10)
    arms = [
        simulate(fit, people, rounds=2, k=10, arranger=ways[way], controls=Controls(**{way: 1.0}))
        for _ in range(2)
    ]
    assert arms[0].coverage.tolist() == arms[1].coverage.tolist()
    assert arms[0].coverage[0] >= plain.coverage[0]
    assert arms[0].values["novelty"][0].mean() > plain.values["novelty"][0].mean()


@pytest.mark.parametrize("flag", ["--fair", "--live"])
def test_the_command_line_audits(flag, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from tastemate.cli.main import app

    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path))
    if flag == "--fair":
        monkeypatch.setattr("tastemate.build.factory", lambda *_: Popular)
    asked = ["audit", "-d", "films", flag, "--users", "30", "--json"]
    found = CliRunner().invoke(app, asked)
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["dataset"] == "films"
    if flag == "--live":
        assert told["lists"] == 0
        assert told["all"]["too_few"] is True
    else:
        assert len(told["rows"]) == 4
    plain = CliRunner().invoke(app, asked[:-1])
    assert plain.exit_code == 0, plain.output
