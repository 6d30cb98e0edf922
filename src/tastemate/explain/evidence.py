"""The facts behind a recommendation, read from the data and from how the score came about.

The liked item cited first is the one that carries the largest share of the item's score, so the
reason is causal: without that like the item would have scored lower. What the two have in common
and how many people liked both come from the data; nothing is guessed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.explain.leant import ASKED, fulfilled, wished
from tastemate.explain.matched import apart, matches, texts, wanted_words
from tastemate.explain.writer import write
from tastemate.interactions import Interactions
from tastemate.protocols import Attributing
from tastemate.traits import Traits, is_year
from tastemate.types import (
    AttributeValue,
    Evidence,
    EvidenceKind,
    Floats,
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
_TELLING = math.log(3.0)
"""Rarity from which on a shared trait may stand alone: a third of the catalogue has it."""
_ENOUGH = 30
"""Items from which on a share of the catalogue says how telling a trait is."""
NO_SPREADS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Cited:
    """A liked item that carries some of a score: its catalogue row, its value, its share."""

    row: int
    value: float
    share: float
    stated: bool
    """Whether the value is a rating in the data, not a like told since."""


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
        cited = self._cited(query, rows, spreads or {})
        met = self._met(query)
        words = wanted_words(query.text) if query.text else ()
        marked: dict[int, NDArray[np.bool_]] = {}
        return [
            self._reason(line.item, int(row), likes, words, marked, wished(query), met)
            for line, row, likes in zip(lines, rows, cited, strict=True)
        ]

    def shares(self, query: Query, rows: Rows, spreads: Mapping[str, float] = NO_SPREADS) -> Floats:
        """Return the share of each history event in each item's score, (items, events), ≥ 0.

        A row sums to 1, or to 0 where no part can split the score.
        """
        total = np.zeros((len(rows), len(query.history)), dtype=np.float32)
        for name, split, weight in self.parts:
            total += np.float32(weight / spreads.get(name, 1.0)) * np.nan_to_num(
                split(query, rows), nan=0.0, posinf=0.0, neginf=0.0
            )
        total = np.maximum(total, 0.0)
        sums = total.sum(axis=1, keepdims=True)
        divided: Floats = np.divide(total, sums, out=np.zeros_like(total), where=sums > 0)
        return divided

    def _cited(self, query: Query, rows: Rows, spreads: Mapping[str, float]) -> list[list[_Cited]]:
        """Return for each item the likes to cite, the one with the largest share first."""
        history = query.history
        if not len(history) or not len(rows):
            return [[] for _ in rows]
        items, last = np.unique(history.items[::-1], return_index=True)
        values = history.values[::-1][last]
        order = np.argsort(history.items, kind="stable")
        starts = np.searchsorted(history.items[order], items)
        shares = np.add.reduceat(self.shares(query, rows, spreads)[:, order], starts, axis=1)
        liked = self.scale.likes(values)
        if not liked.any():  # what was neither liked nor disliked may be named, never a dislike
            liked = ~self.scale.dislikes(values)
        if not liked.any():
            return [[] for _ in rows]
        stated = np.isin(items, self.interactions.history_of(query.user).items)[liked]
        items, values, shares = items[liked], values[liked], shares[:, liked]
        cited: list[list[_Cited]] = []
        for row, share in zip(rows.tolist(), shares, strict=True):
            share[items == row] = 0.0
            best = np.argsort(-share, kind="stable")[: self.likes].tolist()
            if not best or share[best[0]] <= 0:
                cited.append(self._closest(row, items, values, stated))
                continue
            floor = 0.5 * share[best[0]]
            cited.append(
                [
                    _Cited(
                        int(items[one]), float(values[one]), float(share[one]), bool(stated[one])
                    )
                    for one in best
                    if share[one] >= floor
                ]
            )
        return cited

    def _closest(
        self, row: int, items: Rows, values: Floats, stated: NDArray[np.bool_]
    ) -> list[_Cited]:
        """Return the like that shares the most telling traits: for a score nobody can split."""
        telling = np.zeros(len(self.traits.values), dtype=np.float32)
        mine = self.traits.at(row)
        telling[mine] = self.traits.rarity[mine]
        close = np.asarray(self.traits.matrix[items] @ telling)
        close[items == row] = 0.0
        best = int(close.argmax())
        if close[best] <= 0:
            return []
        return [_Cited(int(items[best]), float(values[best]), 0.0, bool(stated[best]))]

    def _met(self, query: Query) -> dict[int, AttributeValue]:
        """Return the rows that somebody has met already, each with the rating it was given."""
        if not len(query.history):
            return {}
        rated = len(self.interactions) > 0 and self.scale.high > self.scale.low
        stated = set(self.interactions.history_of(query.user).items.tolist()) if rated else set()
        pairs = zip(query.history.items.tolist(), query.history.values.tolist(), strict=True)
        return {row: float(value) if row in stated else "" for row, value in pairs}

    def _reason(
        self,
        item: Item,
        row: int,
        cited: Sequence[_Cited],
        words: Sequence[str],
        marked: dict[int, NDArray[np.bool_]],
        leanings: Sequence[Leaning],
        met: Mapping[int, AttributeValue],
    ) -> Reason:
        notes = _Notes()
        if row in met:
            notes.add("seen", item.id, item.title, value=met[row])
        rated = len(self.interactions) > 0 and self.scale.high > self.scale.low
        asked = fulfilled(item, leanings) if leanings else []
        wanted = matches(item, words)
        together = self._together(cited[0].row, row, marked) if cited else 0
        alone = together < _NEIGHBOURS_MIN and not asked and not wanted
        for place, like in enumerate(cited):
            name, title = self.catalog.ids[like.row], self.catalog.titles[like.row]
            value: AttributeValue = like.value if rated and like.stated else ""
            notes.add("liked item", name, title, value=value, weight=round(like.share, 4))
            for trait in self._in_common(row, like.row, self.shared if place == 0 else 1, alone):
                attribute, shared = self.traits.name(trait)
                notes.add("shared attribute", name, title, attribute, shared)
            alone = False
        said = {value for because, _, held in asked if because == ASKED for value in texts(held)}
        for field, found, because in apart(item, wanted, said):
            notes.add("query", attribute=field, value=found, because=because)
        for because, attribute, held in asked:
            notes.add("context", attribute=attribute, value=held, because=because)
        if cited:
            first = cited[0].row
            if together >= _NEIGHBOURS_MIN:
                name, title = self.catalog.ids[first], self.catalog.titles[first]
                notes.add("neighbours", name, title, count=together)
        elif (people := len(self._people(row))) > 0:
            notes.add("popularity", count=people)
        evidence = tuple(notes.evidence)
        return Reason(write(evidence, self.scale, item.id), evidence)

    def _in_common(self, row: int, other: int, n: int, alone: bool) -> list[int]:
        """Return at most n shared traits, rarest first; none where none of them tells much.

        `alone` says that there is no other evidence: then the strongest is better than nothing.
        """
        shared = set(self.traits.at(row)).intersection(self.traits.at(other))
        telling = self._telling
        ranked = sorted(shared, key=lambda trait: (-telling[trait], trait))
        weak = not ranked or telling[ranked[0]] < _TELLING
        if weak and len(self.catalog) >= _ENOUGH:
            return ranked[:1] if alone else []
        return ([trait for trait in ranked if telling[trait] > 0.5] or ranked[:1])[:n]

    @cached_property
    def _telling(self) -> list[float]:
        """Rarity, less for years: that two things came out together explains little."""
        years = np.array([is_year(name) for name in self.traits.attributes], dtype=bool)
        weight = np.where(years[self.traits.owner], 0.4, 1.0) if len(years) else 1.0
        telling: list[float] = (self.traits.rarity * weight).tolist()
        return telling

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
