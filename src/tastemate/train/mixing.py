"""How much a model's opinion counts, and for whom: learned on validation targets, never the test's.

With too few of them, or without a gain that stands out of the noise, the answer is not to use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError, DataError
from tastemate.rank.mix import mixed
from tastemate.types import Floats

Values = NDArray[np.float64]

FEWEST = 50
"""Targets below which nothing is learned."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """A learned weight of a model against the retriever."""

    weight: float
    ndcg: float
    """NDCG@k at that weight."""
    without: float
    """NDCG@k at weight 0."""
    queries: int
    """Targets it was learned on: those that are in their pool."""
    curve: tuple[tuple[float, float], ...] = ()
    """Weight and NDCG@k, every step."""


def learn_weight(
    retrieved: Sequence[Floats],
    judged: Sequence[Floats],
    targets: Sequence[int],
    *,
    step: float = 0.1,
    k: int = 10,
    fewest: int = FEWEST,
    sure: float = 1.0,
) -> Mixing:
    """Return the weight with the best NDCG@k of one target a query.

    `retrieved` and `judged` are the scores of each pool (nan is no opinion); a target is a place
    in its pool, -1 one that was not retrieved (no order finds it, so it is left out). The weight
    is 0 with fewer than `fewest` targets, on a draw, and when the mean gain is below `sure`
    standard errors. Raises `ConfigError` for a step out of range, `DataError` for a target past
    its pool.
    """
    if not 0.0 < step <= 1.0:
        raise ConfigError(f"step is {step}; it must be above 0 and at most 1.")
    for at, (scores, target) in enumerate(zip(retrieved, targets, strict=True)):
        if target >= len(scores):
            raise DataError(f"Target {target} of query {at} is past its pool of {len(scores)}.")
    found = [at for at, target in enumerate(targets) if target >= 0]
    weights = [min(float(w), 1.0) for w in np.round(np.arange(0, 1 + step / 2, step), 6)]
    gains = {
        weight: np.array(
            [gain(retrieved[at], judged[at], targets[at], weight, k) for at in found], np.float64
        )
        for weight in (weights if len(found) >= fewest else [0.0])
    }
    means = {weight: float(values.mean()) if found else 0.0 for weight, values in gains.items()}
    best = max(means, key=lambda weight: (round(means[weight], 9), -weight))
    if best > 0.0 and not _stands_out(gains[best] - gains[0.0], sure):
        best = 0.0
    return Mixing(best, means[best], means[0.0], len(found), tuple(means.items()))


def learn_signals(
    signals: Sequence[int],
    gains: Sequence[float] | Values,
    *,
    fewest: int = FEWEST,
    sure: float = 1.0,
) -> int:
    """Return the history length below which asking the model pays: `rank.gate.Rules.signals`.

    `gains` are each query's NDCG with the model less that without. The threshold is the one with
    the largest summed gain of the queries below it; 0 (never for its history alone) with fewer
    than `fewest` queries, without a gain, and when their mean gain is below `sure` standard errors.
    """
    lengths = np.asarray(signals, dtype=np.int64)
    values = np.asarray(gains, dtype=np.float64)
    if len(lengths) != len(values):
        raise DataError(f"{len(lengths)} lengths but {len(values)} gains; give one for each.")
    if len(lengths) < max(fewest, 1):
        return 0
    order = np.argsort(lengths, kind="stable")
    summed = np.cumsum(values[order])
    ends = np.flatnonzero(np.append(np.diff(lengths[order]) > 0, True))
    last = int(ends[np.argmax(np.round(summed[ends], 9))])
    below = values[order][: last + 1]
    if summed[last] <= 1e-9 or not _stands_out(below, sure):
        return 0
    return int(lengths[order][last]) + 1


def gain(retrieved: Floats, judged: Floats, target: int, weight: float, k: int = 10) -> float:
    """Return the NDCG@k of one target in one pool mixed by a weight.

    `judged` may be shorter: only the front of the pool was judged, the rest stays behind.
    """
    depth = len(judged)
    place = target
    if target < depth:
        order = mixed(retrieved[:depth], judged, weight)
        place = int(np.flatnonzero(order == target)[0])
    return 1.0 / float(np.log2(place + 2)) if place < k else 0.0


def _stands_out(gains: Values, sure: float) -> bool:
    """Whether a mean of paired gains is more than so many standard errors above 0."""
    error = float(gains.std(ddof=1)) / np.sqrt(len(gains)) if len(gains) > 1 else np.inf
    return bool(gains.mean() > sure * error)
