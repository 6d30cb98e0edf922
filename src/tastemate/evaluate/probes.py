"""What does an order rest on: where an item stood, what it is called, or what is known of it?

The same pools are ranked again with one thing changed. A model that copies the order it is given
has a position bias; one whose order goes with the titles, wherever they are put, remembers films
instead of reading what the prompt says of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.errors import StageError
from tastemate.metrics import Values
from tastemate.protocols import Ranker
from tastemate.scope import opened
from tastemate.types import Candidate, Query

Pools: TypeAlias = Sequence[Sequence[Candidate]]
Orders: TypeAlias = list[list[int]]
"""Catalogue rows of each query, best first."""
Lister: TypeAlias = Callable[[Catalog, Sequence[Query], Pools], Orders]
"""Orders pools (or, where it names items itself, pays no heed to them) over a catalogue, whose
titles need not be the true ones."""


def by_ranker(make: Callable[[Catalog], Ranker]) -> Lister:
    """Return what orders pools by a ranker made for the catalogue."""

    def orders(catalog: Catalog, queries: Sequence[Query], pools: Pools) -> Orders:
        with opened() as account:
            ranked = make(catalog).rank(queries, pools)
        if account.errors:  # the order that came in is no answer of the model
            raise StageError(account.errors[0])
        return [[one.row for one in pool] for pool in ranked]

    return orders


def shuffled(pools: Pools, rng: np.random.Generator) -> list[list[Candidate]]:
    """Return each pool in a random order; candidates keep their scores and ranks."""
    return [[pool[at] for at in rng.permutation(len(pool))] for pool in pools]


def position(
    lister: Lister, catalog: Catalog, queries: Sequence[Query], pools: Pools, *, seed: int = 0
) -> dict[str, Values]:
    """Rank each pool in two random orders, (queries,) each.

    "tau between orders" is the rank correlation of the two results (1: the order given does not
    matter), "tau with the order given" that of a result with the order it was given in (0: none).
    """
    rng = np.random.default_rng([seed, 7])
    given = [shuffled(pools, rng) for _ in range(2)]
    got = [lister(catalog, queries, one) for one in given]
    copied = [
        np.array([tau([c.row for c in pool], order) for pool, order in zip(*pair, strict=True)])
        for pair in zip(given, got, strict=True)
    ]
    return {
        "tau between orders": np.array([tau(a, b) for a, b in zip(*got, strict=True)]),
        "tau with the order given": np.mean(copied, axis=0),
    }


def hidden_titles(catalog: Catalog) -> Catalog:
    """Return the catalogue with "Item 1", "Item 2", … for titles; all else is as it was."""
    titles = [f"Item {at}" for at in range(1, len(catalog) + 1)]
    return Catalog(catalog.frame.with_columns(pl.Series("title", titles, dtype=pl.String)))


def only_titles(catalog: Catalog) -> Catalog:
    """Return the catalogue without texts and attributes."""
    return Catalog(catalog.frame.select("id", "title"))


def swapped_titles(
    catalog: Catalog, pool: Sequence[Candidate], rng: np.random.Generator
) -> tuple[Catalog, Mapping[int, int]]:
    """Exchange the titles within a pool; return the catalogue, and row → whose title it carries."""
    rows = [one.row for one in pool]
    other = [rows[at] for at in rng.permutation(len(rows))]
    titles = list(catalog.titles)
    for row, whose in zip(rows, other, strict=True):
        titles[row] = catalog.titles[whose]
    changed = catalog.frame.with_columns(pl.Series("title", titles, dtype=pl.String))
    return Catalog(changed), dict(zip(rows, other, strict=True))


def swapping(
    lister: Lister, catalog: Catalog, queries: Sequence[Query], pools: Pools, *, seed: int = 0
) -> dict[str, Values]:
    """Exchange titles within each pool and see what the order goes with, (queries,) each.

    "follows the title" and "follows the item" are rank correlations with the order under the true
    titles, once read by the titles and once by the items that carry them now.
    """
    rng = np.random.default_rng([seed, 11])
    pools = shuffled(pools, rng)
    before = lister(catalog, queries, pools)
    titles, items = np.empty(len(queries)), np.empty(len(queries))
    for at, (query, pool, true) in enumerate(zip(queries, pools, before, strict=True)):
        other, whose = swapped_titles(catalog, pool, rng)
        order = lister(other, [query], [pool])[0]
        titles[at] = tau(true, [whose[row] for row in order])
        items[at] = tau(true, order)
    return {"follows the title": titles, "follows the item": items}


def tau(one: Sequence[int], other: Sequence[int]) -> float:
    """Return Kendall's rank correlation over what both orders hold; 1 for fewer than two items."""
    place = {row: at for at, row in enumerate(other)}
    places = np.array([place[row] for row in one if row in place])
    n = len(places)
    if n < 2:
        return 1.0
    later = np.triu(places[None, :] > places[:, None], 1).sum()
    return float(4 * later / (n * (n - 1)) - 1)
