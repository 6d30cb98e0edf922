"""A judge becomes a ranker: the model's scores mixed with the retriever's.

What retrieved a candidate knows what people did; what read it knows what it is about. Neither
alone is best, so both count, by a weight that is learned (`train.mixing`). Whatever the model
does, what comes out is a permutation of what came in.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tastemate import scope
from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, TastemateError
from tastemate.interactions import Scale
from tastemate.llm.person import Person, person
from tastemate.protocols import Profiler
from tastemate.rank.judged import Judge
from tastemate.types import Candidate, Floats, Query

Positions = NDArray[np.intp]


def mixed(retrieved: Floats, judged: Floats, weight: float) -> Positions:
    """Return the order of a pool: positions, best first, by (1 - weight)·z + weight·z of judged.

    z-scores are over the items the judge has an opinion on; the others (nan) keep their places.
    Ties and a weight of 0 keep the order that came in. Both are (n,).
    """
    order = np.arange(len(retrieved), dtype=np.intp)
    known = np.flatnonzero(np.isfinite(judged))
    if weight == 0.0 or len(known) < 2:
        return order
    before = _finite(np.asarray(retrieved, dtype=np.float32)[known])
    after = np.asarray(judged, dtype=np.float32)[known]
    total = (1.0 - weight) * standardise(before) + weight * standardise(after)
    # Rounded: what is equal must tie exactly, whatever the order of summing.
    order[known] = known[np.argsort(-np.round(total, 5), kind="stable")]
    return order


def _finite(scores: Floats) -> Floats:
    """Return scores with -inf and nan as the lowest finite one, or 0."""
    told = np.isfinite(scores)
    lowest = scores[told].min() if told.any() else np.float32(0)
    return np.where(told, scores, lowest)


class ModelRanker:
    """Ranks the first `depth` of each pool by a judge; the rest stays behind, as it came.

    `weight` is the model's share, 1 is the model alone and 0 asks nobody. The taste in the prompt
    is the query's, else the `profiler`'s where there is one; `likes` limits the likes told. What
    fails leaves the order that came in, and is recorded in the scope. Raises `ConfigError` for
    options out of range.
    """

    def __init__(
        self,
        judge: Judge,
        catalog: Catalog,
        scale: Scale,
        *,
        weight: float = 0.5,
        depth: int = 20,
        profiler: Profiler | None = None,
        likes: int = 12,
    ) -> None:
        if not 0.0 <= weight <= 1.0:
            raise ConfigError(f"weight is {weight}; it must lie between 0 and 1.")
        if depth < 1 or likes < 0:
            raise ConfigError(f"depth is {depth} and likes {likes}; give at least 1 and 0.")
        self.judge = judge
        self.catalog = catalog
        self.scale = scale
        self.weight = weight
        self.depth = depth
        self.profiler = profiler
        self.likes = likes

    @property
    def name(self) -> str:
        """The judge's name."""
        return self.judge.name

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool as a permutation of what came in; all pools are judged in one call."""
        ranked = [list(pool) for pool in pools]
        open_ = [at for at, pool in enumerate(pools) if min(len(pool), self.depth) > 1]
        if self.weight == 0.0 or not open_:
            return ranked
        scores = self.scores([queries[at] for at in open_], [pools[at] for at in open_])
        for at, judged in zip(open_, scores, strict=True):
            head = ranked[at][: len(judged)]
            retrieved = np.array([candidate.score for candidate in head], dtype=np.float32)
            order = mixed(retrieved, judged, self.weight)
            ranked[at][: len(head)] = [head[int(place)] for place in order]
        return ranked

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        """Return what the judge scores the first `depth` of each pool; nan is no opinion."""
        items = [
            [self.catalog.item(candidate.row) for candidate in pool[: self.depth]] for pool in pools
        ]
        payers = [query.user or "" for query in queries]
        return self.judge.judge(self._people(queries), items, payers)

    def _people(self, queries: Sequence[Query]) -> list[Person]:
        """Return who asks, with a taste where one is known or can be read."""
        known = list(queries)
        missing = [at for at, query in enumerate(known) if query.taste is None]
        if self.profiler is not None and missing:
            try:
                tastes = self.profiler.taste([known[at].history for at in missing])
                for at, taste in zip(missing, tastes, strict=True):
                    known[at] = replace(known[at], taste=taste)
            except TastemateError as error:
                scope.current().fail(f"no taste: {error}")
        return [person(query, self.catalog, self.scale, likes=self.likes) for query in known]
