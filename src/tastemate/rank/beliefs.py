"""What is believed of an item after so many impressions: Beta posteriors, or a linear model.

Both start from the ranker's score and move with what people did. Rewards at places that are looked
at less say less: an impression counts for as much as its place is examined (`train.position`).
"""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.rank.credit import credited, require
from tastemate.types import Floats, Rows

Numbers = NDArray[np.float64]
BASE = 0.05
"""Chance of reward where nothing was logged."""


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """Impressions as arrays of one length (impressions,)."""

    rows: Rows
    scores: Numbers
    rewards: Numbers
    """0 or 1."""
    looked: Numbers
    """Chance that the place was examined, 1 for the first."""

    @classmethod
    def of(
        cls,
        impressions: pl.DataFrame,
        signals: pl.DataFrame,
        catalog: Catalog,
        *,
        kinds: Collection[str],
        window: int,
        examination: Sequence[float] = (),
    ) -> "Log":
        """Read the frames of the store; items no longer in the catalogue are left out.

        `examination` is the chance that each place is looked at, from place 1; without it every
        place counts alike. Beyond its end the last value holds.
        """
        require(impressions, ("score",), "impressions")
        frame = credited(impressions, signals, kinds, window)
        rows = catalog.codes(frame["item"])
        keep = rows >= 0
        curve = np.asarray(examination or (1.0,), dtype=np.float64)
        if (curve <= 0).any() or (curve > 1).any():
            raise ConfigError("examination must lie above 0 and at most at 1 for every place.")
        places = np.clip(frame["position"].to_numpy().astype(np.int64) - 1, 0, len(curve) - 1)
        return cls(
            rows[keep],
            frame["score"].to_numpy().astype(np.float64)[keep],
            frame["reward"].to_numpy().astype(np.float64)[keep],
            curve[places][keep],
        )


class Thompson:
    """Thompson sampling: the chance of reward of an item is drawn from its Beta posterior.

    The prior of a candidate is worth `strength` impressions and centred where its score puts it:
    logit(mean) = logit(base) + slope·z, z its score in standard deviations of the pool. Rewards
    and examined impressions of the item, from everybody, are added (Thompson 1933; Chapelle & Li
    2011; for places Lagrée, Vernade & Cappé 2016).
    """

    def __init__(
        self,
        shown: Numbers | None = None,
        rewarded: Numbers | None = None,
        *,
        base: float = BASE,
        strength: float = 10.0,
        slope: float = 0.5,
    ) -> None:
        """`shown` and `rewarded` are (items,); items beyond their end have only the prior."""
        if not 0.0 < base < 1.0 or strength <= 0.0:
            raise ConfigError(f"base is {base}, strength {strength}: 0 < base < 1, strength > 0.")
        self.shown = np.zeros(0) if shown is None else shown
        self.rewarded = np.zeros(0) if rewarded is None else rewarded
        self.base, self.strength, self.slope = base, strength, slope

    @classmethod
    def fit(cls, log: Log, items: int, *, strength: float = 10.0, slope: float = 0.5) -> "Thompson":
        """Return the posteriors after a log, over a catalogue of so many items."""
        shown, rewarded = np.zeros(items), np.zeros(items)
        np.add.at(shown, log.rows, log.looked)
        np.add.at(rewarded, log.rows, log.rewards)
        # Two made-up rewards in forty impressions keep the rate off 0 and 1.
        base = (rewarded.sum() + 40 * BASE) / (shown.sum() + 40)
        found = min(float(base), 0.95)
        return cls(shown, rewarded, base=found, strength=strength, slope=slope)

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> Numbers:
        """Return a draw from the posterior of each candidate, (candidates,)."""
        one, other = self.posterior(rows, scores)
        return np.asarray(rng.beta(one, other))

    def posterior(self, rows: Rows, scores: Floats) -> tuple[Numbers, Numbers]:
        """Return the two parameters of each candidate's Beta posterior."""
        odds = np.log(self.base / (1.0 - self.base)) + self.slope * _standard(scores)
        middle = 1.0 / (1.0 + np.exp(-odds))
        rewarded = _at(self.rewarded, rows)
        missed = np.maximum(_at(self.shown, rows) - rewarded, 0.0)
        return self.strength * middle + rewarded, self.strength * (1.0 - middle) + missed


class LinUcb:
    """LinUCB (Li, Chu, Langford & Schapire 2010): a linear chance of reward, and some optimism.

    Features of a candidate: 1, its score in standard deviations of the log, and its vector in the
    `dimensions` widest directions of the item vectors. One model for all items, so that what is
    learned of one is believed of those like it.
    """

    def __init__(
        self, vectors: Floats | None = None, *, dimensions: int = 16, width: float = 1.0
    ) -> None:
        """`vectors` are (items, dimensions); `width` is how many standard errors of optimism."""
        if dimensions < 1 or width < 0:
            raise ConfigError("dimensions must be 1 or more, and width 0 or more.")
        self.features = _narrowed(vectors, dimensions)
        self.width = width
        size = 2 + self.features.shape[1]
        self.inverse: Numbers = np.eye(size)
        self.weights: Numbers = np.zeros(size)
        self.weights[0] = BASE
        self.mean, self.spread = 0.0, 1.0

    def fit(self, log: Log, penalty: float = 1.0) -> "LinUcb":
        """Return what is believed after a log; `penalty` pulls to no difference between items."""
        found = copy(self)
        if len(log.rows):
            found.mean = float(log.scores.mean())
            found.spread = float(log.scores.std()) or 1.0
        table = found._table(log.rows, log.scores.astype(np.float32)) * log.looked[:, None]
        prior = np.zeros(table.shape[1])
        prior[0] = (log.rewards.sum() + 40 * BASE) / (log.looked.sum() + 40)
        seen = table.T @ table + penalty * np.eye(table.shape[1])
        found.inverse = np.asarray(np.linalg.inv(seen), dtype=np.float64)
        found.weights = found.inverse @ (table.T @ log.rewards + penalty * prior)
        return found

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> Numbers:
        """Return the upper confidence bound of each candidate; nothing is drawn."""
        table = self._table(rows, scores)
        spread = np.sqrt(np.maximum((table @ self.inverse * table).sum(axis=1), 0.0))
        # In units of a reward's own spread, so that optimism fits rare rewards too.
        base = float(np.clip(self.weights[0], 1e-3, 0.5))
        unit = np.sqrt(base * (1.0 - base))
        bound = table @ self.weights + self.width * unit * spread
        return np.asarray(np.clip(bound, 1e-4, 1.0 - 1e-4))

    def _table(self, rows: Rows, scores: Floats) -> Numbers:
        known = np.zeros((len(rows), self.features.shape[1]))
        inside = rows < len(self.features)
        known[inside] = self.features[rows[inside]]
        z = np.clip((scores.astype(np.float64) - self.mean) / self.spread, -3.0, 3.0)
        return np.column_stack((np.ones(len(rows)), z, known))


def _standard(scores: Floats) -> Numbers:
    worth = scores.astype(np.float64)
    spread = float(worth.std())
    return np.asarray((worth - worth.mean()) / spread if spread > 0 else np.zeros(len(worth)))


def _at(values: Numbers, rows: Rows) -> Numbers:
    found = np.zeros(len(rows))
    inside = rows < len(values)
    found[inside] = values[rows[inside]]
    return found


def _narrowed(vectors: Floats | None, dimensions: int) -> Numbers:
    """Return vectors in their widest directions, scaled to a mean length of 1."""
    if vectors is None or not len(vectors):
        return np.zeros((0, 0))
    centred = np.asarray(vectors, dtype=np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    widest = axes[:, ::-1][:, :dimensions]
    # An eigenvector's sign is arbitrary: the largest part is made positive on every machine.
    signs = np.sign(widest[np.abs(widest).argmax(axis=0), np.arange(widest.shape[1])])
    found = centred @ (widest * np.where(signs == 0, 1.0, signs))
    length = float(np.linalg.norm(found, axis=1).mean())
    return np.asarray(found / length if length > 0 else found)
