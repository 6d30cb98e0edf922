"""The last look at a list before it is shown: every item against what the session holds to.

Whoever made the list is not asked: the verdicts are taken anew from the catalogue. What a fixed
plan made never has a violation, so one there is a bug and is told as a failure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import Beliefs
from tastemate.filters import FALSE, TRUE, decide, show
from tastemate.scope import current
from tastemate.types import Filter, Query, Rows, Slate

Rule: TypeAlias = Literal[
    "unknown", "twice", "too many", "wish", "seen", "disliked", "unlike", "shown", "excluded"
]
"""What an item may break: not in the catalogue, there already, past the k asked for, against a
firm wish, met before, disliked, not to be like it, shown before "more", excluded otherwise."""
MOST = 3
"""Violations that are told in words."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one item of a list breaks."""

    rank: int
    """The place in the list, from 1."""
    item: str
    rule: Rule
    wish: str = ""
    """The wish that is not kept to, as `filters.show` writes it."""

    @property
    def text(self) -> str:
        """The violation in words."""
        broken = f"wish {self.wish}" if self.rule == "wish" else self.rule
        return f"{self.item} at {self.rank}: {broken}"


def violations(slate: Slate, now: Beliefs, query: Query, catalog: Catalog) -> tuple[Violation, ...]:
    """Return every rule that an item of the list breaks, by rank.

    A firm wish is broken by what is false and, where something is wanted, by what is unknown.
    Raises `ConfigError` for a wish that the catalogue cannot decide.
    """
    ids = slate.ids
    if not ids:
        return ()
    found = [
        Violation(at + 1, one, rule)
        for at, one in enumerate(ids)
        for rule in _rules(at, ids, now, query, catalog)
    ]
    places = np.array([at for at, one in enumerate(ids) if one in catalog], dtype=np.intp)
    rows = catalog.rows(ids[at] for at in places)
    for wish in _firm(now, query):
        found += [
            Violation(int(places[at]) + 1, ids[places[at]], "wish", show(wish))
            for at in np.flatnonzero(_broken(catalog, wish, rows))
        ]
    return tuple(sorted(found, key=lambda one: one.rank))


def without(slate: Slate, broken: tuple[Violation, ...]) -> Slate:
    """Return the list without the places that break a rule, ranked anew."""
    gone = {one.rank for one in broken}
    left = [line for at, line in enumerate(slate.items, start=1) if at not in gone]
    ranked = tuple(replace(line, rank=at) for at, line in enumerate(left, start=1))
    return replace(slate, items=ranked)


def checked(slate: Slate, now: Beliefs, query: Query, catalog: Catalog) -> Slate:
    """Return a list of our own without what breaks a rule; the scope is told, for it is a bug."""
    broken = violations(slate, now, query, catalog)
    if not broken:
        return slate
    current().fail(f"left out what should not have been found: {said(broken)}")
    return without(slate, broken)


def said(broken: tuple[Violation, ...]) -> str:
    """Return violations in words: the first few, and how many more there are."""
    more = f" and {len(broken) - MOST} more" if len(broken) > MOST else ""
    return "; ".join(one.text for one in broken[:MOST]) + more


def _rules(at: int, ids: list[str], now: Beliefs, query: Query, catalog: Catalog) -> Iterator[Rule]:
    """Yield the rules besides wishes that the item at a place breaks."""
    one = ids[at]
    if one in ids[:at]:
        yield "twice"
    if at >= query.k:
        yield "too many"
    if one not in catalog:
        yield "unknown"
        return
    row = catalog.row(one)
    named: tuple[tuple[Rule, bool], ...] = (
        ("seen", one in now.seen or (query.exclude_seen and row in query.history.items)),
        ("disliked", one in now.disliked),
        ("unlike", one in now.unlike),
        ("shown", one in now.excluded),
    )
    broken = [rule for rule, breaks in named if breaks]
    yield from broken
    if not broken and row in query.exclude:
        yield "excluded"


def _firm(now: Beliefs, query: Query) -> list[Filter]:
    """Return the firm wishes: those believed, and those that the query was made of."""
    believed = [held.wish.filter for held in now.wishes if held.wish.firm]
    return list(dict.fromkeys((*believed, *query.filters)))


def _broken(catalog: Catalog, wish: Filter, rows: Rows) -> np.ndarray:
    verdicts = decide(catalog, wish)[rows]
    return np.asarray(verdicts != TRUE if wish.hard else verdicts == FALSE)
