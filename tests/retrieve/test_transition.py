import numpy as np
import pytest

from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve import transition
from tastemate.retrieve.transition import Transition
from tastemate.types import Query, history


def _by_hand(interactions: Interactions, decay: float, last: int, ridge: float) -> np.ndarray:
    m = interactions.n_items
    pasts, nexts = [], []
    for code in range(interactions.n_users):
        items = interactions.history(code).items
        for at in range(1, len(items)):
            past = np.zeros(m)
            for lag in range(1, min(at, last) + 1):
                past[items[at - lag]] += decay ** (lag - 1)
            pasts.append(past)
            nexts.append(np.eye(m)[items[at]])
    s, t = np.array(pasts), np.array(nexts)
    return np.linalg.solve(s.T @ s + ridge * np.eye(m), s.T @ t)


@pytest.mark.parametrize("chunk", [1 << 16, 37])
def test_weights_are_the_ridge_solution(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transition, "_CHUNK", chunk)
    catalog, interactions = random_world(5, n_users=20, n_items=25, n_events=300)
    weights = _by_hand(interactions, 0.7, 4, 5.0)
    model = Transition(decay=0.7, last=4, regularisation=5.0).fit(catalog, interactions)
    met = np.flatnonzero(interactions.counts)
    scores = model.scores([Query(history=history([item])) for item in met])
    np.testing.assert_allclose(scores[:, met], weights[np.ix_(met, met)], atol=2e-5)


def test_the_past_fades() -> None:
    catalog, interactions = random_world(5, n_users=20, n_items=25, n_events=300)
    model = Transition(decay=0.5).fit(catalog, interactions)
    one, two, both = model.scores([Query(history=history(items)) for items in ([3], [4], [3, 4])])
    np.testing.assert_allclose(both, 0.5 * one + two, atol=1e-6)


def test_order_matters() -> None:
    catalog, interactions = random_world(5, n_events=600)
    one, other = (
        Transition()
        .fit(catalog, interactions)
        .scores([Query(history=history([3, 4])), Query(history=history([4, 3]))])
    )
    assert np.abs(one - other).max() > 1e-4


def test_rare_items_can_be_left_out() -> None:
    catalog, interactions = random_world(5, n_events=300)
    model = Transition(min_support=9).fit(catalog, interactions)
    served = np.isfinite(model.scores([Query(history=interactions.history(0))])[0])
    np.testing.assert_array_equal(served, interactions.counts >= 9)
    rare = np.flatnonzero(interactions.counts < 9)[:1].astype(np.int32)
    assert np.isneginf(model.scores([Query(history=history(rare))])).all()
    assert model.similar(rare, 3) == [[]]


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="regularisation"):
        Transition(regularisation=-1.0)
    with pytest.raises(ConfigError, match="decay"):
        Transition(decay=1.2)
