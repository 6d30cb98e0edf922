"""What a model's order is worth on top of ours: pools of a recommender, judged, on validation.

Gives `weight` of `[llm]` and `signals` of `[gate]`. The targets are validation items (each user's
last event but one); the test's are never looked at.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.split import leave_one_out
from tastemate.errors import DataError
from tastemate.evaluate.lab import Setting, limited, prepare
from tastemate.evaluate.scoring import Factory, scored
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.retrieve.dense import top
from tastemate.scope import opened
from tastemate.train.mixing import gain, learn_signals, learn_weight
from tastemate.types import Candidate, Floats, Query

BATCH = 16
"""People whose pools are judged in one call."""


class Judging(Protocol):
    """What scores the front of pools: a `rank.mix.ModelRanker`."""

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        """Return one score for each judged candidate; nan is no opinion."""
        ...


def reranking(
    factory: Factory,
    judging: Callable[[Catalog, Interactions], Judging],
    catalog: Catalog,
    interactions: Interactions,
    *,
    users: int = 200,
    depth: int = 20,
    min_events: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Judge the first `depth` candidates of up to `users` people and learn from their targets.

    Returns weight, ndcg and without (NDCG@10 with the weight and without the model), curve, queries
    (targets among the candidates: only these can be learned from), signals, asked, unheard (people
    whom the judge said nothing of), calls, tokens, cost, errors and seconds. Raises
    `DataError` when nobody can be asked about.
    """
    start = time.perf_counter()
    setting = Setting(min_events=min_events, limit_users=users, seed=seed)
    items, events = prepare(catalog, interactions, setting)
    held = limited(leave_one_out(events, 1), setting)
    if not len(held):
        raise DataError("Nobody has enough events to be asked about; give more data.")
    names = events.users
    queries = [
        Query(user=names[code], history=past.last(setting.max_history))
        for code, past in zip(held.users, held.histories, strict=True)
    ]
    pools = _pools(factory(items, held.train), queries, depth)
    judge = judging(items, held.train)
    judged: list[Floats] = []
    with opened() as account:
        for at in range(0, len(queries), BATCH):
            if progress is not None:
                progress("judging", at / len(queries))
            judged += judge.scores(queries[at : at + BATCH], pools[at : at + BATCH])
    retrieved = [np.array([one.score for one in pool], np.float32) for pool in pools]
    rows = [[one.row for one in pool] for pool in pools]
    targets = [
        pool.index(int(target)) if int(target) in pool else -1
        for pool, target in zip(rows, held.targets, strict=True)
    ]
    learned = learn_weight(retrieved, judged, targets)
    found = [at for at, target in enumerate(targets) if target >= 0]
    gains = [
        gain(retrieved[at], judged[at], targets[at], learned.weight)
        - gain(retrieved[at], judged[at], targets[at], 0.0)
        for at in found
    ]
    return asdict(learned) | {
        "curve": [{"weight": weight, "ndcg": value} for weight, value in learned.curve],
        "signals": learn_signals([len(queries[at].history) for at in found], gains),
        "asked": len(queries),
        "unheard": sum(not np.isfinite(scores).any() for scores in judged),
        "calls": account.calls,
        "tokens": account.tokens,
        "cost": account.cost,
        "errors": account.errors[:3],
        "depth": depth,
        "seed": seed,
        "seconds": time.perf_counter() - start,
    }


def _pools(scorer: Any, queries: Sequence[Query], depth: int) -> list[list[Candidate]]:
    """Return the best candidates of each query, nothing the person has met among them."""
    pools: list[list[Candidate]] = []
    for _, scores in scored(scorer, queries, [query.history.items for query in queries]):
        for line in scores:
            best = top(line, depth)
            pools.append(
                [Candidate(int(row), float(line[row]), "blend", r) for r, row in enumerate(best, 1)]
            )
    return pools
