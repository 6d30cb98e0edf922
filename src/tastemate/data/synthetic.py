"""Small worlds made on the spot, for tests and demonstrations.

The checkerboard has one right answer for every personalised model; the random world has what real
data has (values, times, attributes, declared groups) and nothing to find.
"""

from typing import TypeAlias

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.interactions import Interactions
from tastemate.types import Event, Item, Rows

World: TypeAlias = tuple[Catalog, Interactions, Rows]

_HOUR = 3600
_START = 1_500_000_000
_WORDS = ("harbour", "winter", "engine", "garden", "letter", "signal", "mirror", "river")
_GENRES = ("Comedy", "Crime", "Drama", "Fantasy", "Romance", "War")
_GROUPS = ("north", "south")


def checkerboard(n: int = 12) -> World:
    """Return n items, n users, and the one item withheld from each user, (n,).

    Even users met every even item, odd users every odd one, except the item of their own number:
    it is the only thing left that anybody like them met. Events go round the circle of items, so
    that the withheld one is also what comes next; the parity stands in the text, in the
    attributes and in what users declare. `n` is even and at least 6; raises `DataError`.
    """
    if n < 6 or n % 2:
        raise DataError(f"A checkerboard needs an even size of at least 6, not {n}.")
    parity = ("even", "odd")
    catalog = Catalog.of(
        Item(
            f"i{at}",
            f"{parity[at % 2].title()} number {at}",
            f"an {parity[at % 2]} thing",
            {"parity": parity[at % 2], "genres": (parity[at % 2].title(),)},
        )
        for at in range(n)
    )
    events = [
        Event(f"u{user}", f"i{(user + 2 * step) % n}", 1.0, _START + step * _HOUR)
        for user in range(n)
        for step in range(1, n // 2)
    ]
    met = Interactions.of(events, catalog)
    people = pl.DataFrame({"parity": [parity[user % 2] for user in range(n)]})
    interactions = Interactions(
        met.users, n, met.user, met.item, met.value, met.timestamp, people=people
    )
    return catalog, interactions, np.arange(n, dtype=np.int32)


def random_world(
    seed: int = 0, n_users: int = 30, n_items: int = 40, n_events: int = 400
) -> tuple[Catalog, Interactions]:
    """Return a world without structure: ratings 1 to 5, times, genres, years, groups of people.

    No user meets an item twice; some items may have no events, and early items have more. Raises
    `DataError` without users or items.
    """
    if n_users < 1 or n_items < 1:
        raise DataError("A random world needs at least one user and one item.")
    rng = np.random.default_rng(seed)
    catalog = Catalog.of(
        Item(
            f"i{at}",
            f"{rng.choice(_WORDS).title()} {at}",
            " ".join(rng.choice(_WORDS, size=5)),
            {
                "genres": tuple(sorted(rng.choice(_GENRES, size=2, replace=False).tolist())),
                "year": int(rng.integers(1960, 2020)),
            },
        )
        for at in range(n_items)
    )
    popularity = 1 / np.arange(1, n_items + 1) ** 0.5
    draws = rng.choice(n_items, size=n_events, p=popularity / popularity.sum())
    users = rng.integers(0, n_users, size=len(draws))
    pairs = np.unique(np.column_stack([users, draws]), axis=0).astype(np.int32).reshape(-1, 2)
    times = _START + rng.permutation(len(pairs)) * _HOUR
    people = pl.DataFrame({"group": rng.choice(_GROUPS, size=n_users)})
    interactions = Interactions(
        [f"u{user}" for user in range(n_users)],
        n_items,
        pairs[:, 0],
        pairs[:, 1],
        rng.integers(1, 6, size=len(pairs)).astype(np.float32),
        times.astype(np.int64),
        people=people,
    )
    return catalog, interactions
