"""What a cold-start figure has to beat: the plainest things that still answer.

Plain popularity scores nothing on items without events, by construction; popularity of genres and
neighbours in the attributes do not have that excuse. None of them has anything to tune.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions, Scale
from tastemate.types import Floats, History, Query


def membership(catalog: Catalog, attributes: Sequence[str] | None = None) -> sparse.csr_matrix:
    """Return items × values of text attributes (all of them, or the named ones there are)."""
    wanted = catalog.attributes if attributes is None else attributes
    parts = [
        catalog.incidence(name).matrix
        for name in wanted
        if name in catalog.attributes and not catalog.is_numeric(name)
    ]
    if not parts:
        return sparse.csr_matrix(np.zeros((len(catalog), 0), np.float32))
    return sparse.csr_matrix(sparse.hstack(parts, format="csr", dtype=np.float32))


def genres(catalog: Catalog) -> sparse.csr_matrix:
    """Return items × genres; without an attribute "genres", items × all text attributes."""
    named = ("genres",) if "genres" in catalog.attributes else None
    return membership(catalog, named)


class Popular:
    """Every item by its events; items without any are left unranked."""

    def __init__(self, catalog: Catalog, interactions: Interactions) -> None:
        counts = interactions.counts.astype(np.float32)
        self._scores = np.where(counts > 0, counts, -np.inf).astype(np.float32)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items)."""
        return np.tile(self._scores, (len(queries), 1))


class GenrePopularity:
    """Items by how popular their genres are, weighted by the share of each in the history."""

    def __init__(self, catalog: Catalog, interactions: Interactions) -> None:
        member = genres(catalog)
        sizes = np.asarray(member.sum(axis=1)).ravel()
        self._spread = sparse.csr_matrix(sparse.diags(1.0 / np.maximum(sizes, 1.0)) @ member)
        counts = interactions.counts.astype(np.float32)
        met = np.asarray(member.T @ (counts > 0).astype(np.float32)).ravel()
        self._popularity = np.asarray(member.T @ counts).ravel() / np.maximum(met, 1.0)
        self._share = np.asarray(self._spread.T @ counts).ravel()
        self._known = sizes > 0

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); -inf without a genre."""
        shares = np.stack(
            [
                np.asarray(self._spread[query.history.items].sum(axis=0)).ravel()
                if len(query.history)
                else self._share
                for query in queries
            ]
        )
        shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
        result = np.asarray((self._spread @ (shares * self._popularity).T).T, np.float32)
        result[:, ~self._known] = -np.inf
        return result


class ContentNeighbours:
    """Items by cosine to the liked ones (to all, where none is) over rare-weighted attributes."""

    def __init__(self, catalog: Catalog, interactions: Interactions) -> None:
        member = membership(catalog)
        in_items = np.asarray(member.sum(axis=0)).ravel()
        rarity = np.log((1.0 + len(catalog)) / (1.0 + in_items))
        weighted = member @ sparse.diags(rarity) if member.shape[1] else member
        norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        self._unit = sparse.csr_matrix(sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ weighted)
        self._known = norms > 0
        self._scale = interactions.scale

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); -inf without attributes."""
        result = np.full((len(queries), self._unit.shape[0]), -np.inf, np.float32)
        for row, query in zip(result, queries, strict=True):
            if len(query.history):
                taste = np.asarray(self._unit[_liked(query.history, self._scale)].sum(axis=0))
                row[:] = self._unit @ taste.ravel()
                row[~self._known] = -np.inf
        return result


def _liked(past: History, scale: Scale) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    liked = past.items[scale.likes(past.values)]
    return np.asarray(liked if len(liked) else past.items, np.int32)


class Together:
    """Items met by the same people: cosine of their events, summed over the history.

    The plain collaborative list that others are compared with (Sarwar et al. 2001).
    """

    def __init__(self, catalog: Catalog, interactions: Interactions) -> None:
        met = interactions.matrix()
        norms = np.sqrt(np.asarray(met.multiply(met).sum(axis=0)).ravel())
        unit = sparse.csr_matrix(met @ sparse.diags(1.0 / np.maximum(norms, 1e-12)))
        self._near = sparse.csr_matrix(unit.T @ unit)
        self._met = norms > 0

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); -inf for items never met."""
        result = np.full((len(queries), len(self._met)), -np.inf, np.float32)
        for row, query in zip(result, queries, strict=True):
            if len(query.history):
                row[:] = np.asarray(self._near[query.history.items].sum(axis=0)).ravel()
                row[~self._met] = -np.inf
        return result
