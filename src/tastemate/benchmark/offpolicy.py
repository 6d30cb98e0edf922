"""Do off-policy estimates tell the truth, and keep silent where they cannot?

The lists are made by the explorer that serves, in a world whose rewards are known: what people
reward depends on who they are, on the place, and on the item above. The worth of another policy is
then known exactly, by going through every list it could show.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import StageError
from tastemate.experiment.offpolicy import Logged, Method, Target, estimate
from tastemate.rank.explore import Explorer, quota
from tastemate.types import Candidate, Controls, Floats, Query, Rows

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]

KINDS = 20
"""Kinds of people, each with an order of the pool and rewards of its own."""
POOL = 12
PLACES = 5
SHARE = 0.2
"""Of the places: one in each list, at any place."""
METHODS: tuple[Method, ...] = ("ips", "snips", "dr")
WANTED = 0.9
JUDGED = ("the ranker alone", "sharper draws", "even draws")
"""Policies whose lists the log covers; the others must be refused."""
TIRED = 0.5
"""How much less an item is rewarded below one that is rewarded surely."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What is ranked how, and rewarded how often once seen: (kinds, pool), best ranked first."""

    scores: Numbers
    liked: Numbers
    looked: Numbers
    """Chance that a place is looked at, (places,)."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "World":
        """Draw a world whose ranker is right, more or less."""
        worth = rng.normal(size=(KINDS, POOL))
        noisy = worth + rng.normal(size=worth.shape)
        scores = np.asarray(-np.sort(-noisy, axis=1), dtype=np.float64)
        liked = 1.0 / (1.0 + np.exp(1.0 - 0.8 * scores - rng.normal(0.0, 0.8, scores.shape)))
        looked = np.arange(1, PLACES + 1, dtype=np.float64) ** -0.5
        return cls(scores, np.asarray(liked), looked)

    def rewards(self, kinds: Codes, lists: Codes) -> Numbers:
        """Return the chance of reward of each place of lists, (lists, places)."""
        liked = self.liked[kinds[:, None], lists]
        above = np.column_stack((np.zeros(len(lists)), liked[:, :-1]))
        return np.asarray(liked * self.looked * (1.0 - TIRED * above))


class _Known:
    """Beliefs that are drawn around the ranker's score, as after few impressions."""

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> Numbers:
        """Return a chance for each candidate."""
        worth = 1.0 * scores.astype(np.float64) - 1.0 + rng.normal(0.0, 0.3, len(rows))
        return np.asarray(1.0 / (1.0 + np.exp(-worth)))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A policy to judge: a share of the places draws by weights (kinds, pool), others rank."""

    weights: Numbers
    share: float

    def steps(self, kinds: Codes, lists: Codes) -> tuple[Numbers, Numbers]:
        """Return the chance of each item at each place of lists, and of the one that is there.

        Shapes (lists, places, pool) and (lists, places). How many places explored is summed over,
        as in `rank.explore.followed`.
        """
        n, rows = len(lists), np.arange(len(lists))
        left = np.ones((n, POOL), dtype=bool)
        every, chance = np.zeros((n, PLACES, POOL)), np.zeros((n, PLACES))
        state = np.zeros((n, PLACES + 1))
        state[:, 0] = 1.0
        for place in range(PLACES):
            item = lists[:, place]
            weight = np.where(left, self.weights[kinds], 0.0)
            drawn = weight / weight.sum(axis=1, keepdims=True)
            best = left.argmax(axis=1)
            coin = np.array([quota(self.share, PLACES, place, c) for c in range(PLACES + 1)])
            explores = state @ coin
            every[:, place] = explores[:, None] * drawn
            every[rows, place, best] += 1.0 - explores
            chance[:, place] = every[rows, place, item]
            stays = state * (1.0 - coin) * (item == best)[:, None]
            goes = state * coin * drawn[rows, item][:, None]
            state = stays + np.column_stack((np.zeros(n), goes[:, :-1]))
            state /= np.maximum(state.sum(axis=1, keepdims=True), 1e-300)
            left[rows, item] = False
        return every, chance

    def worth(self, world: World) -> float:
        """Return the exact mean reward of its lists, kinds being equally many."""
        lists = np.array(_paths(int(self.share * PLACES + 1e-9)))
        total = 0.0
        for kind in range(KINDS):
            kinds = np.full(len(lists), kind)
            _, chance = self.steps(kinds, lists)
            total += float(chance.prod(axis=1) @ world.rewards(kinds, lists).sum(axis=1))
        return total / KINDS


def offpolicy(
    runs: int = 200, lists: int = 1_000, seed: int = 0, least: float = 100.0
) -> dict[str, Any]:
    """Judge policies from logs of the explorer, `runs` times, and count how often it holds.

    Returns a row for each policy and method (truth, mean estimate, coverage of the 95% interval,
    its mean width, mean effective size, refusals), `checks` and `failures`.
    """
    start = time.perf_counter()
    rng = np.random.default_rng([seed, 5])
    world = World.drawn(rng)
    explorer = Explorer(_Known(), share=SHARE, reach=POOL, floor=0.2)
    policies = _policies(world)
    found: dict[tuple[str, Method], list[tuple[float, float, float, float]]] = {
        (name, method): [] for name in policies for method in METHODS
    }
    refused = dict.fromkeys(found, 0)
    served = []
    for run in range(runs):
        kinds, shown, logged = _log(world, explorer, lists, seed * runs + run, rng)
        served.append(float(logged.rewards.sum(axis=1).mean()))
        for name, policy in policies.items():
            target = _beside(policy, kinds, shown, logged)
            for method in METHODS:
                try:
                    one = estimate(logged, target, method, least=least)
                except StageError:
                    refused[name, method] += 1
                    continue
                found[name, method].append((one.value, one.low, one.high, one.effective))
    truths = {name: policies[name].worth(world) for name in JUDGED}
    rows = [
        {"policy": name, "method": method}
        | _figures(values, truths.get(name))
        | {"refused": refused[name, method] / runs}
        for (name, method), values in found.items()
    ]
    checks = _checks(rows)
    return {
        "runs": runs, "lists": lists, "places": PLACES, "pool": POOL, "share": SHARE,
        "least": least, "seed": seed, "served": float(np.mean(served)), "rows": rows,
        "checks": checks, "failures": sum(not held for held in checks.values()),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def _policies(world: World) -> dict[str, Drawing]:
    """Return three that the logs can judge and two that they cannot."""

    def near(heat: float) -> Numbers:
        return np.asarray(np.exp((world.scores - world.scores.max()) / heat))

    first = np.broadcast_to(10.0 ** -(20.0 * np.arange(POOL)), world.scores.shape)
    return {
        "the ranker alone": Drawing(first, 0.0),
        "sharper draws": Drawing(near(0.7), SHARE),
        "even draws": Drawing(np.ones_like(world.scores), SHARE),
        "upside down": Drawing(np.exp((world.scores.min() - world.scores) / 0.05), 1.0),
        "draws at every place": Drawing(near(1.0), 1.0),
    }


def _log(
    world: World, explorer: Explorer, lists: int, seed: int, rng: np.random.Generator
) -> tuple[Codes, Codes, Logged]:
    """Serve lists to people drawn at random; return their kinds, the lists, and the log."""
    pools = [
        [Candidate(row, float(score), "blend", row + 1) for row, score in enumerate(scores)]
        for scores in world.scores
    ]
    kinds = rng.integers(0, KINDS, lists)
    shown = np.empty((lists, PLACES), dtype=np.intp)
    chance = np.empty((lists, PLACES))
    for at, kind in enumerate(kinds.tolist()):
        query = Query(k=PLACES, seed=seed * lists + at, controls=Controls(explore=1.0))
        cut = explorer.arrange(query, pools[kind])[:PLACES]
        shown[at] = [candidate.row for candidate in cut]
        chance[at] = [candidate.propensity for candidate in cut]
    rewards = (rng.random(shown.shape) < world.rewards(kinds, shown)).astype(np.float64)
    there = np.ones(shown.shape, dtype=bool)
    return kinds, shown, Logged(rewards, chance, there, np.arange(lists))


def _beside(policy: Drawing, kinds: Codes, shown: Codes, logged: Logged) -> Target:
    """Return the target, with rates by item and place that the other half of the lists had."""
    every, chance = policy.steps(kinds, shown)
    fold = np.arange(len(shown)) % 2
    model, wanted = np.zeros(shown.shape), np.zeros(shown.shape)
    for half in (0, 1):
        rates = _rates(shown[fold != half], logged.rewards[fold != half])
        mine = fold == half
        model[mine] = rates[np.arange(PLACES), shown[mine]]
        wanted[mine] = (every[mine] * rates).sum(axis=2)
    return Target(chance, model, wanted)


def _rates(shown: Codes, rewards: Numbers) -> Numbers:
    """Return a rate of reward by place and item, pulled to the place's, (places, pool)."""
    found = np.empty((PLACES, POOL))
    for place in range(PLACES):
        times = np.bincount(shown[:, place], minlength=POOL)
        won = np.bincount(shown[:, place], weights=rewards[:, place], minlength=POOL)
        found[place] = (won + 10.0 * rewards[:, place].mean()) / (times + 10.0)
    return found


def _paths(most: int) -> list[list[int]]:
    """Return every list in which at most so many places are not filled by the best left."""
    paths: list[tuple[list[int], int]] = [([], 0)]
    for _ in range(PLACES):
        paths = [
            ([*path, item], drawn + (at > 0))
            for path, drawn in paths
            for at, item in enumerate([one for one in range(POOL) if one not in path])
            if drawn + (at > 0) <= most
        ]
    return [path for path, _ in paths]


def _figures(
    values: list[tuple[float, float, float, float]], truth: float | None
) -> dict[str, float]:
    if not values or truth is None:
        return {}
    value, low, high, effective = np.array(values).T
    return {
        "truth": truth,
        "estimate": float(value.mean()),
        "error": float(np.sqrt(((value - truth) ** 2).mean())),
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "width": float((high - low).mean()),
        "effective": float(effective.mean()),
    }


def _checks(rows: list[dict[str, Any]]) -> dict[str, bool]:
    judged = [row for row in rows if row["policy"] in JUDGED]
    held = {
        f"{method}: truth within the interval in 90% of runs": all(
            row["refused"] == 0.0 and row["coverage"] >= WANTED
            for row in judged
            if row["method"] == method
        )
        for method in METHODS
    }
    return held | {
        "refused where the logs cannot tell": all(
            row["refused"] == 1.0 for row in rows if row["policy"] not in JUDGED
        )
    }
