"""Teaching the ranker: pools for events that the retrievers have not seen, by people held out.

People are dealt into folds. For each fold the retrievers are fitted on everybody else and asked
for each of the fold's last events from what came before it; the ranker learns where in the pool
that event stood. So no score it learns from, and no count, has seen the event or anything later
of the same person. The pools are those the path itself hands to a ranker: what trains serves.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, StageError, Unavailable
from tastemate.interactions import Interactions
from tastemate.protocols import Progress, Ranker
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import LONGEST, Case, Features
from tastemate.rank.learned import LEAST, Learned
from tastemate.recommender import Recommender
from tastemate.types import Candidate, Floats, Query

Compose = Callable[[Catalog, Interactions, Ranker], Recommender]
"""Fits the retrievers on events and composes the path with a ranker behind them."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """How the ranker is taught. Found on validation cuts of ml-latest-small; docs/ranker.md."""

    folds: int = 5
    positions: int = 20
    """Latest events of each person that are asked for."""
    depth: int = 100
    """Candidates of a pool that are learned from; pools without the event in them teach nothing."""
    rounds: int = 300
    """Trees; held-out people gain little after 125 and lose nothing up to 400."""
    patience: int = 0
    """Trees without a gain on the people of the last fold after which none is added; 0 learns
    from these people too and grows all."""
    rate: float = 0.05
    leaves: int = 15
    smallest: int = 100
    """Candidates in a leaf at least."""
    objective: str = "lambdarank"
    """"lambdarank", "rank_xendcg" or "binary"."""
    exclude: tuple[str, ...] = ("tags",)
    """Attributes that are not compared (`rank.features`)."""
    without: tuple[str, ...] = ()
    """Features left out, by how their names begin: for ablations."""
    shuffled: bool = False
    """Learn from a random place of each pool: the ranker must then be worth nothing."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.positions < 1 or self.depth < 2 or self.rounds < 1:
            raise ConfigError(
                "A ranker is taught with at least 2 folds, 1 position, a depth of 2 and 1 round."
            )
        if self.objective not in ("lambdarank", "rank_xendcg", "binary"):
            raise ConfigError(
                f"No objective {self.objective!r}; use 'lambdarank', 'rank_xendcg' or 'binary'."
            )


AS_TAUGHT = Teaching()
BINS = {"max_bin": 127, "verbose": -1}
"""How finely LightGBM tells a feature's values apart; known before it reads them."""
_NONE = np.empty(0, dtype=np.int64)
Stacked = tuple[Floats, NDArray[np.int8], NDArray[np.int64]]


@dataclass(slots=True, eq=False)
class Lessons:
    """Pools with the place of the event asked for, as they are collected."""

    names: tuple[str, ...] = ()
    tables: list[Floats] = field(default_factory=list)
    """One a pool, (candidates, names)."""
    places: list[int] = field(default_factory=list)
    """Where the event stands in each."""
    folds: list[int] = field(default_factory=list)
    asked: dict[int, int] = field(default_factory=dict)
    """Events asked for in each fold, those included that no pool held."""

    def of(self, folds: Collection[int]) -> "Lessons":
        """Return the pools of some folds."""
        at = [at for at, fold in enumerate(self.folds) if fold in folds]
        return Lessons(
            self.names,
            [self.tables[one] for one in at],
            [self.places[one] for one in at],
            [self.folds[one] for one in at],
            {fold: asked for fold, asked in self.asked.items() if fold in folds},
        )

    def stacked(self, chosen: Sequence[int]) -> "Stacked":
        """Return the rows of some pools, which of them are the events, and the pools' sizes."""
        if not chosen:
            return np.empty((0, len(self.names)), np.float32), np.empty(0, np.int8), _NONE
        sizes = np.array([len(self.tables[at]) for at in chosen], dtype=np.int64)
        told = np.zeros(int(sizes.sum()), dtype=np.int8)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        told[starts + np.array([self.places[at] for at in chosen], dtype=np.int64)] = 1
        return np.concatenate([self.tables[at] for at in chosen]), told, sizes


class Watcher:
    """A ranker that changes nothing: it takes down the pools in which the event is."""

    name = "watcher"

    def __init__(
        self, features: Features, targets: Sequence[int], fold: int, depth: int, into: Lessons
    ) -> None:
        self.features = features
        self.depth = depth
        self.into = into
        self.fold = fold
        self._targets = iter(targets)

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came; queries must come in the order of the targets."""
        into = self.into
        for query, pool, target in zip(queries, pools, self._targets, strict=False):
            into.asked[self.fold] = into.asked.get(self.fold, 0) + 1
            front = pool[: self.depth]
            place = next((at for at, one in enumerate(front) if one.row == target), -1)
            if place < 0:
                continue
            case = Case.of(query.history, front)
            if not into.names:
                into.names = tuple(self.features.columns(case))
            into.tables.append(self.features.table(case, into.names))
            into.places.append(place)
            into.folds.append(self.fold)
        return [list(pool) for pool in pools]


def lessons(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    teaching: Teaching = AS_TAUGHT,
    progress: Progress | None = None,
) -> Lessons:
    """Return pools of people held out, fold by fold; raise `DataError` where nobody is enough.

    `vectors` are unit rows of the items' texts.
    """
    found = Lessons()
    dealt = np.random.default_rng(teaching.seed).permutation(interactions.n_users) % teaching.folds
    for fold in range(teaching.folds):
        if progress is not None:
            progress(f"pools of fold {fold + 1} of {teaching.folds}", fold / teaching.folds)
        queries, targets = _asked(interactions, np.flatnonzero(dealt == fold), teaching)
        rest = interactions.where(dealt[interactions.user] != fold)
        if not queries or not len(rest):
            continue
        features = Features(catalog, Crowd.of(rest), vectors, exclude=teaching.exclude)
        watcher = Watcher(features, targets, fold, teaching.depth, found)
        slates = compose(catalog, rest, watcher).recommend_all(queries)
        if wrong := next((slate.degraded for slate in slates if slate.degraded), ()):
            raise StageError(f"The ranker cannot be taught: {wrong[0]}")
    if len(set(found.folds)) < 2:
        raise DataError(
            f"A ranker cannot be taught: of {sum(found.asked.values())} events asked for, "
            f"{len(found.places)} were in a pool. Give more data, or rank without it."
        )
    return found


def _asked(
    interactions: Interactions, people: NDArray[np.intp], teaching: Teaching
) -> tuple[list[Query], list[int]]:
    """Return a query for each of the last events of some people, and that event's row."""
    queries: list[Query] = []
    targets: list[int] = []
    for person in people.tolist():
        past = interactions.history(person)
        for end in range(len(past) - 1, LEAST - 1, -1)[: teaching.positions]:
            before = past.take(np.arange(end))
            queries.append(
                Query(
                    history=before.last(LONGEST),
                    exclude=frozenset(before.items.tolist()),
                    k=1,
                )
            )
            targets.append(int(past.items[end]))
    return queries, targets


def teach(found: Lessons, teaching: Teaching = AS_TAUGHT) -> tuple[tuple[str, ...], str]:
    """Return the features that were used and the trees learned from pools, as text.

    With `patience` the people of the last fold are kept apart to say when to stop. Raises
    `Unavailable` where LightGBM is not installed.
    """
    without = teaching.without or ("\0",)
    kept = [at for at, name in enumerate(found.names) if not name.startswith(without)]
    folds = np.array(found.folds)
    last = folds == folds.max()
    held = last if teaching.patience else np.zeros_like(last)
    rng = np.random.default_rng([teaching.seed, 1])
    parts = []
    for chosen in (~held, held):
        table, told, sizes = found.stacked(np.flatnonzero(chosen).tolist())
        if teaching.shuffled:
            told = _elsewhere(sizes, rng)
        parts.append((table[:, kept], told, sizes))
    names = tuple(found.names[at] for at in kept)
    return names, _boosted(parts[0], parts[1] if teaching.patience else None, teaching)


def _boosted(learn: Stacked, judge: Stacked | None, said: Teaching) -> str:
    """Return trees grown on some pools, stopped by others where these are given."""
    try:
        import lightgbm
    except ImportError as error:
        raise Unavailable(
            f"Teaching the ranker needs LightGBM ({error}). pip install 'tastemate[train]'"
        ) from error
    table, told, sizes = learn
    whole = lightgbm.Dataset(table, told, group=sizes, params=BINS)
    if judge is None:
        grown = lightgbm.train(_options(said), whole, said.rounds)
        return str(grown.model_to_string())
    held = lightgbm.Dataset(judge[0], judge[1], group=judge[2], reference=whole)
    stop = lightgbm.early_stopping(said.patience, verbose=False)
    grown = lightgbm.train(_options(said), whole, said.rounds, valid_sets=[held], callbacks=[stop])
    return str(grown.model_to_string(num_iteration=grown.best_iteration))


def _options(said: Teaching) -> dict[str, Any]:
    """Return what LightGBM is told: one thread and a seed, so that pools teach the same again."""
    options: dict[str, Any] = {
        **BINS,
        "objective": said.objective,
        "metric": "ndcg",
        "eval_at": [10],
        "learning_rate": said.rate,
        "num_leaves": said.leaves,
        "min_data_in_leaf": said.smallest,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": said.seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
    }
    if said.objective == "lambdarank":
        options["lambdarank_truncation_level"] = 20
    return options


def _elsewhere(sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
    """Return labels with one random candidate of each pool as the event."""
    told = np.zeros(int(sizes.sum()), dtype=np.int8)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    told[starts + (rng.random(len(sizes)) * sizes).astype(np.int64)] = 1
    return told


def learned(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    *,
    seed: int = 0,
    teaching: Teaching = AS_TAUGHT,
    progress: Progress | None = None,
) -> Learned:
    """Return a ranker taught on events, over what is known when all of them are.

    Raises `DataError` where too few events are found in pools, `Unavailable` without LightGBM.
    """
    teaching = replace(teaching, seed=seed or teaching.seed)
    names, trees = teach(
        lessons(compose, catalog, interactions, vectors, teaching, progress), teaching
    )
    known = Features(catalog, Crowd.of(interactions), vectors, exclude=teaching.exclude)
    return Learned(known, names, trees)


class Ordered:
    """Scores of a whole path, its ranker included: what is measured is what serves.

    The first `recommender.pool` candidates stand in the order of the ranker above all others,
    which keep their scores of the mix.
    """

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); raise `StageError` for a failure."""
        path = self.recommender
        scores = np.array(path.scores(queries))
        slates = path.recommend_all([replace(query, k=path.pool) for query in queries])
        for row, slate in zip(scores, slates, strict=True):
            if slate.degraded:
                raise StageError(slate.degraded[0])
            told = row[np.isfinite(row)]
            top = float(told.max()) if len(told) else 0.0
            places = np.arange(len(slate.items), 0, -1, dtype=np.float32)
            row[path.catalog.rows(slate.ids)] = np.float32(top) + places
        return scores
