"""What a model's order is worth: learned on validation targets, nothing where it is noise."""

from collections.abc import Sequence

import numpy as np
import pytest

from tastemate import build
from tastemate.catalog import Catalog
from tastemate.data.split import leave_one_out
from tastemate.data.synthetic import random_world
from tastemate.errors import DataError
from tastemate.evaluate.lab import Setting, prepare
from tastemate.evaluate.reranking import reranking
from tastemate.interactions import Interactions
from tastemate.types import Candidate, Floats, Query


class Oracle:
    """Scores the validation target 1, all else 0; or at random."""

    def __init__(self, targets: dict[str, int], rng: np.random.Generator | None = None) -> None:
        self.targets = targets
        self.rng = rng

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        return [
            np.array(
                [
                    self.rng.random() if self.rng else one.row == self.targets[str(query.user)]
                    for one in pool
                ],
                np.float32,
            )
            for query, pool in zip(queries, pools, strict=True)
        ]


def _world() -> tuple[Catalog, Interactions, dict[str, int]]:
    catalog, events = random_world(1, 150, 40, 1500)
    items, kept = prepare(catalog, events, Setting(min_events=2))
    held = leave_one_out(kept, 1)
    pairs = zip(held.users, held.targets, strict=True)
    return catalog, events, {kept.users[user]: int(row) for user, row in pairs}


def test_a_judge_that_knows_is_trusted_and_noise_is_not() -> None:
    catalog, events, targets = _world()
    factory = build.factory("popular")
    known = reranking(factory, lambda *_: Oracle(targets), catalog, events, min_events=2)
    assert known["weight"] > 0.4
    assert known["ndcg"] > known["without"]
    assert known["signals"] > 0
    assert known["asked"] >= known["queries"] >= 50
    noise = Oracle(targets, np.random.default_rng(0))
    random = reranking(factory, lambda *_: noise, catalog, events, min_events=2)
    assert random["weight"] <= 0.2
    assert random["without"] == known["without"]


def test_a_limit_asks_about_fewer_and_nobody_is_an_error() -> None:
    catalog, events, targets = _world()
    factory = build.factory("popular")
    few = reranking(factory, lambda *_: Oracle(targets), catalog, events, users=10, min_events=2)
    assert few["asked"] <= 10
    assert few["weight"] == 0.0  # too few to learn from
    with pytest.raises(DataError):
        reranking(factory, lambda *_: Oracle(targets), catalog, events, min_events=10_000)
