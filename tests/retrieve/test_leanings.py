import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve import leanings as module
from tastemate.retrieve.leanings import Leanings
from tastemate.types import Item, Leaning, Query


@pytest.fixture
def model():
    catalog = Catalog.of(
        [
            Item("a", "A", attributes={"kind": ("Red", "Round"), "size": 1}),
            Item("b", "B", attributes={"kind": ("Blue",), "size": 9}),
            Item("c", "C", attributes={"size": 5}),
        ]
    )
    return Leanings().fit(catalog, Interactions.empty(catalog))


def scores(model, *leanings):
    return model.scores([Query(leanings=leanings)])[0].tolist()


def test_weights_add_up_and_the_unknown_counts_nothing(model):
    assert scores(model, Leaning("kind", "is", "red", 2.0)) == [2, 0, 0]
    assert scores(model, Leaning("kind", "is not", "red", 1.0)) == [0, 1, 0]
    assert scores(
        model,
        Leaning("kind", "any of", ("Red", "Blue"), 1.0),
        Leaning("size", "at least", 5, -0.5),
    ) == [1.0, 0.5, -0.5]


def test_without_leanings_there_is_no_opinion(model):
    found = model.scores([Query(), Query(leanings=(Leaning("kind", "is", "Blue"),))])
    assert np.isneginf(found[0]).all()
    assert found[1].tolist() == [0, 1, 0]


def test_what_holds_is_looked_up_once_and_not_kept_for_ever(model, monkeypatch):
    asked = []

    def counting(catalog, wish, decide=module.decide):
        asked.append(wish)
        return decide(catalog, wish)

    monkeypatch.setattr(module, "decide", counting)
    monkeypatch.setattr(module, "KEPT", 2)
    for size in (1, 1, 2, 1, 3, 4):
        scores(model, Leaning("size", "at least", size))
    assert len(asked) == 4
    assert len(model._holds) <= 2


def test_what_does_not_exist_is_an_error_that_says_so(model):
    with pytest.raises(ConfigError, match="Blue"):
        scores(model, Leaning("kind", "is", "Bleu"))
