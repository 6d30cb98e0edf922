"""A day of traffic, replayed: what the cache and the gate save, in one run.

Few people come often and most come once (Zipf); who is there looks again, sometimes after a new
event of their own, sometimes with a wish in words. The same requests pass through the real path
and the real wrappers four times: with and without the cache, with and without the gate. The model
is scripted and counts; the traffic is made up, so read the ratios, not the sums.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import build, scope
from tastemate.benchmark.tokens import Meter
from tastemate.data.datasets import Dataset
from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.lists import held_back
from tastemate.interactions import Interactions
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.protocols import Progress, Ranker, Retriever
from tastemate.types import Candidate, Query

PRICES: tuple[float, float] = (0.15, 0.60)
"""US dollars a million tokens of prompt and of reply: an assumption, give your own."""
VISITS = 2.5
"""Mean looks of one visit."""
EVENT, WISH = 0.3, 0.1
"""Share of looks that follow a new event, and that come with words."""
WISHES: tuple[str, ...] = (
    "something tense but not violent", "a comedy for the whole family", "a film from the 1990s",
    "a slow film about memory", "space and robots", "a musical", "a heist with a twist",
    "something short", "a love story with a happy end", "a war film", "a detective story",
    "animated, for adults", "a sports film", "something scary", "a film about cooking",
    "a road movie", "a courtroom drama", "a film in French", "dinosaurs", "a good cry",
)  # fmt: skip
"""What people ask for, the commonest first."""


@dataclass(frozen=True, slots=True)
class Request:
    """One look: who, what they had done by then, and what they wrote."""

    user: int
    """Code in the interactions."""
    events: int
    """How many of their events had happened."""
    text: str = ""


class _Kept:
    """Takes down the pools that a ranker would see, and leaves them as they are."""

    name = "kept"

    def __init__(self) -> None:
        self.pools: list[list[Candidate]] = []

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came."""
        self.pools += [list(pool) for pool in pools]
        return self.pools[-len(pools) :]


@dataclass(frozen=True, slots=True)
class _Arm:
    """What one pass over the day used."""

    asked: int
    """Requests for which the model was asked."""
    answered: int
    """Of these, those that the cache answered."""
    tokens: int
    cost: float


def traffic(train: Interactions, whole: Interactions, n: int, seed: int = 0) -> list[Request]:
    """Return `n` looks in order; events of `whole` beyond `train` arrive in between."""
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.flatnonzero(np.diff(train.offsets) > 0))
    if not len(people):
        raise DataError("Nobody has a history; replay data with interactions.")
    weights = 1.0 / np.arange(1, len(people) + 1)
    wishes = 1.0 / np.arange(1, len(WISHES) + 1)
    done = dict(zip(range(train.n_users), np.diff(train.offsets).tolist(), strict=True))
    sizes = np.diff(whole.offsets)
    looks: list[Request] = []
    while len(looks) < n:
        user = int(rng.choice(people, p=weights / weights.sum()))
        for _ in range(int(rng.geometric(1.0 / VISITS))):
            if rng.random() < EVENT:
                done[user] = min(done[user] + 1, int(sizes[user]))
            text = ""
            if rng.random() < WISH:
                text = WISHES[int(rng.choice(len(WISHES), p=wishes / wishes.sum()))]
            looks.append(Request(user, done[user], text))
    return looks[:n]


def replay(
    dataset: Dataset,
    requests: int = 2000,
    *,
    model: str = "fast",
    seed: int = 0,
    prices: tuple[float, float] = PRICES,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Replay a day of `requests` through the path of `model`, its ranker asking for labels.

    Returns rows (name, value, unit, against, ratio), cache_hit_rate and gate_rate (share of the
    requests for which nobody was asked), arms (asked, answered by the cache, tokens, cost each),
    what the day was made of, and seconds. Raises `DataError` when nobody has a history.
    """
    start = time.perf_counter()
    say = progress or _silent
    train = held_back(dataset.interactions)
    looks = traffic(train, dataset.interactions, requests, seed)
    queries = [_query(look, dataset.interactions) for look in looks]
    say("pools", 0.0)
    pools = _pools(dataset, train, queries, model)
    arms: dict[str, _Arm] = {}
    with tempfile.TemporaryDirectory(prefix="tastemate-replay-") as folder:
        for at, (name, cache, gate) in enumerate(ARMS):
            say(name, (at + 1) / (len(ARMS) + 1))
            guards = Guards(cache=cache, prices={"scripted:meter": prices})
            arms[name] = _pass(dataset, queries, pools, Path(folder) / str(at), guards, gate)
    plain, both = arms["neither"], arms["cache and gate"]
    cached, gated = arms["cache"], arms["gate"]
    return {
        "rows": _rows(arms, requests),
        "cache_hit_rate": cached.answered / max(cached.asked, 1),
        "gate_rate": 1.0 - gated.asked / max(plain.asked, 1),
        "cache_hit_rate_behind_the_gate": both.answered / max(both.asked, 1),
        "arms": {name: _as_json(arm) for name, arm in arms.items()},
        "day": {
            "requests": requests,
            "people": len({look.user for look in looks}),
            "with words": sum(bool(look.text) for look in looks) / max(requests, 1),
            "same as before": 1.0 - len(set(looks)) / max(requests, 1),
        },
        "prices": {"prompt": prices[0], "reply": prices[1], "unit": "US dollars a million tokens"},
        "dataset": dataset.name,
        "seed": seed,
        "seconds": time.perf_counter() - start,
        **record.provenance(dataset.catalog, dataset.interactions),
    }


ARMS: tuple[tuple[str, bool, bool], ...] = (
    ("neither", False, False),
    ("cache", True, False),
    ("gate", False, True),
    ("cache and gate", True, True),
)
"""Name, whether answers are kept, whether the gate decides."""


def _query(look: Request, events: Interactions) -> Query:
    past = events.history(look.user)
    return Query(
        user=events.users[look.user],
        history=past.take(np.arange(look.events)),
        text=look.text,
        k=10,
    )


def _pools(
    dataset: Dataset, train: Interactions, queries: Sequence[Query], model: str
) -> list[list[Candidate]]:
    shared = build.resources()
    fitted: dict[str, Retriever] = {}

    def fit(name: str) -> Retriever:
        if name not in fitted:
            fitted[name] = build.retriever(name, shared).fit(dataset.catalog, train)
        return fitted[name]

    path = build.recommender(build.profile(model), fit, dataset.catalog, train, explained=False)
    kept = _Kept()
    path.ranker = kept
    path.recommend_all(queries)
    return kept.pools


def _pass(
    dataset: Dataset,
    queries: Sequence[Query],
    pools: Sequence[Sequence[Candidate]],
    folder: Path,
    guards: Guards,
    gate: bool,
) -> _Arm:
    """Send the day through a fresh model within its wrappers, request by request."""
    from tastemate.rank.gate import Gate
    from tastemate.rank.mix import ModelRanker
    from tastemate.rank.verbalizer import LabelScores

    meter = Meter()
    model = wrapped(meter.model, folder, guards)
    judge = LabelScores(model)
    ranker: Ranker = ModelRanker(judge, dataset.catalog, dataset.interactions.scale)
    if gate:
        ranker = Gate(ranker)
    asked = answered = tokens = 0
    cost = 0.0
    for query, pool in zip(queries, pools, strict=True):
        before = len(meter.said)
        with scope.opened() as account:
            ranker.rank([query], [pool])
        asked += account.calls > 0
        answered += account.calls > 0 and len(meter.said) == before
        tokens += account.tokens
        cost += account.cost
    model.close()
    return _Arm(asked, answered, tokens, cost)


def _rows(arms: Mapping[str, _Arm], requests: int) -> list[dict[str, Any]]:
    base = arms["neither"]
    rows: list[dict[str, Any]] = []
    for name, arm in arms.items():
        for what, value, other, unit in (
            ("tokens", arm.tokens, base.tokens, "tokens a day"),
            ("cost", arm.cost, base.cost, "US dollars a day"),
            ("calls", arm.asked - arm.answered, base.asked, "calls a day"),
        ):
            rows.append(
                {
                    "name": f"{name}: {what}",
                    "value": value,
                    "unit": f"{unit} of {requests:,} requests",
                    "against": "neither cache nor gate",
                    "against_value": other,
                    "ratio": round(value / other, 4) if other else 1.0,
                }
            )
    return rows


def _as_json(arm: _Arm) -> dict[str, float]:
    return {
        "asked": arm.asked,
        "answered_by_cache": arm.answered,
        "tokens": arm.tokens,
        "cost": arm.cost,
    }


def _silent(_what: str, _share: float) -> None:
    return None
