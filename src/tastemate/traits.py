"""Every attribute value as one column: what taste, reasons and diversity all count over.

Text and list attributes give a column a value, a year gives a column a decade. Nothing here
knows what the items are.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.types import Floats, Mask

_DECADE = re.compile(r"(\d{1,4}0|0)s( BC)?")
_YEAR = re.compile(r"[\s,]*[(\[]\s*(\d{4})(?:\s*[-\u2013]\s*\d{0,4})?\s*[)\]]\s*$")


@dataclass(frozen=True)
class Traits:
    """Which items carry which traits; a trait is one value of one attribute.

    `matrix` is (items, traits), binary; trait t is the value `values[t]` of the attribute
    `attributes[owner[t]]`; `known` (items, attributes) says where an attribute is known.
    """

    matrix: sparse.csr_matrix
    attributes: tuple[str, ...]
    owner: np.ndarray[tuple[int], np.dtype[np.int32]]
    values: tuple[str, ...]
    known: Mask

    @classmethod
    def of(cls, catalog: Catalog, exclude: Collection[str] = ()) -> "Traits":
        """Collect the traits of a catalogue, leaving out the attributes in `exclude`."""
        names: list[str] = []
        blocks: list[sparse.csr_matrix] = []
        values: list[str] = []
        owner: list[int] = []
        for name in catalog.attributes:
            if name in exclude:
                continue
            if catalog.is_numeric(name):
                if not is_year(name):
                    continue
                block, found = _decades(catalog.numbers(name))
            else:
                incidence = catalog.incidence(name)
                block, found = incidence.matrix, incidence.values
            owner += [len(names)] * len(found)
            names.append(name)
            blocks.append(block)
            values += found
        known = np.zeros((len(catalog), len(names)), dtype=bool)
        for at, name in enumerate(names):
            known[:, at] = catalog.known(name)
        matrix = (
            sparse.csr_matrix(sparse.hstack(blocks, format="csr", dtype=np.float32))
            if blocks
            else sparse.csr_matrix(np.zeros((len(catalog), 0), dtype=np.float32))
        )
        matrix.sort_indices()
        return cls(matrix, tuple(names), np.array(owner, dtype=np.int32), tuple(values), known)

    def at(self, row: int) -> list[int]:
        """Return the traits of one item, ascending."""
        start, end = self.matrix.indptr[row : row + 2]
        traits: list[int] = self.matrix.indices[start:end].tolist()
        return traits

    def name(self, trait: int) -> tuple[str, str]:
        """Return attribute and value of a trait."""
        return self.attributes[int(self.owner[trait])], self.values[trait]

    @cached_property
    def counts(self) -> Floats:
        """How many items carry each trait, shape (traits,)."""
        return np.asarray(self.matrix.sum(axis=0), dtype=np.float32).ravel()

    @cached_property
    def rarity(self) -> Floats:
        """How telling each trait is: ln((n + 1) / (c + 1)) for c carriers of n known, (traits,).

        Inverse document frequency, Spärck Jones (1972).
        """
        known = self.known.sum(axis=0).astype(np.float32)[self.owner]
        rarity: Floats = np.log((known + 1.0) / (self.counts + 1.0)).astype(np.float32)
        return rarity


def is_year(name: str) -> bool:
    """Whether a numeric attribute holds years, going by its name."""
    return name.lower().replace("-", "_").split("_")[-1] == "year"


def split_year(title: str) -> tuple[str, int | None]:
    """Return a title without the year in brackets at its end, and that year.

    Of a span of years, as in "Friends (1994-2004)", it is the first.
    """
    found = _YEAR.search(title)
    return (title[: found.start()], int(found.group(1))) if found else (title, None)


def decade(year: float) -> str:
    """Return the decade of a year, e.g. 1995 → "1990s"; years before our era end in "BC"."""
    if year < 0:
        return f"{int(-year) // 10 * 10}s BC"
    return f"{int(year) // 10 * 10}s"


def years_of(label: str) -> tuple[int, ...]:
    """Return the years of a decade as `decade` writes it; none for anything else."""
    found = _DECADE.fullmatch(label)
    if found is None:
        return ()
    first = int(found.group(1))
    return tuple(-first - at if found.group(2) else first + at for at in range(10))


def _decades(years: Floats) -> tuple[sparse.csr_matrix, tuple[str, ...]]:
    rows = np.flatnonzero(np.isfinite(years))
    labels = [decade(float(year)) for year in years[rows]]
    values = tuple(sorted(set(labels)))
    code = {value: at for at, value in enumerate(values)}
    columns = np.array([code[label] for label in labels], dtype=np.int32)
    ones = np.ones(len(rows), dtype=np.float32)
    shape = (len(years), len(values))
    return sparse.csr_matrix((ones, (rows, columns)), shape=shape), values
