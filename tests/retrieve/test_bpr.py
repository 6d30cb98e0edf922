import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.bpr import Bpr
from tastemate.types import Event, Item, Query, history


@pytest.fixture(scope="module")
def camps():
    """Even users meet even items, odd ones odd; the diagonal is withheld; item 20 is unmet."""
    catalog = Catalog.of(Item(f"i{at:02}", f"Item {at}") for at in range(21))
    events = [
        Event(f"u{user:02}", f"i{item:02}", 1.0 if item != 2 else 5.0, item)
        for user in range(20)
        for item in range(20)
        if user % 2 == item % 2 and user != item
    ]
    return catalog, Interactions.of(events, catalog)


def _model(**options) -> Bpr:
    return Bpr(**{"rank": 4, "regularisation": 0.02} | options)


def test_the_withheld_item_of_the_own_camp_comes_first(camps):
    catalog, events = camps
    model = _model().fit(catalog, events)
    queries = [Query(history=events.history(code)) for code in range(20)]
    found = model.retrieve(queries, 1)
    assert [line[0].row for line in found] == list(range(20))
    assert np.isneginf(model.scores(queries)[:, 20]).all()


def test_the_answer_agrees_with_the_trained_user(camps):
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    catalog, events = camps
    model = _model().fit(catalog, events)
    trained = BayesianPersonalizedRanking(
        factors=4,
        learning_rate=0.05,
        regularization=0.02,
        iterations=100,
        num_threads=1,
        random_state=0,
    )
    met = events.matrix()[:, :20].tocsr()
    met.sort_indices()
    trained.fit(met, show_progress=False)
    queries = [Query(history=events.history(code)) for code in range(20)]
    ours = model.scores(queries)[:, :20]
    theirs = trained.user_factors @ trained.item_factors.T
    close = [np.corrcoef(a, b)[0, 1] for a, b in zip(ours, theirs, strict=True)]
    assert min(close) > 0.9


def test_more_of_one_camp_moves_the_answer_there(camps):
    catalog, events = camps
    model = _model().fit(catalog, events)
    few, many = model.scores([Query(history=history(h)) for h in ([0, 1, 3], [0, 2, 4, 6, 1])])
    assert few[1:20:2].mean() > few[0:20:2].mean()
    assert many[0:20:2].mean() > many[1:20:2].mean()


def test_likes_only_leaves_out_what_was_not_liked(camps):
    catalog, events = camps
    model = _model(likes_only=True).fit(catalog, events)
    assert model._fitted().items.known.sum() == 1
    assert np.isneginf(model.scores([Query(history=history([4], [1.0]))])).all()


def test_deterministic_kept_and_grown(camps, tmp_path):
    catalog, events = camps
    queries = [Query(history=events.history(code)) for code in (0, 3)]
    first, again = (_model(seed=3).fit(catalog, events).scores(queries) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    model = _model(seed=3).fit(catalog, events)
    model.save(tmp_path / "m")
    loaded = _model().load(tmp_path / "m", catalog.with_items([Item("new", "New")]))
    scores = loaded.scores(queries)
    np.testing.assert_array_equal(scores[:, :-1], first)
    assert np.isneginf(scores[:, -1]).all()
    assert np.isneginf(loaded.scores([Query(history=history([21]))])).all()


def test_similar_items_are_of_the_same_camp(camps):
    catalog, events = camps
    found = _model().fit(catalog, events).similar(np.array([2, 20], np.int32), 3)
    assert [candidate.row % 2 for candidate in found[0]] == [0, 0, 0]
    assert found[1] == []


@pytest.mark.parametrize("n", [0, 2])
def test_empty_worlds_serve_nobody(n):
    catalog = Catalog.of(Item(f"i{at}", "x") for at in range(n))
    model = _model().fit(catalog, Interactions.empty(catalog))
    assert np.isneginf(model.scores([Query(history=history([0] if n else []))])).all()
    assert model.scores([]).shape == (0, n)


def test_a_single_event_gives_finite_scores():
    catalog = Catalog.of([Item("a", "A"), Item("b", "B")])
    model = _model().fit(catalog, Interactions.of([Event("u", "a")], catalog))
    scores = model.scores([Query(history=history([0]))])[0]
    assert np.isfinite(scores[0])
    assert np.isneginf(scores[1])


def test_what_is_wrong_is_said():
    with pytest.raises(NotFitted, match="fit or load"):
        Bpr().scores([Query()])
    for options in ({"rank": 0}, {"regularisation": 0.0}, {"learning_rate": 0.0}):
        with pytest.raises(ConfigError, match="good starts"):
            Bpr(**options)
