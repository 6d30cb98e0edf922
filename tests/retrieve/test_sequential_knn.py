import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve import linear
from tastemate.retrieve.sequential_knn import SequentialItemKNN
from tastemate.types import Event, Item, Query, history

CATALOG = Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(4))
CHAIN = Interactions.of(
    [Event("u", f"i{item}", 1.0, at) for at, item in enumerate([0, 1, 2])]
    + [Event("v", f"i{item}", 1.0, at) for at, item in enumerate([0, 2])],
    CATALOG,
)


def test_weights_are_transitions_plus_co_occurrence_over_users() -> None:
    model = SequentialItemKNN(window_decay=0.5, direction=3).fit(CATALOG, CHAIN)
    scores = model.scores([Query(history=history([0])), Query(history=history([2]))])
    follows, together = 1 + 0.5, 2  # 0 → 2: once at distance 1, once at 2; two users met both
    assert scores[0, 2] == pytest.approx((3 * follows + together) / np.sqrt(2))
    assert scores[0, 1] == pytest.approx((3 * 1 + 1) / np.sqrt(1))
    assert scores[1, 0] == pytest.approx(2 / np.sqrt(2))  # nothing goes back from 2 to 0
    assert np.isneginf(scores[:, 3]).all()


def test_the_window_bounds_what_follows() -> None:
    near = SequentialItemKNN(window=1).fit(CATALOG, CHAIN).scores([Query(history=history([0]))])
    assert near[0, 2] == pytest.approx((3 * 1 + 2) / np.sqrt(2))


def test_only_the_best_neighbours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_CELLS", 4)  # one row a block
    model = SequentialItemKNN(k=1).fit(CATALOG, CHAIN)
    found = model.similar(np.array([0, 3], np.int32), 5)
    assert [[c.row for c in line] for line in found] == [[2], []]


def test_contributions_add_up_to_the_score() -> None:
    model = SequentialItemKNN().fit(CATALOG, CHAIN)
    query = Query(history=history([0, 1, 3]))
    shares = model.contributions(query, np.array([2, 3], np.int32))
    assert shares.shape == (2, 3)
    assert shares[0].sum() == pytest.approx(model.scores([query])[0, 2])
    assert not shares[1].any()


@pytest.mark.parametrize(
    "options", [{"k": 0}, {"window": 0}, {"window_decay": 0.0}, {"direction": -1.0}]
)
def test_options_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError, match="sequential-knn"):
        SequentialItemKNN(**options)
