"""Teaching the hybrid ranker: a softmax over each pool, on the lessons of the learned ranker.

The pools are those of `train.ranking`, of people whom the retrievers have not seen. Each network
keeps another fold of people apart, which says when it has learned enough; together they have
learned from everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, StageError, Unavailable
from tastemate.interactions import Interactions
from tastemate.protocols import Progress, Ranker
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import LONGEST, Features
from tastemate.rank.hybrid import RECENT, Hybrid, Scaling, forward, pooled
from tastemate.recommender import Recommender
from tastemate.train.lessons import Lessons, Watcher
from tastemate.train.ranking import AS_TAUGHT, Compose, Teaching, lessons
from tastemate.types import Candidate, Floats, Query, Rows

Tensor: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Training:
    """How the networks are trained; docs/hybrid.md says what the choices are worth."""

    pools: Teaching = AS_TAUGHT
    """How the lessons are come by: folds, positions, depth, what is not compared."""
    nets: int = 3
    """Networks whose scores are averaged, each stopped by another fold."""
    text: int = 16
    """Numbers that a text is projected to; 0 leaves texts to the features."""
    hidden: tuple[int, ...] = (128, 64)
    dropout: float = 0.3
    rate: float = 0.001
    decay: float = 0.1
    batch: int = 32
    """Pools of a step."""
    average: float = 0.995
    """How slowly the weights' running mean, which is what serves, follows them."""
    epochs: int = 12
    patience: int = 4
    """Epochs without a gain on the people held out after which training ends."""
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.nets, self.batch, self.epochs, self.patience) < 1 or self.text < 0:
            raise ConfigError(
                "nets, batch, epochs and patience must be at least 1, text 0 or more."
            )
        if not (0 <= self.dropout < 1 and 0 <= self.average < 1):
            raise ConfigError("dropout and average must be in [0, 1).")
        if self.rate <= 0 or self.decay < 0 or not self.hidden:
            raise ConfigError(
                "rate must be above 0, decay not negative, and there must be a hidden layer."
            )


AS_TRAINED = Training()


@dataclass(slots=True, eq=False)
class Taken:
    """Lessons with what the networks read besides: whose pool it was and what is in it."""

    lessons: Lessons
    rows: list[Rows] = field(default_factory=list)
    """The candidates of each pool."""
    past: list[Rows] = field(default_factory=list)
    """The history it was asked with, latest first."""


class _Noting:
    """Stands before a watcher and notes the pools that it takes down."""

    name = "noting"

    def __init__(self, watcher: Watcher, into: Taken) -> None:
        self.watcher = watcher
        self.into = into

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came."""
        taken = self.watcher.into
        for query, pool in zip(queries, pools, strict=True):
            before = len(taken.places)
            self.watcher.rank([query], [pool])
            if len(taken.places) > before:
                front = pool[: len(taken.tables[-1])]
                self.into.rows.append(np.array([one.row for one in front], np.int32))
                self.into.past.append(query.history.last(LONGEST).items[::-1].copy())
        return [list(pool) for pool in pools]


def taken(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    teaching: Teaching = AS_TAUGHT,
    progress: Progress | None = None,
) -> Taken:
    """Return the lessons of the learned ranker with the rows in them; raise as `lessons` does."""
    found = Taken(Lessons())

    def noting(catalog: Catalog, events: Interactions, ranker: Ranker) -> Recommender:
        watched = _Noting(ranker, found) if isinstance(ranker, Watcher) else ranker
        return compose(catalog, events, watched)

    found.lessons = lessons(noting, catalog, interactions, vectors, teaching, progress)
    if len(found.rows) != len(found.lessons.places):
        raise StageError(
            f"The hybrid ranker cannot be taught: of {len(found.lessons.places)} pools "
            f"{len(found.rows)} were noted."
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Batches:
    """Pools of any sizes as tensors: rows of all of them, and where each begins."""

    table: Tensor
    rows: Tensor
    starts: Tensor
    sizes: Tensor
    places: Tensor
    past: Tensor
    vectors: Tensor

    @classmethod
    def of(cls, found: Taken, scaling: Scaling, vectors: Floats | None, places: Rows) -> "_Batches":
        import torch

        sizes = np.array([len(table) for table in found.lessons.tables], np.int64)
        table = np.zeros((int(sizes.sum()), scaling.width), np.float32)
        starts = np.cumsum(sizes) - sizes
        for start, one in zip(starts.tolist(), found.lessons.tables, strict=True):
            table[start : start + len(one)] = scaling.scaled(one)
        texts = np.zeros((1, 0), np.float32) if vectors is None else np.asarray(vectors)
        past = np.zeros((len(sizes), 1 + len(RECENT), texts.shape[1]), np.float32)
        for at, items in enumerate(found.past if vectors is not None else ()):
            past[at] = pooled(texts, items)
        rows = np.concatenate(found.rows).astype(np.int64)
        parts = (table, rows, starts, sizes, places.astype(np.int64), past, np.array(texts))
        return cls(*(torch.from_numpy(part) for part in parts))

    def loss(self, net: Any, chosen: Tensor, drop: Any) -> Tensor:
        """Return −ln of the share that each pool's softmax gives its event, (pools,)."""
        import torch
        from torch.nn.functional import cross_entropy

        sizes = self.sizes[chosen]
        within = torch.arange(int(sizes.max()))[None, :]
        real = within < sizes[:, None]
        at = self.starts[chosen][:, None] + torch.where(real, within, 0)
        own = past = None
        if "text" in net:
            own, past = self.vectors[self.rows[at]], self.past[chosen]
        scores = forward(net, self.table[at], own, past, lambda x: torch.cat(x, -1), drop)
        scores = scores.masked_fill(~real, -1e9)
        return cross_entropy(scores, self.places[chosen], reduction="none")


def trained(
    found: Taken,
    vectors: Floats | None = None,
    training: Training = AS_TRAINED,
    progress: Progress | None = None,
) -> tuple[Scaling, list[dict[str, Floats]]]:
    """Return how features are scaled and the networks; raise `Unavailable` without torch."""
    _needs_torch()
    table, _, sizes = found.lessons.stacked(range(len(found.rows)))
    scaling = Scaling.of(table)
    places = np.array(found.lessons.places, np.int32)
    if training.pools.shuffled:
        rng = np.random.default_rng([training.seed, 2])
        places = (rng.random(len(sizes)) * sizes).astype(np.int32)
    batches = _Batches.of(found, scaling, vectors, places)
    folds = np.array(found.lessons.folds)
    dealt = np.unique(folds)[::-1]
    nets = []
    for at in range(training.nets):
        if progress is not None:
            progress(f"network {at + 1} of {training.nets}", at / training.nets)
        held = folds == dealt[at % len(dealt)]
        nets.append(_one(batches, held, training, at))
    return scaling, nets


def _start(batches: _Batches, training: Training, rng: np.random.Generator) -> dict[str, Floats]:
    """Return first weights: nothing is said yet, by any part."""
    features, texts = int(batches.table.shape[1]), int(batches.vectors.shape[1])
    net: dict[str, Floats] = {"wide": np.zeros(features, np.float32)}
    width, pooled_ = features, 1 + len(RECENT)
    if texts and training.text:
        net["text"] = (rng.standard_normal((texts, training.text)) / np.sqrt(training.text)).astype(
            np.float32
        )
        net["pull"] = np.zeros(pooled_, np.float32)
        width += training.text * (1 + pooled_)
    for at, size in enumerate(training.hidden):
        drawn = rng.standard_normal((width, size)) * np.sqrt(2 / width)
        net[f"deep{at}"] = drawn.astype(np.float32)
        net[f"bias{at}"] = np.zeros(size, np.float32)
        width = size
    return net | {"out": (rng.standard_normal(width) * 0.01).astype(np.float32)}


def _one(batches: _Batches, held: Any, training: Training, at: int) -> dict[str, Floats]:
    """Return one network, of the epoch that was best for the people held out."""
    import torch

    rng = np.random.default_rng([training.seed, at])
    noise = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    start = _start(batches, training, rng)
    net = {name: torch.from_numpy(one).requires_grad_(True) for name, one in start.items()}
    mean = {name: one.detach().clone() for name, one in net.items()}
    adam = _descent(net, training)
    keep = 1 - training.dropout

    def drop(x: Tensor) -> Tensor:
        return x * ((torch.rand(x.shape, generator=noise) < keep) / keep)

    learn, judge = np.flatnonzero(~held), np.flatnonzero(held)
    best, since, steps, kept = np.inf, 0, 0, mean
    for _ in range(training.epochs):
        order = rng.permutation(learn)
        for first in range(0, len(order), training.batch):
            chosen = torch.from_numpy(order[first : first + training.batch])
            adam.zero_grad(set_to_none=True)
            batches.loss(net, chosen, drop).mean().backward()
            torch.nn.utils.clip_grad_norm_(list(net.values()), 1.0)
            adam.step()
            steps += 1
            share = min(training.average, steps / (steps + 10))
            with torch.no_grad():
                for name, one in net.items():
                    mean[name].lerp_(one, 1 - share)
        value, since = _judged(batches, mean, judge), since + 1
        if value < best:
            best, since = value, 0
            kept = {name: one.clone() for name, one in mean.items()}
        if since >= training.patience:
            break
    return {name: one.numpy() for name, one in kept.items()}


def _descent(net: dict[str, Tensor], training: Training) -> Any:
    """Return AdamW over the weights, which draws matrices to zero and nothing else."""
    import torch

    decays = [one for one in net.values() if one.dim() > 1]
    others = [one for one in net.values() if one.dim() <= 1]
    groups = [
        {"params": decays, "weight_decay": training.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.rate)


def _judged(batches: _Batches, net: Any, judge: Any) -> float:
    """Return the mean loss of some pools."""
    import torch

    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(judge), 256):
            chosen = torch.from_numpy(judge[start : start + 256])
            total += float(batches.loss(net, chosen, lambda x: x).sum())
    return total / max(len(judge), 1)


def hybrid(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    *,
    seed: int = 0,
    training: Training = AS_TRAINED,
    progress: Progress | None = None,
) -> Hybrid:
    """Return a hybrid ranker taught on events, over what is known when all of them are.

    Raises `DataError` where too few events are found in pools, `Unavailable` without torch.
    """
    _needs_torch()
    training = replace(training, seed=seed or training.seed)
    found = taken(compose, catalog, interactions, vectors, training.pools, progress)
    scaling, nets = trained(found, vectors, training, progress)
    features = Features(catalog, Crowd.of(interactions), vectors, exclude=training.pools.exclude)
    return Hybrid(features, found.lessons.names, scaling, nets, vectors)


def _needs_torch() -> None:
    if find_spec("torch") is None:
        raise Unavailable("Teaching the hybrid ranker needs torch: pip install 'tastemate[train]'.")
