"""What an item adds to a rating: its own ratings, and where there are few, its attributes."""

from dataclasses import dataclass

import numpy as np

from tastemate.train.ratings.likeness import Likeness
from tastemate.train.ratings.pairs import Numbers
from tastemate.types import Rows

_DIRECTIONS = 48
_RIDGE = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Shrinks item means towards a ridge of attributes, text and popularity, (items, features)."""

    features: Numbers
    counts: Numbers
    shrinkage: float

    def settle(self, item: Rows, residual: Numbers) -> Numbers:
        """Return what each item adds, (items,), from what ratings leave over everything else."""
        n = self.counts
        mean = np.bincount(item, residual, minlength=len(n)) / np.maximum(n, 1)
        sure = n * self.shrinkage / (n + self.shrinkage)
        penalty = np.full(self.features.shape[1], _RIDGE)
        penalty[0] = 1e-6
        gram = self.features.T @ (sure[:, None] * self.features) + np.diag(penalty)
        expected = self.features @ np.linalg.solve(gram, self.features.T @ (sure * mean))
        return np.asarray((n * mean + self.shrinkage * expected) / (n + self.shrinkage))


def quality(like: Likeness, counts: Numbers, shrinkage: float) -> Quality:
    """Gather the features: how often rated, attributes, numbers to the cube, text directions."""
    often = np.log1p(counts)
    parts = [often, often**2, counts == 0, like.attributes > 0]
    for column in like.numbers.T.astype(np.float64):
        parts += [column, column**2, column**3, column * often]
    if like.vectors is not None:
        _, directions = np.linalg.eigh((like.vectors.T @ like.vectors).astype(np.float64))
        parts.append(like.vectors @ directions[:, -_DIRECTIONS:])
    features = np.column_stack(parts).astype(np.float64)
    rated = counts > 0
    centre = features[rated].mean(axis=0) if rated.any() else 0.0
    features = (features - centre) / (features.std(axis=0) + 1e-9)
    return Quality(np.column_stack([np.ones(len(counts)), features]), counts, shrinkage)
