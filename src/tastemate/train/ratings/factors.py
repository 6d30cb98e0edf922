"""The factor model of `retrieve.als` as a predictor: several seeds averaged."""

from typing import Self

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.als import BiasedAls
from tastemate.train.ratings.pairs import Numbers, Pairs, groups
from tastemate.types import Query


class Factors:
    """The mean of what `BiasedAls` of several seeds predicts."""

    name = "als"

    def __init__(
        self,
        catalog: Catalog,
        *,
        rank: int = 12,
        regularisation: float = 0.2,
        seeds: int = 3,
        seed: int = 0,
    ) -> None:
        """Set the options; seeds are `seed`, `seed + 1`, …"""
        if seeds < 1:
            raise ConfigError("als: at least one seed.")
        self.catalog = catalog
        self._models = [
            BiasedAls(rank=rank, regularisation=regularisation, seed=seed + at)
            for at in range(seeds)
        ]
        self._train: Interactions | None = None

    def fit(self, train: Interactions) -> Self:
        """Fit every seed."""
        for model in self._models:
            model.fit(self.catalog, train)
        self._train = train
        return self

    def predict(self, pairs: Pairs) -> Numbers:
        """Return the mean prediction; histories are those of the training."""
        if self._train is None:
            raise NotFitted("The predictor als has learned nothing yet; call fit first.")
        places = [at for at in groups(pairs.user, self._train.n_users) if len(at)]
        queries = [Query(history=self._train.history(int(pairs.user[at[0]]))) for at in places]
        rows = [pairs.item[at] for at in places]
        total = np.zeros(len(pairs))
        for model in self._models:
            for at, ratings in zip(places, model.predict(queries, rows), strict=True):
                total[at] += ratings
        return total / len(self._models)
