"""Two or three items side by side: which suits this person better, and what that rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tastemate.errors import ConfigError
from tastemate.text.phrases import listing, modifier, number, predicate
from tastemate.traits import decade, is_year
from tastemate.types import (
    Item,
    Reason,
    Recommendation,
    Statement,
    Taste,
)

Facts = dict[str, tuple[str, ...]]
"""Attribute → values, as text."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the items: what speaks for it, what against, why it is scored as it is."""

    item: Item
    score: float
    """-inf where the model has no opinion."""
    fits: tuple[Statement, ...]
    clashes: tuple[Statement, ...]
    own: Facts
    """What only this item has."""
    reason: Reason = Reason()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Items in the order asked for, what all share, and the verdict."""

    items: tuple[Compared, ...]
    shared: Facts
    best: str
    """Id of the item that suits better; empty when nothing tells them apart."""
    verdict: str
    evidence: tuple[str, ...]
    """Ids of the items in the history that the verdict rests on."""

    @property
    def text(self) -> str:
        """The comparison as plain lines, the verdict first."""
        lines = [self.verdict]
        for one in self.items:
            lines.append(f"{one.item.title}: {_line(one)}")
        if self.shared:
            both = "Both" if len(self.items) == 2 else "All three"
            said = [predicate(name, values) for name, values in self.shared.items()]
            lines.append(f"{both} {listing(said)}.")
        return "\n".join(lines)


def compare(lines: Sequence[Recommendation], taste: Taste) -> Comparison:
    """Compare two or three items for one person: their scores, reasons, and the person's taste.

    Raises `ConfigError` for another number of items, or the same item twice.
    """
    items = [line.item for line in lines]
    if not 2 <= len(items) <= 3 or len({item.id for item in items}) != len(items):
        raise ConfigError(f"Compare two or three different items; {len(items)} were given.")
    facts = [_facts_of(item) for item in items]
    shared = {
        name: common
        for name in facts[0]
        if (common := tuple(v for v in facts[0][name] if all(v in f.get(name, ()) for f in facts)))
    }
    compared = tuple(
        Compared(
            line.item,
            line.score,
            tuple(s for s in taste.statements if s.likes and _matches(s, own)),
            tuple(s for s in taste.statements if not s.likes and _matches(s, own)),
            _only(own, [other for other in facts if other is not own]),
            line.reason,
        )
        for line, own in zip(lines, facts, strict=True)
    )
    best = _best(compared)
    return Comparison(compared, shared, best.item.id if best else "", *_verdict(compared, best))


def _facts_of(item: Item) -> Facts:
    facts: Facts = {}
    for name, value in item.attributes.items():
        if isinstance(value, tuple):
            facts[name] = value
        elif isinstance(value, str):
            facts[name] = (value,) if value else ()
        elif is_year(name):
            facts[name] = (decade(value),)
        else:
            facts[name] = (number(value),)
    return {name: values for name, values in facts.items() if values}


def _only(own: Facts, others: Sequence[Facts]) -> Facts:
    """Return what no other item has."""
    left = {
        name: tuple(v for v in values if not any(v in other.get(name, ()) for other in others))
        for name, values in own.items()
    }
    return {name: values for name, values in left.items() if values}


def _matches(statement: Statement, facts: Facts) -> bool:
    return str(statement.value) in facts.get(statement.attribute, ())


def _best(compared: Sequence[Compared]) -> Compared | None:
    """Return the item with the highest score; among equals, the better fit; None if level."""

    def key(one: Compared) -> tuple[float, int]:
        return one.score, len(one.fits) - len(one.clashes)

    ranked = sorted(compared, key=key, reverse=True)
    return ranked[0] if key(ranked[0]) > key(ranked[1]) else None


def _verdict(compared: Sequence[Compared], best: Compared | None) -> tuple[str, tuple[str, ...]]:
    """Say which suits better and why, with the ids of the items it rests on."""
    if best is None:
        names = listing([one.item.title for one in compared])
        return f"Nothing in your history tells {names} apart.", ()
    rest = [other for other in compared if other is not best]
    telling = [s for s in best.fits if not all(s in other.fits for other in rest)]
    against = [s for s in rest[0].clashes if s not in best.clashes] if len(rest) == 1 else []
    parts, items = [], list[str]()
    if telling:
        parts.append(f"you like titles {_grouped(telling)}")
        items += [item for s in telling for item in s.items]
    if against:
        parts.append(f"you care less for titles {_grouped(against)}, such as {rest[0].item.title}")
        items += [item for s in against for item in s.items]
    if not parts:
        cited = [e for e in best.reason.evidence if e.kind == "liked item"]
        if cited and cited[0].weight > 0:
            parts.append(f"{cited[0].title} in your history speaks most for it")
            items.append(cited[0].item)
        elif np.isfinite(best.score):
            parts.append("it has the higher score")
    return f"{best.item.title} suits you better: {'; '.join(parts)}.", tuple(dict.fromkeys(items))


def _grouped(statements: Sequence[Statement]) -> str:
    facts: Facts = {}
    for statement in statements:
        facts[statement.attribute] = (*facts.get(statement.attribute, ()), str(statement.value))
    return ", ".join(modifier(name, values) for name, values in facts.items())


def _line(one: Compared) -> str:
    parts = [f"score {one.score:.3f}" if np.isfinite(one.score) else "no score"]
    if one.fits:
        parts.append(f"fits your taste for titles {_grouped(one.fits)}")
    if one.clashes:
        parts.append(f"you care less for titles {_grouped(one.clashes)}")
    if one.reason.text:
        parts.append(one.reason.text[0].lower() + one.reason.text[1:].rstrip("."))
    return "; ".join(parts) + "."
