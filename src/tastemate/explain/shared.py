"""What two items have in common that tells something, rarest first."""

import math
from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np

from tastemate.traits import Traits, is_year

_TELLING = math.log(3.0)
"""Rarity from which on a shared trait may stand alone: a third of the catalogue has it."""
_WORTH_NAMING = 0.5
"""Rarity that a trait needs next to a rarer one."""
_ENOUGH = 30
"""Items from which on a share of the catalogue says how telling a trait is."""
_KEPT = 8_192
"""Items whose traits are kept as a set: 3 KB for an item of 40 traits."""


class Shared:
    """Finds the traits that two items share; looking an item up again costs little.

    A trait goes by its place here: 0 is the most telling one of all.
    """

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._many = traits.matrix.shape[0] >= _ENOUGH

    def between(self, row: int, other: int, n: int, *, alone: bool) -> list[tuple[str, str]]:
        """Return at most n shared values with their attributes; none where none tells much.

        `alone` says that there is no other evidence: then the strongest is better than nothing.
        """
        places = sorted(self._carried(row) & self._carried(other))
        if not places:
            return []
        order, telling = self._order
        if telling[places[0]] < _TELLING and self._many:
            named = places[:1] if alone else []
        else:
            named = [at for at in places[:n] if telling[at] > _WORTH_NAMING] or places[:1]
        return [self._traits.name(order[at]) for at in named[:n]]

    @cached_property
    def _order(self) -> tuple[list[int], list[float]]:
        """The traits, most telling first, and how telling each is.

        That is its rarity, less for years: that two things came out together explains little.
        """
        traits = self._traits
        years = np.array([is_year(name) for name in traits.attributes], dtype=bool)
        weight = np.where(years[traits.owner], 0.4, 1.0) if len(years) else 1.0
        telling = traits.rarity * weight
        order = np.argsort(-telling, kind="stable")
        return order.tolist(), telling[order].tolist()

    @cached_property
    def _carried(self) -> Callable[[int], frozenset[int]]:
        """`_carried(row)` → the places of an item's traits."""
        traits, order = self._traits, self._order[0]
        places = np.empty(len(order), dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)

        @lru_cache(_KEPT)
        def carried(row: int) -> frozenset[int]:
            return frozenset(places[traits.at(row)].tolist())

        return carried
