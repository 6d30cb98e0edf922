from datetime import UTC, datetime

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.profile.moments import learn
from tastemate.types import Event, Item


def at(hour, day):
    return int(datetime(2023, 5, 1 + day, hour, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def world():
    """Everybody watches Horror at night and Comedy in the morning; one person only at night."""
    catalog = Catalog.of(
        Item(f"i{n}", f"T{n}", attributes={"genres": (("Horror", "Comedy")[n % 2],), "year": 1990})
        for n in range(20)
    )
    events = [
        Event(f"u{u}", f"i{n}", 1.0, at((23, 8)[n % 2], n % 20))
        for u in range(8)
        for n in range(20)
    ]
    return catalog, Interactions.of(events, catalog)


def test_what_is_met_at_night_is_learned(world):
    learned = learn(world[1], world[0], prior=5.0)
    found = {leaning.value: leaning for leaning in learned.leanings({"time": "night"})}
    assert found["Horror"].weight > 0.3 > -0.3 > found["Comedy"].weight
    assert found["Horror"].because == "at night"
    assert learned.leanings({"company": "kids"}) == learned.leanings({}) == ()
    assert learned.events == 160


def test_somebody_who_only_ever_watches_at_night_tells_nothing():
    catalog = Catalog.of(Item(f"i{n}", "T", attributes={"kind": "Horror"}) for n in range(9))
    other = Catalog.of([*catalog, Item("c", "C", attributes={"kind": "Comedy"})])
    events = [Event("owl", f"i{n}", 1.0, at(23, n)) for n in range(9)]
    events += [Event("lark", "c", 1.0, at(8, n)) for n in range(9)]
    learned = learn(Interactions.of(events, other), other, prior=1.0)
    assert np.abs(learned.lift).max() == pytest.approx(0.0, abs=1e-6)


def test_little_evidence_says_little(world):
    strong = learn(world[1], world[0], prior=1.0).lift
    weak = learn(world[1], world[0], prior=1000.0).lift
    assert np.abs(weak).max() < 0.1 < np.abs(strong).max()
    with pytest.raises(ConfigError, match="prior"):
        learn(world[1], world[0], prior=0.0)


def test_times_that_are_positions_teach_nothing(world):
    catalog, _ = world
    events = [Event("u", f"i{n}", 1.0, n) for n in range(5)]
    learned = learn(Interactions.of(events, catalog), catalog)
    assert learned.events == 0
    assert not learned.lift.any()
    assert learned.leanings({"time": "night"}) == ()
