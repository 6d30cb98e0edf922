"""A rating as a sum of Gaussian processes: the item's quality, the person's taste, the crowd's.

r(u, i, t) = μ + q(i) + f_u(i, t) + h_i(u, t) + noise. q has a prior from the item's attributes. The
f_u are independent between people, each with a covariance over (item, time) that sums the ways of
`likeness`; the weights come from the marginal likelihood of the training ratings. The h_i are
independent between items, with a covariance over people of like taste and over years. The three
are settled in turn (backfitting: Hastie & Tibshirani 1990), which ends in their joint mean.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.text.encoder import unit
from tastemate.train.ratings.likeness import Likeness, Seen, likeness, weighted
from tastemate.train.ratings.means import settle
from tastemate.train.ratings.pairs import Numbers, Pairs, groups
from tastemate.train.ratings.quality import Quality, quality
from tastemate.train.ratings.smoother import Smoother
from tastemate.train.ratings.tags import TagTimes
from tastemate.train.ratings.weighing import weigh
from tastemate.types import Floats

_START = {
    "always": 0.05,
    "popularity": 0.02,
    "quality": 0.3,
    "attributes": 0.08,
    "numbers": 0.1,
    "sitting": 0.07,
    "month": 0.02,
    "text": 0.4,
    "tags": 0.02,
}
_NOISE = 0.25
_PROBES = 300
_YEARS = 2 * 365 * 86_400.0
_BEND = 0.5
_TURNS = 6
_DAMPING = 0.2
"""Noise added on the items' side, as a share: else the crowd is credited with taste."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Everything a prediction reads; `alpha` and `crowd` are (training ratings,)."""

    train: Interactions
    mean: float
    quality: Numbers
    like: Likeness
    seen: Seen
    weights: Numbers
    noise: float
    alpha: Numbers
    crowd: Numbers
    people: Floats
    shares: Numbers

    def alike(self, at: NDArray[np.intp]) -> Floats:
        """Return the covariance of training ratings of one item."""
        some = Pairs.of(self.train).take(at)
        return _crowd(self.people, self.shares, some, some)


class Taste:
    """The sum of processes; which ways of likeness it has depends on what it is given."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        vectors: Floats | None = None,
        tagged: TagTimes | None = None,
        timed: bool = True,
        crowd: float = 0.15,
        period: float = 0.05,
        shrinkage: float = 10.0,
        rounds: int = 2,
        seed: int = 0,
        name: str = "taste",
    ) -> None:
        """Set the options.

        `vectors` are those of the items' texts; `tagged` the tags with their times; `timed` whether
        the time of a rating is read; `crowd` and `period` the variances (as shares) of people of
        like taste and of years at an item; `shrinkage` the ratings an item's attributes are worth.
        """
        if crowd < 0 or period < 0 or shrinkage <= 0 or rounds < 1:
            raise ConfigError("taste: variances 0 or more, shrinkage above 0, one round or more.")
        if vectors is not None and len(vectors) != len(catalog):
            raise ConfigError(f"taste: {len(vectors)} vectors for {len(catalog)} items.")
        self.name = name
        self._like = likeness(catalog, vectors=vectors, tagged=tagged, timed=timed)
        self.crowd, self.shrinkage, self.rounds, self.seed = crowd, shrinkage, rounds, seed
        self.period = period if timed else 0.0
        self._state: _Fitted | None = None

    @property
    def weights(self) -> dict[str, float]:
        """What was learned of each way of likeness, as shares of the variance; and the noise."""
        state = self._fitted()
        named = dict(zip(state.like.names, state.weights.tolist(), strict=True))
        return {**named, "noise": state.noise}

    def fit(self, train: Interactions) -> Self:
        """Learn weights and alphas; the weights are shares, so that any scale will do."""
        if not len(train):
            raise ConfigError("taste: there is no rating to learn from.")
        counts = train.counts.astype(np.float64)
        settled = settle(train, 5.0, 3.0)
        value = train.value.astype(np.float64) - settled.mean
        prior = quality(self._like, counts, self.shrinkage)
        good = prior.settle(train.item, value - settled.users[train.user])
        share = np.array([*(_START[name] for name in self._like.names), _NOISE])
        seen = self._like.seen(train.item, train.timestamp)
        by_user = groups(train.user, train.n_users)
        for _ in range(self.rounds):
            like = self._like.told(np.log1p(counts), good)
            left = value - good[train.item]
            share = weigh(by_user, partial(_within, like, seen), left, share, seed=self.seed)
            scaled = share * max(float(np.mean(np.square(left))), 1e-9)
            people = Smoother(by_user, partial(_between, like, seen, scaled[:-1]), scaled[-1])
            turned = _turn(train, value, prior, people, None, good)
            good = turned.quality
        state = _Fitted(
            train=train,
            mean=settled.mean,
            quality=good,
            like=like,
            seen=seen,
            weights=scaled[:-1],
            noise=float(scaled[-1]),
            alpha=turned.alpha,
            crowd=turned.crowd,
            people=_people(train, like, turned.alpha, scaled[:-1]),
            shares=np.array([self.crowd, self.period]) * scaled.sum(),
        )
        if self.crowd or self.period:
            by_item = groups(train.item, train.n_items)
            items = Smoother(by_item, state.alike, state.noise + _DAMPING * float(scaled.sum()))
            turned = _turn(train, value, prior, people, items, good)
            state = replace(state, quality=turned.quality, alpha=turned.alpha, crowd=turned.crowd)
        self._state = state
        return self

    def predict(self, pairs: Pairs) -> Numbers:
        """Return the joint mean; an unknown person gets what the item is worth to anybody."""
        state = self._fitted()
        train = state.train
        found = state.mean + state.quality[pairs.item]
        asked = state.like.seen(pairs.item, pairs.timestamp)
        mine = groups(train.user, train.n_users)
        for code, at in enumerate(groups(pairs.user, train.n_users)):
            if len(at) and len(mine[code]):
                blocks = state.like.blocks(asked.take(at), state.seen.take(mine[code]))
                found[at] += weighted(blocks, state.weights) @ state.alpha[mine[code]]
        if state.shares.any():
            met = groups(train.item, train.n_items)
            for row, at in enumerate(groups(pairs.item, train.n_items)):
                if len(at) and len(met[row]):
                    known = Pairs.of(train).take(met[row])
                    alike = _crowd(state.people, state.shares, pairs.take(at), known)
                    found[at] += alike @ state.crowd[met[row]]
        return np.asarray(np.clip(found, train.scale.low, train.scale.high))

    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFitted("The predictor taste has learned nothing yet; call fit first.")
        return self._state


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """Where backfitting ended."""

    quality: Numbers
    alpha: Numbers
    crowd: Numbers


def _turn(
    train: Interactions,
    value: Numbers,
    prior: Quality,
    people: Smoother,
    items: Smoother | None,
    good: Numbers,
) -> _Turned:
    """Settle taste, quality and crowd in turn, and taste once more."""
    crowd, pull = np.zeros(len(train)), np.zeros(len(train))
    for _ in range(_TURNS):
        left = value - good[train.item] - crowd
        taste = people.smooth(left, people.alphas(left))
        good = prior.settle(train.item, value - taste - crowd)
        if items is not None:
            left = value - good[train.item] - taste
            pull = items.alphas(left)
            crowd = items.smooth(left, pull)
    return _Turned(good, people.alphas(value - good[train.item] - crowd), pull)


def _within(like: Likeness, seen: Seen, at: NDArray[np.intp]) -> list[Floats]:
    some = seen.take(at)
    return like.blocks(some, some)


def _between(like: Likeness, seen: Seen, weights: Numbers, at: NDArray[np.intp]) -> Floats:
    return weighted(_within(like, seen, at), weights)


def _people(train: Interactions, like: Likeness, alpha: Numbers, weights: Numbers) -> Floats:
    """Return each person as a direction: their taste for the most rated items, less everybody's."""
    probes = np.argsort(-train.counts, kind="stable")[:_PROBES].astype(np.int32)
    taste = np.zeros((train.n_users, len(probes)), np.float32)
    for code, at in enumerate(groups(train.user, train.n_users)):
        if len(at):
            taste[code] = like.items(probes, train.item[at], weights) @ alpha[at]
    taste -= taste.mean(axis=1, keepdims=True)
    return unit(taste - taste.mean(axis=0))


def _crowd(people: Floats, shares: Numbers, left: Pairs, right: Pairs) -> Floats:
    """Return the covariance of ratings of one item: like people, and near years."""
    cosine = people[left.user] @ people[right.user].T
    gap = np.abs(left.timestamp[:, None] - right.timestamp) / _YEARS
    near = shares[0] * np.exp((cosine - 1) / _BEND) + shares[1] * np.exp(-gap)
    return np.asarray(near, dtype=np.float32)
