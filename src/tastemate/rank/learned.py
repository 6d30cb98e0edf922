"""The learned ranker: trees over what retrievers, items, history and everybody say of a pool.

LambdaMART (Burges 2010) as LightGBM grows it. It is trained on pools of earlier events
(`train.ranking`) and serves with the same features; what comes out is a permutation of the pool.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from tastemate import artifacts
from tastemate.catalog import Catalog
from tastemate.errors import FormatError, Unavailable
from tastemate.rank.crowd import NAMES, Crowd
from tastemate.rank.features import Case, Features
from tastemate.types import Candidate, Floats, Query

if TYPE_CHECKING:
    from lightgbm import Booster

LEAST = 2
"""Events below which a history says too little of what comes next: the pool stays as it came."""


class Learned:
    """Ranks pools by trees over `names`, the features in the order they were learned in.

    It learned what comes next after a history. What is asked for in words or by leanings outweighs
    that, so such a pool stays as it came; so does one for a history of fewer than `LEAST` events.
    `trees` is LightGBM's text form; raises `Unavailable` where LightGBM is not installed.
    """

    name = "learned"

    def __init__(self, features: Features, names: Sequence[str], trees: str) -> None:
        self.features = features
        self.names = tuple(names)
        self.trees = trees
        self._booster = grown(trees)

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool best first; ties keep the order that came in."""
        return reordered(pools, self.scores(queries, pools))

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        """Return one score a candidate; empty for a pool that stays as it came."""
        tables = {
            at: self.features.table(Case.of(query.history, pool), self.names)
            for at, (query, pool) in enumerate(zip(queries, pools, strict=True))
            if len(pool) > 1 and serves(query)
        }
        found = [np.empty(0, dtype=np.float32)] * len(pools)
        if not tables:
            return found
        together = self.predicted(np.concatenate(list(tables.values())))
        ends = np.cumsum([len(table) for table in tables.values()])[:-1]
        for at, scores in zip(tables, np.split(together, ends), strict=True):
            found[at] = scores
        return found

    def predicted(self, table: Floats) -> Floats:
        """Return what the trees say of rows of features, (rows,)."""
        said = self._booster.predict(table, num_threads=1)
        return np.asarray(said, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the trees and the counts that features are made from; no pickle."""
        trees = np.frombuffer(self.trees.encode(), dtype=np.uint8)
        arrays = self.features.crowd.arrays() | {"trees": trees}
        meta = {"names": list(self.names), "exclude": list(self.features.exclude)}
        artifacts.write_model(folder, "Learned", len(self.features.catalog), meta, arrays)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog, vectors: Floats | None = None) -> Self:
        """Return what `save` wrote, over the catalogue it was learned on, perhaps grown.

        Raises `FormatError` for a folder that holds no whole ranker of this catalogue.
        """
        need = ("names", "exclude", "trees", *NAMES)
        meta, arrays = artifacts.read_model(folder, "Learned", len(catalog), need)
        crowd = Crowd.read(arrays, len(catalog))
        features = Features(catalog, crowd, vectors, exclude=tuple(meta["exclude"]))
        trees = bytes(np.asarray(arrays["trees"], dtype=np.uint8)).decode()
        made = cls(features, meta["names"], trees)
        if made._booster.num_feature() != len(made.names):
            raise FormatError(
                f"The trees in {folder} read {made._booster.num_feature()} features, but "
                f"{len(made.names)} are named. Delete that folder and learn again."
            )
        if lacking := features.lacking(made.names):
            raise FormatError(
                f"The trees in {folder} read {lacking[0]!r}, which there is not here. "
                "Delete that folder and learn again."
            )
        return made


def reordered(
    pools: Sequence[Sequence[Candidate]], scored: Sequence[Floats]
) -> list[list[Candidate]]:
    """Return pools by their scores, best first; ties, and a pool without any, as they came."""
    return [
        [pool[place] for place in np.argsort(-scores, kind="stable").tolist()]
        if len(scores)
        else list(pool)
        for pool, scores in zip(pools, scored, strict=True)
    ]


def serves(query: Query) -> bool:
    """Whether a query asks for what comes next, and has history enough to tell."""
    return not (query.text or query.leanings) and len(query.history) >= LEAST


def grown(trees: str) -> "Booster":
    """Return LightGBM's model from its text form; raise `Unavailable` where it is not installed."""
    try:
        from lightgbm import Booster
    except ImportError as error:
        raise Unavailable(
            f"The learned ranker needs LightGBM ({error}). pip install 'tastemate[train]'"
        ) from error
    return Booster(model_str=trees)
