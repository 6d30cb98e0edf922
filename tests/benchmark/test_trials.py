"""The harnesses themselves, small: they run, are deterministic, and tell right from wrong."""

import json

import numpy as np
import pytest

from tastemate.benchmark import clicks, drafts, explore, offpolicy, trials


def test_looks_at_experiments() -> None:
    alike = trials.whether(200, 0).figures()
    assert alike["always_valid_peeked"] <= 0.05 < alike["fixed_peeked"]
    better = trials.whether(200, 0, lift=0.5).figures()
    assert better["always_valid_peeked"] > 0.95
    assert trials.whether(50, 3).figures() == trials.whether(50, 3).figures()
    assert 0.0 <= trials.returning(3, 0).figures()["fixed"] <= 1.0
    assert trials.hashed(20, 0).units[-1] == trials.UNITS


def test_alarms_and_shares() -> None:
    sound, _, broken = trials.alarms(100, 0, looks=10)
    assert float(sound["sequential_peeked_at_5%"]) <= 0.05
    assert broken["sequential_peeked"] == 1.0
    assert trials.assignment(0, salts=1)["worst"] <= 0.01


def test_interleaving_beside_a_split() -> None:
    same = drafts.alike(25, 0)
    assert same["always_valid_peeked"] <= same["fixed"] <= 0.2
    assert same["mean_share_of_wins"] == pytest.approx(0.5, abs=0.03)
    assert drafts.alike(2, 7) == drafts.alike(2, 7)
    rows = drafts.sensitivity(20, 0)
    assert [row["noise"] for row in rows] == list(drafts.BETTER)
    for row in rows:
        assert row["lift"] > 0
        assert 1 < row["times_fewer"] < 50
    assert rows[0]["users_interleaved"] > rows[-1]["users_interleaved"]
    assert rows[-1]["power"] >= 0.5
    held = drafts.checks(1_000, same | {"fixed": 0.05, "always_valid_peeked": 0.01}, rows)
    assert list(held.values())[:3] == [True, True, True]
    assert not any(list(drafts.checks(1_000, same | {"fixed": 0.1}, rows).values())[:1])
    json.dumps(rows, allow_nan=False)


def test_users_needed_are_what_simulation_says() -> None:
    rng = np.random.default_rng(1)
    crowd = drafts.Crowd.drawn(4_000, 0.4, rng)
    drafted = crowd.drafts(rng)
    chance = crowd.chances(np.array([one.items for one in drafted]))
    ours = np.array([[team == "a" for team in one.teams] for one in drafted])
    needed, rewarded = drafts._drafted(chance, ours)
    credits = [crowd.credits(rng) for _ in range(3)]
    won = np.sign([float(b - a) for part in credits for b, a in part if a + b])
    assert len(won) / 12_000 == pytest.approx(rewarded, abs=0.015)
    told = drafts._needed(float(won.mean()), float(won.var())) / rewarded
    assert needed == pytest.approx(told, rel=0.5)


def test_policies_judged_from_logs() -> None:
    found = offpolicy.offpolicy(runs=3, lists=500)
    by = {(row["policy"], row["method"]): row for row in found["rows"]}
    assert by["upside down", "dr"]["refused"] == 1.0
    one = by["sharper draws", "snips"]
    assert abs(one["estimate"] - one["truth"]) < 0.2
    json.dumps(found, allow_nan=False)


def test_the_exact_worth_agrees_with_serving() -> None:
    world = offpolicy.World.drawn(np.random.default_rng(0))
    policy = offpolicy.Drawing(np.ones_like(world.scores), 0.2)
    lists = np.array(offpolicy._paths(1))
    kinds = np.zeros(len(lists), dtype=np.intp)
    every, chance = policy.steps(kinds, lists)
    assert chance.prod(axis=1).sum() == pytest.approx(1.0)
    assert every.sum(axis=2) == pytest.approx(np.ones(lists.shape))


def test_exploring_and_correcting() -> None:
    found = explore.explore(seeds=2, lists=1_000)
    assert {row["policy"] for row in found["rows"]} == set(explore.POLICIES)
    assert all(row["regret"] > 0 for row in found["rows"])
    json.dumps(found, allow_nan=False)
    learned = clicks.clicks(runs=2, lists=2_000, rounds=2)
    tau = {(row["habit"], row["way"]): row["tau"] for row in learned["rows"]}
    assert tau["wrong", "clicks by EM"] > tau["wrong", clicks.RAW]
    json.dumps(learned, allow_nan=False)
