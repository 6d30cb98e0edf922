"""How an item hangs together with what somebody liked: paths through the knowledge graph.

Each path is a chain of edges that are in the graph, so every word of it can be checked, and each
edge carries who said it. The wording knows no domain: relations read by `text.phrases`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from tastemate.data.assembly import SEQUEL, SIMILAR
from tastemate.data.facts import ITEM
from tastemate.data.graph import Edge, Graph
from tastemate.data.walks import WEIGHTS, transitions
from tastemate.text.phrases import label, listing, modifier, number

CROWD = 400
"""A node with more neighbours than this is no stop of a long path: it connects everything."""
LONGEST = 4
"""Edges of a path."""
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
class Told:
    """What the graph says of an item by one relation, and who said it."""

    relation: str
    names: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def text(self) -> str:
        """The relation and the names, as in "directors: Michael Mann"."""
        return f"{label(self.relation)}: {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Between:
    """How two items hang together: directly, or by what both lead to (`names`)."""

    row: int
    other: int
    relation: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Around:
    """The chance to reach nodes in one step, and in two with the stop between."""

    one: Mapping[int, float]
    two: Mapping[int, tuple[float, int]]


class Paths:
    """Finds paths in a graph; a step weighs as in the walks of the retriever `knowledge`."""

    def __init__(self, graph: Graph, weights: Mapping[str, float] | None = None) -> None:
        self.graph = graph
        walk = transitions(graph, WEIGHTS if weights is None else weights, _LEAST)
        self._walk = walk
        self._back = sparse.csr_matrix(walk.T)

    def find(
        self,
        node: int,
        ends: Mapping[int, float | None],
        n: int = 3,
        *,
        longest: int = LONGEST,
        weights: Mapping[int, float] | None = None,
    ) -> list[Path]:
        """Return the best `n` paths from a node to some of `ends`, the strongest first.

        `ends` gives each end's value for the wording, None where there is none; `weights` what
        each end counts, 1 by default. No two paths have the same stops; ties keep the order of
        the ends.
        """
        near = self._around(self._back, node, longest > 2)
        found: dict[tuple[int, ...], float] = {}
        for end in ends:
            if end == node:
                continue
            counts = 1.0 if weights is None else weights.get(end, 1.0)
            for nodes, weight in self._between(node, end, near, n, longest):
                found[nodes] = max(found.get(nodes, 0.0), weight * counts)
        best = sorted(found, key=lambda nodes: (-found[nodes], len(nodes)))[:n]
        return [self._path(nodes, found[nodes], ends[nodes[-1]]) for nodes in best]

    def _around(self, matrix: sparse.csr_matrix, node: int, further: bool) -> _Around:
        """Return the best way to every node one or two steps away, by the weight of it."""
        one = dict(self._row(matrix, node))
        two: dict[int, tuple[float, int]] = {}
        for middle, weight in one.items() if further else ():
            if self._sizes[middle] > CROWD:
                continue
            for other, then in self._row(matrix, middle):
                if other != node and weight * then > two.get(other, (0.0, 0))[0]:
                    two[other] = (weight * then, middle)
        return _Around(one, two)

    def _between(
        self, node: int, end: int, near: _Around, n: int, longest: int
    ) -> list[tuple[tuple[int, ...], float]]:
        """Return the best chains from `node` to `end`, with the chance of the way back."""
        far = self._around(self._walk, end, longest > 2)
        ways: list[tuple[tuple[int, ...], float]] = []
        if end in near.one:
            ways.append(((node, end), near.one[end]))
        for stop in near.one.keys() & far.one.keys() if longest > 1 else ():
            ways.append(((node, stop, end), near.one[stop] * far.one[stop]))
        for stop in near.one.keys() & far.two.keys() if longest > 2 else ():
            weight, middle = far.two[stop]
            ways.append(((node, stop, middle, end), near.one[stop] * weight))
        for stop in near.two.keys() & far.two.keys() if longest > 3 else ():
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
        name, kinds, last = self.graph.names, self.graph.kinds, len(path.edges) - 1
        parts: list[str] = []
        for at, edge in enumerate(path.edges):
            one, other = path.nodes[at], path.nodes[at + 1]
            same = at == 1 and last == 1 and edge.relation == path.edges[0].relation
            if same and kinds[one] != ITEM:
                parts.append(f"as {name[other]}")
            else:
                parts.append(_step(edge, one, kinds[one], kinds[other], name[other]))
        told = ", ".join(parts)
        if kinds[path.nodes[-1]] != ITEM:
            return told
        return f"{told}, which you gave {number(value)}" if value is not None else told


def _step(edge: Edge, one: int, kind: str, other_kind: str, name: str) -> str:
    """Say one step, seen from the node where it starts."""
    forward, said = edge.head == one, label(edge.relation)
    if kind == ITEM and other_kind == ITEM:
        if edge.relation == SEQUEL:
            return f"{'before' if forward else 'after'} {name} in its series"
        if edge.relation == SIMILAR:
            return f"similar to {name}"
    verb, _, preposition = said.rpartition(" ")
    if verb and preposition.lower() in _PREPOSITIONS:
        return f"{said} {name}" if forward else f"{preposition} which {name} is {verb}"
    if kind == ITEM and other_kind != ITEM and forward:
        return modifier(edge.relation, [name])
    if kind != ITEM and other_kind == ITEM and not forward:
        return f"one of the {said} of {name}"
    return f"whose {said} is {name}" if forward else f"{said} of {name}"


def facts_of(graph: Graph, row: int, n: int = 5) -> list[Told]:
    """Return what the graph says of an item, at most `n` names a relation, as for a prompt."""
    told: dict[str, tuple[list[str], dict[str, None]]] = {}
    for edge in graph.edges(row):
        forward = edge.head == row
        relation = edge.relation if forward else f"{edge.relation} of"
        names, sources = told.setdefault(relation, ([], {}))
        names.append(graph.names[edge.tail if forward else edge.head])
        sources.update(dict.fromkeys(edge.sources))
    return [
        Told(relation, tuple(names[:n]), tuple(sources))
        for relation, (names, sources) in told.items()
    ]


def relations_between(graph: Graph, rows: Sequence[int], n: int = 2) -> list[Between]:
    """Return how items hang together, pair by pair: direct edges, then the rarest shared nodes.

    At most `n` shared nodes a pair, and none that more than `CROWD` edges lead to.
    """
    places = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    direct: list[Between] = []
    borne: dict[int, dict[int, str]] = {}
    for row in places:
        for edge in graph.edges(row):
            other = edge.tail if edge.head == row else edge.head
            if other in places and edge.head == row:
                direct.append(Between(row, other, edge.relation))
            elif graph.kinds[other] != ITEM and graph.degrees[other] <= CROWD:
                borne.setdefault(other, {}).setdefault(row, edge.relation)
    shared: dict[tuple[int, int], list[int]] = {}
    for node in sorted(borne, key=lambda one: (int(graph.degrees[one]), one)):
        bearers = sorted(borne[node], key=places.__getitem__)
        for at, row in enumerate(bearers):
            for other in bearers[at + 1 :]:
                shared.setdefault((row, other), []).append(node)
    found = direct
    for (row, other), nodes in shared.items():
        by_relation: dict[str, list[str]] = {}
        for node in nodes[:n]:
            by_relation.setdefault(borne[node][row], []).append(graph.names[node])
        found += [Between(row, other, one, tuple(names)) for one, names in by_relation.items()]
    return found


def said_between(graph: Graph, between: Between) -> str:
    """Say how two items hang together, as for a prompt."""
    one, other = graph.names[between.row], graph.names[between.other]
    if not between.names:
        return f"{one}, {label(between.relation)}: {other}"
    return f"{one} and {other}, both {modifier(between.relation, [listing(between.names)])}"
