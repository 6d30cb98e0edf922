"""Interleavings: what may be asked, who meets them, and what their logged lists say."""

from typing import Any

import numpy as np
import pytest
from tests.experiment.frames import impressions, signals

from tastemate.errors import ConfigError, FormatError
from tastemate.experiment.analyse import analyse
from tastemate.experiment.assign import arms_of, assign
from tastemate.experiment.definition import INTERLEAVED, Experiment, check_together
from tastemate.experiment.drafted import drafted, results
from tastemate.experiment.outcomes import outcomes
from tastemate.experiment.reading import read, stored
from tastemate.experiment.replay import Records

ASKED: dict[str, Any] = {
    "id": "mix", "kind": "interleave", "metric": {"signals": ["click"]},
    "arms": [{"name": "old"}, {"name": "new", "overrides": {"novelty": 0.5}}],
}  # fmt: skip


def lists(won: list[str], unit: str = "u") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two lines a list, opened by each arm in turn; what the arm named put in is clicked."""
    shown, done = [], []
    for at, side in enumerate(won):
        order = ("old", "new") if at % 2 else ("new", "old")
        named = {"recommendation": f"{unit}-r{at}", "user": f"{unit}{at}"}
        for place, arm in enumerate(order, start=1):
            one = {"item": arm, "position": place, "arm": f"other=x;mix={arm}", "at": at}
            shown.append(named | one)
        clicked = {"old": ["old"], "new": ["new"], "both": ["old", "new"], "": []}[side]
        done += [named | {"item": item, "timestamp": at + 1} for item in clicked]
    return shown, done


def test_json_comes_back_and_the_traffic_can_change() -> None:
    one = read(ASKED)
    assert read(one.as_json()) == one
    assert (one.control, one.held_out, one.expected) == ("old", 0.0, 2_000)
    assert "share" not in one.as_json()["arms"][0]
    less = one.with_traffic(0.25)
    assert read(less.as_json()) == less
    users = [f"u{at}" for at in range(4_000)]
    inside = np.array(arms_of(less, users)) == INTERLEAVED
    assert inside.mean() == pytest.approx(0.25, abs=0.03)
    more = np.array(arms_of(less.with_traffic(0.5), users)) == INTERLEAVED
    assert (more | ~inside).all(), "who is in it stays in it"
    assert less.since == one.since, "what was seen before still counts"


def test_a_unit_meets_both_arms() -> None:
    (found,) = assign([read(ASKED)], "ann")
    assert (found.experiment, found.arm, found.overrides) == ("mix", INTERLEAVED, {})
    assert [arm.name for arm in found.draft] == ["old", "new"]
    assert assign([read(ASKED)], "", "a conversation") == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "interleaf"}, "split or interleave"),
        ({"arms": [*ASKED["arms"], {"name": "third"}]}, "two arms, not 3"),
        ({"arms": ASKED["arms"][:1]}, "at least two arms"),
        ({"arms": [{"name": "old", "share": 0.5}, ASKED["arms"][1]]}, "set traffic"),
        ({"arms": [{"name": "old"}, {"name": "new"}]}, "nothing to compare"),
        (
            {"arms": [{"name": "a", "overrides": {"novelty": 0.0}},
                      {"name": "b", "overrides": {"rerank": "model"}}]},
            "nothing to compare",
        ),
        ({"arms": [{"name": "a"}, {"name": "b", "overrides": {"explore": 0.1}}]}, "drawn anew"),
        ({"arms": [{"name": "interleaved"}, ASKED["arms"][1]]}, "Rename that arm"),
        ({"traffic": 0.0}, "between 0.0001 and 1"),
        ({"traffic": 1.5}, "between 0.0001 and 1"),
        ({"traffic": "all"}, "a number"),
        ({"metric": {"measure": "any"}}, "Leave metric.measure out"),
        ({"control": "nwe"}, "Did you mean 'new'"),
        ({"kind": "split"}, "needs 'share'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(change: dict[str, Any], says: str) -> None:
    with pytest.raises((ConfigError, FormatError), match=says):
        read(ASKED | change)


def test_shares_and_traffic_are_not_mixed_up() -> None:
    split = read({"id": "x", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]})
    with pytest.raises(ConfigError, match="Give the arms shares"):
        read(split.as_json() | {"traffic": 0.5})
    with pytest.raises(ConfigError, match="no traffic"):
        split.with_traffic(0.5)
    with pytest.raises(ConfigError, match="has no shares"):
        read(ASKED).resized({"old": 0.5})


def test_one_interleaving_at_a_time() -> None:
    one = read(ASKED)
    other = read(ASKED | {"id": "other", "arms": [{"name": "a"}, {"name": "b", "overrides": {
        "diversity": 0.2}}]})  # fmt: skip
    with pytest.raises(ConfigError, match="both interleaved"):
        check_together([one, other])
    check_together([one.ended(5), other])


def test_who_won_which_list() -> None:
    shown, done = lists(["new"] * 120 + ["old"] * 60 + ["both"] * 20 + [""] * 50)
    found = drafted(read(ASKED), impressions(*shown), signals(*done))
    assert found.verdict == "better"
    told = found.as_json()
    assert (told["lists"], told["rewarded"], told["units"]) == (250, 200, 200)
    assert [one["lines"] for one in told["arms"]] == [250, 250]
    assert [one["rewards"] for one in told["arms"]] == [80, 140]
    assert [one["wins"] for one in told["arms"]] == [60, 120]
    (pair,) = told["comparisons"]
    assert (pair["arm"], pair["against"]) == ("new", "old")
    assert (pair["wins"], pair["losses"], pair["ties"]) == (120, 60, 20)
    assert pair["fixed"]["value"] == pytest.approx(130 / 200)
    assert 0.5 < pair["anytime"]["low"] < pair["fixed"]["low"] < 0.65
    assert 0.65 < pair["fixed"]["high"] < pair["anytime"]["high"] < 1.0
    spread = np.repeat([1.0, 0.5, 0.0], [120, 20, 60]).std(ddof=1) / np.sqrt(200)
    assert pair["fixed"]["high"] == pytest.approx(0.65 + 1.972 * spread, abs=1e-4)
    assert not told["split"]["broken"]
    assert results(read(ASKED), impressions(*shown), signals(*done)) == told
    turned = read(ASKED | {"control": "new"})
    (pair,) = results(turned, impressions(*shown), signals(*done))["comparisons"]
    assert (pair["arm"], pair["verdict"], pair["wins"]) == ("old", "worse", 60)


def test_it_is_too_early_and_nothing_is_nothing() -> None:
    shown, done = lists(["new"] * 99)
    told = results(read(ASKED), impressions(*shown), signals(*done))
    assert told["comparisons"][0]["verdict"] == "too early"
    assert "fixed" not in told["comparisons"][0]
    assert told["comparisons"][0]["wins"] == 99
    assert "99 units" in told["notes"][0]
    nothing = results(read(ASKED), impressions(), signals())
    assert (nothing["lists"], nothing["units"]) == (0, 0)
    assert nothing["split"]["broken"] is False
    shown, done = lists(["new"] * 100)
    alike = results(read(ASKED), impressions(*shown), signals(*done))["comparisons"][0]
    assert alike["verdict"] == "better", "no list went the other way, and there are enough"
    assert 0.9 < alike["anytime"]["low"] < alike["fixed"]["low"] < alike["fixed"]["high"] == 1.0


def test_lists_that_were_the_same_of_both_arms_are_no_votes() -> None:
    shown, done = lists(["new"] * 120 + ["old"] * 60)
    alone = results(read(ASKED), impressions(*shown), signals(*done))
    same, clicked = lists(["new"] * 40, unit="same")
    for one in same:
        one["arm"] = f"other=x;mix={INTERLEAVED}"
    told = results(read(ASKED), impressions(*shown, *same), signals(*done, *clicked))
    assert told.pop("notes") == [
        "40 lists were the same of both arms: they were not drafted and are no votes."
    ]
    assert alone.pop("notes") == []
    assert told == alone
    ended = read(ASKED | {"started": 10, "stopped": 19, "state": "stopped"})
    assert "10 lists were" in results(ended, impressions(*same), signals())["notes"][-1]
    early = results(read(ASKED), impressions(*same), signals(), now=4)
    assert "5 lists were" in early["notes"][-1]


def test_a_draft_that_no_coin_makes_is_an_alarm() -> None:
    shown, done = lists(["new", "old", "old"] * 400)
    only = [one for one in shown if one["recommendation"].endswith(("1", "3", "5", "7", "9"))]
    found = drafted(read(ASKED), impressions(*only), signals(*done))
    assert found.draft.broken
    assert found.verdict == "split broken"
    assert "coin" in found.notes[0]


def test_a_person_is_one_vote_and_only_what_counts_is_counted() -> None:
    shown, done = lists(["new"] * 200)
    for one in (*shown, *done):
        one["user"] = "ann"
    assert drafted(read(ASKED), impressions(*shown), signals(*done)).found.units == 1
    shown, done = lists(["new"] * 200)
    late = read(ASKED | {"started": 150})
    assert results(late, impressions(*shown), signals(*done))["lists"] == 50
    ended = read(ASKED | {"state": "stopped", "stopped": 9})
    assert results(ended, impressions(*shown), signals(*done))["lists"] == 10
    ripe = read(ASKED | {"metric": {"signals": ["click"], "window": 10, "period": 5}})
    told = results(ripe, impressions(*shown), signals(*done))
    assert told["lists"] < 200
    assert "until their period is over" in told["notes"][-1]


def test_an_interleaving_is_not_read_as_a_split() -> None:
    shown, done = lists(["new"] * 9)
    with pytest.raises(ConfigError, match="interleaved"):
        analyse(read(ASKED), impressions(*shown), signals(*done))
    other = Experiment("other", read(ASKED).arms[:0] + tuple(_halves()))
    assert len(outcomes(other, impressions(*shown), signals(*done)).frame) == 9


def _halves() -> list[Any]:
    from tastemate.experiment.parts import Arm

    return [Arm("x", 0.5), Arm("y", 0.5, {"diversity": 0.1})]


def test_another_policy_is_not_judged_by_drafted_lists() -> None:
    rows = [
        {"recommendation": f"r{at}", "user": f"u{at}", "item": "i", "position": 1,
         "propensity": 0.5, "policy": policy}
        for at, policy in enumerate(["", "fast/model+interleaved"] * 5)
    ]  # fmt: skip
    records = Records.of(impressions(*rows), signals(), kinds=["click"])
    assert len(records.items) == 5


def test_an_old_one_without_shares_is_read_as_stopped() -> None:
    body = {"id": "old", "arms": [{"name": "a", "share": 0.0}, {"name": "b", "share": 0.0}]}
    found = stored(body | {"state": "running"})
    assert not found.running
    assert found.ended(7).stopped == 7
    assert stored(ASKED).running
    with pytest.raises(ConfigError, match="no id"):
        stored(body | {"id": "a b"})
    with pytest.raises(ConfigError, match="no id"):
        stored(body | {"id": "a b", "state": "stopped"})
