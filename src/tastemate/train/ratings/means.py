"""What is said of a rating before taste: how kind the user is, how good the item."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from tastemate.errors import NotFitted
from tastemate.interactions import Interactions
from tastemate.train.ratings.pairs import Numbers, Pairs

_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """The mean rating, and what each user and item adds to it."""

    mean: float
    users: Numbers
    items: Numbers

    def of(self, pairs: Pairs) -> Numbers:
        """Return mean + b_u + b_i of each pair; an unknown one adds nothing."""
        return np.asarray(self.mean + self.users[pairs.user] + self.items[pairs.item])


def settle(train: Interactions, user_shrinkage: float, item_shrinkage: float) -> Settled:
    """Return shrunken means, each side given the other (a few rounds of alternation)."""
    user, item = train.user, train.item
    value = train.value.astype(np.float64)
    mean = float(value.mean()) if len(value) else sum((train.scale.low, train.scale.high)) / 2
    users, items = np.zeros(train.n_users), np.zeros(train.n_items)
    n_users = np.diff(train.offsets) + user_shrinkage
    n_items = train.counts + item_shrinkage
    for _ in range(_ROUNDS):
        items = np.bincount(item, value - mean - users[user], minlength=len(items)) / n_items
        users = np.bincount(user, value - mean - items[item], minlength=len(users)) / n_users
    return Settled(mean, users, items)


class Means:
    """r̂ = μ + b_u + b_i with shrunken means (Koren 2008)."""

    name = "means"

    def __init__(self, *, user_shrinkage: float = 5.0, item_shrinkage: float = 3.0) -> None:
        """Set how many ratings at the mean are added to each user's and each item's."""
        self.user_shrinkage = user_shrinkage
        self.item_shrinkage = item_shrinkage
        self._settled: Settled | None = None

    def fit(self, train: Interactions) -> Self:
        """Learn the means."""
        self._settled = settle(train, self.user_shrinkage, self.item_shrinkage)
        return self

    def predict(self, pairs: Pairs) -> Numbers:
        """Return the sum of the means."""
        if self._settled is None:
            raise NotFitted("The predictor means has learned nothing yet; call fit first.")
        return self._settled.of(pairs)
