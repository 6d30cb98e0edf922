"""Declared attributes as numbers: one column for each value and each number, of items or people."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tastemate.catalog import Catalog
from tastemate.types import AttributeValue, Floats


@dataclass(frozen=True, slots=True)
class Features:
    """The columns: (attribute, value) for each value, (name, mean, deviation) for each number."""

    values: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, float, float], ...]

    def __len__(self) -> int:
        return len(self.values) + len(self.numbers)

    def of_items(self, catalog: Catalog, popularity: Floats) -> Floats:
        """Return the features of all items and, as the last column, `popularity`."""
        x = np.zeros((len(catalog), len(self) + 1), np.float32)
        for at, (name, value) in enumerate(self.values):
            if name in catalog.attributes and not catalog.is_numeric(name):
                column = catalog.incidence(name).codes.get(value)
                if column is not None:
                    x[:, at] = catalog.incidence(name).matrix[:, [column]].toarray()[:, 0]
        for at, (name, mean, deviation) in enumerate(self.numbers, start=len(self.values)):
            if name in catalog.attributes and catalog.is_numeric(name):
                x[:, at] = np.nan_to_num((catalog.numbers(name) - mean) / deviation)
        x[:, -1] = popularity
        return np.clip(x, -4, 4)

    def of_person(self, about: Mapping[str, AttributeValue]) -> Floats:
        """Return the features of what a person declared; zero where nothing is known."""
        z = np.zeros(len(self), np.float32)
        for at, (name, value) in enumerate(self.values):
            given = about.get(name, ())
            z[at] = value in (given if isinstance(given, tuple) else (str(given),))
        for at, (name, mean, deviation) in enumerate(self.numbers, start=len(self.values)):
            given = about.get(name, mean)
            if isinstance(given, int | float):
                z[at] = np.clip((given - mean) / deviation, -4, 4)
        return z
