import numpy as np
import pytest

from tastemate import build
from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.retrieve.sequential.layers import PLACES, Steps
from tastemate.types import Event, Item, Query, history

torch = pytest.importorskip("torch", reason="needs torch")

SMALL = {"dim": 16, "layers": 1, "length": 12, "batch": 100, "look": 40, "rounds": 6}


def _steps(*rows: list[int]):
    items = torch.tensor(rows)
    none = torch.zeros_like(items)
    return Steps(items, none, none, none[:, 0], (items > 0).sum(1))


def test_a_blank_is_seen_by_itself_alone() -> None:
    model = build.retriever("bert4rec", build.resources(), **SMALL)
    start = model.begin(np.random.default_rng(0), 9, 1)
    weights = {name: torch.from_numpy(one) for name, one in start.items()}
    blank = len(start["item"]) - 1
    alone, beside = (
        model.encode(weights, _steps(row), None)[0]
        for row in ([3, 4, 5, 0, 0], [3, 4, 5, blank, blank])
    )
    torch.testing.assert_close(alone[:3], beside[:3])
    one, several = (
        model.encode(weights, _steps(row), None)[0]
        for row in ([3, blank, 5, 6, 7], [3, blank, blank, 6, 7])
    )
    assert not torch.allclose(one[1], several[1])
    assert torch.isfinite(model.encode(weights, _steps([blank, blank, 0]), None)).all()


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_heads_begin_by_looking_back_and_ahead_in_turn(heads: int) -> None:
    model = build.retriever("bert4rec", build.resources(), **SMALL | {"heads": heads})
    start = model.begin(np.random.default_rng(0), 9, 1)
    before, after = start["0.before"], start["0.after"]
    assert before.shape == after.shape == (PLACES, heads)
    assert (np.diff(before[1:], axis=0) < 0).all()
    if heads == 1:
        np.testing.assert_array_equal(before[1:], after[1:])
    else:
        assert (before[1:, ::2] > after[1:, ::2]).all()
        assert (before[1:, 1::2] < after[1:, 1::2]).all()


def test_it_learns_what_follows_what() -> None:
    rng = np.random.default_rng(0)
    size = 40
    order = rng.permutation(size)
    catalog = Catalog.of([Item(f"i{at}", f"Item {at}") for at in range(size)])
    events = [
        Event(f"u{user}", f"i{order[(first + step) % size]}", 1.0, step)
        for user, first in enumerate(rng.integers(0, size, 120))
        for step in range(10)
    ]
    model = build.retriever("bert4rec", build.resources(), **SMALL, learning_rate=0.01)
    model.fit(catalog, Interactions.of(events, catalog))
    asked = [
        Query(history=history(order[[(at + step) % size for step in range(5)]]))
        for at in range(size)
    ]
    first = model.scores(asked).argmax(axis=1)
    follows = order[(np.arange(size) + 5) % size]
    assert (first == follows).mean() > 0.9
