"""What a prompt may say of somebody: their likes and dislikes as items, their taste, their words.

Never their id, name or anything they declared about themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tastemate.catalog import Catalog
from tastemate.interactions import Scale
from tastemate.types import History, Item, Mask, Query, Taste


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
    recent: tuple[Rated, ...] = ()
    """The latest items, whatever they were given, oldest first."""


def person(
    query: Query,
    catalog: Catalog,
    scale: Scale,
    *,
    likes: int = 12,
    dislikes: int = 4,
    recent: int = 20,
) -> Person:
    """Return the person behind a query, with at most so many likes, dislikes and recent items.

    Of an item met twice only the latest value counts, so nothing is both liked and disliked.
    """
    history = _latest(query.history, len(catalog))
    return Person(
        _telling(history, scale.likes(history.values), catalog, likes, sign=-1.0),
        _telling(history, scale.dislikes(history.values), catalog, dislikes, sign=1.0),
        query.taste,
        query.text,
        _rated(history.last(recent), catalog) if recent > 0 else (),
    )


def everything(history: History, catalog: Catalog) -> Sequence[Rated]:
    """Return every item met and its latest value, oldest first."""
    return _rated(_latest(history, len(catalog)), catalog)


def _latest(history: History, n_items: int) -> History:
    """Return the last event of each item of the catalogue, in the order of those events."""
    last = {row: at for at, row in enumerate(history.items.tolist()) if 0 <= row < n_items}
    keep = [at for at in sorted(last.values()) if math.isfinite(float(history.values[at]))]
    return history if len(keep) == len(history) else history.take(np.array(keep, dtype=np.intp))


def _rated(history: History, catalog: Catalog) -> tuple[Rated, ...]:
    return tuple(
        Rated(catalog.item(row), value)
        for row, value in zip(history.items.tolist(), history.values.tolist(), strict=True)
    )


def _telling(
    history: History, which: Mask, catalog: Catalog, n: int, *, sign: float
) -> tuple[Rated, ...]:
    """Return at most n of the events under the mask: by value times sign, then the latest."""
    events = np.flatnonzero(which)
    order = events[np.lexsort((-events, sign * history.values[events]))]
    return _rated(history.take(order[: max(n, 0)]), catalog)
