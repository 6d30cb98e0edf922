"""Items, lines and reasons as the plain JSON values that answers are made of."""

import math
from collections.abc import Sequence
from typing import Any

from tastemate.catalog import Catalog
from tastemate.types import AttributeValue, Candidate, Item, Reason, Recommendation

DIGITS = 6


def number(value: float) -> float:
    """Return a score as JSON can hold it; what is not finite is the lowest there is."""
    return round(float(value), DIGITS) if math.isfinite(value) else -1e9


def plain(value: AttributeValue) -> str | int | float | list[str]:
    """Return an attribute's value as JSON can hold it."""
    return list(value) if isinstance(value, tuple) else value


def attributes(item: Item) -> dict[str, Any]:
    """Return the attributes of an item, without numbers that are none."""
    return {
        name: list(value) if isinstance(value, tuple) else value  # `plain`, ten times a card
        for name, value in item.attributes.items()
        if not isinstance(value, float) or math.isfinite(value)
    }


def shown(item: Item) -> dict[str, Any]:
    """Return an item."""
    return {
        "item_id": item.id,
        "title": item.title,
        "text": item.text,
        "attributes": attributes(item),
    }


def reason(why: Reason) -> dict[str, Any]:
    """Return a reason: its words, and what each of them rests on."""
    return {
        "text": why.text,
        "clauses": [
            {"text": clause.text, "evidence": list(clause.evidence)} for clause in why.clauses
        ],
        "evidence": [
            {
                "id": fact.id,
                "kind": fact.kind,
                "item_id": fact.item,
                "title": fact.title,
                "attribute": fact.attribute,
                "value": plain(fact.value),
                "count": fact.count,
            }
            for fact in why.evidence
        ],
    }


NO_REASON = reason(Reason())


def card(line: Recommendation, *, explain: bool = True, before: int = 0) -> dict[str, Any]:
    """Return one line of a list; `before` lines were on earlier pages."""
    item = line.item
    return {
        "rank": line.rank + before,
        "item_id": item.id,
        "title": item.title,
        "text": item.text,
        "attributes": attributes(item),
        "score": number(line.score),
        "sources": [
            {"name": found.source, "score": number(found.score), "rank": found.rank}
            for found in line.sources
        ],
        "propensity": number(line.propensity),
        "reason": reason(line.reason) if explain else NO_REASON,
    }


def briefs(found: Sequence[Candidate], catalog: Catalog) -> list[dict[str, Any]]:
    """Return candidates, best first."""
    return [
        {"rank": place, "score": number(one.score)} | shown(catalog.item(one.row))
        for place, one in enumerate(found, start=1)
    ]
