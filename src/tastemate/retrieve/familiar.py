"""Items that whoever one talks to is likely to know: met by many, met lately, new.

What people bring up in a conversation is what is about: a count over all years is led by the
classics, a count of the last years alone knows little of what has just come out.
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
from tastemate.traits import is_year
from tastemate.types import Floats, Query

_YEAR = 365.25 * 86_400.0
_NOW = 0.999
"""Quantile of the times that counts as now, as in `popular`."""


class Familiar(Dense):
    """Score = `count` x z(log events) + `recent` x z(log events of the last `years`) + newness.

    Newness is `young` x z(-log age) + `new` x z(came out in the last two calendar years), from the
    numeric attribute whose name ends in "year"; without one, or without events to tell what now
    is, it is left out. An item without a year is as old as the median. The same answer for
    everybody. The weights are near those that
    `scripts/choose_talk.py` finds on half of ReDial's workers.
    """

    name = "familiar"

    def __init__(
        self,
        *,
        count: float = 0.45,
        recent: float = 0.45,
        young: float = 0.3,
        new: float = 0.25,
        years: float = 3.0,
    ) -> None:
        """Set the weights; raise `ConfigError` for a negative one."""
        if min(count, recent, young, new) < 0 or years <= 0:
            raise ConfigError(
                "familiar: weights must not be negative and years must be above 0, not "
                f"{count}, {recent}, {young}, {new} and {years}."
            )
        self.count = count
        self.recent = recent
        self.young = young
        self.new = new
        self.years = years
        self._prior: Floats | None = None

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Count events, all and late ones, and read the years."""
        counts = interactions.counts.astype(np.float64)
        prior = np.zeros(len(catalog))
        if len(interactions) and len(catalog):
            now = float(np.quantile(interactions.timestamp, _NOW, method="lower"))
            late = interactions.timestamp > now - self.years * _YEAR
            lately = np.bincount(interactions.item, late.astype(np.float64), len(catalog))
            prior += self.count * _z(np.log1p(counts)) + self.recent * _z(np.log1p(lately))
            prior += self._newness(catalog, 1970 + now / _YEAR)
        self._prior = prior.astype(np.float32)
        return self

    def _newness(self, catalog: Catalog, now: float) -> NDArray[np.float64]:
        """Return what being new adds, (items,); `now` is a year with its fraction."""
        named = (one for one in catalog.attributes if is_year(one) and catalog.is_numeric(one))
        name = next(named, "")
        years = catalog.numbers(name) if name else np.full(len(catalog), np.nan)
        known = np.isfinite(years) & (years <= now + 1)  # later ones are mistakes or plans
        if not known.any():
            return np.zeros(len(catalog))
        years = np.where(known, years, np.median(years[known])).astype(np.float64)
        age = np.maximum(now - years, 0.5)
        return self.young * _z(-np.log(age)) + self.new * _z(years >= np.floor(now) - 1)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items), the same for every query."""
        return np.tile(self._fitted(), (len(queries), 1))

    def save(self, folder: Path) -> None:
        """Write how familiar each item is."""
        prior = self._fitted()
        self._write(folder, len(prior), {}, {"prior": prior})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; an item added since then is as familiar as the least known one."""
        _, arrays = self._read(folder, len(catalog), (), ("prior",))
        kept = arrays["prior"]
        prior = np.full(len(catalog), kept.min(initial=0), dtype=np.float32)
        prior[: len(kept)] = kept
        self._prior = prior
        return self

    def _fitted(self) -> Floats:
        if self._prior is None:
            raise NotFitted("familiar has not been fitted: call fit or load first.")
        return self._prior


def _z(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return z-scores; zeros where all are equal."""
    return standardise(np.asarray(values, dtype=np.float32)).astype(np.float64)
