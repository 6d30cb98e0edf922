"""Is the reason the cause? Take the cited like out of the history and see what the score does.

For each of a number of users: their list, its reasons, and for each reason the item's score
without the cited like and without another like drawn at random. The share of reasons whose cited
like matters more is the figure; also counted are evidences that do not hold in the data.
"""

import time
from typing import Any

import numpy as np

from tastemate.errors import DataError
from tastemate.explain.verify import Verifier, deletion_test
from tastemate.project import Tastemate


def deletion(project: Tastemate, users: int = 200, k: int = 10, seed: int = 0) -> dict[str, Any]:
    """Run the deletion test over randomly drawn users with at least five events.

    Returns share, low and high (95%, bootstrap over users), users, reasons, problems, seconds.
    Raises `DataError` when nobody has a history.
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
        reasons = [line.reason for line in slate.items]
        problems += sum(len(verifier.check(line.reason, line.item, query)) for line in slate.items)
        try:
            share = deletion_test(
                path.scores,
                project.catalog,
                [query],
                [slate.items],
                [reasons],
                rng,
                events.scale.likes,
            )
        except DataError:  # this user has a single like: nothing to compare it with
            continue
        shares.append(share)
        tested += sum(bool(reason.evidence) for reason in reasons)
    means = np.array(shares)
    draws = means[rng.integers(0, len(means), size=(2000, len(means)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "dataset": project.name,
        "share": float(means.mean()),
        "low": float(low),
        "high": float(high),
        "users": len(means),
        "reasons": tested,
        "problems": problems,
        "seed": seed,
        "seconds": time.perf_counter() - start,
    }
