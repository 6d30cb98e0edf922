"""The live audit counts what was shown and said, knows its interval, and when to be silent."""

import numpy as np
import polars as pl
import pytest

from tastemate.catalog import Catalog
from tastemate.evaluate import live
from tastemate.evaluate.served import audit_live, divergence, per_day
from tastemate.interactions import Scale
from tastemate.profile.signals import Weights
from tastemate.rank.credit import credited
from tastemate.types import Item

SCALE = Scale(1.0, 5.0)
SHOWN = {
    "recommendation": pl.String,
    "user": pl.String,
    "session": pl.String,
    "item": pl.String,
    "position": pl.Int64,
    "at": pl.Int64,
}
DONE = {
    "seq": pl.Int64,
    "user": pl.String,
    "item": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
    "timestamp": pl.Int64,
    "recommendation": pl.String,
}


def catalog(n=20):
    return Catalog.of(
        Item(f"i{at}", f"Item {at}", attributes={"press": ("small" if at % 4 == 3 else "big",)})
        for at in range(n)
    )


def lines(*rows):
    return pl.DataFrame(list(rows), schema=SHOWN, orient="row")


def done(*rows):
    numbered = [(seq, *row) for seq, row in enumerate(rows, start=1)]
    frame = pl.DataFrame(numbered, schema=DONE, orient="row")
    return frame.with_columns(session=pl.lit(""))


def found(shown, signals):
    return live.outcomes(shown, signals, catalog(), Weights(), SCALE)


def test_a_signal_answers_the_list_it_names_else_the_latest_line_within_a_day():
    shown = lines(
        ("r1", "ann", "", "i1", 1, 100),
        ("r1", "ann", "", "i2", 2, 100),
        ("r2", "ann", "", "i1", 1, 200),
        ("r3", "bob", "", "i1", 1, 200),
    )
    table = found(
        shown,
        done(
            ("ann", "i2", "click", 0.0, 150, "r1"),
            ("ann", "i1", "like", 0.0, 250, ""),
            ("bob", "i1", "like", 0.0, 200 + 90_000, ""),
            ("bob", "i9", "like", 0.0, 250, ""),
        ),
    )
    assert table["clicked"].to_list() == [False, True, True, False]
    assert table["accepted"].to_list() == [False, False, True, False]


def test_one_rule_says_what_a_signal_answers():
    """What comes a day after the list it names is no answer to it; sessions name their readers."""
    shown = lines(
        ("r1", "ann", "", "i1", 1, 100),
        ("r2", "", "s", "i2", 1, 100),
        ("r3", "bob", "", "i3", 1, 100),
    )
    signals = done(
        ("ann", "i1", "like", 0.0, 100 + 90_000, "r1"),
        ("", "i2", "like", 0.0, 150, ""),
        ("ann", "i3", "like", 0.0, 150, "r3"),
    ).with_columns(session=pl.Series(["", "s", ""]))
    expected = [False, True, False]
    assert found(shown, signals)["accepted"].to_list() == expected
    rewards = credited(shown, signals, ["like"], live.WINDOW)["reward"].to_list()
    assert rewards == [int(one) for one in expected]


def test_what_was_taken_back_was_not_said_and_ratings_count_by_their_value():
    shown = lines(*[("r", "ann", "", f"i{at}", at, 10) for at in range(1, 5)])
    table = found(
        shown,
        done(
            ("ann", "i1", "like", 0.0, 20, "r"),
            ("ann", "i1", "undo", 0.0, 21, "r"),
            ("ann", "i2", "rating", 5.0, 22, "r"),
            ("ann", "i3", "rating", 1.0, 23, "r"),
            ("ann", "i4", "unheard-of", 0.0, 24, "r"),
        ),
    )
    assert table["accepted"].to_list() == [False, True, False, False]
    assert table["disliked"].to_list() == [False, False, True, False]


def test_readers_are_users_else_sessions_else_lists_and_a_gone_item_keeps_its_line():
    table = found(
        lines(
            ("r1", "ann", "s", "i1", 1, 0),
            ("r2", "", "s", "gone", 1, 0),
            ("r3", "", "", "i1", 3, 0),
        ),
        done(),
    )
    assert table["reader"].to_list() == ["ann", "s", "r3"]
    assert table["row"].to_list() == [1, -1, 1]
    assert table["weight"].to_list() == pytest.approx([1.0, 1.0, 0.5])


def many(users=40, k=10, liked=lambda user, at: at == 0, item=lambda user, at: at):
    shown = [
        (f"r{user}", f"u{user}", "", f"i{item(user, at)}", at + 1, 1000)
        for user in range(users)
        for at in range(k)
    ]
    said = [
        (f"u{user}", f"i{item(user, at)}", "like", 0.0, 1001, f"r{user}")
        for user in range(users)
        for at in range(k)
        if liked(user, at)
    ]
    return found(lines(*shown), done(*said))


def test_rates_and_exposure_are_what_was_counted():
    table = many()
    whole = live.rates(table)
    assert (whole.lines, whole.readers) == (400, 40)
    assert whole.figures["acceptance"].value == pytest.approx(0.1)
    assert whole.figures["acceptance"].low < 0.1 < whole.figures["acceptance"].high
    rows = {row.value: row for row in live.by_item(table, catalog(), "press")}
    weight = 1 / np.log2(np.arange(2, 12))
    small = (weight[3] + weight[7]) / weight.sum()
    assert rows["small"].figures["exposure"].value == pytest.approx(small)
    assert rows["small"].figures["ratio"].value == pytest.approx(small / 0.25)
    assert rows["small"].figures["acceptance"].value == 0.0
    assert rows["small"].figures["acceptance"].high > 0.0
    total = sum(row.figures["exposure"].value for row in rows.values())
    assert total == pytest.approx(1.0)


def test_deciles_hold_a_tenth_of_the_items_each_the_most_met_first():
    counts = np.arange(20)[::-1]
    assert live.deciles(counts).tolist() == [at // 2 for at in range(20)]
    assert live.deciles(np.array([5, 0, 0, 0])).tolist() == [0, 2, 2, 2], "alike, so in one"
    rows = live.by_popularity(many(), counts)
    assert [row.value for row in rows] == [str(at) for at in range(1, 11)]
    assert rows[0].figures["exposure"].value > rows[1].figures["exposure"].value
    assert rows[9].lines == 0
    assert rows[9].figures["exposure"].value == 0.0
    assert rows[9].as_json()["too_few"] is True


@pytest.mark.parametrize("users", [0, 1, 4])
def test_below_the_minimum_nothing_is_said(users):
    table = many(users=users)
    assert "acceptance" not in live.rates(table).figures
    for row in live.by_item(table, catalog(), "press"):
        assert row.figures == {}
    told = audit_live(table, catalog(), np.arange(20))
    assert told["all"]["too_few"] is True
    assert told["lists"] == users


def test_readers_who_agree_with_themselves_widen_the_interval():
    same = many(liked=lambda user, at: user % 4 == 0)
    mixed = many(liked=lambda user, at: (user + at) % 4 == 0)

    def width(table):
        one = live.rates(table).figures["acceptance"]
        return one.high - one.low

    assert live.rates(same).figures["acceptance"].value == pytest.approx(0.25)
    assert width(same) > 2.5 * width(mixed)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        tries = rng.integers(5, 30, 60).astype(float)
        own = rng.beta(2, 18, 60)
        hits = rng.binomial(tries.astype(int), own).astype(float)
        one = live.share(hits, tries)
        held += one.low <= 0.1 <= one.high
    assert held / 400 >= 0.92


def test_groups_of_people_and_the_widest_gap():
    table = many(liked=lambda user, at: at < (4 if user < 20 else 1))
    people = pl.DataFrame(
        {
            "user": [f"u{user}" for user in range(40)],
            "group": ["a"] * 20 + ["b"] * 20,
            "name": [f"n{user}" for user in range(40)],
            "alone": ["x"] * 40,
        }
    )
    told = audit_live(table, catalog(), np.arange(20), people=people)
    assert list(told["people"]) == ["group"]
    gap = told["people"]["group"]["acceptance widest gap"]
    assert gap["value"] == pytest.approx(0.3)
    assert gap["low"] > 0
    assert "ratio" not in told["people"]["group"]["rows"][0]


def test_complaints_are_counted_by_kind():
    said = [{"id": at, "kind": kind, "user": "u"} for at, kind in enumerate("abb")]
    told = audit_live(many(), catalog(), np.arange(20), complaints=said)["complaints"]
    assert [(one["kind"], one["complaints"], one["readers"]) for one in told] == [
        ("b", 2, 1),
        ("a", 1, 1),
    ]
    assert told[0]["per_1000_lists"] == pytest.approx(50.0)


def test_each_day_has_its_row():
    table = many()
    later = table.with_columns(at=pl.col("at") + 86_400, recommendation=pl.lit("later"))
    rows = per_day(pl.concat([table, later]), np.arange(20))
    assert [row["day"] for row in rows] == ["1970-01-01", "1970-01-02"]
    assert rows[0]["lists"] == 40
    assert rows[1]["lists"] == 1
    assert rows[0]["coverage"] == pytest.approx(0.5)
    assert 0 < rows[0]["drift"] <= 1
    assert per_day(table, np.arange(20), since=5000) == []
    assert None not in rows[0].values()


def test_divergence_is_nothing_for_the_same_and_one_bit_for_the_opposite():
    assert divergence(np.array([1, 2]), np.array([2, 4])) == pytest.approx(0.0)
    assert divergence(np.array([1, 0]), np.array([0, 9])) == pytest.approx(1.0)
