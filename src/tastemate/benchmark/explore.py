"""Does exploring find what the ranker overlooked, and what does it cost until then?

A catalogue in which the ranker is right about most items and wrong about some; people reward what
they look at and like. Every policy learns from its own lists only. Between batches each orders its
pool by what it has learned; the exploring ones serve it through `rank.explore.Explorer`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tastemate.rank.beliefs import LinUcb, Log, Thompson
from tastemate.rank.explore import Beliefs, Explorer
from tastemate.types import Candidate, Controls, Floats, Query, Rows

Numbers = NDArray[np.float64]

ITEMS = 100
PLACES = 5
SHARE = 0.2
"""Of the places: one in each list."""
HIDDEN = 5
"""Items that are much better than the ranker thinks."""
DIMENSIONS = 8
BATCH = 100
LOOKED = np.arange(1, PLACES + 1, dtype=np.float64) ** -0.5
HEAT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What items are worth, what the ranker thinks of them, and what they look like."""

    liked: Numbers
    scores: Floats
    vectors: Floats
    hidden: NDArray[np.intp]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "World":
        """Draw a world; liking is partly a matter of the vector, so it can be learned of others."""
        vectors = rng.normal(size=(ITEMS, DIMENSIONS))
        told = vectors @ rng.normal(size=DIMENSIONS) / np.sqrt(DIMENSIONS)
        worth = 0.7 * told + 0.7 * rng.normal(size=ITEMS)
        scores = worth + 0.5 * rng.normal(size=ITEMS)
        hidden = rng.choice(ITEMS, HIDDEN, replace=False)
        worth[hidden] = worth.max() + rng.random(HIDDEN)
        liked = 1.0 / (1.0 + np.exp(2.5 - worth))
        return cls(liked, scores.astype(np.float32), vectors.astype(np.float32), hidden)

    @property
    def best(self) -> float:
        """Reward of the best list there is, its items in order."""
        return float(np.sort(self.liked)[::-1][:PLACES] @ LOOKED)


class _Even:
    """Believes the same of everything: exploring without learning where to."""

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> Numbers:
        """Return one chance for all."""
        return np.full(len(rows), 0.5)


Learn = Callable[[Log, World], Beliefs]


def _thompson(log: Log, world: World) -> Beliefs:
    return Thompson.fit(log, ITEMS)


def _linucb(log: Log, world: World) -> Beliefs:
    return LinUcb(world.vectors, dimensions=DIMENSIONS).fit(log)


POLICIES: dict[str, Learn | None] = {
    "greedy": None,
    "even": lambda log, world: _Even(),
    "Thompson": _thompson,
    "LinUCB": _linucb,
}


def explore(seeds: int = 20, lists: int = 2_000, seed: int = 0) -> dict[str, Any]:
    """Let each policy serve `lists` lists in each of so many worlds.

    Returns rows (mean regret a list over all of them, over the first and the last tenth, and how
    many of the hidden items it would show at the end), curves of regret over time, the paired
    gain over greedy with 95% intervals over worlds, `checks` and `failures`.
    """
    start = time.perf_counter()
    regret = {name: np.empty((seeds, lists // BATCH)) for name in POLICIES}
    found = {name: np.empty(seeds) for name in POLICIES}
    for at in range(seeds):
        world = World.drawn(np.random.default_rng([seed, at]))
        for name, learn in POLICIES.items():
            rng = np.random.default_rng([seed, at, 1])
            regret[name][at], found[name][at] = _served(world, learn, lists, rng)
    tenth = max(lists // BATCH // 10, 1)
    base = regret["greedy"]
    rows: list[dict[str, Any]] = []
    gains: list[dict[str, Any]] = []
    for name, values in regret.items():
        rows.append({
            "policy": name,
            "regret": float(values.mean()),
            "regret_first_tenth": float(values[:, :tenth].mean()),
            "regret_last_tenth": float(values[:, -tenth:].mean()),
            "found": float(found[name].mean()),
        })  # fmt: skip
        if name != "greedy":
            saved = base.mean(axis=1) - values.mean(axis=1)
            last = base[:, -tenth:].mean(axis=1) - values[:, -tenth:].mean(axis=1)
            gains.append({"policy": name, "of": "regret"} | _gain(saved))
            gains.append({"policy": name, "of": "regret_last_tenth"} | _gain(last))
            gains.append({"policy": name, "of": "found"} | _gain(found[name] - found["greedy"]))
    low = {(gain["policy"], gain["of"]): gain["low"] for gain in gains}
    checks = {
        "Thompson loses less than greedy": low["Thompson", "regret"] > 0,
        "Thompson finds more of the hidden items than greedy": low["Thompson", "found"] > 0,
        "LinUCB loses less than greedy": low["LinUCB", "regret"] > 0,
    }
    return {
        "seeds": seeds, "lists": lists, "batch": BATCH, "items": ITEMS, "places": PLACES,
        "share": SHARE, "hidden": HIDDEN, "heat": HEAT, "seed": seed, "rows": rows,
        "gains": gains, "curves": _curves(regret), "checks": checks,
        "failures": sum(not held for held in checks.values()),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def _served(
    world: World, learn: Learn | None, lists: int, rng: np.random.Generator
) -> tuple[Numbers, float]:
    """Return mean regret by batch, and how many hidden items it would show at the end."""
    shown: list[NDArray[np.int32]] = []
    won: list[Numbers] = []
    regret = np.empty(lists // BATCH)
    for batch in range(lists // BATCH):
        log = _log(world, shown, won)
        pool = _pool(world, log)
        # Every list has the same pool, so what is learned is learned once a batch.
        explorer = None if learn is None else Explorer(learn(log, world), share=SHARE)
        made = [[candidate.row for candidate in pool[:PLACES]]] * BATCH
        if explorer is not None:
            asked = Query(k=PLACES, controls=Controls(explore=HEAT))
            made = [
                [one.row for one in explorer.arrange(replace(asked, seed=seed), pool)[:PLACES]]
                for seed in range(batch * BATCH, (batch + 1) * BATCH)
            ]
        rows = np.array(made, dtype=np.int32)
        chance = world.liked[rows] * LOOKED
        regret[batch] = world.best - float(chance.sum(axis=1).mean())
        shown.append(rows)
        won.append((rng.random(rows.shape) < chance).astype(np.float64))
    last = [one.row for one in _pool(world, _log(world, shown, won))[:PLACES]]
    return regret, float(np.isin(last, world.hidden).sum())


def _log(world: World, shown: list[NDArray[np.int32]], won: list[Numbers]) -> Log:
    if not shown:
        nothing = np.zeros(0)
        return Log(np.zeros(0, dtype=np.int32), nothing, nothing, nothing)
    rows = np.concatenate(shown)
    looked = np.broadcast_to(LOOKED, rows.shape).ravel()
    rewards = np.concatenate(won).ravel()
    return Log(rows.ravel(), world.scores[rows.ravel()].astype(np.float64), rewards, looked)


def _pool(world: World, log: Log) -> list[Candidate]:
    """Return the catalogue by the mean of what is believed after a log: all policies rank so."""
    rows = np.arange(ITEMS, dtype=np.int32)
    one, other = Thompson.fit(log, ITEMS).posterior(rows, world.scores)
    order = np.argsort(-one / (one + other), kind="stable")
    return [
        Candidate(int(row), float(world.scores[row]), "blend", rank)
        for rank, row in enumerate(order, start=1)
    ]


def _curves(regret: Mapping[str, Numbers], points: int = 20) -> dict[str, list[float]]:
    """Return regret a list by so many stretches of time."""
    return {
        name: [
            round(float(part.mean()), 4)
            for part in np.array_split(values, min(points, values.shape[1]), axis=1)
        ]
        for name, values in regret.items()
    }


def _gain(differences: Numbers) -> dict[str, float]:
    """Return the mean difference over worlds and its 95% interval."""
    n = len(differences)
    spread = float(differences.std(ddof=1)) if n > 1 else float("nan")
    reach = float(stats.t.ppf(0.975, max(n - 1, 1)) * spread / np.sqrt(n))
    mean = float(differences.mean())
    return {"value": mean, "low": mean - reach, "high": mean + reach}
