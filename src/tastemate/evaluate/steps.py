"""What fairness costs and gives: the same people's lists as `fair` is turned up, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate import metrics
from tastemate.catalog import Catalog
from tastemate.evaluate import lists
from tastemate.evaluate.baselines import Together
from tastemate.evaluate.bootstrap import differences, intervals
from tastemate.evaluate.lab import Setting, prepare
from tastemate.evaluate.loop import arranged
from tastemate.evaluate.scoring import Factory
from tastemate.interactions import Interactions
from tastemate.metrics import Lists, Values
from tastemate.rank.fair import LABELS, Fair, item_thirds
from tastemate.types import Controls, Mask

STEPS = (0.0, 0.25, 0.5, 1.0)


def fair_steps(
    factory: Factory,
    catalog: Catalog,
    interactions: Interactions,
    *,
    table: Mapping[str, Any],
    steps: Sequence[float] = STEPS,
    k: int = 10,
    users: int | None = None,
    min_events: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return a row for each step: accuracy on what was held out, and who gets the attention.

    `table` are the checked keywords of `rank.fair.Fair`; `factory` gives what scores the pools.
    `ndcg less` and `recall less` are paired by person with the first step. `exposure` is by third
    of popularity and, where an attribute is declared, by its groups; `ratio` is exposure over the
    share of the items; `popularity mix` the Kullback-Leibler divergence of the thirds shown from
    those of the history. Raises `DataError` when nobody has both a history and held-out items.
    """
    items, events = prepare(catalog, interactions, Setting(min_events=min_events))
    scene = lists.scene(items, events, reference=Together, k=k, limit_users=users, seed=seed)
    scorer = factory(items, scene.train)
    fair = Fair(items, scene.train.counts, **table)
    thirds = item_thirds(scene.train.counts)
    each = np.eye(len(LABELS), dtype=np.float32)[thirds]
    met = metrics.as_lists(
        [np.unique(rows) for rows in scene.asked.seen], max(map(len, scene.asked.seen))
    )
    wanted = metrics.shares(met, each)
    rows: list[dict[str, Any]] = []
    before: dict[str, Values] = {}
    for step in steps:
        asked = [replace(one, k=k, controls=Controls(fair=step)) for one in scene.asked.queries]
        shown = arranged(scorer, asked, scene.asked.seen, fair, k)
        values = lists.per_user(shown, scene)
        own = {name: values[f"{name}@{k}"] for name in ("ndcg", "recall")}
        own["popularity mix"] = metrics.miscalibration(wanted, metrics.shares(shown, each))
        own["novelty"] = values["novelty"]
        before = before or own
        row: dict[str, Any] = {"fair": step, "users": len(shown)}
        row |= {name: one.as_json() for name, one in intervals(own, seed=seed).items()}
        less = differences(own, before, seed=seed)
        row |= {f"{name} less": less[name].as_json() for name in ("ndcg", "recall")}
        row["coverage"] = metrics.coverage(shown, len(items))
        row["gini"] = metrics.gini(shown, len(items))
        row["exposure"] = exposures(shown, thirds[:, None] == np.arange(len(LABELS)), LABELS)
        if fair.groups:
            row["groups"] = exposures(shown, fair.member, fair.groups)
        rows.append(row)
    return rows


def exposures(shown: Lists, member: Mask, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each group its share of exposure and of the items, and the one over the other.

    `member` is (items, groups); an item may be in several.
    """
    rows = []
    for at, name in enumerate(names):
        inside: NDArray[np.int64] = member[:, at].astype(np.int64)
        seen = float(metrics.exposure(shown, inside, 2)[1])
        size = float(member[:, at].mean())
        rows.append({"group": name, "exposure": seen, "share_of_items": size, "ratio": seen / size})
    return rows
