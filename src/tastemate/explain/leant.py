"""Which soft wishes of a query an item fulfils: the moment, and what somebody would rather have."""

from collections.abc import Sequence
from typing import NamedTuple

from tastemate.text.phrases import label, listing, number, predicate_of_one
from tastemate.traits import is_year
from tastemate.types import AttributeValue, Clause, Evidence, Item, Leaning, Query

CITED = 2
"""Facts about leanings that a reason holds at most."""
ASKED = "as you asked"
FIRM = 10.0
"""What a firm wish weighs here against a soft one."""
_BOUNDS = ("at least ", "at most ")
NAMED = 3
"""Values that one of them names at most."""


class Fulfilled(NamedTuple):
    """What an item has of one attribute that leanings of one kind ask for."""

    because: str
    attribute: str
    value: AttributeValue


def wished(query: Query) -> tuple[Leaning, ...]:
    """Return what a query asks for of an item's values: firm wishes first, then soft ones."""
    firm = [wish for wish in query.filters if wish.operator in ("is", "any of")]
    asked = [Leaning(one.attribute, one.operator, one.value, FIRM, ASKED) for one in firm]
    return (*asked, *query.leanings)


def fulfilled(item: Item, leanings: Sequence[Leaning]) -> list[Fulfilled]:
    """Return what speaks for an item, strongest first; what is wished away is never praised.

    Values of one attribute that were wished for together are one fact.
    """
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for leaning in leanings:
        for value in _held(item, leaning):
            found.setdefault((leaning.because, leaning.attribute), []).append(
                (leaning.weight, value)
            )
    strongest = sorted(found.items(), key=lambda one: -sum(weight for weight, _ in one[1]))
    return [
        Fulfilled(because, attribute, tuple(dict.fromkeys(value for _, value in held))[:NAMED])
        for (because, attribute), held in strongest[:CITED]
    ]


def about_leanings(evidence: Sequence[Evidence]) -> list[Clause]:
    """Word what was fulfilled, a clause a reason: "right with kids: is Animation"."""
    grouped: dict[str, list[Evidence]] = {}
    for fact in evidence:
        if fact.kind == "context":
            grouped.setdefault(fact.because, []).append(fact)
    return [
        Clause(
            f"{_opened(because)}: {', '.join(_worded(fact) for fact in facts)}",
            tuple(fact.id for fact in facts),
        )
        for because, facts in grouped.items()
    ]


def _opened(because: str) -> str:
    if because == ASKED:
        return ASKED
    return f"right {because}" if because else "leans your way"


def _worded(fact: Evidence) -> str:
    values = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
    if any(value.startswith(_BOUNDS) for value in values):
        return f"{label(fact.attribute)} {listing(values)}"
    if is_year(fact.attribute):
        return f"is from {listing(values)}"
    return predicate_of_one(fact.attribute, values)


def _held(item: Item, leaning: Leaning) -> list[str]:
    """Return the values of an item that a positive leaning wants, as a reason writes them."""
    mine = item.attributes.get(leaning.attribute)
    if leaning.weight <= 0 or mine is None:
        return []
    if leaning.operator in ("at least", "at most"):
        limit = leaning.value
        if isinstance(mine, int | float) and isinstance(limit, int | float):
            holds = mine >= limit if leaning.operator == "at least" else mine <= limit
            return [f"{leaning.operator} {number(limit)}"] if holds else []
        return []
    if leaning.operator not in ("is", "any of"):
        return []
    wanted = leaning.value if isinstance(leaning.value, tuple) else (leaning.value,)
    folded = {str(value).casefold() for value in wanted}
    carried = mine if isinstance(mine, tuple) else (str(mine),)
    return [value for value in carried if value.casefold() in folded]
