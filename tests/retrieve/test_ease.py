import numpy as np
import pytest

from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.ease import Ease
from tastemate.retrieve.linear import inverse, solve
from tastemate.types import Query, history


def _closed_form(interactions: Interactions, regularisation: float) -> np.ndarray:
    met = interactions.matrix().toarray().astype(np.float64)
    precision = np.linalg.inv(met.T @ met + regularisation * np.eye(met.shape[1]))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("n_users", [15, 120])  # fewer and more than items: both forms
def test_weights_are_the_closed_form(n_users: int) -> None:
    catalog, interactions = random_world(3, n_users=n_users, n_items=40, n_events=1500)
    expected = _closed_form(interactions, 10.0)
    model = Ease(regularisation=10.0).fit(catalog, interactions)
    scores = model.scores([Query(history=history([item], [5.0])) for item in range(40)])
    np.testing.assert_allclose(scores, expected, atol=2e-5)


def test_newer_events_weigh_more_and_dislikes_less() -> None:
    catalog, interactions = random_world(3, n_events=1500)
    weights = _closed_form(interactions, 100.0)
    model = Ease(decay=0.5, dislike=0.3, last=2).fit(catalog, interactions)
    past = history([7, 4, 9], [5.0, 1.0, 5.0])
    expected = weights[9] + 0.5 * 0.3 * weights[4]
    np.testing.assert_allclose(model.scores([Query(history=past)])[0], expected, atol=1e-5)


def test_contributions_add_up_to_the_score() -> None:
    catalog, interactions = random_world(3, n_events=1500)
    model = Ease().fit(catalog, interactions)
    query = Query(history=interactions.history(0))
    items = np.arange(len(catalog), dtype=np.int32)
    shares = model.contributions(query, items)
    np.testing.assert_allclose(shares.sum(axis=1), model.scores([query])[0], atol=1e-5)
    assert model.contributions(Query(), items).shape == (len(catalog), 0)


def test_only_the_most_supported_items_are_kept() -> None:
    catalog, interactions = random_world(3, n_items=40, n_events=300)
    counts = interactions.counts
    query = [Query(history=interactions.history(0))]
    few = np.isfinite(Ease(max_items=10).fit(catalog, interactions).scores(query)[0])
    assert few.sum() == 10
    assert counts[few].min() >= counts[~few].max()
    often = np.isfinite(Ease(min_support=8).fit(catalog, interactions).scores(query)[0])
    np.testing.assert_array_equal(often, counts >= 8)


def test_training_may_forget_too() -> None:
    catalog, interactions = random_world(3, n_events=1500)
    query = [Query(history=history([1]))]
    equal = Ease().fit(catalog, interactions).scores(query)
    fading = Ease(train_decay=0.8).fit(catalog, interactions).scores(query)
    assert np.abs(equal - fading).max() > 1e-3


def test_a_matrix_too_hard_for_single_precision_is_solved_in_double() -> None:
    base = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]])
    np.testing.assert_allclose(solve(base, base), np.eye(2), atol=1e-5)
    assert np.isfinite(inverse(base)).all()


@pytest.mark.parametrize(
    "options",
    [
        {"regularisation": 0.0},
        {"decay": 0.0},
        {"train_decay": 2.0},
        {"min_support": 0},
        {"max_items": 0},
        {"last": 0},
    ],
)
def test_options_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError, match="ease"):
        Ease(**options)
