"""The hybrid ranker: a network over texts and numbers joined, served without torch.

One side is a candidate's text and the mean-pooled texts of the history, the other the numbers
that the learned ranker's trees read (`rank.features`). A linear part and the inner products of
texts stand beside a network over all of it, as in DeepFM (Guo et al. 2017). It is trained by
`train.hybrid`; what comes out is a permutation of the pool.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tastemate import artifacts
from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.errors import FormatError
from tastemate.rank.crowd import NAMES, Crowd
from tastemate.rank.features import Case, Features
from tastemate.rank.learned import reordered, serves
from tastemate.types import Candidate, Floats, Query, Rows

Array: TypeAlias = Any
"""A numpy array or a torch tensor: the network is written once for both."""
Net: TypeAlias = Mapping[str, Array]
RECENT = (1, 5)
"""Latest events whose texts are pooled apart from those of the whole history."""
KNOTS = 33
"""Quantiles of a feature that its scale is read from."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Turns features into numbers of about normal spread, as they were spread in teaching.

    `knots` are values of each feature, ascending, and `heights` the normal quantiles they stand
    at, (features, `KNOTS`) each; `gaps` says which features may be missing, (features,).
    """

    knots: Floats
    heights: Floats
    gaps: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Floats) -> Self:
        """Read the spread of features off rows, (rows, features)."""
        at = (np.arange(KNOTS) + 0.5) / KNOTS
        knots = np.zeros((table.shape[1], KNOTS), np.float32)
        heights = np.zeros_like(knots)
        for column in range(table.shape[1]):
            told = table[np.isfinite(table[:, column]), column]
            if not len(told):
                continue
            values, place = np.unique(np.quantile(told, at), return_inverse=True)
            mean = np.bincount(place, ndtri(at)) / np.bincount(place)
            last = np.minimum(np.arange(KNOTS), len(values) - 1)
            knots[column], heights[column] = values[last], mean[last]
        return cls(knots, heights, np.asarray(~np.isfinite(table).all(axis=0)))

    @property
    def width(self) -> int:
        """How many numbers a candidate has once scaled."""
        return 2 * len(self.knots) + int(self.gaps.sum())

    def scaled(self, table: Floats) -> Floats:
        """Return one pool's features on their scale, then within the pool, then what is missing.

        A missing value is 0, which is the middle.
        """
        told = np.isfinite(table)
        whole = np.zeros(table.shape, np.float32)
        for column, (knots, heights) in enumerate(zip(self.knots, self.heights, strict=True)):
            whole[:, column] = np.interp(table[:, column], knots, heights)
        whole[~told] = 0.0
        spread = whole.std(axis=0)
        within = (whole - whole.mean(axis=0)) / np.where(spread > 1e-6, spread, 1)
        missing = (~told[:, self.gaps]).astype(np.float32)
        return np.concatenate((whole, within, missing), axis=1).astype(np.float32)


def pooled(vectors: Floats, items: Rows) -> Floats:
    """Return the mean text of a history (latest first) and of its latest events, (3, dim)."""
    read = vectors[items]
    return np.stack([read.mean(axis=0), *(read[:n].mean(axis=0) for n in RECENT)])


def forward(
    net: Net,
    table: Array,
    own: Array | None,
    past: Array | None,
    join: Callable[[list[Array]], Array],
    drop: Callable[[Array], Array] = lambda x: x,
) -> Array:
    """Return the network's scores, (…, candidates).

    `table` is (…, candidates, features), `own` (…, candidates, dim) the candidates' texts, `past`
    (…, 3, dim) what `pooled` gave; `join` puts arrays together on their last axis.
    """
    score, parts = table @ net["wide"], [table]
    if own is not None and past is not None and "text" in net:
        mine, theirs = own @ net["text"], past @ net["text"]
        shared = mine[..., :, None, :] * theirs[..., None, :, :]
        score = score + shared.sum(-1) @ net["pull"]
        parts += [mine, shared.reshape(*mine.shape[:-1], -1)]
    x, at = drop(join(parts)), 0
    while f"deep{at}" in net:
        x = x @ net[f"deep{at}"] + net[f"bias{at}"]
        x, at = drop(x * (x > 0)), at + 1
    return score + x @ net["out"]


class Hybrid:
    """Ranks pools by the mean of what `nets` say, each trained on other people.

    Like the trees it learned what comes next after a history: what is asked for in words or by
    leanings stays as it came, and so does a pool for a short history. `vectors` are the texts
    that the networks read, as unit rows.
    """

    name = "hybrid"

    def __init__(
        self,
        features: Features,
        names: Sequence[str],
        scaling: Scaling,
        nets: Sequence[Net],
        vectors: Floats | None = None,
    ) -> None:
        self.features = features
        self.vectors = vectors
        self.names = tuple(names)
        self.scaling = scaling
        self.nets = tuple(nets)

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool best first; ties keep the order that came in."""
        return reordered(pools, self.scores(queries, pools))

    def scores(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[Floats]:
        """Return one score a candidate; empty for a pool that stays as it came."""
        found = [np.empty(0, dtype=np.float32)] * len(pools)
        for at, (query, pool) in enumerate(zip(queries, pools, strict=True)):
            if len(pool) > 1 and serves(query):
                case = Case.of(query.history, pool)
                table = self.features.table(case, self.names)
                found[at] = self.said(table, case.rows, case.items)
        return found

    def said(self, table: Floats, rows: Rows, items: Rows) -> Floats:
        """Return the scores of a pool's features, (candidates,); `items` are latest first."""
        scaled, texts = self.scaling.scaled(table), self.vectors
        own = None if texts is None else texts[rows]
        past = None if texts is None else pooled(texts, items)
        total = np.zeros(len(rows), np.float32)
        for net in self.nets:
            total += standardise(np.asarray(forward(net, scaled, own, past, joined), np.float32))
        return np.asarray(total / len(self.nets), np.float32)

    def save(self, folder: Path) -> None:
        """Write the networks and the counts that features are made from; no pickle."""
        arrays = {
            f"{at}.{name}": one for at, net in enumerate(self.nets) for name, one in net.items()
        }
        arrays |= {"knots": self.scaling.knots, "heights": self.scaling.heights}
        arrays |= {"gaps": self.scaling.gaps} | self.features.crowd.arrays()
        meta = {
            "names": list(self.names),
            "exclude": list(self.features.exclude),
            "nets": [sorted(net) for net in self.nets],
        }
        artifacts.write_model(folder, "Hybrid", len(self.features.catalog), meta, arrays)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog, vectors: Floats | None = None) -> Self:
        """Return what `save` wrote, over the catalogue it was learned on, perhaps grown.

        Raises `FormatError` for a folder that holds no whole ranker of this catalogue, or one
        that reads texts where there are none.
        """
        need = ("names", "exclude", "nets", "knots", "heights", "gaps", *NAMES)
        meta, arrays = artifacts.read_model(folder, "Hybrid", len(catalog), need)
        try:
            nets = [
                {name: np.asarray(arrays[f"{at}.{name}"], np.float32) for name in names}
                for at, names in enumerate(meta["nets"])
            ]
        except KeyError as error:
            raise FormatError(
                f"The ranker in {folder} lacks {error}. Delete that folder and learn again."
            ) from error
        reads = {net["text"].shape[0] for net in nets if "text" in net}
        if reads - {0 if vectors is None else vectors.shape[1]}:
            raise FormatError(
                f"The ranker in {folder} reads texts of {max(reads)} numbers, which are not given. "
                "Open it with the encoder it learned with, or learn again."
            )
        crowd = Crowd.read(arrays, len(catalog))
        features = Features(catalog, crowd, vectors, exclude=tuple(meta["exclude"]))
        scaling = Scaling(*(np.asarray(arrays[name]) for name in ("knots", "heights", "gaps")))
        return cls(features, meta["names"], scaling, nets, vectors)


def joined(parts: list[Array]) -> Floats:
    """Return numpy arrays put together on their last axis."""
    return np.concatenate(parts, axis=-1, dtype=np.float32)
