"""Is a reason true? Every piece of evidence is computed again from the data, every word looked up.

Nothing here trusts the writer: a clause written by a template and one written by a language model
pass the same checks. `deletion_test` asks the harder question, whether the cited like mattered.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.explain.evidence import field_words, likers, wanted_words
from tastemate.explain.writer import PLAIN
from tastemate.interactions import Interactions
from tastemate.text.phrases import label, number
from tastemate.traits import Traits, decade, is_year, split_year
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

_TOKEN = re.compile(r"\w+(?:['’]\w+)*")
_LONGEST = 12


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
        self._names: dict[str, set[tuple[str, ...]]] = {}
        self._capitals: set[str] = set()
        for title in catalog.titles:
            self._learn(split_year(title)[0], capital=True)
        for value in Traits.of(catalog).values:
            self._learn(value, capital=False)

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
        if fact.kind == "popularity":
            found = len(self._people(item.id))
            return "" if found == fact.count else f"{found} people liked it, not {fact.count}"
        if fact.kind == "query":
            return _wrong_words(fact, item, query)
        if fact.item not in self.catalog:
            return f"no item {fact.item!r} in the catalogue"
        cited = self.catalog[fact.item]
        if fact.title and fact.title != cited.title:
            return f"{fact.item} is called {cited.title!r}, not {fact.title!r}"
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

    def _people(self, item_id: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        row = self.catalog.row(item_id)
        if row >= self._likers.shape[1]:
            return np.empty(0, dtype=np.int32)
        people: np.ndarray[tuple[int], np.dtype[np.int32]] = self._likers[:, [row]].indices
        return people

    def _learn(self, name: str, *, capital: bool) -> None:
        tokens = tuple(_TOKEN.findall(name.casefold()))[:_LONGEST]
        if not tokens or len("".join(tokens)) < 3 or all(word in PLAIN for word in tokens):
            return
        if all(word.isdigit() for word in tokens):
            return  # bare numbers are checked as numbers
        if capital and len(tokens) == 1:
            self._capitals.add(tokens[0])
        else:
            self._names.setdefault(tokens[0], set()).add(tokens)

    def _unbound(self, clause: Clause, known: dict[str, Evidence], item: Item) -> list[str]:
        """Return what a clause cites or names without evidence."""
        if not clause.evidence:
            return [f"{clause.text!r} rests on no evidence"]
        missing = [name for name in clause.evidence if name not in known]
        if missing:
            return [f"{clause.text!r} cites {', '.join(missing)}, which does not exist"]
        facts = [known[name] for name in clause.evidence]
        rest = _without(clause.text, _claimed(facts, item))
        return [f"it names {name!r} without evidence" for name in self._named(rest)]

    def _named(self, text: str) -> list[str]:
        """Return the titles, attribute values and numbers that a text names."""
        spelled = _TOKEN.findall(text)
        tokens = [word.casefold() for word in spelled]
        found = [word for word in tokens if word[0].isdigit()]
        for at, first in enumerate(tokens):
            if at and first in self._capitals and spelled[at][0].isupper():
                found.append(spelled[at])
            for name in self._names.get(first, ()):
                if tuple(tokens[at : at + len(name)]) == name:
                    found.append(" ".join(name))
        return found


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
    here, asked = field_words(fields[fact.attribute]), wanted_words(query.text)
    lacking = [word for word in words if word not in here or word not in asked]
    return f"{', '.join(lacking)}: not in both the request and the item" if lacking else ""


def _has(item: Item, attribute: str, value: str) -> bool:
    """Whether an item carries a value, read from the item itself."""
    mine = item.attributes.get(attribute)
    if isinstance(mine, tuple):
        return value in mine
    if isinstance(mine, int | float) and is_year(attribute):
        return decade(mine) == value
    return mine is not None and str(mine) == value


def _claimed(facts: Iterable[Evidence], item: Item) -> set[str]:
    """Return what a clause on these facts may name."""
    claimed = {item.title, split_year(item.title)[0]}
    for fact in facts:
        claimed |= {fact.title, split_year(fact.title)[0], label(fact.attribute)}
        values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
        for value in values:
            claimed.add(str(value) if isinstance(value, str) else number(value))
        if fact.count:
            claimed.add(str(fact.count))
    return {text for text in claimed if text}


def _without(text: str, claimed: Iterable[str]) -> str:
    """Blank out what may be named, longest first, whole words only, without regard to case."""
    for part in sorted(claimed, key=lambda name: (-len(name), name)):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", " \u2022 ", text, flags=re.IGNORECASE)
    return text
