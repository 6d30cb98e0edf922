"""Does the time of asking help to say what comes next? The next-item cuts with a clock.

Each person is asked at the time of the withheld event, which a running system knows. A base model
is compared with itself plus what a moment makes one lean to: learned from earlier events, or the
words of `text/moments.toml`. Paired by user; the last event of everybody is not looked at.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path

import numpy as np

from tastemate.blend import zscore_mean
from tastemate.catalog import Catalog
from tastemate.context import moment
from tastemate.data.split import leave_one_out
from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.held import Row, Table, rows
from tastemate.evaluate.lab import Setting, prepare
from tastemate.evaluate.scoring import Factory, target_ranks
from tastemate.interactions import Interactions
from tastemate.metrics import Values, judge_ranks, measure
from tastemate.profile.moments import CLOCK_STARTS, learn
from tastemate.protocols import Progress, Scorer
from tastemate.retrieve.leanings import Leanings
from tastemate.text.moments import Moments
from tastemate.types import Floats, Leaning, Query

SHARES = (0.05, 0.1, 0.2)
"""Weights of the moment against the model's 1, z-scores of both."""
LATER = 3_600
"""Seconds after which somebody has come back, and the clock may tell something."""
_LEARNED = 40
"""Leanings taken of a moment, where they are learned."""


class Moved:
    """A model, moved a little by the leanings of each query."""

    def __init__(self, base: Scorer, leanings: Leanings, share: float) -> None:
        self.base, self.leanings, self.share = base, leanings, share

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items): z-scores of both, weighed."""
        found, moved = self.base.scores(queries), self.leanings.scores(queries)
        return zscore_mean([found, moved], [1.0, self.share])


def moments(
    base: Factory,
    catalog: Catalog,
    interactions: Interactions,
    *,
    model: str,
    zone: tzinfo = UTC,
    cuts: Sequence[int] = (1, 2, 3),
    max_history: int = 200,
    min_events: int = 5,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Ask for the next item with and without the moment; a row for each share, paired with none.

    Rows of k "all" hold every case, of "an hour later" those who had been away for an hour.
    Raises `DataError` where the times of the events are no clock's.
    """
    start = time.perf_counter()
    items, events = prepare(catalog, interactions, Setting(min_events=min_events))
    if (events.timestamp < CLOCK_STARTS).all():
        raise DataError("The events have no times of a clock, so there is no moment to measure.")
    found: dict[str, list[Values]] = {}
    away: list[Values] = []
    users: list[Values] = []
    with record.stoppable(keep):
        for step, cut in enumerate(cuts):
            if progress is not None:
                progress(f"{model}, cut {cut}", step / len(cuts))
            key = {"protocol": "context", "model": model, "cut": cut, "zone": str(zone)}
            key |= {"data": f"{items.fingerprint}-{events.fingerprint}", "history": max_history}
            key |= {"limit": limit_users, "seed": seed}

            def make(cut: int = cut) -> dict[str, Values]:
                return _cut(base, items, events, cut, zone, max_history, limit_users, seed)

            cell = record.cell(keep, fresh, key, make)
            away.append(cell["away"])
            users.append(cell["users"])
            for name, places in cell.items():
                if name not in ("away", "users"):
                    found.setdefault(name, []).append(places)
    ranks = {name.replace("base", model): np.concatenate(one) for name, one in found.items()}
    lines: list[Row] = []
    later, who = np.concatenate(away) >= LATER, np.concatenate(users)
    for label, chosen in (("all", np.ones(len(who), bool)), ("an hour later", later)):
        if chosen.any():
            values = {name: _by_user(one[chosen], who[chosen]) for name, one in ranks.items()}
            lines += rows(values, label, against=(model,), seed=seed)
    return Table(
        protocol="context",
        rows=lines,
        users=len(np.unique(who)),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{events.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=(
            f"Clock read as {zone}; moments are those of the withheld event.",
            f"{int(later.sum())} of {len(later)} cases come an hour or more after the one before.",
        ),
    )


def _cut(
    base: Factory,
    items: Catalog,
    events: Interactions,
    cut: int,
    zone: tzinfo,
    max_history: int,
    limit_users: int | None,
    seed: int,
) -> dict[str, Values]:
    """Return the rank of each target by each variant, the users, and how long they were away."""
    asked = leave_one_out(events, cut)
    chosen = np.arange(len(asked))
    if limit_users is not None:
        drawn = np.random.default_rng(seed).permutation(events.n_users)[:limit_users]
        chosen = np.flatnonzero(np.isin(asked.users, drawn))
    scorer = base(items, asked.train)
    learned = learn(asked.train, items, zone=zone)
    words = Moments(items)
    part = Leanings().fit(items, asked.train)
    when = [
        moment(int(asked.histories[at].timestamps[-1]) + int(asked.gaps[at]), zone) for at in chosen
    ]
    plain = [
        Query(user=events.users[asked.users[at]], history=asked.histories[at].last(max_history))
        for at in chosen
    ]
    seen = [asked.histories[at].items for at in chosen]
    held = _Held(scorer, plain)

    def ranked(leanings: Sequence[tuple[Leaning, ...]], share: float) -> Values:
        queries = [
            Query(user=q.user, history=q.history, leanings=lean)
            for q, lean in zip(plain, leanings, strict=True)
        ]
        model: Scorer = Moved(held, part, share) if share else held
        return target_ranks(model, queries, seen, asked.targets[chosen]).astype(np.float64)

    found: dict[str, Values] = {"base": ranked([()] * len(plain), 0.0)}
    taught = [learned.leanings(now, _LEARNED, 0.0) for now in when]
    said = [words.leanings(now) for now in when]
    for share in SHARES:
        found[f"base + {share:g} learned"] = ranked(taught, share)
        found[f"base + {share:g} by words"] = ranked(said, share)
    found["away"] = asked.gaps[chosen].astype(np.float64)
    found["users"] = asked.users[chosen].astype(np.float64)
    return found


class _Held:
    """Scores made once for queries that are asked again with other leanings."""

    def __init__(self, base: Scorer, queries: Sequence[Query]) -> None:
        parts = [base.scores(queries[at : at + 256]) for at in range(0, len(queries), 256)]
        self._rows = {query.user: at for at, query in enumerate(queries)}
        self._scores = np.concatenate(parts)

    def scores(self, queries: Sequence[Query]) -> Floats:
        return np.asarray(self._scores[[self._rows[query.user] for query in queries]])


def _by_user(ranks: Values, users: Values) -> Mapping[str, Values]:
    """Return each metric as the mean of each user's cases."""
    found = measure(judge_ranks(ranks.astype(np.int64), 20), ("ndcg", "recall"), (10, 20))
    _, which = np.unique(users, return_inverse=True)
    sizes = np.bincount(which)
    return {name: np.bincount(which, value) / sizes for name, value in found.items()}
