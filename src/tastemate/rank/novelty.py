"""Less of what everybody knows: mix a score with how surprising the item is."""

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError
from tastemate.types import Floats


def self_information(popularity: NDArray[np.int64] | Floats) -> Floats:
    """Return -log2 p(i) in bits for each item, shape (items,).

    p(i) is the item's share of all events, each count raised by one so that an item nobody met
    is the most surprising one and not infinitely so (Zhou et al. 2010; Castells et al. 2011).
    """
    counts = np.asarray(popularity, dtype=np.float64) + 1.0
    bits: Floats = (np.log2(counts.sum()) - np.log2(counts)).astype(np.float32)
    return bits


def rescore(scores: Floats, information: Floats, mix: float) -> Floats:
    """Return (1 - mix)·score + mix·information, both scaled to 0..1 over the pool, shape (n,).

    A mix of 0 returns the scores as they are. Raises `ConfigError` for a mix outside 0..1.
    """
    if not 0.0 <= mix <= 1.0:
        raise ConfigError(f"novelty is {mix}; it must lie between 0 and 1.")
    if mix == 0.0:
        return np.asarray(scores, dtype=np.float32)
    return np.asarray((1.0 - mix) * scaled(scores) + mix * scaled(information), dtype=np.float32)


def scaled(values: Floats) -> Floats:
    """Return values scaled to 0..1 (1 for the highest); -inf counts as the lowest finite one."""
    values = np.array(values, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(len(values), dtype=np.float32)
    low, high = float(values[finite].min()), float(values[finite].max())
    if high <= low:
        return np.where(finite, np.float32(1), np.float32(0))
    values[~finite] = low
    return ((values - low) / (high - low)).astype(np.float32)
