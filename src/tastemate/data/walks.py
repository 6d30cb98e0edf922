"""Random walks over the knowledge graph: the chance of a step, and where walks arrive."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.data.facts import kind_of
from tastemate.data.graph import Graph
from tastemate.types import Floats

WEIGHTS: Mapping[str, float] = MappingProxyType({"era": 2.0})
"""Weights of edges by relation or by kind of entity, where they are not 1.

Found on cold items of ml-latest-small (items withheld from training data only).
"""


def pagerank(
    back: sparse.csr_matrix, restart: Floats, damping: float, steps: int
) -> NDArray[np.float32]:
    """Return (1 - d) Σ d^k P^k r for k = 0 … `steps`, with P = `back`, (nodes, columns).

    With the transposed transitions of a graph this is personalised PageRank, up to d^steps.
    """
    step = np.asarray(restart, dtype=np.float32)
    total = step.copy()
    for _ in range(steps):
        step = np.asarray(back @ step, dtype=np.float32) * np.float32(damping)
        total += step
    ranks: NDArray[np.float32] = total * np.float32(1 - damping)
    return ranks


def transitions(
    graph: Graph, weights: Mapping[str, float] = WEIGHTS, least: float = 0.0
) -> sparse.csr_matrix:
    """Return the probabilities of a step along an edge, either way, (nodes, nodes).

    An edge to an entity with d neighbours weighs ln d, at least `least`, times the weight of its
    relation. A row sums to 1, or to 0 for a node that leads nowhere.
    """
    by_relation = np.array(
        [weights.get(name, weights.get(kind_of(name), 1.0)) for name in graph.relations]
    )
    size = (len(graph), len(graph))
    ones = np.ones(len(graph.head), dtype=np.float32)
    joined = sparse.csr_matrix((ones, (graph.head, graph.tail)), shape=size)
    neighbours = np.diff(sparse.csr_matrix(joined + joined.T).indptr).astype(np.float64)
    # Items do not count: they are what the walk is for, and an edge between two weighs 1.
    neighbours[: graph.n_items] = np.inf
    fewer = np.minimum(neighbours[graph.head], neighbours[graph.tail])
    telling = np.where(np.isfinite(fewer), np.maximum(np.log(np.maximum(fewer, 1)), least), 1.0)
    weight = telling * by_relation[graph.relation] if len(graph.relations) else telling
    way = sparse.csr_matrix((weight, (graph.head, graph.tail)), shape=size)
    both = sparse.csr_matrix(way + way.T)
    both.eliminate_zeros()
    totals = np.asarray(both.sum(axis=1)).ravel()
    share = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    return sparse.csr_matrix(sparse.diags_array(share) @ both, dtype=np.float32)
