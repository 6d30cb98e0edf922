"""Does the order candidates come in decide the order they leave in?

A scripted model, no language model, scores each candidate by a hidden relevance plus a favour of
its place in the prompt, of several shapes, so strong that two passes over differently shuffled
pools agree only by half (Kendall's tau .5). The rankers see nothing but its replies. The figure is
the mean correlation between the rankings of all pairs of shuffles, and that with the relevance.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.llm.person import Person
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion, Prompt
from tastemate.rank.judged import Judge
from tastemate.rank.listwise import Listwise
from tastemate.rank.verbalizer import LabelScores
from tastemate.types import Item

Values = NDArray[np.float64]

Spread: TypeAlias = Literal["even", "normal"]

ITEMS = 20
AGREEMENT = 0.5
"""Mean tau between two single passes, reached by the strength of the favour."""
WANTED = {"listwise": 0.9, "labels": 0.95}
_CARD = re.compile(r"^\W*(\d{1,2}|[A-Z])\W.*?candidate-(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Favour:
    """How a scripted model favours places, and how unsure it is from call to call."""

    name: str
    shape: Callable[[Values], Values]
    """Place, 0 (first) to 1 (last), to favour; its scale does not matter."""
    noise: float = 0.0
    """Standard deviation added to each score, where that of relevance is 1."""


FAVOURS = (
    Favour("linear", lambda at: 1.0 - at),
    Favour("lost in the middle", lambda at: (2.0 * at - 1.0) ** 2),
    Favour("primacy", lambda at: np.exp(-6.0 * at)),
    Favour("recency", lambda at: np.exp(-6.0 * (1.0 - at))),
    Favour("uneven", lambda at: np.sin(40.0 * at) + np.cos(23.0 * at)),
    Favour("linear and noise", lambda at: 1.0 - at, noise=0.1),
)


class _Reader:
    """The scripted model's mind: relevance, favour, noise; reads candidates off the prompt."""

    def __init__(self, relevance: Values, favour: Values, noise: float, seed: int) -> None:
        self.relevance, self.favour, self.noise = relevance, favour, noise
        self.rng = np.random.default_rng(seed)

    def scores(self, items: Sequence[int]) -> Values:
        """Return what it thinks of items in these places."""
        clean = self.relevance[list(items)] + self.favour[: len(items)]
        return np.asarray(clean + self.noise * self.rng.standard_normal(len(items)))

    def __call__(self, prompt: Prompt) -> Completion | str:
        """Answer a listwise prompt by an order, a letters prompt by log-probabilities."""
        found = _CARD.findall(prompt.messages[-1].text)
        scores = self.scores([int(item) for _, item in found])
        if prompt.labels:
            logs = scores - np.logaddexp.reduce(scores)
            return Completion(scores=tuple(logs.tolist()), model="scripted:position")
        order = np.argsort(-scores, kind="stable")
        return json.dumps({"order": [int(found[at][0]) for at in order]})


Ways = Mapping[str, Callable[[Scripted], Judge]]


def ways(permutations: int) -> Ways:
    """Return the ways of ranking that are compared, by name."""
    return {
        "single listwise": lambda model: Listwise(model),
        "single labels": lambda model: LabelScores(model),
        "listwise": lambda model: Listwise(model, permutations=permutations),
        "labels": lambda model: LabelScores(model, permutations=permutations),
    }


def position(
    shuffles: int = 20,
    seed: int = 0,
    *,
    permutations: int = 4,
    items: int = ITEMS,
    spread: Spread = "even",
) -> dict[str, Any]:
    """Measure every way of ranking under every favour; a scripted harness, no language model.

    Relevance is spaced evenly, or drawn from a normal distribution, which crowds the middle. A
    case is a merged way under one favour; it fails below `WANTED` (mean tau between shuffles).
    Returns cases, failures, by_kind (cases, failures and the lowest tau of each), rows
    (kind, favour, tau, spearman, tau_relevance, spearman_relevance, calls), and the setting.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    even = rng.permutation(items).astype(np.float64)
    relevance = _standard(even if spread == "even" else rng.standard_normal(items))
    orders = [rng.permutation(items) for _ in range(shuffles)]
    rows = []
    for favour in FAVOURS:
        curve = _calibrated(relevance, favour, seed)
        for kind, make in ways(permutations).items():
            mind = _Reader(relevance, curve, favour.noise, seed)
            model = Scripted(mind, name="position")
            ranked = [_worth(make(model), order) for order in orders]
            rows.append({"kind": kind, "favour": favour.name} | _agreement(ranked, relevance))
            rows[-1]["calls"] = len(model.prompts) // max(shuffles, 1)
    judged = [row for row in rows if row["kind"] in WANTED]
    failed = [row for row in judged if row["tau"] < WANTED[row["kind"]]]
    return {
        "cases": len(judged),
        "failures": len(failed),
        "by_kind": {
            kind: {
                "cases": len(FAVOURS),
                "failures": sum(row["kind"] == kind for row in failed),
                "wanted": wanted,
                "tau": min(row["tau"] for row in judged if row["kind"] == kind),
            }
            for kind, wanted in WANTED.items()
        },
        "rows": rows,
        "model": "scripted:position",
        "items": items,
        "spread": spread,
        "shuffles": shuffles,
        "permutations": permutations,
        "seed": seed,
        "seconds": time.perf_counter() - start,
    }


def _standard(values: Values) -> Values:
    return np.asarray((values - values.mean()) / values.std())


def _worth(judge: Judge, order: NDArray[np.intp]) -> Values:
    """Return how high each item is ranked, by item, when the pool comes in an order."""
    pool = [Item(str(item), f"candidate-{item}") for item in order.tolist()]
    (scores,) = judge.judge([Person()], [pool])
    places = np.empty(len(order))
    best = np.argsort(-scores, kind="stable")  # ties stay as they came, as in a ranker
    places[order[best]] = -np.arange(len(order))
    return places


def _agreement(ranked: Sequence[Values], relevance: Values) -> dict[str, Any]:
    """Return mean correlations between rankings, and of each with the relevance."""
    told = {}
    for name, measure in (("tau", kendall), ("spearman", spearman)):
        found = measure([*ranked, relevance])
        told[name] = _mean(found[:-1, :-1])
        told[f"{name}_relevance"] = float(found[-1, :-1].mean())
    return told


def kendall(rankings: Sequence[Values]) -> Values:
    """Return Kendall's tau of each ranking with each, (rankings, rankings); no value twice."""
    table = np.asarray(rankings)
    one, other = np.triu_indices(table.shape[1], 1)
    signs = np.sign(table[:, one] - table[:, other])
    return np.asarray(signs @ signs.T / len(one))


def spearman(rankings: Sequence[Values]) -> Values:
    """Return Spearman's rho of each ranking with each, (rankings, rankings); no value twice."""
    return np.atleast_2d(np.corrcoef(np.asarray(rankings).argsort(axis=1).argsort(axis=1)))


def _mean(table: Values) -> float:
    """Return the mean over pairs of different rankings; 1 for a single one."""
    pairs = np.triu_indices(len(table), 1)
    return float(table[pairs].mean()) if len(table) > 1 else 1.0


def _calibrated(relevance: Values, favour: Favour, seed: int) -> Values:
    """Return the favour by place, so strong that single passes agree by `AGREEMENT`.

    Found by halving, on shuffles of its own.
    """
    items = len(relevance)
    curve = _standard(favour.shape(np.linspace(0.0, 1.0, items)))
    rng = np.random.default_rng([seed, 1])
    orders = [rng.permutation(items) for _ in range(20)]

    def tau(strength: float) -> float:
        mind = _Reader(relevance, strength * curve, favour.noise, seed + 1)
        ranked = []
        for order in orders:
            worth = np.empty(items)
            worth[order] = mind.scores(order.tolist())
            ranked.append(worth)
        return _mean(kendall(ranked))

    low, high = 0.0, 16.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if tau(middle) > AGREEMENT else (low, middle)
    return np.asarray(high * curve)
