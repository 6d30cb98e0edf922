"""Is a reason true? Every piece of evidence is computed again from the data, every word looked up.

Nothing here trusts the writer: a clause written by a template and one written by a language model
pass the same checks. `deletion_test` asks the harder question, whether the cited like mattered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.explain.bound import wrong
from tastemate.explain.evidence import likers
from tastemate.explain.leant import ASKED, Fulfilled, fulfilled, wished
from tastemate.explain.marks import mark
from tastemate.explain.matched import field_words, wanted_words
from tastemate.explain.writer import PLAIN
from tastemate.interactions import Interactions
from tastemate.text.named import Named
from tastemate.text.phrases import number
from tastemate.traits import Traits, decade, is_year
from tastemate.types import (
    Clause,
    Evidence,
    Floats,
    Item,
    Query,
    Reason,
    Recommendation,
)

Scores: TypeAlias = Callable[[Sequence[Query]], Floats]
"""`scores(queries)` → the score of every item, (queries, items)."""


_OF_ITEM = ("popularity", "query", "context", "promotion", "new attribute", "seen")
"""Kinds of evidence that cite no other item."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reason claims that the data does not hold."""

    text: str
    evidence: str = ""
    """Id of the evidence that is wrong, if it is one."""
    clause: int = -1
    """Position of the clause that is wrong, if it is one."""


class Verifier:
    """Checks reasons against one catalogue and one set of interactions."""

    def __init__(self, catalog: Catalog, interactions: Interactions) -> None:
        self.catalog = catalog
        self.scale = interactions.scale
        self._likers = likers(interactions)
        self._named = Named(catalog.titles, Traits.of(catalog).values, PLAIN)

    def check(self, reason: Reason, item: Item, query: Query) -> list[Problem]:
        """Return everything that is wrong with a reason; an empty list for a true one."""
        problems: list[Problem] = []
        known: dict[str, Evidence] = {}
        for fact in reason.evidence:
            if fact.id in known:
                problems.append(Problem(f"two pieces of evidence are called {fact.id}", fact.id))
            known[fact.id] = fact
            wrong = self._wrong(fact, item, query)
            if wrong:
                problems.append(Problem(wrong, fact.id))
        for at, clause in enumerate(reason.clauses):
            problems += [Problem(text, clause=at) for text in self._unbound(clause, known, item)]
        return problems

    def _wrong(self, fact: Evidence, item: Item, query: Query) -> str:
        """Return what is wrong with one piece of evidence, or an empty text."""
        if fact.kind in _OF_ITEM:
            return self._wrong_of_item(fact, item, query)
        if fact.item not in self.catalog:
            return f"no item {fact.item!r} in the catalogue"
        cited = self.catalog[fact.item]
        if fact.title and fact.title != cited.title:
            return f"{fact.item} is called {cited.title!r}, not {fact.title!r}"
        if fact.kind == "contrast":
            one, other = (_has(i, fact.attribute, str(fact.value)) for i in (item, cited))
            known = cited.attributes.get(fact.attribute, ()) not in ((), "")
            return "" if one and known and not other else f"no contrast in {fact.attribute}"
        return self._wrong_of_history(fact, item, cited, query)

    def _wrong_of_item(self, fact: Evidence, item: Item, query: Query) -> str:
        """Return what is wrong with evidence about the item alone."""
        if fact.kind == "popularity":
            found = len(self._people(item.id))
            return "" if found == fact.count else f"{found} people liked it, not {fact.count}"
        if fact.kind == "promotion":
            return "" if fact.item == item.id else f"the promotion is of {fact.item!r}"
        if fact.kind == "seen":
            return self._not_seen(fact, item, query)
        if fact.kind == "new attribute":
            return self._not_new(fact, item, query)
        if fact.kind == "context":
            told = Fulfilled(fact.because, fact.attribute, fact.value)
            return "" if told in fulfilled(item, wished(query)) else f"it has no such {told.value}"
        return _wrong_words(fact, item, query)

    def _wrong_of_history(self, fact: Evidence, item: Item, cited: Item, query: Query) -> str:
        """Return what is wrong with evidence about an item of the history."""
        events = np.flatnonzero(query.history.items == self.catalog.row(fact.item))
        if not len(events) or fact.item == item.id:
            return f"{fact.item} is not in the history"
        if fact.kind == "neighbours":
            found = len(np.intersect1d(self._people(item.id), self._people(fact.item)))
            return "" if found == fact.count else f"{found} people liked both, not {fact.count}"
        if fact.kind == "shared attribute":
            both = all(_has(one, fact.attribute, str(fact.value)) for one in (cited, item))
            return "" if both else f"they do not share {fact.attribute} {fact.value!r}"
        value = float(query.history.values[events[-1]])
        if isinstance(fact.value, int | float) and float(fact.value) != value:
            return f"{fact.item} was given {number(value)}, not {number(fact.value)}"
        if self.scale.dislikes(query.history.values[events[-1:]])[0]:
            return f"{fact.item} was disliked"
        liked = self.scale.likes(query.history.values)
        if liked.any() and not liked[events[-1]]:
            return f"{fact.item} was not liked"
        return ""

    def _not_seen(self, fact: Evidence, item: Item, query: Query) -> str:
        """Return what is wrong with an item said to be known already, or an empty text."""
        events = np.flatnonzero(query.history.items == self.catalog.row(item.id))
        if fact.item != item.id or not len(events):
            return f"{item.id} is not in the history"
        value = float(query.history.values[events[-1]])
        if isinstance(fact.value, int | float) and float(fact.value) != value:
            return f"{item.id} was given {number(value)}, not {number(fact.value)}"
        return ""

    def _not_new(self, fact: Evidence, item: Item, query: Query) -> str:
        """Return what is wrong with a value said to be new to the history, or an empty text."""
        if not _has(item, fact.attribute, str(fact.value)):
            return f"the item has no {fact.attribute} {fact.value!r}"
        for row in np.unique(query.history.items).tolist():
            if _has(self.catalog.item(row), fact.attribute, str(fact.value)):
                return f"{fact.value!r} is in the history"
        return "" if len(query.history) else "there is no history that it could be new to"

    def _people(self, item_id: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        row = self.catalog.row(item_id)
        if row >= self._likers.shape[1]:
            return np.empty(0, dtype=np.int32)
        people: np.ndarray[tuple[int], np.dtype[np.int32]] = self._likers[:, [row]].indices
        return people

    def _unbound(self, clause: Clause, known: dict[str, Evidence], item: Item) -> list[str]:
        """Return what a clause cites or names without evidence."""
        if not clause.evidence:
            return [f"{clause.text!r} rests on no evidence"]
        missing = [name for name in clause.evidence if name not in known]
        if missing:
            return [f"{clause.text!r} cites {', '.join(missing)}, which does not exist"]
        return self.unbound(clause, [known[name] for name in clause.evidence], item)

    def unbound(self, clause: Clause, facts: Sequence[Evidence], item: Item) -> list[str]:
        """Return what a clause says that these facts, taken as true, do not hold."""
        marked = mark(clause.text, facts, item)
        names = self._named.found(marked.rest)
        found = [f"it names {name!r} without evidence" for name in names]
        return found or wrong(clause, facts, item, self.scale)

    def people(self, item_id: str) -> int:
        """Return how many people liked an item."""
        return len(self._people(item_id))


def deletion_test(
    scores: Scores,
    catalog: Catalog,
    queries: Sequence[Query],
    lines: Sequence[Sequence[Recommendation]],
    reasons: Sequence[Sequence[Reason]],
    rng: np.random.Generator,
    likes: Callable[[Floats], np.ndarray[tuple[int], np.dtype[np.bool_]]] | None = None,
) -> float:
    """Return the share of reasons whose first cited like matters more than a random other one.

    The cited like is taken out of the history and the item scored again; so is one other event,
    drawn among the events that `likes(values)` calls likes (all events without it). Counted is
    how often the score falls strictly further for the cited one. Needs a second like to compare
    with; raises `DataError` when no reason can be tested.
    """
    wins, cases = 0, 0
    for query, shown, whys in zip(queries, lines, reasons, strict=True):
        asked, rows = [query], []
        for line, why in zip(shown, whys, strict=True):
            pair = _without_each(query, why, catalog, rng, likes)
            if pair:
                asked += pair
                rows.append(catalog.row(line.item.id))
        if not rows:
            continue
        got = scores(asked)
        for at, row in enumerate(rows):
            with_cited_gone, with_other_gone = got[1 + 2 * at, row], got[2 + 2 * at, row]
            wins += int(with_cited_gone < with_other_gone and with_cited_gone < got[0, row])
            cases += 1
    if not cases:
        raise DataError(
            "No reason cites a like of a history with another like to compare it with; "
            "test with users who liked at least two items."
        )
    return wins / cases


def _without_each(
    query: Query,
    why: Reason,
    catalog: Catalog,
    rng: np.random.Generator,
    likes: Callable[[Floats], np.ndarray[tuple[int], np.dtype[np.bool_]]] | None,
) -> list[Query]:
    """Return the query without the cited like and without another one; [] if there is none."""
    history = query.history
    first = next((fact.item for fact in why.evidence if fact.kind == "liked item"), None)
    if first is None:
        return []
    cited = catalog.row(first)
    liked = np.ones(len(history), dtype=bool) if likes is None else likes(history.values)
    others = np.unique(history.items[liked & (history.items != cited)])
    if not len(others):
        return []
    other = int(rng.choice(others))
    return [replace(query, history=history.take(history.items != gone)) for gone in (cited, other)]


def _wrong_words(fact: Evidence, item: Item, query: Query) -> str:
    words = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
    fields = {"title": item.title, "text": item.text, **item.attributes}
    if fact.attribute not in fields:
        return f"the item has no {fact.attribute!r}"
    held = fields[fact.attribute]
    here, asked = field_words(held), wanted_words(query.text)
    lacking = [word for word in words if not field_words(word) <= here & set(asked)]
    if fact.because == ASKED:
        own = held if isinstance(held, tuple) else (str(held),)
        lacking += [word for word in words if word not in own]
    return f"{', '.join(lacking)}: not in both the request and the item" if lacking else ""


def _has(item: Item, attribute: str, value: str) -> bool:
    """Whether an item carries a value, read from the item itself."""
    mine = item.attributes.get(attribute)
    if isinstance(mine, tuple):
        return value in mine
    if isinstance(mine, int | float) and is_year(attribute):
        return decade(mine) == value
    return mine is not None and str(mine) == value
