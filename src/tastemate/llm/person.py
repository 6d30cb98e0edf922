"""What a prompt may say of somebody: their likes and dislikes as items, their taste, their words.

Never their id, name or anything they declared about themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tastemate.catalog import Catalog
from tastemate.interactions import Scale
from tastemate.types import History, Item, Query, Taste


@dataclass(frozen=True, slots=True)
class Rated:
    """An item and what somebody gave it."""

    item: Item
    value: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as far as a model may know them."""

    likes: tuple[Rated, ...] = ()
    """Most telling first: the highest value, then the latest."""
    dislikes: tuple[Rated, ...] = ()
    taste: Taste | None = None
    request: str = ""
    """What they ask for now, in their own words."""


def person(
    query: Query, catalog: Catalog, scale: Scale, *, likes: int = 12, dislikes: int = 4
) -> Person:
    """Return the person behind a query, with at most so many likes and dislikes."""
    history = query.history
    liked = np.asarray(scale.likes(history.values))
    disliked = np.asarray(scale.dislikes(history.values))
    return Person(
        _telling(history, liked, catalog, likes, sign=-1.0),
        _telling(history, disliked, catalog, dislikes, sign=1.0),
        query.taste,
        query.text,
    )


def everything(history: History, catalog: Catalog) -> Sequence[Rated]:
    """Return all events as items and values, oldest first."""
    return [
        Rated(catalog.item(int(row)), float(value))
        for row, value in zip(history.items, history.values, strict=True)
    ]


def _telling(
    history: History,
    which: np.ndarray[tuple[int], np.dtype[np.bool_]],
    catalog: Catalog,
    n: int,
    *,
    sign: float,
) -> tuple[Rated, ...]:
    events = np.flatnonzero(which)
    order = events[np.lexsort((-events, sign * history.values[events]))]
    found: dict[int, float] = {}
    for at in order.tolist():
        found.setdefault(int(history.items[at]), float(history.values[at]))
        if len(found) == n:
            break
    return tuple(Rated(catalog.item(row), value) for row, value in found.items())
