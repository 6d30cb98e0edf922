"""Asking a model for the whole catalogue, in batches: ranks of targets and best lists.

Nothing here is sampled: every item of the catalogue competes, except what the person has met.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import DataError, StageError
from tastemate.interactions import Interactions
from tastemate.metrics import Lists, ranks_of
from tastemate.protocols import Scorer
from tastemate.retrieve.dense import top
from tastemate.scope import opened
from tastemate.types import Floats, Query, Rows

BATCH = 256
"""Queries scored together: bounds memory at BATCH × items scores."""


Factory: TypeAlias = Callable[[Catalog, Interactions], Scorer]
"""Fits a model on training events and returns what scores: called again for every cut."""


def scored(
    scorer: Scorer, queries: Sequence[Query], seen: Sequence[Rows]
) -> Iterator[tuple[int, Floats]]:
    """Yield the start of each batch and its scores, with the `seen` rows of each query at -inf."""
    for start in range(0, len(queries), BATCH):
        part = queries[start : start + BATCH]
        with opened() as account:
            scores = np.array(scorer.scores(part), dtype=np.float32)
        if account.errors:  # a figure has no lesser form
            raise StageError(account.errors[0])
        if scores.ndim != 2 or len(scores) != len(part):
            raise DataError(
                f"A model answered {len(part)} queries with scores of shape {scores.shape}; "
                "it must give one row for each query."
            )
        for row, rows in zip(scores, seen[start : start + BATCH], strict=True):
            row[rows] = -np.inf
        yield start, scores


def target_ranks(
    scorer: Scorer,
    queries: Sequence[Query],
    seen: Sequence[Rows],
    targets: NDArray[np.integer],
    *,
    equal: str = "worst",
) -> NDArray[np.int64]:
    """Return the place of each query's target among all items it has not seen, (queries,)."""
    ranks = np.empty(len(queries), dtype=np.int64)
    for start, scores in scored(scorer, queries, seen):
        end = start + len(scores)
        ranks[start:end] = ranks_of(scores, targets[start:end], equal=equal)
    return ranks


def best_lists(scorer: Scorer, queries: Sequence[Query], seen: Sequence[Rows], n: int) -> Lists:
    """Return the best `n` unseen items of each query, (queries, n), ties in catalogue order."""
    lists = np.full((len(queries), n), -1, dtype=np.int64)
    for start, scores in scored(scorer, queries, seen):
        for at, row in enumerate(scores, start=start):
            found = top(row, n)
            lists[at, : len(found)] = found
    return lists
