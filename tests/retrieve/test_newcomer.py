import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.newcomer import Newcomer
from tastemate.types import Event, Item, Query, history

DAY = 86_400


@pytest.fixture
def world():
    kinds = ("Drama", "Drama", "Comedy", "Comedy", "Comedy")
    catalog = Catalog.of(
        Item(str(n), f"T{n}", attributes={"genres": (kind,)}) for n, kind in enumerate(kinds)
    )
    start = 1_400_000_000
    events = [Event(f"u{u}", "0", 1.0, start + u) for u in range(6)]
    events += [Event(f"u{u}", "1", 1.0, start + 3000 * DAY + u) for u in range(5)]
    events += [Event(f"u{u}", "2", 1.0, start + u) for u in range(3)]
    events += [Event("u0", "3", 1.0, start)]
    return catalog, Interactions.of(events, catalog)


def test_what_many_met_leads_and_what_nobody_met_has_no_opinion(world):
    found = Newcomer(recent=0.0).fit(*world).scores([Query()])[0]
    assert np.argsort(-found)[:4].tolist() == [0, 1, 2, 3]
    assert np.isneginf(found[4])
    late = Newcomer(count=0.0, recent=1.0).fit(*world).scores([Query()])[0]
    assert late.argmax() == 1


def test_a_text_that_names_a_value_moves_what_has_it(world):
    model = Newcomer(recent=0.0).fit(*world)
    plain, asked, away = model.scores(
        [Query(), Query(text="a good comedy please"), Query(text="no comedy")]
    )
    assert plain.argmax() == 0
    assert asked.argmax() == 2
    np.testing.assert_array_equal(plain, away)


def test_it_speaks_of_the_little_known_only(world):
    model = Newcomer(most=1).fit(*world)
    found = model.scores([Query(history=history([0])), Query(history=history([0, 1]))])
    assert np.isfinite(found[0]).any()
    assert np.isneginf(found[1]).all()
    spoken = Newcomer(spoken=True).fit(*world).scores([Query(), Query(text="comedy")])
    assert np.isneginf(spoken[0]).all()
    assert np.isfinite(spoken[1]).any()


def test_without_any_events_words_still_tell(world):
    catalog, _ = world
    found = Newcomer().fit(catalog, Interactions.empty(catalog)).scores([Query(text="comedies")])[0]
    assert np.isfinite(found).all()
    assert set(np.argsort(-found)[:3].tolist()) == {2, 3, 4}


@pytest.mark.parametrize("options", [{"count": -1}, {"half_life": 0}, {"most": -1}])
def test_options_that_make_no_sense(options):
    with pytest.raises(ConfigError, match="newcomer"):
        Newcomer(**options)
