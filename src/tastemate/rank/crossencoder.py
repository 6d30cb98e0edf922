"""A ranker that reads: MiniLM with adapters scores what a history and a candidate say together.

It is taught on pools of events it has not seen (`train.crossed`), and its opinion counts by a
weight that was learned on people held out; where that weight is 0 nothing is read at all.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from tastemate import artifacts
from tastemate.catalog import Catalog
from tastemate.rank.adapters import arrays, put
from tastemate.rank.crossreading import Reading, Shape
from tastemate.rank.learned import serves
from tastemate.rank.mix import mixed
from tastemate.types import Candidate, Floats, Query, Rows

BATCH = 8
"""Lists read at once."""


class CrossEncoder:
    """Ranks the first `depth` of each pool by `weight` of its own z-score and the mix's beside it.

    What is asked for in words or by leanings stays as it came, and so does what a history of fewer
    than `LEAST` events asks for (`rank.learned`). `told` is what was found out in teaching.
    """

    name = "cross"

    def __init__(
        self,
        reading: Reading,
        *,
        weight: float = 0.5,
        depth: int = 20,
        told: dict[str, Any] | None = None,
    ) -> None:
        self.reading = reading
        self.weight = weight
        self.depth = depth
        self.told = dict(told or {})

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool best first; ties keep the order that came in."""
        ranked = [list(pool) for pool in pools]
        if self.weight == 0.0:
            return ranked
        for at, read in enumerate(self.scores(queries, pools)):
            head = ranked[at][: len(read)]
            came = np.array([one.score for one in head], dtype=np.float32)
            order = mixed(came, read, self.weight)
            ranked[at][: len(head)] = [head[int(place)] for place in order]
        return ranked

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        """Return what is read of the first `depth` of each pool; empty for one that stays."""
        found = [np.empty(0, dtype=np.float32)] * len(pools)
        at = [
            place for place, (query, pool) in enumerate(zip(queries, pools, strict=True))
            if len(pool) > 1 and serves(query)
        ]  # fmt: skip
        fronts = [[one.row for one in pools[place][: self.depth]] for place in at]
        rows = [np.array(front, dtype=np.int32) for front in fronts]
        pasts = [queries[place].history.items for place in at]
        for place, scores in zip(at, read(self.reading, pasts, rows), strict=True):
            found[place] = scores
        return found

    def save(self, folder: Path) -> None:
        """Write adapters and head beside their settings; MiniLM's own weights are not copied."""
        meta = {
            "shape": asdict(self.reading.shape),
            "weight": self.weight,
            "depth": self.depth,
            "told": self.told,
        }
        learned = arrays(self.reading.learned)
        names = list(learned)
        flat = {f"learned {at}": learned[name] for at, name in enumerate(names)}
        artifacts.write_model(
            folder, "CrossEncoder", self.reading.n_items, meta | {"names": names}, flat
        )

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """Return what `save` wrote, over the same catalogue, grown or not.

        Raises `FormatError` for a folder that holds no whole cross-encoder.
        """
        need = ("shape", "weight", "depth", "told", "names")
        meta, kept = artifacts.read_model(folder, "CrossEncoder", len(catalog), need)
        said = meta["shape"]
        shape = Shape(**{**said, "exclude": tuple(said["exclude"])})
        reading = Reading(catalog, shape)
        found = {name: kept.get(f"learned {at}") for at, name in enumerate(meta["names"])}
        put(reading.learned, {name: one for name, one in found.items() if one is not None})
        return cls(reading, weight=meta["weight"], depth=meta["depth"], told=meta["told"])


def read(reading: Reading, pasts: Sequence[Rows], pools: Sequence[Rows]) -> list[Floats]:
    """Return the scores of each pool, nothing learned on the way; lists of like length together."""
    import torch

    found = [np.empty(0, dtype=np.float32)] * len(pools)
    order = np.argsort([len(pool) for pool in pools], kind="stable").tolist()
    with torch.no_grad():
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            scores = reading.scores([pasts[at] for at in part], [pools[at] for at in part])
            for at, row in zip(part, scores.float().cpu().numpy(), strict=True):
                found[at] = row[: len(pools[at])]
    return found
