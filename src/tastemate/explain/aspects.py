"""Further evidence for reasons with several aspects, or that set items apart from each other.

"multi-aspect" adds popularity, what is new to the person (diversity) and the decade (time) to
the content that single reasons speak of; "comparative" adds what only one of the items has.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tastemate.catalog import Catalog
from tastemate.explain.bound import POPULAR
from tastemate.explain.marks import title_names
from tastemate.explain.verify import Verifier
from tastemate.text.phrases import label, modifier
from tastemate.traits import Traits, decade, is_year
from tastemate.types import (
    Clause,
    Evidence,
    Item,
    Mask,
    Query,
    Reason,
    Recommendation,
)


class Aspects:
    """Adds evidence and its offline wording to the reasons of one slate."""

    def __init__(self, catalog: Catalog, verifier: Verifier) -> None:
        self.catalog = catalog
        self.verifier = verifier
        self.traits = Traits.of(catalog)

    def several(
        self, query: Query, lines: Sequence[Recommendation], reasons: Sequence[Reason]
    ) -> list[Reason]:
        """Return the reasons with popularity, diversity and time, where the data hold them."""
        met = np.unique(query.history.items)
        known = np.zeros(len(self.traits.values), dtype=bool)
        known[np.unique(self.traits.matrix[met].indices)] = True
        return [
            self._widened(line.item, reason, known if len(met) else None)
            for line, reason in zip(lines, reasons, strict=True)
        ]

    def compared(self, lines: Sequence[Recommendation], reasons: Sequence[Reason]) -> list[Reason]:
        """Return the reasons with one thing each item has and another of the items lacks."""
        found = []
        for line, reason in zip(lines, reasons, strict=True):
            for other in lines:
                if other.item.id != line.item.id and (
                    fact := self._contrast(line.item, other.item)
                ):
                    reason = _with(reason, fact, _apart(fact))
                    break
            found.append(reason)
        return found

    def _widened(self, item: Item, reason: Reason, known: Mask | None) -> Reason:
        people = self.verifier.people(item.id)
        if people >= POPULAR and not any(e.kind == "popularity" for e in reason.evidence):
            fact = Evidence("", "popularity", count=people)
            reason = _with(reason, fact, f"{people} people liked it")
        if known is not None and (new := self._rarest(item, known)) is not None:
            fact = Evidence("", "new attribute", attribute=new[0], value=new[1])
            reason = _with(reason, fact, f"new in your list: {new[1]}")
        first = next((e for e in reason.evidence if e.kind == "liked item"), None)
        if first is not None and (when := _same_decade(item, self.catalog[first.item])):
            said = any(e.attribute == when[0] and e.value == when[1] for e in reason.evidence)
            if not said:
                fact = replace(
                    first, id="", kind="shared attribute", attribute=when[0], value=when[1]
                )
                text = f"like {first.title}, it is from the {when[1]}"
                reason = _with(reason, replace(fact, weight=0.0), text)
        return reason

    def _rarest(self, item: Item, known: Mask) -> tuple[str, str] | None:
        """Return the most telling trait of an item that nothing in the history has; no decade."""
        own = [
            trait
            for trait in self.traits.at(self.catalog.row(item.id))
            if not known[trait]
            and self.traits.counts[trait] > 1
            and not is_year(self.traits.name(trait)[0])
            and self.traits.name(trait)[1].casefold() not in title_names(item.title)
        ]
        if not own:
            return None
        # common enough to mean something: the value most items have of those that are new
        return self.traits.name(max(own, key=lambda trait: (self.traits.counts[trait], -trait)))

    def _contrast(self, item: Item, other: Item) -> Evidence | None:
        theirs = set(self.traits.at(self.catalog.row(other.id)))
        row = self.catalog.row(other.id)
        for trait in sorted(
            self.traits.at(self.catalog.row(item.id)),
            key=lambda one: (is_year(self.traits.name(one)[0]), -self.traits.rarity[one], one),
        ):
            name, value = self.traits.name(trait)
            if trait not in theirs and self.traits.known[row, int(self.traits.owner[trait])]:
                return Evidence("", "contrast", other.id, other.title, name, value)
        return None


def _apart(fact: Evidence) -> str:
    said = modifier(fact.attribute, [str(fact.value)])
    if said.startswith(("by ", "about ", "from ", "in ", "of ")):
        return f"unlike {fact.title}, it is {said}"
    return f"unlike {fact.title}, it has {fact.value} ({label(fact.attribute)})"


def _with(reason: Reason, fact: Evidence, text: str) -> Reason:
    """Return a reason with one more piece of evidence, under the next free id, and its clause."""
    taken = {one.id for one in reason.evidence}
    at = len(taken) + 1
    while f"e{at}" in taken:
        at += 1
    named = replace(fact, id=f"e{at}")
    return Reason((*reason.clauses, Clause(text, (named.id,))), (*reason.evidence, named))


def _same_decade(item: Item, other: Item) -> tuple[str, str] | None:
    for name, value in item.attributes.items():
        theirs = other.attributes.get(name)
        if is_year(name) and isinstance(value, int | float) and isinstance(theirs, int | float):
            return (name, decade(value)) if decade(value) == decade(theirs) else None
    return None
