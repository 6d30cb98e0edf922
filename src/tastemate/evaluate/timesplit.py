"""A global cut in time: learn from everything before a moment, recommend for what came after.

Leave-one-out lets a model learn from other people's later events; a cut in time does not. Only
warm people are asked: those with a history before the cut and something new after it. Each
person's last event is left out first: it is the test of the next-item protocol.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.split import check_disjoint, global_time
from tastemate.errors import DataError
from tastemate.evaluate.held import LAST_KEPT, Questions, Table, answers, rows
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.scoring import Factory
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.types import Query, Rows

METRICS = tuple((name, k) for name in ("ndcg", "recall", "mrr", "hit") for k in (5, 10, 20))


def after(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    *,
    fraction: float = 0.9,
    warm: int = 5,
    max_history: int = 200,
    min_events: int = 5,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Recommend after a moment: `fraction` of all events lie before it.

    People with at least `warm` events before are asked; what they met afterwards is the truth. The
    first model is compared with the others. Raises `DataError` when nobody is warm.
    """
    start = time.perf_counter()
    items, whole = prepare(catalog, interactions, Setting(min_events=min_events))
    events = without_last(whole)
    split = global_time(events, fraction)
    train = split.train
    check_disjoint(train, split.test)
    asked = _questions(events, train, warm, max_history, limit_users, seed)
    if not len(asked):
        raise DataError(
            f"Nobody has {warm} events before the cut and a new one after it. "
            "Use more data, an earlier cut, or a smaller number of events."
        )
    lot = {"later": asked}
    found = answers(
        factories, items, train, lot, METRICS, keep=keep, fresh=fresh, progress=progress
    )
    values = found["later"]
    names = list(values)
    return Table(
        protocol="global-time",
        rows=rows(values, "later", against=names[1:], seed=seed),
        users=len(asked),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{whole.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=(
            f"{fraction:.0%} of the events lie before the cut; {len(asked)} warm users.",
            LAST_KEPT,
        ),
    )


def _questions(
    events: Interactions,
    train: Interactions,
    warm: int,
    max_history: int,
    limit_users: int | None,
    seed: int,
) -> Questions:
    asked = Questions([], [], [])
    codes = np.arange(events.n_users)
    if limit_users is not None:
        codes = np.sort(np.random.default_rng(seed).permutation(codes)[:limit_users])
    for code in codes.tolist():
        past = train.history(code)
        known: Rows = past.items
        fresh = np.setdiff1d(events.history(code).items, known)
        if len(past) >= warm and len(fresh):
            asked.queries.append(Query(user=events.users[code], history=past.last(max_history)))
            asked.seen.append(known)
            asked.truths.append(fresh)
    return asked
