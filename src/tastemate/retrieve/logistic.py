"""Logistic regression on what is declared: preference as σ(f(u, i)), for cold people and items.

f is linear in attributes of the item, attributes of the person, and crosses of the two:

    f(u, i) = c + δᵀz_u + (β + γ∘w_u + Dᵀz_u)ᵀx_i

x_i: attribute values, numbers and log popularity of the item, that of the average item where nobody
met it; z_u: what the person declared; w_u: how the likes in the history differ from the average
item, feature by feature.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import neighbours
from tastemate.retrieve.features import Features
from tastemate.types import AttributeValue, Candidate, Floats, Query, Rows

_SHRINKAGE = 5.0
"""Average items added to a history's likes before they are averaged."""
_HIDDEN = 0.3
"""Share of training pairs without what the person declared."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Training pairs: item features x (n, F), profiles w (n, F), people z (n, U), liked y (n,)."""

    x: Floats
    w: Floats
    z: Floats
    y: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """The parameters of f, cut out of one vector."""

    constant: float
    beta: Vector
    gamma: Vector
    delta: Vector
    cross: Vector
    """D, (U, F)."""

    @classmethod
    def cut(cls, theta: Vector, n_items: int, n_people: int) -> "_Weights":
        """Name the parts of a vector of length 1 + 2F + U + U·F."""
        edges = np.cumsum([1, n_items, n_items, n_people])
        constant, beta, gamma, delta, cross = np.split(theta, edges)
        shape = (n_people, n_items)
        return cls(float(constant[0]), beta, gamma, delta, cross.reshape(shape))


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """What is learned: features, standardised popularity, weights."""

    items: Features
    people: Features
    scale: Scale
    popularity: Floats
    """Of the items fitted on; 0 for one nobody met."""
    centre: Floats
    theta: Vector
    x: Floats
    """Features of the catalogue served, (items, F)."""


class Logistic(Dense):
    """P(like) from declared attributes, the history's profile, and their crosses.

    Serves everybody: without a history or declared attributes the answer rests on the items
    alone, and items nobody met are scored by their attributes. The probability is that among
    likes, dislikes and drawn negatives, `negatives` of them for each like.
    """

    name = "logistic"

    def __init__(
        self,
        *,
        regularisation: float = 30.0,
        negatives: int = 3,
        pairs: int = 40_000,
        support: int = 20,
        values: int = 50,
        seed: int = 0,
    ) -> None:
        """Set the options: at most `values` values an attribute, each on `support` items.

        `pairs` bounds the training pairs, drawn by `seed`. Raises `ConfigError` for a value out
        of range.
        """
        if regularisation <= 0 or negatives < 1 or pairs < 1 or support < 1 or values < 0:
            raise ConfigError(
                "logistic: regularisation must be above 0; negatives, pairs and support at "
                "least 1; values 0 or more. 30, 3, 40000, 20 and 50 are good starts."
            )
        self.regularisation = regularisation
        self.negatives = negatives
        self.pairs = pairs
        self.support = support
        self.values = values
        self.seed = seed
        self._state: _Fitted | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn who likes what; without a like or a catalogue nothing is served later."""
        items = self._features(catalog)
        people = self._declared(interactions.people)
        popularity = _popularity(interactions)
        x = items.of_items(catalog, popularity)
        likes = interactions.scale.likes(interactions.value)
        theta = np.empty(0)
        centre = np.zeros(x.shape[1], np.float32)
        if len(interactions) and likes.any():
            centre = x[interactions.item[likes]].mean(axis=0)
            pairs = self._draw(interactions, x, centre, people)
            theta = _minimise(pairs, self.regularisation)
        scale = interactions.scale
        self._state = _Fitted(items, people, scale, popularity, centre, theta, x)
        return self

    def _features(self, catalog: Catalog) -> Features:
        """Choose the values with enough support, most frequent first, and all numbers."""
        values: list[tuple[str, str]] = []
        numbers: list[tuple[str, float, float]] = []
        for name in catalog.attributes:
            if catalog.is_numeric(name):
                column = catalog.numbers(name).astype(np.float64)
                known = column[np.isfinite(column)]
                if len(known) and known.std() > 0:
                    numbers.append((name, float(known.mean()), float(known.std())))
                continue
            incidence = catalog.incidence(name)
            counts = np.asarray(incidence.matrix.sum(axis=0)).ravel()
            often = np.argsort(-counts, kind="stable")[: self.values]
            floor = min(self.support, max(len(catalog) // 10, 1))
            values.extend((name, incidence.values[at]) for at in often if counts[at] >= floor)
        return Features(tuple(values), tuple(numbers))

    def _declared(self, people: pl.DataFrame | None) -> Features:
        """Choose the columns of what people declared, by the same rules."""
        if people is None or not people.width:
            return Features((), ())
        ids = pl.Series("id", [str(at) for at in range(len(people))], dtype=pl.String)
        title = ids.alias("title")
        named = people.select(pl.exclude("id", "title", "text")).with_columns(ids, title)
        return self._features(Catalog(named))

    def _draw(
        self, interactions: Interactions, x: Floats, centre: Floats, people: Features
    ) -> _Pairs:
        """Draw the training pairs; the profile of a liked pair leaves that like out."""
        rng = np.random.default_rng(self.seed)
        liked = interactions.scale.likes(interactions.value)
        met = np.sort(interactions.user.astype(np.int64) * len(x) + interactions.item)
        plus = np.flatnonzero(liked)
        most = max(self.pairs // (1 + self.negatives), 1)
        if len(plus) > most:
            plus = np.sort(rng.choice(plus, most, replace=False))
        user = np.repeat(interactions.user[plus], self.negatives)
        # That nobody met an item says nothing against it: it may be new.
        there = np.flatnonzero(interactions.counts > 0)
        item = there[rng.integers(len(there), size=len(user))].astype(np.int32)
        key = user.astype(np.int64) * len(x) + item
        fresh = met[np.minimum(np.searchsorted(met, key), len(met) - 1)] != key
        minus = np.flatnonzero(interactions.scale.dislikes(interactions.value))
        if len(minus) > len(plus):
            minus = np.sort(rng.choice(minus, len(plus), replace=False))
        users = np.concatenate((interactions.user[plus], user[fresh], interactions.user[minus]))
        rows = np.concatenate((interactions.item[plus], item[fresh], interactions.item[minus]))
        y = np.zeros(len(users), np.float32)
        y[: len(plus)] = 1
        totals = np.zeros((interactions.n_users, x.shape[1]), np.float32)
        np.add.at(totals, interactions.user[liked], x[interactions.item[liked]] - centre)
        counts = np.bincount(interactions.user[liked], minlength=interactions.n_users)
        own = (x[rows] - centre) * y[:, None]
        w = (totals[users] - own) / (counts[users] - y + _SHRINKAGE).astype(np.float32)[:, None]
        z = np.zeros((interactions.n_users, len(people)), np.float32)
        if interactions.people is not None and len(people):
            for at, record in enumerate(interactions.people.iter_rows(named=True)):
                z[at] = people.of_person(_plain(record))
        # Some pairs hide what was declared, so that the history carries those who declare nothing.
        told = (rng.random(len(users)) >= _HIDDEN).astype(np.float32)
        return _Pairs(x[rows], w, z[users] * told[:, None], y)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return P(like), (queries, items)."""
        state = self._fitted()
        if not len(state.theta):
            return np.full((len(queries), len(state.x)), -np.inf, np.float32)
        weights = _Weights.cut(state.theta, state.x.shape[1], len(state.people))
        scores = np.empty((len(queries), len(state.x)), np.float32)
        for at, query in enumerate(queries):
            z = state.people.of_person(query.about).astype(np.float64)
            slopes = weights.beta + weights.gamma * _profile(state, query) + z @ weights.cross
            logit = state.x @ slopes + weights.constant + z @ weights.delta
            scores[at] = expit(logit)
        return scores

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items with like attributes: cosine of the features, popularity left out."""
        features = self._fitted().x[:, : len(self._fitted().items)]
        known = np.asarray(features.any(axis=1), dtype=np.bool_)
        return neighbours(features, known, items, n, self.name)

    def save(self, folder: Path) -> None:
        """Write the features and weights."""
        state = self._fitted()
        meta = {
            "items": [state.items.values, state.items.numbers],
            "people": [state.people.values, state.people.numbers],
            "low": state.scale.low,
            "high": state.scale.high,
        }
        arrays: dict[str, Any] = {
            "popularity": state.popularity,
            "centre": state.centre,
            "theta": state.theta,
        }
        self._write(folder, len(state.popularity), json.loads(json.dumps(meta)), arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are scored by their attributes."""
        need = ("items", "people", "low", "high", "centre", "theta")
        meta, arrays = self._read(folder, len(catalog), need, ("popularity",))
        items, people = (
            Features(*(tuple(tuple(entry) for entry in part) for part in meta[kind]))
            for kind in ("items", "people")
        )
        popularity = np.zeros(len(catalog), np.float32)
        popularity[: len(arrays["popularity"])] = arrays["popularity"]
        self._state = _Fitted(
            items,
            people,
            Scale(meta["low"], meta["high"]),
            arrays["popularity"],
            arrays["centre"],
            arrays["theta"],
            items.of_items(catalog, popularity),
        )
        return self

    def _fitted(self) -> _Fitted:
        if self._state is None:
            raise NotFitted("The model logistic has learned nothing yet; call fit or load first.")
        return self._state


def _popularity(interactions: Interactions) -> Floats:
    """Return log counts, standardised over the items met, (items,); 0 for items nobody met.

    Hiding the popularity in training pairs instead finds a few more new items, and ranks the
    known ones worse.
    """
    logs = np.log(np.maximum(interactions.counts, 1).astype(np.float64))
    met = interactions.counts > 0
    if not met.any():
        return np.zeros(len(logs), np.float32)
    scaled = (logs - logs[met].mean()) / (float(logs[met].std()) or 1.0)
    return np.where(met, scaled, 0).astype(np.float32)


def _plain(record: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return a row of declared attributes as the mapping a query carries."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record.items()
        if value is not None
    }


def _profile(state: _Fitted, query: Query) -> Floats:
    """Return how the likes of the history differ from the average liked item, (F,)."""
    history = query.history
    rows = history.items[state.scale.likes(history.values)]
    total = (state.x[rows] - state.centre).sum(axis=0)
    profile: Floats = (total / np.float32(len(rows) + _SHRINKAGE)).astype(np.float32)
    return profile


def _minimise(pairs: _Pairs, regularisation: float) -> Vector:
    """Return the parameters of least −Σ log P(y) + regularisation/2·‖θ‖², by L-BFGS."""
    n_items, n_people = pairs.x.shape[1], pairs.z.shape[1]

    def loss(theta: Vector) -> tuple[float, Vector]:
        weights = _Weights.cut(theta, n_items, n_people)
        slopes = (weights.beta + pairs.w * weights.gamma.astype(np.float32)).astype(np.float32)
        slopes += pairs.z @ weights.cross.astype(np.float32)
        logit = np.einsum("nf,nf->n", pairs.x, slopes).astype(np.float64)
        logit += weights.constant + pairs.z @ weights.delta
        sign = 2.0 * pairs.y - 1.0
        wrong = expit(logit) - pairs.y
        pull = pairs.x * wrong.astype(np.float32)[:, None]
        gradient = np.concatenate(
            (
                [wrong.sum()],
                pull.sum(axis=0, dtype=np.float64),
                np.einsum("nf,nf->f", pull, pairs.w).astype(np.float64),
                wrong @ pairs.z,
                (pairs.z.T @ pull).ravel().astype(np.float64),
            )
        )
        penalty = 0.5 * regularisation * float(theta @ theta)
        return penalty - float(log_expit(sign * logit).sum()), gradient + regularisation * theta

    start = np.zeros(1 + 2 * n_items + n_people + n_people * n_items)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return np.asarray(found.x, np.float64)
