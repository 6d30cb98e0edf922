"""What the knowledge graph says of candidates, for a prompt: what they share and stand next to.

Ties help a model to choose (RA-Rec: facts and relations of a graph beside the candidates). What a
sentence may then say is decided elsewhere, by the data of the items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tastemate.data.facts import ITEM
from tastemate.data.graph import Graph
from tastemate.explain.paths import telling
from tastemate.llm.cards import Tie
from tastemate.text.phrases import label
from tastemate.types import Floats

TIES = 4
"""Ties of an item, those to other items first."""
NAMES = 2
"""Names of a tie."""
NEAR = 10
"""Neighbours in the whole catalogue among which a candidate counts as similar."""


@dataclass(slots=True)
class _Found:
    """Names and handles of what one relation leads to."""

    names: dict[str, None] = field(default_factory=dict)
    others: dict[int, None] = field(default_factory=dict)


def ties(graph: Graph, rows: Sequence[int], vectors: Floats | None = None) -> list[tuple[Tie, ...]]:
    """Return what the graph says of each item, in order; handles are places in `rows`, from 1.

    First edges to other items, likeness to other candidates (by `vectors`, (items, dimensions),
    of length 1), and what candidates share; then what else is known of an item. What nearly
    everything has is left out.
    """
    handles: dict[int, int] = {}
    for at, row in enumerate(rows, start=1):
        handles.setdefault(row, at)
    bearers: dict[tuple[int, str], list[int]] = {}
    for row in handles:
        for edge in graph.edges(row):
            if edge.head == row and graph.kinds[edge.tail] != ITEM:
                bearers.setdefault((edge.tail, edge.relation), []).append(row)
    return [_of(graph, row, handles, bearers, _like(vectors, row, handles)) for row in rows]


def _of(
    graph: Graph,
    row: int,
    handles: Mapping[int, int],
    bearers: Mapping[tuple[int, str], Sequence[int]],
    like: Sequence[int],
) -> tuple[Tie, ...]:
    direct: dict[str, _Found] = {}
    shared: dict[str, _Found] = {}
    known: dict[str, _Found] = {}
    for edge in graph.edges(row):
        other = edge.tail if edge.head == row else edge.head
        relation = label(edge.relation) + ("" if edge.head == row else " of")
        if graph.kinds[other] == ITEM:
            found = direct.setdefault(relation, _Found())
            if other in handles:
                found.others[handles[other]] = None
            else:
                found.names[graph.names[other]] = None
        elif telling(graph, other):
            with_it = [one for one in bearers.get((other, edge.relation), ()) if one != row]
            found = (shared if with_it else known).setdefault(relation, _Found())
            found.names[graph.names[other]] = None
            found.others.update(dict.fromkeys(handles[one] for one in with_it))
    if like:
        direct["similar to"] = _Found(others=dict.fromkeys(like))
    return tuple(
        Tie(relation, tuple(found.names)[:NAMES], tuple(sorted(found.others)))
        for of in (direct, shared, known)
        for relation, found in of.items()
    )[:TIES]


def _like(vectors: Floats | None, row: int, handles: Mapping[int, int]) -> list[int]:
    """Return the handles of candidates among the `NEAR` items nearest to one."""
    if vectors is None:
        return []
    cosines = vectors @ vectors[row]
    cosines[row] = -np.inf
    return [
        handle
        for other, handle in handles.items()
        if cosines[other] > 0 and int((cosines > cosines[other]).sum()) < NEAR
    ]
