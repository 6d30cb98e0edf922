"""Words about a number without a number: "short", "not too violent", "recent".

What is low and what is high is read off the catalogue: the lowest and the highest third of what is
known. So "short" means something of films and of books, and nothing here knows of which.
"""

from typing import Literal, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.intent import Wish

Level: TypeAlias = Literal["low", "not high", "high", "not low"]


def wish_of(catalog: Catalog, attribute: str, level: Level, *, firm: bool = True) -> Wish | None:
    """Return the wish that a level of a numeric attribute is; None where no item has a value.

    "low" is at most the first tertile of the known values, "high" at least the second; "not high"
    is at most the second, "not low" at least the first.
    """
    numbers = catalog.numbers(attribute)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    share = 1 / 3 if level in ("low", "not low") else 2 / 3
    most = level in ("low", "not high")
    bound = float(np.quantile(known, share))
    if (known == np.round(known)).all():  # whole numbers are bounded by whole ones
        bound = np.floor(bound) if most else np.ceil(bound)
    bound = round(float(bound), 2)
    value = int(bound) if bound.is_integer() else bound
    return Wish(attribute, "at most" if most else "at least", value, firm)
