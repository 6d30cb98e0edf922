"""Is the reason the cause? Take the cited like out of the history and see what the score does.

For each of a number of users: their list, its reasons, and for each reason the item's score
without the cited like and without another like drawn at random. A user's share is that of the
reasons whose cited like matters more; the figure is its mean over users. Also counted are
evidences that do not hold in the data.
"""

import time
from typing import Any

import numpy as np

from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import intervals
from tastemate.explain.verify import Scores, Verifier, deletion_test
from tastemate.project import Tastemate
from tastemate.types import Query, Recommendation


def deletion(project: Tastemate, users: int = 200, k: int = 10, seed: int = 0) -> dict[str, Any]:
    """Run the deletion test over randomly drawn users with at least five events.

    Returns share, low and high (95%, bootstrap over users), the users and reasons compared,
    problems, seconds, and what they were measured on. Raises `DataError` when nobody has five
    events, or nobody a reason with another like to compare the cited one with.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    events = project.interactions
    able = np.flatnonzero(np.diff(events.offsets) >= 5)
    if not len(able):
        raise DataError(f"Nobody in {project.name} has five events; there is nothing to delete.")
    drawn = rng.choice(able, size=min(users, len(able)), replace=False)
    queries = [project.query(events.users[int(code)], k) for code in np.sort(drawn)]
    path = project.recommender()
    slates = path.recommend_all(queries)
    verifier = Verifier(project.catalog, events)
    shares, tested, problems = [], 0, 0
    for query, slate in zip(queries, slates, strict=True):
        problems += sum(len(verifier.check(line.reason, line.item, query)) for line in slate.items)
        won = []
        for line in slate.items:
            try:
                won.append(_matters(project, path.scores, query, line, rng))
            except DataError:  # it cites no like, or there is no other one to compare with
                continue
        if won:
            shares.append(float(np.mean(won)))
            tested += len(won)
    if not shares:
        raise DataError(
            f"No reason in {project.name} could be tested: each needs a cited like and another "
            "one to compare it with. Ask for more users or longer lists, or use more data."
        )
    figure = intervals({"share": np.array(shares)}, seed=seed)["share"]
    return {
        "dataset": project.name,
        "share": figure.value,
        "low": figure.low,
        "high": figure.high,
        "users": len(shares),
        "reasons": tested,
        "problems": problems,
        "seed": seed,
        "seconds": time.perf_counter() - start,
        **record.provenance(project.catalog, events),
    }


def _matters(
    project: Tastemate,
    scores: Scores,
    query: Query,
    line: Recommendation,
    rng: np.random.Generator,
) -> float:
    """Return 1 where the like cited for one line matters more than another, else 0."""
    likes = project.interactions.scale.likes
    return deletion_test(scores, project.catalog, [query], [[line]], [[line.reason]], rng, likes)
