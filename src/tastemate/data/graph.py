"""The knowledge graph: items, and who and what stands behind them, with who said so.

Nodes are the catalogue's items (node = row) and then entities, each of a kind: one person is one
node, whether they direct here or appear there. Edges are typed (the attribute's name), point from
head to tail, and carry the names of the sources that said them. Nothing here knows a domain:
attributes, kinds and names come from the catalogue and from imported facts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.data.assembly import Assembly
from tastemate.data.facts import Fact, folded
from tastemate.data.joined import Source

Nodes: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Edge:
    """One typed edge between two nodes, with everybody who said it."""

    head: int
    relation: str
    tail: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Nodes and typed edges, columnar; node numbers below `n_items` are catalogue rows.

    Edge e goes from `head[e]` to `tail[e]` by `relations[relation[e]]`; bit s of `said[e]` is
    set where `sources[s]` said it. Edges are unique and sorted by head, relation and tail.
    """

    n_items: int
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    relations: tuple[str, ...]
    sources: tuple[str, ...]
    head: Nodes
    relation: NDArray[np.int32]
    tail: Nodes
    said: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        facts: Iterable[Fact] = (),
        *,
        sources: Sequence[Source] = (),
    ) -> "Graph":
        """Build the graph of a catalogue and of facts, which name items by their ids.

        `sources` are the tables joined to the catalogue, for provenance.
        """
        made = Assembly(catalog)
        made.add_catalogue(catalog, sources)
        made.add_facts(catalog, facts)
        made.add_sequels(catalog)
        head, relation, tail, said = made.columns()
        return cls(
            len(catalog),
            tuple(made.names),
            tuple(made.kinds),
            tuple(made.relations),
            tuple(made.sources),
            head.astype(np.int32),
            relation.astype(np.int32),
            tail.astype(np.int32),
            said,
        )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for node in range(self.n_items, len(self.names)):
            found.setdefault(folded(self.names[node]), []).append(node)
        return found

    def entities(self, name: str, kind: str = "") -> list[int]:
        """Return the entities of a name, whatever its case and accents; of one kind if given."""
        found = self._by_name.get(folded(name), [])
        return [node for node in found if not kind or self.kinds[node] == kind]

    def edges(self, node: int) -> Iterator[Edge]:
        """Yield the edges at a node, those that leave it first."""
        start, end = np.searchsorted(self.head, [node, node + 1])
        order, tails = self._by_tail
        first, last = np.searchsorted(tails, [node, node + 1])
        for at in (*range(start, end), *order[first:last].tolist()):
            yield self.edge(at)

    def edge(self, at: int) -> Edge:
        """Return an edge by its number."""
        said = int(self.said[at])
        sources = tuple(name for bit, name in enumerate(self.sources) if said >> bit & 1)
        relation = self.relations[int(self.relation[at])]
        return Edge(int(self.head[at]), relation, int(self.tail[at]), sources)

    def find(self, head: int, relation: str, tail: int) -> Edge | None:
        """Return the edge between two nodes by a relation, or None: how a claim is checked."""
        start, end = np.searchsorted(self.head, [head, head + 1])
        for at in range(start, end):
            if self.tail[at] == tail and self.relations[self.relation[at]] == relation:
                return self.edge(at)
        return None

    @cached_property
    def _by_tail(self) -> tuple[NDArray[np.intp], Nodes]:
        order = np.argsort(self.tail, kind="stable")
        return order, self.tail[order]

    def matrix(self, relation: str) -> sparse.csr_matrix:
        """Return the edges of one relation, (nodes, nodes), binary, from head to tail."""
        mine = self.relation == self.relations.index(relation)
        ones = np.ones(int(mine.sum()), dtype=np.float32)
        at = (self.head[mine], self.tail[mine])
        return sparse.csr_matrix((ones, at), shape=(len(self), len(self)))

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """How many edges each node has, (nodes,)."""
        counts = np.bincount(self.head, minlength=len(self))
        return counts + np.bincount(self.tail, minlength=len(self))

    def count(self) -> dict[str, dict[str, int]]:
        """Return how many nodes of each kind, edges of each relation and of each source."""
        kinds: dict[str, int] = {}
        for kind in self.kinds:
            kinds[kind] = kinds.get(kind, 0) + 1
        by_relation = np.bincount(self.relation, minlength=len(self.relations)).tolist()
        by_source = [int((self.said >> bit & 1).sum()) for bit in range(len(self.sources))]
        return {
            "nodes": kinds,
            "edges": dict(zip(self.relations, by_relation, strict=True)),
            "sources": dict(zip(self.sources, by_source, strict=True)),
        }
