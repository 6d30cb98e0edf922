import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate.timesplit import after
from tastemate.interactions import Interactions
from tastemate.types import Event, Item


def world():
    catalog = Catalog.of(Item(str(i), f"Item {i}") for i in range(20))
    events = [
        Event(f"u{user}", str((user + step) % 20), 1.0, 1_000 * step + user)
        for user in range(10)
        for step in range(10)
    ]
    return catalog, Interactions.of(events, catalog)


class Next:
    def __init__(self, catalog, train):
        self.items, self.latest = len(catalog), int(train.timestamp.max())

    def scores(self, queries):
        scores = np.zeros((len(queries), self.items), np.float32)
        for row, query in zip(scores, queries, strict=True):
            assert query.history.timestamps.max() <= self.latest < 7_010
            for step in (1, 2):
                row[(int(query.history.items[-1]) + step) % self.items] = 1.0
        return scores


class Nothing(Next):
    def scores(self, queries):
        return np.full((len(queries), self.items), -np.inf, np.float32)


def test_models_learn_before_and_are_asked_after():
    seen = []
    table = after(
        {"next": Next, "nothing": Nothing},
        *world(),
        fraction=0.8,
        min_events=0,
        progress=lambda what, share: seen.append(what),
    )
    first, second = table.rows
    assert first.metrics["recall@5"].value == 1.0
    assert first.metrics["ndcg@5"].value == pytest.approx(1.0)
    assert second.metrics["recall@5"].value == 0.0
    assert first.against["nothing"]["recall@5"].low == 1.0
    assert table.users == 10
    assert table.as_json()["metrics"]["recall@5"]["value"] == 1.0
    assert table.as_json()["rows"][1]["k"] == "later"
    assert "last event is left out" in table.as_json()["notes"][-1]
    assert seen == ["fitting next", "fitting nothing"]


def test_nobody_warm_says_what_to_change():
    with pytest.raises(DataError, match="earlier cut"):
        after({"next": Next}, *world(), warm=50, min_events=0)


def test_only_some_users():
    assert after({"next": Next}, *world(), fraction=0.8, min_events=0, limit_users=4).users == 4
