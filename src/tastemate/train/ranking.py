"""Teaching the ranker: pools for events that the retrievers have not seen, and trees over them.

Of few people each gives many events: they are dealt into folds, and for each fold the retrievers
are fitted on everybody else. Many people give one event each: the retrievers are fitted once, on
what came before it. Either way they are asked for the event from what came before, and no score,
and no count, has seen it or anything later of the same person. The pools are those the path
itself hands to a ranker: what trains serves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
from tastemate.train.lessons import Lessons, Shelf, Stacked, Watcher
from tastemate.types import Candidate, Floats, History, Query, history

Compose = Callable[[Catalog, Interactions, Ranker], Recommender]
"""Fits the retrievers on events and composes the path with a ranker behind them."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """How the ranker is taught. Found on validation cuts of ml-latest-small; docs/ranker.md."""

    by: str = ""
    """"folds": retrievers are fitted once a fold, on everybody else. "cut": once, on what everybody
    did before their last events. "": by a cut where there are more than `MANY` people."""
    folds: int = 5
    """Lots of people; those of the last one judge where somebody is kept apart."""
    positions: int = 20
    """Latest events of each person that are asked for, by folds."""
    last: int = 0
    """Latest events of each person that are asked for, by a cut; 0: as many as make `people`
    events, but no more than a tenth of the usual history, and one at least."""
    people: int = 25_000
    """People at most who are asked for, by a cut; drawn by the seed."""
    depth: int = 100
    """Candidates of a pool that are learned from; pools without the event in them teach nothing."""
    rounds: int = 300
    """Trees; held-out people gain little after 125 and lose nothing up to 400."""
    patience: int = 0
    """Trees without a gain on the people of the last fold after which none is added; 0 learns
    from these people too and grows all."""
    rate: float = 0.05
    leaves: int = 7
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
        if self.by not in ("", "folds", "cut") or self.last < 0 or self.people < 2:
            raise ConfigError(
                "A ranker is taught by 'folds' or by a 'cut' ('': as many people as there are "
                "decide), with 0 or more last events and at least 2 people."
            )
        if self.objective not in ("lambdarank", "rank_xendcg", "binary"):
            raise ConfigError(
                f"No objective {self.objective!r}; use 'lambdarank', 'rank_xendcg' or 'binary'."
            )

    def late(self, interactions: Interactions) -> bool:
        """Whether these events are asked for by a cut, not by folds of people."""
        if self.by:
            return self.by == "cut"
        return len(np.unique(interactions.user)) > MANY

    def cut(self, interactions: Interactions) -> int:
        """Return how many latest events of each person are asked for by a cut."""
        lengths = np.bincount(interactions.user, minlength=1)
        lengths = lengths[lengths > 0]
        if self.last or not len(lengths):
            return max(self.last, 1)
        return max(min(self.people // len(lengths), int(np.median(lengths)) // 10), 1)


AS_TAUGHT = Teaching()
MANY = 2000
"""People above whom a cut gives lessons enough, and fitting once a fold takes too long."""
OF_LESSONS = ("by", "folds", "positions", "last", "people", "depth", "exclude", "seed")
"""What of a teaching decides the lessons; the rest says how trees are grown on them."""
BINS = {"max_bin": 127, "verbose": -1}
"""How finely LightGBM tells a feature's values apart; known before it reads them."""


def lessons(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    teaching: Teaching = AS_TAUGHT,
    progress: Progress | None = None,
    *,
    keep: Path | None = None,
    key: str = "",
) -> Lessons:
    """Return pools for unseen events, fold by fold; raise `DataError` where nobody is enough.

    `vectors` are unit rows of the items' texts. `keep` is a folder for finished folds, which a
    later call with the same data, teaching and `key` (what `compose` fits and mixes) reads.
    """
    late, last = teaching.late(interactions), teaching.cut(interactions)
    dealt = np.random.default_rng(teaching.seed).permutation(interactions.n_users)
    people = dealt[: teaching.people] if late else dealt
    fold_of = dealt % teaching.folds
    shelf = _shelf(keep, key, catalog, interactions, vectors, teaching)
    path, watcher = None, None
    parts = []
    for fold in range(teaching.folds):
        if progress is not None:
            progress(f"pools of fold {fold + 1} of {teaching.folds}", fold / teaching.folds)
        kept = shelf.read(fold) if shelf is not None else None
        if kept is not None:
            parts.append(kept)
            continue
        mine = np.sort(people[fold_of[people] == fold])
        queries, targets = _asked(interactions, mine, last if late else teaching.positions)
        if path is None or watcher is None or not late:
            early = interactions.from_end() >= last
            seen = interactions.where(early if late else fold_of[interactions.user] != fold)
            if not queries or not len(seen):
                continue
            features = Features(catalog, Crowd.of(seen), vectors, exclude=teaching.exclude)
            watcher = Watcher(features, teaching.depth)
            path = compose(catalog, seen, watcher)
        parts.append(watcher.watch(path, queries, targets, fold))
        if shelf is not None:
            shelf.write(fold, parts[-1])
    found = Lessons.together(parts)
    if len(set(found.folds)) < 2:
        raise DataError(
            f"A ranker cannot be taught: of {sum(found.asked.values())} events asked for, "
            f"{len(found.places)} were in a pool. Give more data, or rank without it."
        )
    return found


def _shelf(
    keep: Path | None,
    key: str,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None,
    teaching: Teaching,
) -> Shelf | None:
    """Return where lessons are kept, under all that they come from; None where they are not."""
    if keep is None:
        return None
    nobody = interactions.where(np.zeros(len(interactions), dtype=bool))
    features = Features(catalog, Crowd.of(nobody), vectors, exclude=teaching.exclude)
    first = Case.of(history([0]), [Candidate(0, 0.0, "blend", 1)])
    parts = {
        "path": key,
        "data": f"{catalog.fingerprint}-{interactions.fingerprint}",
        "teaching": {name: getattr(teaching, name) for name in OF_LESSONS},
        "features": list(features.columns(first)),
        "least": LEAST,
    }
    return Shelf.at(keep, parts)


def _asked(
    interactions: Interactions, people: NDArray[np.intp], positions: int
) -> tuple[list[Query], list[int]]:
    """Return a query for each of the last events of some people, and that event's row."""
    queries: list[Query] = []
    targets: list[int] = []
    for person in people.tolist():
        for query, target in asked_from(interactions.history(person), positions):
            queries.append(query)
            targets.append(target)
    return queries, targets


def asked_from(past: History, positions: int, least: int = LEAST) -> Iterator[tuple[Query, int]]:
    """Yield what asks for each of the last events of a history, latest first, and its row.

    Nobody is asked with fewer than `least` events.
    """
    for end in range(len(past) - 1, least - 1, -1)[:positions]:
        before = past.take(np.arange(end))
        seen = frozenset(before.items.tolist())
        yield Query(history=before.last(LONGEST), exclude=seen, k=1), int(past.items[end])


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
    lightgbm = _lightgbm()
    table, told, sizes = learn
    whole = lightgbm.Dataset(table, told, group=sizes, params=BINS)
    if judge is None:
        grown = lightgbm.train(_options(said), whole, said.rounds)
        return str(grown.model_to_string())
    held = lightgbm.Dataset(judge[0], judge[1], group=judge[2], reference=whole)
    stop = lightgbm.early_stopping(said.patience, verbose=False)
    grown = lightgbm.train(_options(said), whole, said.rounds, valid_sets=[held], callbacks=[stop])
    return str(grown.model_to_string(num_iteration=grown.best_iteration))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise Unavailable(
            f"Teaching the ranker needs LightGBM ({error}). pip install 'tastemate[train]'"
        ) from error
    return lightgbm


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
    keep: Path | None = None,
    key: str = "",
) -> Learned:
    """Return a ranker taught on events, over what is known when all of them are.

    `keep` and `key` are those of `lessons`. Raises `DataError` where too few events are found in
    pools, `Unavailable` without LightGBM.
    """
    _lightgbm()  # said before the pools are made, which takes minutes
    teaching = replace(teaching, seed=seed or teaching.seed)
    found = lessons(
        *(compose, catalog, interactions, vectors, teaching, progress), keep=keep, key=key
    )
    names, trees = teach(found, teaching)
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
