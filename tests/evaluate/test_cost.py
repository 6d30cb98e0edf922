"""What a fitted model holds, and what a cell cost."""

import numpy as np
import pytest
from scipy import sparse

from tastemate import build
from tastemate.data.synthetic import random_world
from tastemate.evaluate.cost import Cost, kept_numbers
from tastemate.evaluate.protocol import next_item


class Thing:
    __slots__ = ("left", "right")

    def __init__(self, left: object, right: object = None) -> None:
        self.left, self.right = left, right


class Trees:
    def model_to_string(self) -> str:
        return "Tree=0\nnum_leaves=4\nnum_cat=0\n\nTree=1\nnum_leaves=1\n"


def test_numbers_are_counted_once_wherever_they_are_held() -> None:
    weights = np.ones((3, 4), np.float32)
    assert kept_numbers(weights) == 12
    assert kept_numbers({"a": [weights, weights.T, {"b": weights}]}) == 12
    assert kept_numbers(Thing(weights, np.arange(5))) == 12
    assert kept_numbers(Thing(sparse.csr_matrix(np.eye(7)), (weights,))) == 19
    assert kept_numbers(Trees()) == 7 + 1
    loop = Thing(weights)
    loop.right = loop
    assert kept_numbers(loop) == 12
    assert kept_numbers(None) == kept_numbers("text") == kept_numbers(np.zeros(0)) == 0


def test_data_and_encoders_are_no_parameters() -> None:
    catalog, interactions = random_world(1)
    shared = build.resources(encoder="words")
    assert kept_numbers(Thing(catalog, interactions)) == 0
    assert kept_numbers(shared.encoder()) == 0
    ease = build.fitted("ease", shared, catalog, interactions)
    assert kept_numbers(ease) >= interactions.n_items
    assert kept_numbers(Thing(ease, catalog)) == kept_numbers(ease)


def test_a_networks_weights_are_counted_in_numpy_and_torch_alike() -> None:
    pytest.importorskip("torch", reason="needs torch")
    catalog, interactions = random_world(2)
    model = build.retriever("sasrec", build.resources(encoder="words"), dim=8, rounds=1, look=1)
    model.fit(catalog, interactions)
    before = kept_numbers(model)
    assert before == sum(one.numel() for one in model.tensors().values())
    assert kept_numbers(model) == before


def test_a_cost_is_kept_beside_the_ranks(tmp_path) -> None:
    world = random_world(3, n_events=600)
    shared = build.resources(encoder="words")
    factory = build.factory("item-knn", shared)
    first = next_item(factory, *world, model="item-knn", cuts=(1, 2), keep=tmp_path)
    again = next_item(factory, *world, model="item-knn", cuts=(1, 2), keep=tmp_path)
    assert len(first.costs) == 2
    assert again.costs == first.costs
    cost = first.costs[0]
    assert cost.asked == int((first.cases.cuts == 1).sum()) > 0
    assert cost.numbers > 0
    assert 0 < cost.per_thousand == 1000 * cost.ask_seconds / cost.asked
    assert first.as_json()["costs"][0]["fit_seconds"] == cost.fit_seconds
    assert Cost(1.0, 1.0, 0, 0).per_thousand == 0.0
