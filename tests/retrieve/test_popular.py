import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError
from tastemate.interactions import Interactions
from tastemate.retrieve.ease import Ease
from tastemate.retrieve.popular import Popular
from tastemate.types import Event, Filter, Item, Query, history

CATALOG = Catalog.of(
    [
        Item("a", "A", attributes={"genres": ("Crime",)}),
        Item("b", "B", attributes={"genres": ("Comedy",)}),
        Item("c", "C", attributes={"genres": ("Comedy", "Crime")}),
        Item("d", "D", attributes={"genres": ("Comedy",)}),
        Item("e", "E", attributes={"genres": ("War",)}),
    ]
)
DAY = 86_400


def _events(*given: tuple[str, str, float, int]) -> Interactions:
    return Interactions.of([Event(*event) for event in given], CATALOG)


BUSY = _events(
    ("u", "a", 5, 0),
    ("v", "a", 5, 1),
    ("w", "a", 4, 2),
    ("u", "b", 1, 400 * DAY),
    ("v", "b", 2, 401 * DAY),
    ("u", "c", 5, 402 * DAY),
    ("v", "c", 5, 402 * DAY),
)


def _order(model: Popular, query: Query | None = None) -> list[str]:
    found = model.retrieve([query or Query()], 10)[0]
    return [CATALOG.ids[candidate.row] for candidate in found]


def test_more_events_first_ties_by_mean_value_and_unmet_items_not_at_all() -> None:
    assert _order(Popular().fit(CATALOG, BUSY)) == ["a", "c", "b"]


def test_recent_forgets_by_half_life() -> None:
    assert _order(Popular(by="recent", half_life=30).fit(CATALOG, BUSY)) == ["c", "b", "a"]
    old = [(user, "a", 1, 0) for user in "uvwx"]
    one = _events(*old, ("u", "b", 1, 10 * DAY), ("v", "b", 1, 10 * DAY))
    scores = Popular(by="recent", half_life=10).fit(CATALOG, one).scores([Query()])[0]
    np.testing.assert_allclose(scores[:2], [2.0, 2.0])


def test_genre_follows_the_history() -> None:
    model = Popular(by="genre").fit(CATALOG, BUSY)
    fond_of_comedy = Query(history=history([3], [5.0]))
    assert _order(model, fond_of_comedy)[:2] == ["b", "c"]
    assert _order(model) == ["a", "c", "b"]


def test_genre_ignores_what_was_disliked() -> None:
    model = Popular(by="genre").fit(CATALOG, BUSY)
    disliked = Query(history=history([3], [1.0]))
    assert _order(model, disliked) == ["a", "c", "b"]


@pytest.mark.parametrize(
    "wish",
    [Filter("genres", "is", "Comedy"), Filter("genres", "any of", ("Comedy", "no such genre"))],
)
def test_genre_follows_the_filters(wish: Filter) -> None:
    model = Popular(by="genre").fit(CATALOG, BUSY)
    assert _order(model, Query(filters=(wish,)))[0] == "b"


def test_genre_gives_new_items_the_popularity_of_their_genre() -> None:
    model = Popular(by="genre").fit(CATALOG, BUSY)
    scores = model.scores([Query(history=history([1], [5.0]))])[0]
    assert 0 < scores[3] < scores[1]


def test_genre_without_the_attribute_is_plain_popularity() -> None:
    model = Popular(by="genre", attribute="mood").fit(CATALOG, BUSY)
    assert _order(model, Query(history=history([3]))) == ["a", "c", "b"]


@pytest.mark.parametrize("options", [{"by": "luck"}, {"half_life": 0.0}])
def test_options_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError, match="popular"):
        Popular(**options)


def test_another_model_s_folder_is_refused(tmp_path) -> None:
    Ease().fit(CATALOG, BUSY).save(tmp_path / "ease")
    with pytest.raises(FormatError, match="fit again"):
        Popular().load(tmp_path / "ease", CATALOG)


def test_one_live_event_does_not_make_all_others_old() -> None:
    past = [Event(f"u{at}", "a" if at % 3 else "b", 5, at) for at in range(30)]
    live = Event("new", "c", 5, 1_700_000_000)
    model = Popular(by="recent").fit(CATALOG, Interactions.of([*past, live], CATALOG))
    assert _order(model) == ["a", "b", "c"]
