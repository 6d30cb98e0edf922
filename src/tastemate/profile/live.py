"""The live user vector: where somebody's latest signals point in the space of the encoder.

p(t+1) = (1 - s) p(t) + s·sign(w)·f(item), with s = (1 - α)·|w|: a signal of full weight leaves a
share α of what was there, a weak one moves the vector less and erases less of it. f is an item's
vector less the mean of all, of length 1. Between signals p fades: half of it in each half-life.
The rule has FirstBatch's user embeddings as its model; what it does here is in docs/live.md.
"""

import numpy as np

from tastemate.types import Floats, Rows, Times

LEAST = 0.05
"""A shorter vector says nothing: one view, or a like of several half-lives ago."""


def shares(
    weights: Floats, times: Times, now: int, *, alpha: float = 0.8, half_life_hours: float = 24.0
) -> Floats:
    """Return how much of each item's vector is in p, (signals,): the update rule in closed form.

    `weights` (-1 to 1) and `times` (seconds, oldest first) are of one length; a signal from after
    `now` counts as of now.
    """
    steps = (1.0 - alpha) * np.abs(np.asarray(weights, dtype=np.float64))
    # What later signals leave of each: the product of the (1 - s) that come after it.
    stays = np.append(np.cumprod((1.0 - steps)[::-1])[::-1][1:], 1.0)[: len(steps)]
    ages = np.maximum(now - np.asarray(times, dtype=np.float64), 0.0) / 3600.0
    faded = np.exp2(-ages / half_life_hours)
    return np.asarray(np.sign(weights) * steps * stays * faded, dtype=np.float32)


def live_vector(
    rows: Rows,
    weights: Floats,
    times: Times,
    now: int,
    vectors: Floats,
    *,
    middle: Floats | None = None,
    alpha: float = 0.8,
    half_life_hours: float = 24.0,
    last: int = 30,
    least: float = LEAST,
) -> Floats | None:
    """Return the vector of length 1 that signals point to, (dimensions,); None for nowhere.

    `rows`, `weights` and `times` are of one length (signals,); `vectors` (items, dimensions) are
    the items', `middle` (dimensions,) their mean, computed where it is not given. Rows outside
    `vectors`, items without a vector and weights of 0 say nothing; the latest `last` of the others
    are read. Nowhere is where the signals above zero alone make a vector shorter than `least`:
    what lies opposite of a dislike is what nobody asked for.
    """
    found = np.asarray(rows, dtype=np.int64)
    worth = np.asarray(weights, dtype=np.float32)
    when = np.asarray(times, dtype=np.int64)
    known = np.flatnonzero((found >= 0) & (found < len(vectors)) & (worth != 0))
    known = known[np.argsort(when[known], kind="stable")]
    known = known[np.asarray(vectors[found[known]].any(axis=1), dtype=np.bool_)][-last:]
    if not len(known):
        return None
    mean = vectors.mean(axis=0) if middle is None else middle
    share = shares(worth[known], when[known], now, alpha=alpha, half_life_hours=half_life_hours)
    pointing = _unit(vectors[found[known]] - mean)
    toward = np.maximum(share, 0) @ pointing
    if float(np.linalg.norm(toward)) < max(least, 1e-9):
        return None
    vector = np.asarray(share @ pointing, dtype=np.float32)
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / np.float32(length), dtype=np.float32) if length > 1e-9 else None


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # A catalogue of one item: the item is the mean, and points nowhere.
    return np.asarray(np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-6), 0), np.float32)
