"""How an item hangs together with what somebody liked: paths through the knowledge graph.

Each path is a chain of edges that are in the graph, so every word of it can be checked, and each
edge carries who said it. The wording knows no domain: relations read by `text.phrases`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from tastemate.data.assembly import SEQUEL
from tastemate.data.facts import ITEM
from tastemate.data.graph import Edge, Graph
from tastemate.data.walks import transitions
from tastemate.text.phrases import label, modifier, number

CROWD = 400
"""A node with more neighbours than this is no stop of a long path: it connects everything."""
COMMON = 0.03
"""Share of the items from which on what connects them tells nothing."""
RARE = 5
"""Edges of a node that always tells something, however few items there are."""
_TRIED = 4
"""Paths looked at for each that is told."""
_LEAST = 0.1
"""What an edge weighs that no walk would take, because nothing lies behind it: it is true too."""
_PREPOSITIONS = frozenset("in on at by of from to for with about after".split())


@dataclass(frozen=True, slots=True)
class Path:
    """A chain of edges from an item to one that somebody met.

    `nodes` start at the item; `edges[i]` joins nodes i and i + 1, in either direction. `weight`
    is the chance that a walk from the other end takes this way, times what that end weighs.
    """

    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]
    weight: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Around:
    """The chance to reach nodes in one step, and in two with the stop between."""

    one: Mapping[int, float]
    two: Mapping[int, tuple[float, int]]


class Paths:
    """Finds paths of at most four edges; a step weighs as in the retriever `knowledge`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        walk = transitions(graph, least=_LEAST)
        self._walk = walk
        self._back = sparse.csr_matrix(walk.T)

    def told(self, node: int, ends: Mapping[int, float | None], n: int = 2) -> list[str]:
        """Return the best `n` paths from an item as sentences: "It is by Ann Lee, as Alpha.".

        `ends` are as in `find`. Only a path that holds is said, and none whose stops connect
        nearly everything; of items that came after the graph nothing is.
        """
        if node >= self.graph.n_items:
            return []
        met = {end: value for end, value in ends.items() if end < self.graph.n_items}
        return [
            self.sentence(path, met[path.nodes[-1]])
            for path in self.find(node, met, _TRIED * n)
            if self.holds(path) and all(telling(self.graph, stop) for stop in path.nodes[1:-1])
        ][:n]

    def find(self, node: int, ends: Mapping[int, float | None], n: int = 3) -> list[Path]:
        """Return the best `n` paths from a node to some of `ends`, the strongest first.

        `ends` gives each end's value for the wording, None where there is none. No two paths have
        the same stops; ties keep the order of the ends.
        """
        near = self._around(self._back, node)
        found: dict[tuple[int, ...], float] = {}
        for end in ends:
            if end == node:
                continue
            for nodes, weight in self._between(node, end, near, n):
                found[nodes] = max(found.get(nodes, 0.0), weight)
        best = sorted(found, key=lambda nodes: (-found[nodes], len(nodes)))[:n]
        return [self._path(nodes, found[nodes], ends[nodes[-1]]) for nodes in best]

    def _around(self, matrix: sparse.csr_matrix, node: int) -> _Around:
        """Return the best way to every node one or two steps away, by the weight of it."""
        one = dict(self._row(matrix, node))
        two: dict[int, tuple[float, int]] = {}
        for middle, weight in one.items():
            if self._sizes[middle] > CROWD:
                continue
            for other, then in self._row(matrix, middle):
                if other != node and weight * then > two.get(other, (0.0, 0))[0]:
                    two[other] = (weight * then, middle)
        return _Around(one, two)

    def _between(
        self, node: int, end: int, near: _Around, n: int
    ) -> list[tuple[tuple[int, ...], float]]:
        """Return the best chains from `node` to `end`, with the chance of the way back."""
        far = self._around(self._walk, end)
        ways: list[tuple[tuple[int, ...], float]] = []
        if end in near.one:
            ways.append(((node, end), near.one[end]))
        for stop in near.one.keys() & far.one.keys():
            ways.append(((node, stop, end), near.one[stop] * far.one[stop]))
        for stop in near.one.keys() & far.two.keys():
            weight, middle = far.two[stop]
            ways.append(((node, stop, middle, end), near.one[stop] * weight))
        for stop in near.two.keys() & far.two.keys():
            (first, before), (second, after) = near.two[stop], far.two[stop]
            ways.append(((node, before, stop, after, end), first * second))
        # A long way that turns back on itself says no more than a shorter one.
        simple = [way for way in ways if len(set(way[0])) == len(way[0])]
        return sorted(simple, key=lambda way: (-way[1], way[0]))[: 4 * n]

    @staticmethod
    def _row(matrix: sparse.csr_matrix, node: int) -> Iterable[tuple[int, float]]:
        start, end = matrix.indptr[node : node + 2]
        return zip(
            matrix.indices[start:end].tolist(),
            matrix.data[start:end].tolist(),
            strict=True,
        )

    @cached_property
    def _sizes(self) -> list[int]:
        sizes: list[int] = np.diff(self._walk.indptr).tolist()
        return sizes

    def _path(self, nodes: tuple[int, ...], weight: float, value: float | None) -> Path:
        pairs = zip(nodes, nodes[1:], strict=False)
        path = Path(nodes, tuple(self._edge(one, other) for one, other in pairs), weight)
        return replace(path, text=self.words(path, value))

    def _edge(self, one: int, other: int) -> Edge:
        """Return the edge between two nodes; of several the relation that is rarest."""
        found = [edge for edge in self.graph.edges(one) if other in (edge.head, edge.tail)]
        return min(found, key=lambda edge: self._common[edge.relation])

    @cached_property
    def _common(self) -> dict[str, int]:
        return self.graph.count()["edges"]

    def holds(self, path: Path) -> bool:
        """Whether every edge of a path is in the graph and joins its stops: the check."""
        if len(path.edges) != len(path.nodes) - 1:
            return False
        for one, other, edge in zip(path.nodes, path.nodes[1:], path.edges, strict=False):
            if {edge.head, edge.tail} != {one, other}:
                return False
            found = self.graph.find(edge.head, edge.relation, edge.tail)
            if found is None or not set(edge.sources) <= set(found.sources):
                return False
        return True

    def words(self, path: Path, value: float | None = None) -> str:
        """Say a path from the item's side: "by Michael Mann, as Heat (1995), which you gave 5".

        `value` is what the person gave the other end.
        """
        return self._with_value(
            path, [self._part(path, at) for at in range(len(path.edges))], value
        )

    def sentence(self, path: Path, value: float | None = None) -> str:
        """Say a path as a sentence about the item: "It is by Ann Lee, as Alpha."."""
        first, *others = (self._part(path, at) for at in range(len(path.edges)))
        edge, other = path.edges[0], path.nodes[1]
        verb = _verb(edge.relation)
        if edge.head == other and verb is not None:
            first = f"It is what {self.graph.names[other]} is {' '.join(verb)}"
        elif edge.head == other and edge.relation != SEQUEL:
            first = f"It is the {first}"
        elif first.startswith("whose "):
            first = f"Its {first.removeprefix('whose ')}"
        else:
            first = f"It is {first}"
        return f"{self._with_value(path, [first, *others], value)}."

    def _part(self, path: Path, at: int) -> str:
        """Say one edge of a path; the way back by the same relation is only "as Heat"."""
        name, kinds, edge = self.graph.names, self.graph.kinds, path.edges[at]
        one, other = path.nodes[at], path.nodes[at + 1]
        back = at == 1 and len(path.edges) == 2 and edge.relation == path.edges[0].relation
        if back and kinds[one] != ITEM:
            return f"as {name[other]}"
        return _step(edge, one, kinds[one], kinds[other], name[other])

    def _with_value(self, path: Path, parts: Iterable[str], value: float | None) -> str:
        told = ", ".join(parts)
        if value is None or self.graph.kinds[path.nodes[-1]] != ITEM:
            return told
        return f"{told}, which you gave {number(value)}"


def telling(graph: Graph, node: int) -> bool:
    """Whether few enough have to do with a node that sharing it says something."""
    return bool(graph.degrees[node] <= max(COMMON * graph.n_items, RARE))


def _verb(relation: str) -> tuple[str, str] | None:
    """Return verb and preposition of a relation such as "set in", or None."""
    verb, _, preposition = label(relation).rpartition(" ")
    return (verb, preposition) if verb and preposition.lower() in _PREPOSITIONS else None


def _step(edge: Edge, one: int, kind: str, other_kind: str, name: str) -> str:
    """Say one step, seen from the node where it starts."""
    forward, said = edge.head == one, label(edge.relation)
    if kind == ITEM and other_kind == ITEM and edge.relation == SEQUEL:
        return f"{'before' if forward else 'after'} {name} in its series"
    if (parts := _verb(edge.relation)) is not None:
        return f"{said} {name}" if forward else f"{parts[1]} which {name} is {parts[0]}"
    if kind == ITEM and other_kind != ITEM and forward:
        return modifier(edge.relation, [name])
    if kind != ITEM and other_kind == ITEM and not forward:
        return f"one of the {said} of {name}"
    return f"whose {said} is {name}" if forward else f"{said} of {name}"
