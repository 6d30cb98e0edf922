"""The first answer: for somebody of whom little is known but perhaps a sentence.

A few likes say less than a model makes of them, and a sentence as people write it ("a good scary
one please") says little that a search could find; what many people met, lately too, and what the
words name among the attributes carries most of a first answer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.text.recognise import Values
from tastemate.types import Floats, Mask, Query

_YEAR = 365 * 86_400.0
_NOW = 0.999
"""Quantile of the times that counts as now, as in `popular`."""


class Newcomer(Dense):
    """Score = `count` x z(log events) + `recent` x z(log late events) + `named` x z(values named).

    Late events fade by half every `half_life` years. "Values named" counts the attribute values
    that the text names and the item has. Speaks for histories of at most `most` events, as longer
    ones are better served by models of them; with `spoken` only where there is a text. Items that
    nobody has met get no opinion, unless nobody met any. The weights are those that
    `scripts/choose_newcomer.py` found on half of ReDial's seekers.
    """

    name = "newcomer"

    def __init__(
        self,
        *,
        count: float = 1.5,
        recent: float = 0.25,
        named: float = 1.0,
        half_life: float = 2.0,
        most: int = 10,
        spoken: bool = False,
    ) -> None:
        if min(count, recent, named) < 0 or half_life <= 0 or most < 0:
            raise ConfigError(
                f"{self.name}: weights and most must not be negative, half_life (years) must be "
                f"above 0, not {count}, {recent}, {named}, {most} and {half_life}."
            )
        self.count = count
        self.recent = recent
        self.named = named
        self.half_life = half_life
        self.most = most
        self.spoken = spoken
        self._prior: Floats | None = None
        self._met: Mask = np.zeros(0, dtype=np.bool_)
        self._catalog = Catalog.of([])
        self._values: Values | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Count events per item, all of them and late ones."""
        counts: NDArray[np.float64] = interactions.counts.astype(np.float64)
        late = np.zeros_like(counts)
        if len(interactions):
            now = np.quantile(interactions.timestamp, _NOW, method="lower")
            age = np.maximum(now - interactions.timestamp, 0) / _YEAR
            weights = 0.5 ** (age / self.half_life)
            late = np.bincount(interactions.item, weights, len(catalog)).astype(np.float64)
        prior = self.count * _z(np.log1p(counts)) + self.recent * _z(np.log1p(late))
        self._keep(catalog, prior.astype(np.float32), counts > 0)
        return self

    def _keep(self, catalog: Catalog, prior: Floats, met: Mask) -> None:
        self._catalog, self._prior, self._values = catalog, prior, None
        self._met = met if met.any() else np.ones(len(met), dtype=np.bool_)

    def save(self, folder: Path) -> None:
        """Write how well known each item is."""
        prior = self._fitted()
        self._write(folder, len(prior), {}, {"prior": prior, "met": self._met})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; items that are new by now have been met by nobody."""
        _, arrays = self._read(folder, len(catalog), (), ("prior", "met"))
        prior = np.zeros(len(catalog), dtype=np.float32)
        met = np.zeros(len(catalog), dtype=np.bool_)
        known = len(arrays["prior"])
        prior[:known], met[:known] = arrays["prior"], arrays["met"]
        self._keep(catalog, prior, met)
        return self

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items); -inf rows for longer histories."""
        prior = self._fitted()
        found = np.full((len(queries), len(prior)), -np.inf, dtype=np.float32)
        for row, query in zip(found, queries, strict=True):
            if len(query.history) <= self.most and (query.text or not self.spoken):
                row[:] = prior
                if query.text and self.named:
                    row += np.float32(self.named) * _z(self._naming(query.text)).astype(np.float32)
                row[~self._met] = -np.inf
        return found

    def _naming(self, text: str) -> Floats:
        """Return how many of the values that a text names each item has, (items,)."""
        if self._values is None:
            self._values = Values(self._catalog)
        counted = np.zeros(len(self._catalog), dtype=np.float32)
        for attribute, value in self._values.named(text):
            incidence = self._catalog.incidence(attribute)
            column = incidence.matrix[:, [incidence.codes[value]]]
            counted += column.toarray()[:, 0]
        return counted

    def _fitted(self) -> Floats:
        if self._prior is None:
            raise NotFitted(f"{self.name} has not been fitted: call fit or load first.")
        return self._prior


def _z(values: NDArray[np.floating]) -> Floats:
    """Return z-scores, of nothing as well."""
    plain = np.asarray(values, dtype=np.float32)
    return standardise(plain) if len(plain) else plain
