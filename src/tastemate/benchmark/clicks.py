"""Does the correction of places find the true order, where raw clicks find the old one again?

A ranker with a habit shows lists, people click what they look at and like, and the next ranker is
learned from the clicks. The examination of the places and the liking of the items are known, so
every estimate can be held against them.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tastemate.train.position import Examined, by_em, by_randomised, weights

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]

QUERIES = 10
ITEMS = 12
"""Items of a query; every list shows all of them, so that only the places tell them apart."""
SHARE = 0.2
"""Chance of a place to draw its item evenly from those left."""
RAW = "raw clicks"
WAYS = (RAW, "clicks by EM", "clicks by randomised places", "clicks by the true curve")
HABITS = {"wrong": 0.0, "half right": 1.0}
"""How much of the true order the ranker that served knew, against noise of 1."""


def clicks(runs: int = 30, lists: int = 6_000, seed: int = 0, rounds: int = 5) -> dict[str, Any]:
    """Learn an order from clicks in four ways, and hold it against the true one.

    Returns rows (habit of the ranker, way, Kendall's tau with the true order, the same after
    `rounds` of learning from the lists it then showed itself, how far the estimated examination
    is from the true one), the paired gains over raw clicks with 95% intervals over runs,
    `checks` and `failures`.
    """
    start = time.perf_counter()
    rows: list[dict[str, Any]] = []
    gains: list[dict[str, Any]] = []
    for habit, knows in HABITS.items():
        found = [_run(np.random.default_rng([seed, run]), lists, rounds, knows)
                 for run in range(runs)]  # fmt: skip
        for way in WAYS:
            one = {name: np.array([run[way][name] for run in found]) for name in found[0][way]}
            means = {name: float(values.mean()) for name, values in one.items()}
            rows.append({"habit": habit, "way": way, **means})
            if way == RAW:
                base = one
                continue
            for name in ("tau", "tau_looped"):
                gain = _gain(one[name] - base[name])
                gains.append({"habit": habit, "way": way, "of": name, **gain})
    checks = {
        f"{way}, ranker {habit}: nearer to the true order than raw clicks": all(
            gain["low"] > 0 for gain in gains if (gain["habit"], gain["way"]) == (habit, way)
        )
        for habit in HABITS
        for way in WAYS[1:3]
    }
    return {
        "runs": runs, "lists": lists, "rounds": rounds, "queries": QUERIES, "items": ITEMS,
        "share": SHARE, "seed": seed, "rows": rows, "gains": gains, "checks": checks,
        "failures": sum(not held for held in checks.values()),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def _run(
    rng: np.random.Generator, lists: int, rounds: int, knows: float
) -> dict[str, dict[str, float]]:
    """Return the figures of each way in one world."""
    liked = rng.beta(2.0, 5.0, (QUERIES, ITEMS))
    looked = np.arange(1, ITEMS + 1, dtype=np.float64) ** -rng.uniform(0.6, 1.4)
    known = knows * (liked - liked.mean()) / liked.std()
    habit = known + rng.normal(size=liked.shape)
    first = serve(rng, habit, liked, looked, lists)
    figures = {}
    for way in WAYS:
        worth, examined = learned(way, looked, *first)
        again = worth.copy()  # all that was ever clicked, as a training set grows
        for _ in range(rounds - 1):
            again += learned(way, looked, *serve(rng, again, liked, looked, lists))[0]
        figures[way] = {
            "tau": _tau(worth, liked),
            "tau_looped": _tau(again, liked),
            "off": float(np.abs(examined.curve - looked).mean()),
        }
    return figures


def serve(
    rng: np.random.Generator, worth: Numbers, liked: Numbers, looked: Numbers, lists: int
) -> tuple[Codes, Codes, Codes, Numbers]:
    """Show lists to people and return impressions: items, places from 1, clicks, propensities."""
    rows = np.arange(lists)
    query = rng.integers(0, QUERIES, lists)
    order = np.argsort(-worth, axis=1, kind="stable")[query]
    chance = np.ones((lists, ITEMS))
    for place in range(ITEMS - 1):
        drawn = np.where(rng.random(lists) < SHARE, rng.integers(place, ITEMS, lists), place)
        chance[:, place] = SHARE / (ITEMS - place) + (1.0 - SHARE) * (drawn == place)
        item = order[rows, drawn]
        # What stood between moves down by one: the rest keeps the ranker's order.
        for at in range(ITEMS - 1, place, -1):
            moves = at <= drawn
            order[moves, at] = order[moves, at - 1]
        order[:, place] = item
    clicked = rng.random(order.shape) < looked * liked[query[:, None], order]
    places = np.broadcast_to(np.arange(1, ITEMS + 1), order.shape)
    return (
        (query[:, None] * ITEMS + order).ravel().astype(np.intp),
        places.ravel().astype(np.intp),
        clicked.ravel().astype(np.intp),
        chance.ravel(),
    )


def learned(
    way: str, looked: Numbers, items: Codes, places: Codes, clicked: Codes, chance: Numbers
) -> tuple[Numbers, Examined]:
    """Return what each item is worth, the sum of its clicks' weights, (queries, items)."""
    if way == RAW:
        examined = Examined(np.ones(ITEMS), "none")
    elif way == "clicks by EM":
        examined = by_em(items, places, clicked)
    elif way == "clicks by randomised places":
        examined = by_randomised(places, clicked, chance)
    else:
        examined = Examined(looked, "known")
    curve = np.pad(examined.curve, (0, ITEMS - len(examined.curve)), mode="edge")
    weight = weights(places, examined).astype(np.float64) * clicked
    won = np.bincount(items, weights=weight, minlength=QUERIES * ITEMS)
    return np.asarray(won.reshape(QUERIES, ITEMS)), Examined(curve, examined.source)


def _tau(worth: Numbers, liked: Numbers) -> float:
    """Return the mean over queries of Kendall's tau."""
    found = [
        stats.kendalltau(one, other).statistic for one, other in zip(worth, liked, strict=True)
    ]
    return float(np.mean(found))


def _gain(differences: Numbers) -> dict[str, float]:
    """Return the mean difference over runs and its 95% interval."""
    n = len(differences)
    reach = float(stats.t.ppf(0.975, max(n - 1, 1)) * differences.std(ddof=1) / np.sqrt(n))
    mean = float(differences.mean())
    return {"value": mean, "low": mean - reach, "high": mean + reach}
