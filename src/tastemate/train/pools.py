"""Lessons for rankers that read: what somebody met, a pool, and which of it came next.

People are dealt into folds, as for the learned ranker (`train.ranking`): the retrievers are
fitted on everybody else and asked for events of the fold's people, so that no pool has seen what
it is learned from. The people of the last fold are held out: they say when to stop, and how much
a ranker's opinion counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, StageError
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.rank.learned import LEAST
from tastemate.train.ranking import Compose, asked_from
from tastemate.types import Candidate, Floats, Query, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One event asked for, and where it stood."""

    past: Rows
    """What was met before, oldest first, at most the latest `rank.features.LONGEST`."""
    pool: Rows
    """Candidates in the order of the mix; the event alone where no retriever was asked."""
    scores: Floats
    """Of the mix, as the pool; nothing is infinite."""
    place: int
    """Where the event stands in the pool."""
    held: bool
    """Whether the person is held out."""

    @property
    def target(self) -> int:
        """The row of the event."""
        return int(self.pool[self.place])

    @property
    def worth(self) -> Floats:
        """Scores of the mix as z-scores within the pool."""
        return standardise(self.scores)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Which events are asked for."""

    folds: int = 5
    positions: int = 20
    """Latest events of each person that are asked for."""
    depth: int = 20
    """Candidates of a pool; an event that is not among them teaches nothing."""
    most: int = 20_000
    """Events asked for at most; people are drawn where there are more."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.depth < 2 or min(self.positions, self.most) < 1:
            raise ConfigError(
                "Lessons need at least 2 folds, a depth of 2, 1 position and 1 event."
            )


AS_DRAWN = Drawing()
SURE = 2.0
"""Standard errors by which a ranker that reads must gain on people held out before it counts.

The best of eleven weights gains one by chance (`scripts/choose_cross.py`)."""


class Noting:
    """A ranker that changes nothing: it notes the pools in which the event is."""

    name = "noting"

    def __init__(self, targets: Sequence[int], held: bool, depth: int, into: list[Lesson]) -> None:
        self.held = held
        self.depth = depth
        self.into = into
        self._targets = iter(targets)

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came; queries must come in the order of the targets."""
        for query, pool, target in zip(queries, pools, self._targets, strict=False):
            front = pool[: self.depth]
            rows = np.array([one.row for one in front], dtype=np.int32)
            places = np.flatnonzero(rows == target)
            if len(places) and len(front) > 1:
                scores = finite(np.array([one.score for one in front], dtype=np.float32))
                place = int(places[0])
                self.into.append(Lesson(query.history.items, rows, scores, place, self.held))
        return [list(pool) for pool in pools]


def pooled(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    drawing: Drawing = AS_DRAWN,
    progress: Progress | None = None,
) -> list[Lesson]:
    """Return the pools that hold the event asked for, retriever-hard negatives around it.

    Raises `DataError` where too few do to learn from and to hold out, `StageError` where a
    retriever failed.
    """
    found: list[Lesson] = []
    dealt = np.random.default_rng(drawing.seed).permutation(interactions.n_users) % drawing.folds
    for fold in range(drawing.folds):
        if progress is not None:
            progress(f"pools of fold {fold + 1} of {drawing.folds}", fold / drawing.folds)
        asked = _asked(interactions, np.flatnonzero(dealt == fold), drawing, fold)
        rest = interactions.where(dealt[interactions.user] != fold)
        if not asked or not len(rest):
            continue
        targets = [target for _, target in asked]
        noting = Noting(targets, fold == drawing.folds - 1, drawing.depth, found)
        slates = compose(catalog, rest, noting).recommend_all([query for query, _ in asked])
        if wrong := next((slate.degraded for slate in slates if slate.degraded), ()):
            raise StageError(f"The ranker cannot be taught: {wrong[0]}")
    return _enough(found)


def plain(interactions: Interactions, drawing: Drawing = AS_DRAWN) -> list[Lesson]:
    """Return events alone, no retriever asked: candidates beside them are drawn (`shown`).

    Raises `DataError` where there are too few to learn from and to hold out.
    """
    dealt = np.random.default_rng(drawing.seed).permutation(interactions.n_users) % drawing.folds
    found = []
    for fold in range(drawing.folds):
        asked = _asked(interactions, np.flatnonzero(dealt == fold), drawing, fold, least=1)
        for query, target in asked:
            pool, scores = np.array([target], dtype=np.int32), np.zeros(1, dtype=np.float32)
            found.append(Lesson(query.history.items, pool, scores, 0, fold == drawing.folds - 1))
    return _enough(found)


def shown(
    lesson: Lesson, size: int, n_items: int, rng: np.random.Generator
) -> tuple[Rows, NDArray[np.intp]]:
    """Return at most `size` candidates, the event first, and the place of each in the pool.

    Negatives come from the pool; where it has too few, from what was not met, place -1.
    """
    others = np.delete(np.arange(len(lesson.pool)), lesson.place)
    if len(others) > size - 1:
        others = np.sort(rng.choice(others, size - 1, replace=False))
    places = np.concatenate(([lesson.place], others)).astype(np.intp)
    rows = lesson.pool[places]
    if lack := size - len(rows):
        free = np.setdiff1d(np.arange(n_items, dtype=np.int32), np.union1d(lesson.past, rows))
        drawn = rng.choice(free, min(lack, len(free)), replace=False)
        rows = np.concatenate((rows, drawn)).astype(np.int32)
        places = np.concatenate((places, np.full(len(drawn), -1))).astype(np.intp)
    return rows, places


def likelihood(scores: Floats, place: int) -> float:
    """Return the logarithm of the softmax at a place."""
    values = scores.astype(np.float64)
    top = float(values.max())
    return float(values[place] - top - np.log(np.exp(values - top).sum()))


def finite(scores: Floats) -> Floats:
    """Return scores with what is no number as the lowest that is one, or 0."""
    told = np.isfinite(scores)
    lowest = scores[told].min() if told.any() else np.float32(0)
    return np.where(told, scores, lowest).astype(np.float32)


def _enough(found: list[Lesson]) -> list[Lesson]:
    if len({lesson.held for lesson in found}) < 2:
        raise DataError(
            f"A ranker cannot be taught: {len(found)} events were in a pool, and some must be of "
            "people held out. Give more data, or rank without it."
        )
    return found


def _asked(
    interactions: Interactions,
    people: NDArray[np.intp],
    drawing: Drawing,
    fold: int,
    least: int = LEAST,
) -> list[tuple[Query, int]]:
    """Return a query for each of the last events of some people, and that event's row."""
    drawn = np.random.default_rng([drawing.seed, fold, 1]).permutation(people)
    found: list[tuple[Query, int]] = []
    for person in drawn.tolist():
        asked = asked_from(interactions.history(person), drawing.positions, least)
        found += [(query, target) for query, target in asked if target not in query.exclude]
        if len(found) * drawing.folds >= drawing.most:
            break
    return found
