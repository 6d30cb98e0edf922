"""One list out of many: combine the scores of retrievers whose scales have nothing in common.

Two ways: the sum of z-scores (keeps how far ahead an item is; the better one where weights were
learned) and reciprocal rank fusion (Cormack, Clarke and Büttcher 2009; needs no scale at all).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError
from tastemate.types import Floats, Mask, Rows

COLD_SHARE = 0.7
"""How much of its z-score an item keeps that nobody has met: known merit comes first.

Set by hand between nothing cold ever shown (.25) and lists led by it (1)."""


@dataclass(frozen=True)
class Blend:
    """How the scores of named retrievers become one; a name without a weight counts 0."""

    method: str = "zscore"
    """"zscore" or "rrf"."""
    weights: Mapping[str, float] = field(default_factory=dict)
    ranker: str = ""
    """The ranker taught behind it (`build.RANKERS`); "" for none."""

    def __post_init__(self) -> None:
        if self.method not in ("zscore", "rrf"):
            raise ConfigError(f"No blend {self.method!r}; use 'zscore' or 'rrf'.")
        for name, weight in self.weights.items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ConfigError(f"The weight of {name} is {weight}; it must be 0 or more.")

    def combine(self, scores: Mapping[str, Floats], cold: Mask | None = None) -> Floats:
        """Return one score matrix (queries, items) from one per retriever.

        `cold` (items,) marks items nobody has met yet: a retriever's silence says nothing against
        them. Raises `ConfigError` when there is nothing to combine.
        """
        if not scores:
            raise ConfigError("There is nothing to blend: name at least one retriever.")
        weights = [float(self.weights.get(name, 0.0)) for name in scores]
        matrices = list(scores.values())
        if self.method == "rrf":
            return reciprocal_rank_fusion(matrices, weights)
        return zscore_mean(matrices, weights, cold)


def zscore_mean(
    scores: Sequence[Floats], weights: Sequence[float], cold: Mask | None = None
) -> Floats:
    """Return the weighted mean of z-scores, each over the finite scores of a query.

    An item without a retriever's opinion gets that retriever's lowest z of the query; one that
    none of them has an opinion on stays -inf. A retriever that cannot serve a query (all -inf) is
    left out of it. An item under `cold` is
    scored by those that do have an opinion, as if all had `COLD_SHARE` of it.
    """
    unmet = np.flatnonzero(cold) if cold is not None else np.empty(0, dtype=np.intp)
    parts = [(matrix, weight) for matrix, weight in zip(scores, weights, strict=True) if weight]
    blended = np.full(scores[0].shape, -np.inf, dtype=np.float32)
    for query, total in enumerate(blended):  # row by row: each stays in the processor's cache
        spoken = np.zeros(len(total), dtype=bool)
        summed = np.zeros(len(total), dtype=np.float32)
        used = 0.0
        said, weighed = np.zeros(len(unmet)), np.zeros(len(unmet))
        for matrix, weight in parts:
            row = matrix[query]
            known = np.isfinite(row)
            opinions = row if known.all() else row[np.flatnonzero(known)]
            if len(opinions):
                mean, spread = moments(opinions)
                scale = np.float32(weight / spread)
                z = (row - mean) * scale
                if len(opinions) < len(row):
                    z = np.where(known, z, (opinions.min() - mean) * scale)
                used += weight
                summed += z
                spoken |= known
                if len(unmet) and (voiced := known[unmet]).any():
                    said += np.where(voiced, z[unmet], 0)
                    weighed += weight * voiced
        if weighed.any():
            heard = weighed > 0
            summed[unmet[heard]] = COLD_SHARE * used * said[heard] / weighed[heard]
        summed /= np.float32(max(used, 1e-9))
        total[:] = summed if spoken.all() else np.where(spoken, summed, -np.inf)
    return blended


def standardise(values: Floats) -> Floats:
    """Return the z-scores of values (n,), n at least 1; zeros where all are equal."""
    mean, spread = moments(values)
    return np.asarray((values - mean) / spread, dtype=np.float32)


def moments(values: Floats) -> tuple[np.float32, np.float32]:
    """Return mean and standard deviation of values (n,), n at least 1; 1 where all are equal."""
    mean = np.float32(_mean(values))
    centred = values - mean
    return mean, np.float32(math.sqrt(_mean(centred * centred))) or np.float32(1)


def _mean(values: Floats) -> float:
    """Return the mean, summed in double precision, faster than `values.mean` does."""
    return float(np.add.reduce(values.astype(np.float64))) / len(values)


def then(liked: Floats, order: Floats) -> Floats:
    """Return scores in which what has none follows what has one, in the order given."""
    silent = ~np.isfinite(liked)
    if not silent.any():
        return liked
    at, items = _where(silent)
    lowest = _lowest(liked, silent)
    filled = liked.copy()
    filled[at, items] = lowest[at] - 1 + order[at, items] / max(order.shape[1], 1)
    return filled


def appended(blended: Floats, blank: Mask, order: Floats) -> Floats:
    """Fill blanks below everything else of their row, keeping the order given."""
    at, items = _where(blank)
    top = order.max(axis=1)
    span = np.maximum(top - order.min(axis=1), 1e-9)
    filled = blended.copy()
    filled[at, items] = _lowest(blended, blank)[at] - 1 - (top[at] - order[at, items]) / span[at]
    return filled


def _where(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of what a mask names, faster than `np.nonzero` does."""
    at, items = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return at, items


def _lowest(scores: Floats, without: Mask) -> Floats:
    """Return the lowest score of each row, (rows,), without some; 0 where none is left."""
    lowest = np.where(without, np.inf, scores).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(lowest), lowest, np.float32(0)).astype(np.float32)


def reciprocal_rank_fusion(
    scores: Sequence[Floats], weights: Sequence[float], k: float = 60.0
) -> Floats:
    """Return Σ weight / (k + rank), ranks from 1 over the finite scores, ties in item order.

    An item without a retriever's opinion gets nothing from it; without any, it stays -inf.
    """
    total = np.zeros(scores[0].shape, dtype=np.float32)
    spoken = np.zeros(total.shape, dtype=bool)
    for matrix, weight in zip(scores, weights, strict=True):
        if not weight:
            continue
        opinion = np.isfinite(matrix)
        order = np.argsort(-matrix, axis=1, kind="stable")
        ranks = np.empty(matrix.shape, dtype=np.float32)
        places = np.arange(1, matrix.shape[1] + 1, dtype=np.float32)
        np.put_along_axis(ranks, order, np.broadcast_to(places, matrix.shape), axis=1)
        total += np.where(opinion, np.float32(weight) / (np.float32(k) + ranks), 0)
        spoken |= opinion
    return np.where(spoken, total, -np.inf).astype(np.float32)


def learn_weights(
    scores: Mapping[str, Floats],
    targets: Rows,
    masks: Mask,
    *,
    step: float = 0.1,
    rounds: int = 3,
    k: int = 10,
) -> Blend:
    """Return the z-score weights with the best NDCG@k of one target a query.

    `masks` (queries, items) is what may be shown; give validation targets, never the test's.
    Coordinate search over the simplex in steps of `step`, from equal weights; on a draw the
    weights stay, so the answer depends on nothing but the input. Raises `ConfigError` without
    scores.
    """
    if not scores:
        raise ConfigError("There is nothing to blend: name at least one retriever.")
    names = list(scores)
    matrices = [np.asarray(scores[name]) for name in names]
    standard = [_lowest_where_silent(zscore_mean([matrix], [1.0])) for matrix in matrices]
    spoken = np.any([np.isfinite(matrix) for matrix in matrices], axis=0) & masks

    def quality(weights: NDArray[np.float64]) -> float:
        mixed = sum((w * z for w, z in zip(weights, standard, strict=True)), np.float32(0))
        return _ndcg(np.where(spoken, mixed, -np.inf), targets, k)

    best = np.full(len(names), 1 / len(names))
    reached = quality(best)
    for _ in range(rounds):
        before = best
        for at in range(len(names)):
            for share in np.arange(0, 1 + step / 2, step):
                rest = np.delete(best, at).sum()
                trial = best * ((1 - share) / rest) if rest > 0 else best * 0
                trial[at] = share if rest > 0 else 1.0
                value = quality(trial)
                if value > reached + 1e-9:
                    best, reached = trial, value
        if best is before:
            break
    return Blend("zscore", {n: round(float(w), 4) for n, w in zip(names, best, strict=True)})


def _ndcg(scores: NDArray[np.floating], targets: Rows, k: int) -> float:
    """Return the mean NDCG@k of one target a row, ties in item order; 0 without rows."""
    if not len(targets):
        return 0.0
    at = np.arange(len(targets))
    own = scores[at, targets][:, None]
    earlier = np.arange(scores.shape[1]) < np.asarray(targets)[:, None]
    rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    found = (rank < k) & np.isfinite(own[:, 0])
    return float(np.where(found, 1 / np.log2(rank + 2), 0).mean())


def _lowest_where_silent(z: Floats) -> Floats:
    """Return z-scores with each -inf replaced by its row's lowest (0 in a row of only those)."""
    lowest = np.where(np.isfinite(z), z, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return np.where(np.isfinite(z), z, np.where(np.isfinite(lowest), lowest, np.float32(0)))
