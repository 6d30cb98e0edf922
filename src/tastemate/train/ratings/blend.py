"""Predictors mixed by weights of 0 and more, learned from ratings none of them was fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from tastemate.errors import DataError
from tastemate.interactions import Scale
from tastemate.train.ratings.pairs import Numbers

_FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """One weight per predictor, and a constant; what they say is clipped to the scale."""

    names: tuple[str, ...]
    values: Numbers
    constant: float
    scale: Scale

    def mix(self, predicted: Numbers) -> Numbers:
        """Return the mix of predictions (pairs, predictors)."""
        mixed = predicted @ self.values + self.constant
        return np.asarray(np.clip(mixed, self.scale.low, self.scale.high))

    def as_json(self) -> dict[str, float]:
        """Return the weights under their predictors' names."""
        return dict(zip(self.names, self.values.tolist(), strict=True))


def learn(names: Sequence[str], predicted: Numbers, value: Numbers, scale: Scale) -> Weights:
    """Return the weights of least squared error; `predicted` is (pairs, predictors)."""
    if predicted.shape != (len(value), len(names)) or not len(value):
        raise DataError(
            f"{len(names)} predictors and {len(value)} ratings want predictions of that shape, "
            f"not {predicted.shape}."
        )
    centre, mean = predicted.mean(axis=0), float(value.mean())
    weights, _ = nnls(predicted - centre, value - mean)
    return Weights(tuple(names), weights, mean - float(centre @ weights), scale)


def crossed(
    names: Sequence[str],
    predicted: Numbers,
    value: Numbers,
    user: NDArray[np.int32],
    scale: Scale,
    *,
    seed: int = 0,
) -> Numbers:
    """Return the mix of each pair by weights learned without any pair of the same person."""
    people = np.unique(user)
    if len(people) < 2:
        raise DataError("Weights cannot be crossed over fewer than two people.")
    folds = min(_FOLDS, len(people))
    dealt = np.random.default_rng(seed).permutation(len(people)) % folds
    fold = dealt[np.searchsorted(people, user)]
    mixed = np.zeros(len(value))
    for number in range(folds):
        out = fold == number
        found = learn(names, predicted[~out], value[~out], scale)
        mixed[out] = found.mix(predicted[out])
    return mixed
