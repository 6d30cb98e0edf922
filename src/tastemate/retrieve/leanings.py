"""Items by the soft wishes of a query: what suits the moment, and what somebody would rather have.

A filter leaves items out; a leaning only moves them. Mixed into the path it lifts what fulfils it,
so that "with kids" never hides anything.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import NotFitted
from tastemate.filters import TRUE, decide
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.types import AttributeValue, Filter, Floats, Leaning, Operator, Query, Rows

Wish: TypeAlias = tuple[str, Operator, AttributeValue]

KEPT = 2_000
"""Wishes whose items are remembered; one more and all are looked up again."""


class Leanings(Dense):
    """Score = the sum of the weights of the leanings that hold; what is unknown counts nothing.

    Three-valued as filters are (`filters.decide`): "not a comedy" holds only where the genres are
    known. A query without leanings gets no opinion. Raises `ConfigError` from `scores` for an
    attribute or a value that does not exist.
    """

    name = "leanings"

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._holds: dict[Wish, Rows] = {}

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Keep the catalogue; there is nothing to learn."""
        del interactions
        self._catalog = catalog
        self._holds = {}
        return self

    def save(self, folder: Path) -> None:
        """Write for how many items it was made; the rest is in the catalogue."""
        self._write(folder, len(self._fitted()), {}, {})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Take the catalogue; raise `FormatError` for one that is shorter than it was."""
        self._read(folder, len(catalog))
        return self.fit(catalog, Interactions.empty(catalog))

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return the sum of each query's leanings, (queries, items); -inf rows without any."""
        found = np.full((len(queries), len(self._fitted())), -np.inf, dtype=np.float32)
        for row, query in zip(found, queries, strict=True):
            if query.leanings:
                row[:] = 0.0
                for leaning in query.leanings:
                    row[self.holds(leaning)] += np.float32(leaning.weight)
        return found

    def holds(self, leaning: Leaning) -> Rows:
        """Return the rows for which a leaning is true, ascending (remembered)."""
        wish: Wish = (leaning.attribute, leaning.operator, leaning.value)
        rows = self._holds.get(wish)
        if rows is None:
            verdicts = decide(self._fitted(), Filter(*wish))
            rows = np.flatnonzero(verdicts == TRUE).astype(np.int32)
            if len(self._holds) >= KEPT:
                self._holds = {}
            self._holds[wish] = rows
        return rows

    def _fitted(self) -> Catalog:
        if self._catalog is None:
            raise NotFitted("Leanings has not been fitted: call fit or load first.")
        return self._catalog
