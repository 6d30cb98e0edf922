"""The facts behind a recommendation, read from the data and from how the score came about.

The liked item cited first is the one that carries the largest share of the item's score, so the
reason is causal: without that like the item would have scored lower. What the two have in common
and how many people liked both come from the data; nothing is guessed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.explain.cited import Cited, by_item, largest
from tastemate.explain.leant import ASKED, fulfilled, wished
from tastemate.explain.matched import apart, matches, texts, wanted_words
from tastemate.explain.shared import Shared
from tastemate.explain.writer import write
from tastemate.interactions import Interactions
from tastemate.protocols import Attributing
from tastemate.traits import Traits
from tastemate.types import (
    AttributeValue,
    Evidence,
    EvidenceKind,
    Floats,
    History,
    Item,
    Leaning,
    Query,
    Reason,
    Recommendation,
    Rows,
)

Contributions: TypeAlias = Callable[[Query, Rows], NDArray[np.float32]]
"""`contributions(query, rows)` → share of each history event in each item's score."""

_NEIGHBOURS_MIN = 2
NO_SPREADS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the reasons of one list have in common."""

    words: Sequence[str]
    """The telling words of the request."""
    leanings: Sequence[Leaning]
    met: Mapping[int, AttributeValue]
    """The rows that were met already, each with the rating it was given."""
    marked: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """Who liked a cited item, (users,), by its row: several lines may cite it."""


class _Notes:
    """Collects the evidence of one line and numbers it e1, e2, …"""

    def __init__(self) -> None:
        self.evidence: list[Evidence] = []

    def add(
        self,
        kind: EvidenceKind,
        item: str = "",
        title: str = "",
        attribute: str = "",
        value: AttributeValue = "",
        count: int = 0,
        weight: float = 0.0,
        because: str = "",
    ) -> None:
        name = f"e{len(self.evidence) + 1}"
        self.evidence.append(
            Evidence(name, kind, item, title, attribute, value, count, weight, because)
        )


class EvidenceExplainer:
    """Reasons from the likes that carry the score, what they share, who else liked both.

    `parts` are the models behind the score, each with its weight in the blend; a model may be
    `Attributing` or a plain function. `likes` is how
    many liked items a reason cites at most, `shared` how many shared attribute values.
    """

    def __init__(
        self,
        catalog: Catalog,
        interactions: Interactions,
        parts: Sequence[tuple[Attributing | Contributions, float]] = (),
        *,
        likes: int = 2,
        shared: int = 3,
        traits: Traits | None = None,
    ) -> None:
        self.catalog = catalog
        self.interactions = interactions
        self.parts = tuple(
            (getattr(part, "name", ""), part.contributions, weight)
            if isinstance(part, Attributing)
            else ("", part, weight)
            for part, weight in parts
        )
        self.likes = likes
        self.shared = shared
        self.traits = traits if traits is not None else Traits.of(catalog)
        self.scale = interactions.scale
        self._shared = Shared(self.traits)
        self.rated = len(interactions) > 0 and self.scale.rates

    @cached_property
    def likers(self) -> sparse.csc_matrix:
        """Who liked what: users × items, by the latest value of each pair."""
        return likers(self.interactions)

    def explain(
        self,
        query: Query,
        lines: Sequence[Recommendation],
        spreads: Mapping[str, float] | None = None,
    ) -> list[Reason]:
        """Return one reason a line; what cannot be shown from the data is left unsaid.

        `spreads` is the standard deviation of each part's scores for this query, by name: what a
        blend of z-scores divides by.
        """
        rows = np.array([self.catalog.row(line.item.id) for line in lines], dtype=np.int32)
        past = set(self.interactions.history_of(query.user).items.tolist())
        cited = self._cited(query, rows, spreads or {}, past)
        words = wanted_words(query.text) if query.text else ()
        asked = _Asked(words, wished(query), self._met(query.history, rows, past))
        return [
            self._reason(line.item, row, likes, asked)
            for line, row, likes in zip(lines, rows.tolist(), cited, strict=True)
        ]

    def shares(self, query: Query, rows: Rows, spreads: Mapping[str, float] = NO_SPREADS) -> Floats:
        """Return the share of each history event in each item's score, (items, events), ≥ 0.

        A row sums to 1, or to 0 where no part can split the score.
        """
        total = np.zeros((len(rows), len(query.history)), dtype=np.float32)
        for name, split, weight in self.parts:
            part = split(query, rows)
            if not np.isfinite(part).all():
                part = np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
            total += np.float32(weight / spreads.get(name, 1.0)) * part
        np.maximum(total, 0.0, out=total)
        sums = total.sum(axis=1, keepdims=True)
        divided: Floats = np.divide(total, sums, out=total, where=sums > 0)
        return divided

    def _cited(
        self, query: Query, rows: Rows, spreads: Mapping[str, float], past: Collection[int]
    ) -> list[list[Cited]]:
        """Return for each item the likes to cite, the one with the largest share first."""
        if not len(query.history) or not len(rows):
            return [[] for _ in rows]
        items, values, shares = by_item(query.history, self.shares(query, rows, spreads))
        liked = np.flatnonzero(self.scale.likes(values))
        if not len(liked):  # what was neither liked nor disliked may be named, never a dislike
            liked = np.flatnonzero(~self.scale.dislikes(values))
        if not len(liked):
            return [[] for _ in rows]
        items, shares = items[liked], shares.take(liked, axis=1)
        shares[rows[:, None] == items] = 0.0
        places, carried = (found.tolist() for found in largest(shares, self.likes))
        unsplit = [line for line, some in enumerate(carried) if max(some, default=0.0) <= 0]
        for line, place in zip(unsplit, self._closest(rows[unsplit], items), strict=True):
            places[line], carried[line] = place, [0.0] * len(place)
        known, given = items.tolist(), values[liked].tolist()
        return [
            [
                Cited(known[at], given[at], share, known[at] in past)
                for at, share in zip(line, some, strict=True)
                if share >= 0.5 * some[0]
            ]
            for line, some in zip(places, carried, strict=True)
        ]

    def _closest(self, rows: Rows, items: Rows) -> list[list[int]]:
        """Return for each row where the item that shares its most telling traits stands, if any.

        For scores that nobody can split.
        """
        if not len(rows):
            return []
        closest: list[list[int]] = []
        theirs = self.traits.matrix[items]
        telling = np.zeros(len(self.traits.values), dtype=np.float32)
        for row in rows.tolist():
            mine = self.traits.at(row)
            telling[mine] = self.traits.rarity[mine]
            close = np.asarray(theirs @ telling)
            telling[mine] = 0.0
            close[items == row] = 0.0
            best = int(close.argmax())
            closest.append([best] if close[best] > 0 else [])
        return closest

    def _met(
        self, history: History, rows: Rows, past: Collection[int]
    ) -> dict[int, AttributeValue]:
        """Return which rows somebody has met already, each with the rating it was given."""
        shown, met = set(rows.tolist()), history.items.tolist()
        if shown.isdisjoint(met):
            return {}
        return {
            row: value if self.rated and row in past else ""
            for row, value in zip(met, history.values.tolist(), strict=True)
            if row in shown
        }

    def _reason(self, item: Item, row: int, cited: Sequence[Cited], asked: _Asked) -> Reason:
        notes = _Notes()
        if row in asked.met:
            notes.add("seen", item.id, item.title, value=asked.met[row])
        wishes = fulfilled(item, asked.leanings) if asked.leanings else []
        wanted = matches(item, asked.words) if asked.words else []
        together = self._together(cited[0].row, row, asked.marked) if cited else 0
        alone = together < _NEIGHBOURS_MIN and not wishes and not wanted
        most = self.shared
        for like in cited:
            name, title = self.catalog.ids[like.row], self.catalog.titles[like.row]
            value: AttributeValue = like.value if self.rated and like.stated else ""
            notes.add("liked item", name, title, value=value, weight=round(like.share, 4))
            for attribute, held in self._shared.between(row, like.row, most, alone=alone):
                notes.add("shared attribute", name, title, attribute, held)
            most, alone = 1, False
        if wanted:
            said = {text for because, _, held in wishes if because == ASKED for text in texts(held)}
            for attribute, found, because in apart(item, wanted, said):
                notes.add("query", attribute=attribute, value=found, because=because)
        for because, attribute, wish in wishes:
            notes.add("context", attribute=attribute, value=wish, because=because)
        if together >= _NEIGHBOURS_MIN:
            first = cited[0].row
            name, title = self.catalog.ids[first], self.catalog.titles[first]
            notes.add("neighbours", name, title, count=together)
        elif not cited and (people := len(self._people(row))) > 0:
            notes.add("popularity", count=people)
        evidence = tuple(notes.evidence)
        return Reason(write(evidence, self.scale, item.id), evidence)

    def _people(self, row: int) -> NDArray[np.int32]:
        """Return who liked an item, as user codes."""
        matrix = self.likers
        if row >= matrix.shape[1]:
            return np.empty(0, dtype=np.int32)
        return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]

    def _together(self, one: int, other: int, marked: dict[int, NDArray[np.bool_]]) -> int:
        """Count who liked both; `marked` keeps who liked `one` for the other lines."""
        if one not in marked:
            marked[one] = np.zeros(self.interactions.n_users, dtype=bool)
            marked[one][self._people(one)] = True
        return int(np.count_nonzero(marked[one][self._people(other)]))


def likers(interactions: Interactions) -> sparse.csc_matrix:
    """Return who liked what, users × items, binary, by the latest value of each pair."""
    latest = interactions.matrix(interactions.value).tocoo()
    liked = interactions.scale.likes(latest.data)
    ones = np.ones(int(liked.sum()), dtype=np.float32)
    at = (latest.row[liked], latest.col[liked])
    return sparse.csc_matrix((ones, at), shape=latest.shape)
