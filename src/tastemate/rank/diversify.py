"""Lists that do not say the same thing ten times: maximal marginal relevance over a pool."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.rank.novelty import rescore, scaled, self_information
from tastemate.traits import Traits
from tastemate.types import Candidate, Floats, Query

Positions = NDArray[np.intp]


def mmr(
    scores: Floats,
    k: int,
    trade: float,
    *,
    vectors: Floats | None = None,
    incidence: sparse.csr_matrix | None = None,
) -> Positions:
    """Return k positions of a pool, each picked for relevance and distance to those before it.

    Picks the largest (1 - trade)·relevance - trade·(largest similarity to what is picked), from
    Carbonell & Goldstein (1998); relevance is the score scaled to 0..1, similarity the cosine of
    `vectors` (n, dimensions), of the rows of `incidence` (n, values), or the mean of both. A
    trade of 0 keeps the order as given; ties go to the earlier position. Raises `ConfigError` for
    a trade outside 0..1.
    """
    if not 0.0 <= trade <= 1.0:
        raise ConfigError(f"diversity is {trade}; it must lie between 0 and 1.")
    k = max(min(k, len(scores)), 0)
    if trade == 0.0 or (vectors is None and incidence is None):
        return np.arange(k, dtype=np.intp)
    spaces = _spaces(vectors, incidence)
    worth = (1.0 - trade) * scaled(scores).astype(np.float64)
    nearest = np.zeros(len(scores))
    free = np.ones(len(scores), dtype=bool)
    picked = np.empty(k, dtype=np.intp)
    for place in range(k):
        gain = np.where(free, worth - trade * nearest, -np.inf)
        best = int(gain.argmax())
        picked[place] = best
        free[best] = False
        alike = sum((_alike(space, best) for space in spaces), np.zeros(len(scores)))
        # Rounded: equal similarities must tie exactly, whatever the order of summing.
        alike = np.round(alike / len(spaces), 6)
        nearest = alike if place == 0 else np.maximum(nearest, alike)
    return picked


class Arranger:
    """Applies what the person turned: novelty first, then diversity.

    `vectors` (items, dimensions) are the items' embeddings, if there are any; `popularity`
    (items,) counts events. With both controls at 0 the pool comes back as it was.
    """

    def __init__(
        self,
        catalog: Catalog,
        vectors: Floats | None,
        popularity: NDArray[np.int64] | Floats,
        *,
        traits: Traits | None = None,
    ) -> None:
        """`traits` saves the work when they were collected before."""
        found = traits if traits is not None else Traits.of(catalog)
        weight = sparse.diags(np.maximum(found.rarity, 0.0), format="csr", dtype=np.float32)
        self.vectors = vectors
        self.incidence = sparse.csr_matrix(found.matrix @ weight)
        self.information = self_information(popularity)

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return a permutation of the candidates for `query.controls`.

        Diversity orders the first 2k; what follows keeps its order.
        """
        pool = list(candidates)
        novelty, diversity = query.controls.novelty, query.controls.diversity
        if not pool or (novelty == 0.0 and diversity == 0.0):
            return pool
        rows = np.array([candidate.row for candidate in pool], dtype=np.int32)
        scores = np.array([candidate.score for candidate in pool], dtype=np.float32)
        if (np.diff(scores) > 0).any():  # a ranker reordered the pool: its order counts
            scores = np.linspace(1.0, 0.0, len(pool), dtype=np.float32)
        if novelty > 0.0:
            scores = rescore(scores, self._information(rows), novelty)
            order = np.argsort(-scores, kind="stable")
            pool = [pool[at] for at in order]
            rows, scores = rows[order], scores[order]
        if diversity > 0.0:
            picked = mmr(
                scores,
                2 * query.k,
                diversity,
                vectors=self._vectors(rows),
                incidence=self.incidence[rows],
            ).tolist()
            taken = set(picked)
            pool = [pool[at] for at in picked] + [
                candidate for at, candidate in enumerate(pool) if at not in taken
            ]
        return pool

    def _vectors(self, rows: NDArray[np.int32]) -> Floats | None:
        """Items added after the encoding have no vector: they are like nothing."""
        if self.vectors is None:
            return None
        known = rows < len(self.vectors)
        found = np.zeros((len(rows), self.vectors.shape[1]), dtype=np.float32)
        found[known] = self.vectors[rows[known]]
        return found

    def _information(self, rows: NDArray[np.int32]) -> Floats:
        """Items added after the counting are as surprising as the least known ones."""
        known = rows < len(self.information)
        most = float(self.information.max()) if len(self.information) else 0.0
        found = np.full(len(rows), most, dtype=np.float32)
        found[known] = self.information[rows[known]]
        return found


def _spaces(
    vectors: Floats | None, incidence: sparse.csr_matrix | None
) -> list[Floats | sparse.csr_matrix]:
    """Return what similarity is taken over, each row scaled to length 1."""
    spaces: list[Floats | sparse.csr_matrix] = []
    if vectors is not None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        spaces.append(np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32))
    if incidence is not None:
        lengths = np.sqrt(np.asarray(incidence.multiply(incidence).sum(axis=1)).ravel())
        scale = sparse.diags(1.0 / np.maximum(lengths, 1e-12), format="csr")
        spaces.append(sparse.csr_matrix(scale @ incidence))
    return spaces


def _alike(space: Floats | sparse.csr_matrix, at: int) -> NDArray[np.float64]:
    """Return the similarity of every row to one row."""
    if isinstance(space, np.ndarray):
        return np.asarray(space @ space[at], dtype=np.float64)
    start, end = space.indptr[at : at + 2]
    one = np.zeros(space.shape[1])
    one[space.indices[start:end]] = space.data[start:end]
    return np.asarray(space @ one, dtype=np.float64)
