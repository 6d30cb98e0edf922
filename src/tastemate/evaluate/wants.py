"""One wish of a scripted person, which an item fulfils or not, and the phrases it is said with."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.filters import TRUE, Verdicts, both, decide, either
from tastemate.types import Filter, Mask

Shape: TypeAlias = Literal["value", "decade", "before", "since", "under", "over", "gentle", "rated"]
"""What kind of wish it is: for a value, or what is said of a number."""


@dataclass(frozen=True, slots=True)
class Want:
    """One wish that an item fulfils or not; of a number, between `low` and `high`."""

    attribute: str
    value: str = ""
    shape: Shape = "value"
    low: float = -np.inf
    high: float = np.inf
    away: bool = False
    also: tuple[tuple[str, str], ...] = ()
    """Other attributes and values that the same words mean, any of which will do."""


@lru_cache(maxsize=1)
def phrases() -> dict[str, Any]:
    """Return the tables of phrases beside this file."""
    text = (resources.files("tastemate.evaluate") / "people.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def holds(catalog: Catalog, want: Want) -> Verdicts:
    """Return for every item whether a wish is true, false or unknown of it, (items,)."""
    if want.shape != "value":
        found: Verdicts = np.full(len(catalog), TRUE, dtype=np.int8)
        if np.isfinite(want.low):
            found = both(found, decide(catalog, Filter(want.attribute, "at least", want.low)))
        if np.isfinite(want.high):
            found = both(found, decide(catalog, Filter(want.attribute, "at most", want.high)))
        return found
    if want.away:
        return decide(catalog, Filter(want.attribute, "is not", want.value))
    found = decide(catalog, Filter(want.attribute, "is", want.value))
    for attribute, value in want.also:
        found = either(found, decide(catalog, Filter(attribute, "is", value)))
    return found


def fulfils(catalog: Catalog, wants: Sequence[Want]) -> Mask:
    """Return which items every wish is true of, (items,)."""
    mask: Mask = np.ones(len(catalog), dtype=np.bool_)
    for want in wants:
        mask &= holds(catalog, want) == TRUE
    return mask
