"""A small factor model for measuring with: item vectors for diversity, affinities for simulation.

It is the measuring stick, never a contestant: models under test must not be fitted with it.
"""

from dataclasses import dataclass

import numpy as np

from tastemate.interactions import Interactions
from tastemate.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Latent:
    """Truncated singular vectors of the events, items weighted down by popularity."""

    users: Floats
    """(users, d)."""
    items: Floats
    """(items, d)."""


def latent(interactions: Interactions, rank: int = 32, seed: int = 0) -> Latent:
    """Factor users × items, each item's column divided by the root of its events.

    With too little data for one factor all vectors are zero, of length 1.
    """
    from scipy import sparse
    from scipy.sparse.linalg import svds

    met = interactions.matrix()
    rank = min(rank, min(met.shape) - 1, max(met.nnz - 1, 0))
    if rank < 1:
        return Latent(
            np.zeros((met.shape[0], 1), np.float32), np.zeros((met.shape[1], 1), np.float32)
        )
    counts = np.maximum(interactions.counts, 1)
    scaled = (met @ sparse.diags(1.0 / np.sqrt(counts))).astype(np.float64)
    start = np.random.default_rng(seed).standard_normal(min(met.shape))
    left, strength, right = svds(scaled, k=rank, v0=start)
    root = np.sqrt(np.maximum(strength, 0.0))
    return Latent((left * root).astype(np.float32), (right.T * root).astype(np.float32))
