import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.popular import Popular
from tastemate.train.position import (
    Examined,
    by_em,
    by_randomised,
    learned,
    of_frame,
    relevance,
    weighted,
    weights,
)
from tastemate.types import Event, Item

LOOKED = np.array([1.0, 0.6, 0.4, 0.25])
Codes = NDArray[np.int64]


def log(n: int, *, mixed: bool = True) -> tuple[Codes, Codes, Codes]:
    rng = np.random.default_rng(1)
    liked = np.linspace(0.8, 0.1, 8)
    places = rng.integers(1, 5, n)
    # An item has a place it is usually at; a third of the time it is anywhere.
    usual = np.clip((places - 1) * 2 + rng.integers(0, 2, n), 0, 7)
    items = np.where(rng.random(n) < 1 / 3, rng.integers(0, 8, n), usual) if mixed else usual
    clicks = (rng.random(n) < LOOKED[places - 1] * liked[items]).astype(np.int64)
    return items, places, clicks


def test_em_tells_the_place_from_the_item() -> None:
    items, places, clicks = log(60_000)
    found = by_em(items, places, clicks)
    assert found.curve == pytest.approx(LOOKED, abs=0.05)
    raw = [clicks[places == place].mean() for place in range(1, 5)]
    assert raw[3] / raw[0] < 0.15, "clicks by place alone take good items for a good place"
    worth = relevance(items, places, clicks, found)
    assert worth / worth[0] == pytest.approx(np.linspace(0.8, 0.1, 8) / 0.8, abs=0.06)
    assert found.as_json()["source"] == "em"


def test_em_from_a_frame_of_credited_impressions() -> None:
    items, places, clicks = log(20_000)
    frame = pl.DataFrame({"item": items.astype(str), "position": places, "reward": clicks})
    assert of_frame(frame).curve == pytest.approx(by_em(items, places, clicks).curve)
    with pytest.raises(DataError, match="lack reward"):
        of_frame(frame.drop("reward"))
    with pytest.raises(DataError, match="no impressions"):
        of_frame(frame.clear())


def test_what_was_drawn_gives_the_curve_without_knowing_the_items() -> None:
    rng = np.random.default_rng(2)
    n = 60_000
    places = rng.integers(1, 5, n)
    first = rng.random(n) < 0.5
    propensity = np.where(first, 0.8, 0.2)
    better = rng.random(n) < propensity  # the better item is drawn as its propensity says
    shown = np.where(better, propensity, 1 - propensity)
    clicks = (rng.random(n) < LOOKED[places - 1] * np.where(better, 0.8, 0.2)).astype(np.int64)
    found = by_randomised(places, clicks, shown)
    assert found.curve == pytest.approx(LOOKED, abs=0.06)
    fixed = np.concatenate((shown, np.ones(500)))
    more = by_randomised(
        np.concatenate((places, np.ones(500, dtype=np.int64))),
        np.concatenate((clicks, np.zeros(500, dtype=np.int64))),
        fixed,
    )
    assert more.curve == pytest.approx(found.curve), "what was not drawn says nothing"


def test_places_in_between_are_drawn_straight() -> None:
    places = np.array([1, 1, 3, 3])
    found = by_randomised(places, np.array([1, 1, 1, 0]), np.full(4, 0.5))
    assert found.curve == pytest.approx([1.0, 0.75, 0.5])


def test_weights_are_cut_and_events_of_no_list_weigh_one() -> None:
    examined = Examined(np.array([1.0, 0.5, 0.01]), "em")
    found = weights([0, 1, 2, 3, 9], examined, clip=5.0)
    assert found.tolist() == [1.0, 1.0, 2.0, 5.0, 5.0]
    with pytest.raises(ConfigError, match="clip"):
        weights([1], examined, clip=0.5)
    with pytest.raises(ConfigError, match="below 0"):
        weights([-1], examined)


def test_weights_enter_a_fit_with_the_events() -> None:
    catalog = Catalog.of([Item("x", "X"), Item("y", "Y")])
    events = [Event("u", "x", 5.0, 1), Event("u", "y", 5.0, 2), Event("v", "x", 1.0, 3)]
    examined = Examined(np.array([1.0, 0.25]), "em")
    places = {("u", "x"): 1, ("u", "y"): 2, ("v", "x"): 2}
    found = weighted(events, places, examined, Scale(1.0, 5.0))
    assert found.mean() == pytest.approx(1.0)
    assert found[1] / found[0] == pytest.approx(4.0)
    assert found[2] == pytest.approx(found[0]), "a dislike is not weighted"
    assert weighted([], places, examined, Scale(1.0, 5.0)).shape == (0,)
    data = Interactions.of([Event("w", "x", 3.0, 0)], catalog)
    told = data.with_events(events, catalog, found)
    ones = np.ones(len(told), np.float32)
    assert told.weighed(ones).tolist() == pytest.approx([1.0, *found.tolist()])
    dense = told.matrix(told.weighed(ones)).toarray()
    assert dense[1, 1] == pytest.approx(4 * dense[1, 0])
    popular = Popular().fit(catalog, told)._fitted().popularity
    alike = Popular().fit(catalog, data.with_events(events, catalog))._fitted().popularity
    assert popular[1] - popular[0] > alike[1] - alike[0] + 1.0


def test_a_log_tells_the_curve_and_the_place_of_every_choice() -> None:
    """People look at the first place always, at the second every other time, and like all."""
    rng = np.random.default_rng(4)
    shown, done = [], []
    for at in range(1_500):
        first, second = rng.permutation(["x", "y"]).tolist()
        for place, item in ((1, first), (2, second)):
            shown.append((f"r{at}", f"u{at}", "", item, place, 1.0, 1_000 + at))
            if rng.random() < (1.0, 0.5)[place - 1] * 0.8:
                named = f"r{at}" if at % 2 else ""
                done.append((f"u{at}-{place}", f"u{at}", item, "like", 1_001 + at, "", named, 0))
    names = ("recommendation", "user", "session", "item", "position", "propensity", "at")
    impressions = pl.DataFrame(shown, schema=names, orient="row")
    names = ("id", "user", "item", "kind", "timestamp", "session", "recommendation", "position")
    signals = pl.DataFrame(done, schema=names, orient="row")
    examined, places = learned(impressions, signals, ["like"], 3_600)
    assert examined.source == "em"
    assert examined.curve == pytest.approx([1.0, 0.5], abs=0.06)
    assert len(places) == len(done)
    assert all(places[user, item] == int(name[-1]) for name, user, item, *_ in done)
    odd = pl.DataFrame(
        [
            ("a", "odd", "x", "like", 5_000, "", "", 1_000_000),
            ("b", "odd", "y", "like", 5, "", "", 2),
        ],
        schema=names,
        orient="row",
    )
    _, told = learned(impressions, pl.concat([signals, odd]), ["like"], 3_600)
    assert (told["odd", "x"], told["odd", "y"]) == (0, 2), "no list is as long as that"
    lying = signals.with_columns(position=pl.lit(2, pl.Int64))
    assert learned(impressions, lying, ["like"], 3_600)[1] == places, "the log knows better"
    drawn = impressions.with_columns(propensity=pl.lit(0.5))
    assert learned(drawn, signals, ["like"], 3_600)[0].source == "randomised"
    with pytest.raises(DataError, match="no impressions|Nothing was clicked|empty"):
        learned(impressions.clear(), signals, ["like"], 3_600)


def test_what_cannot_be_told_is_refused() -> None:
    one = np.ones(4, dtype=np.int64)
    with pytest.raises(DataError, match="two places"):
        by_em(np.arange(4), one, one)
    with pytest.raises(DataError, match="Nothing was clicked"):
        by_em(np.zeros(2, dtype=np.int64), np.array([1, 2]), np.zeros(2, dtype=np.int64))
    with pytest.raises(DataError, match="clicks are 0 or 1"):
        by_em(one, one, 2 * one)
    with pytest.raises(DataError, match="No place was drawn"):
        by_randomised(one, one, np.ones(4))
    with pytest.raises(DataError, match="was clicked"):
        by_randomised(one, 0 * one, np.full(4, 0.5))
    with pytest.raises(DataError, match="differ in length"):
        by_em(one, one, one[1:])
