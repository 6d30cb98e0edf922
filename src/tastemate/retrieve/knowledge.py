"""Items that the knowledge graph connects with those somebody liked: personalised PageRank.

Needs no other person and no text: new users are served from their first like, new items from
the moment somebody says who made them or what they are about.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.data.facts import Fact, kind_of
from tastemate.data.graph import Graph
from tastemate.data.walks import WEIGHTS, pagerank, transitions
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense, candidates
from tastemate.text.named import Named
from tastemate.text.words import ASKING_WORDS, LONGEST, STOP_WORDS, terms
from tastemate.types import AttributeValue, Candidate, Floats, History, Query, Rows

_REFUSAL = re.compile(
    r"(?i)\b(?:not?|never|without|except|avoid|less|nothing|dislike|hate|\w+n['\u2019]t)\b"
)
_NEXT_TO_NONE = 1e-6
"""Share of the visits that an item counts with that a walk does not come by."""
_WISHES = 32
_CELLS = 16_000_000
"""Nodes × queries walked at once."""


class Knowledge(Dense):
    """Random walks with restart at the items of a history, over the graph of the catalogue.

    An edge to an entity with d neighbours weighs ln d times the weight of its relation: who is
    connected with one item only leads nowhere. A step goes on with the probability `damping`, at
    most `steps` times (Page et al. 1999; Haveliwala 2002). Visits are divided by those of a walk
    from anywhere to the power `discount`, so that what everything leads to does not win. A liked
    event weighs 1, a neutral one `neutral`, a disliked one -`dislike`; weights halve every
    `half_life` events back. `weights` are by relation ("directors") or kind ("person"); `facts`
    are imported triples.
    """

    name = "knowledge"

    def __init__(
        self,
        *,
        facts: Sequence[Fact] = (),
        weights: Mapping[str, float] = WEIGHTS,
        damping: float = 0.7,
        steps: int = 4,
        discount: float = 0.3,
        neutral: float = 0.6,
        dislike: float = 0.2,
        half_life: float = 200.0,
    ) -> None:
        if not 0 < damping < 1 or not 2 <= steps <= 100:
            raise ConfigError("damping must lie between 0 and 1, and steps between 2 and 100.")
        if half_life <= 0 or neutral < 0 or dislike < 0 or discount < 0:
            raise ConfigError(
                "half_life must be above 0; neutral, dislike and discount must not be negative."
            )
        for name, weight in weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight >= 0:
                raise ConfigError(f"The weight of {name!r} must be a number, 0 or more: {weight}.")
        self.facts = facts
        self.weights = weights
        self.damping = damping
        self.steps = steps
        self.discount = discount
        self.neutral = neutral
        self.dislike = dislike
        self.half_life = half_life
        self._scale = Scale(0.0, 1.0)
        self._graph: Graph | None = None
        self._walk = sparse.csr_matrix(np.zeros((0, 0), dtype=np.float32))
        self._back = self._walk
        self._usual: Floats = np.empty(0, dtype=np.float32)

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Build the graph; of the interactions only the scale of the values is read."""
        self._scale = interactions.scale
        self._keep(catalog)
        return self

    def _keep(self, catalog: Catalog) -> None:
        graph = Graph.of(catalog, self.facts)
        self._graph = graph
        self.__dict__.pop("_names", None)
        self._walk = transitions(graph, self.weights)
        self._back = sparse.csr_matrix(self._walk.T)
        anywhere = np.zeros((len(graph), 1), dtype=np.float32)
        anywhere[: graph.n_items] = 1.0
        usual = self._visits(self._back, anywhere)[: graph.n_items, 0]
        self._usual = np.maximum(usual, np.float32(1e-12)) ** np.float32(self.discount)

    def save(self, folder: Path) -> None:
        """Write the scale; the graph is the catalogue's and is built again."""
        graph = self.graph
        self._write(folder, graph.n_items, {"low": self._scale.low, "high": self._scale.high}, {})

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore it over a catalogue as it is now: new items and facts are in the graph."""
        meta, _ = self._read(folder, len(catalog), ("low", "high"))
        self._scale = Scale(meta["low"], meta["high"])
        self._keep(catalog)
        return self

    @property
    def graph(self) -> Graph:
        """The graph that is walked; raise `NotFitted` before there is one."""
        if self._graph is None:
            raise NotFitted("The knowledge retriever is not fitted; call fit() or load() first.")
        return self._graph

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return visits of walks from the history, (queries, items); -inf where none arrives.

        Walks start as well at what a text names, such as a person: as often as at the whole
        history. Without a history the best items are those near all that is wished for.
        """
        graph = self.graph
        found = np.full((len(queries), graph.n_items), -np.inf, dtype=np.float32)
        at_once = max(1, _CELLS // max(len(graph), 1))
        known = [at for at, query in enumerate(queries) if len(query.history)]
        for start in range(0, len(known), at_once):
            part = known[start : start + at_once]
            restart = np.zeros((len(graph), len(part)), dtype=np.float32)
            for column, at in enumerate(part):
                self._set_out(queries[at], restart[:, column])
            found[part] = self._scored(restart)
        for row, query in zip(found, queries, strict=True):
            if not len(query.history) and (wishes := self._wishes(query)):
                row[:] = self._fulfilled(wishes)
        return found

    def _set_out(self, query: Query, restart: Floats) -> None:
        """Put into `restart` (nodes,) where walks begin: at the history, and at what is asked."""
        weights = self._weights(query.history)
        np.add.at(restart, query.history.items, weights)
        asked = self._asked(query.text)
        worth = float(np.abs(weights).sum()) / max(len(asked), 1)
        for nodes, _ in asked:
            # Of several entities of one name the best connected: the genre, not a rare tag.
            restart[max(nodes, key=lambda node: (int(self.graph.degrees[node]), -node))] += worth

    def _fulfilled(self, wishes: Sequence[tuple[list[int], float]]) -> Floats:
        """Return how well items fulfil all wishes, (items,): a geometric mean over their walks.

        What is connected with one wish alone comes after what is connected with all of them.
        Nobody is known here, so what everything leads to is as good a guess as any.
        """
        n_items = self.graph.n_items
        restart = np.zeros((len(self.graph), len(wishes)), dtype=np.float32)
        for column, (nodes, _) in enumerate(wishes):
            restart[nodes, column] = 1.0 / len(nodes)
        visits = self._visits(self._back, restart)[:n_items]
        visits = visits / np.maximum(visits.sum(axis=0), np.float32(1e-12))
        weights = np.array([weight for _, weight in wishes], dtype=np.float32)
        mean = np.exp(np.log(visits + np.float32(_NEXT_TO_NONE)) @ (weights / weights.sum()))
        return np.asarray(np.where(visits.any(axis=1), mean, -np.inf), dtype=np.float32)

    def _scored(self, restart: Floats) -> Floats:
        """Return the scores of walks that restart at the columns, (columns, items)."""
        visits = self._visits(self._back, restart)[: self.graph.n_items]
        scores = np.where(visits != 0, visits / self._usual[:, None], -np.inf)
        return np.asarray(scores.T, dtype=np.float32)

    def _visits(self, matrix: sparse.csr_matrix, restart: Floats) -> Floats:
        """Return how often walks come by after they set out, (nodes, columns)."""
        return pagerank(matrix, restart, self.damping, self.steps) - restart * np.float32(
            1 - self.damping
        )

    def _weights(self, history: History) -> Floats:
        """Return the signed, decayed weight of each event."""
        signs = np.full(len(history), self.neutral, dtype=np.float32)
        signs[self._scale.dislikes(history.values)] = -self.dislike
        signs[self._scale.likes(history.values)] = 1.0
        back = np.arange(len(history) - 1, -1, -1, dtype=np.float32)
        return np.asarray(signs * np.exp2(-back / np.float32(self.half_life)), np.float32)

    def _wishes(self, query: Query) -> list[tuple[list[int], float]]:
        """Return the entities that a text, a taste and leanings wish for, each with a weight.

        What is not wanted is left to filters: it says little of what is.
        """
        said: list[tuple[str, AttributeValue, float]] = []
        if query.taste is not None:
            said += [(one.attribute, one.value, 1.0) for one in query.taste.statements if one.likes]
        said += [
            (one.attribute, one.value, one.weight)
            for one in query.leanings
            if one.operator in ("is", "any of") and one.weight > 0
        ]
        wishes = self._asked(query.text)
        for attribute, value, weight in said:
            kind = kind_of(attribute)
            names = value if isinstance(value, tuple) else (value,)
            entities = [self.graph.entities(n, kind) for n in names if isinstance(n, str)]
            if nodes := [node for found in entities for node in found]:
                wishes.append((nodes, weight))
        return wishes[:_WISHES]

    def _asked(self, text: str) -> list[tuple[list[int], float]]:
        """Return the entities of each name that a text holds and does not refuse."""
        names = dict.fromkeys(
            name
            for part in (wanted_parts(text) if text else ())
            for said in (part, " ".join(terms(part)))  # "comedies" are comedy
            for name in self._names.found(said)
        )
        found = [self.graph.entities(name) for name in sorted(names)]
        return [(nodes, 1.0) for nodes in found if nodes][:_WISHES]

    @cached_property
    def _names(self) -> Named:
        """The names of entities, found in a text; what all people use to ask is none."""
        graph = self.graph
        return Named((), graph.names[graph.n_items :], STOP_WORDS | ASKING_WORDS)

    def contributions(self, query: Query, items: Rows) -> NDArray[np.float32]:
        """Return the share of each history event in each item's score, (items, events).

        Walks add up over where they start, so a row adds up to the item's score.
        """
        past, rows = query.history.items, np.asarray(items)
        shares = np.zeros((len(rows), len(past)), dtype=np.float32)
        graph, weights = self.graph, self._weights(query.history)
        at_once = max(1, _CELLS // max(len(graph), 1))
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            end = np.zeros((len(graph), len(part)), dtype=np.float32)
            end[part, np.arange(len(part))] = 1.0
            came = self._visits(self._walk, end)[past].T
            shares[start : start + at_once] = came * weights / self._usual[part][:, None]
        return shares

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return at most `n` items that walks from each item come by most, never the item."""
        rows, graph = np.asarray(items, dtype=np.int32), self.graph
        at_once = max(1, _CELLS // max(len(graph), 1))
        found: list[list[Candidate]] = []
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            restart = np.zeros((len(graph), len(part)), dtype=np.float32)
            restart[part, np.arange(len(part))] = 1.0
            scores = self._scored(restart)
            scores[np.arange(len(part)), part] = -np.inf
            found += [candidates(line, n, self.name) for line in scores]
        return found


def wanted_parts(text: str) -> list[str]:
    """Return the parts of a request that wish for something: "crime, not war" wishes crime."""
    parts = re.split(r"[,.;:!?\n]|\bbut\b", text[:LONGEST])
    return [_REFUSAL.split(part, maxsplit=1)[0] for part in parts]
