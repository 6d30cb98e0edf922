"""Does the bubble close? People who click what they are shown, round after round.

A seeded person clicks one item of each list, the likelier the nearer it is to a taste the model
under test has never seen; the click joins the history and the next list follows. Run without and
with re-ranking for diversity (maximal marginal relevance, Carbonell & Goldstein 1998), for
fairness and with exploration, this shows whether lists narrow. The clicks are simulated: read
trends, not promises.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate import metrics
from tastemate.evaluate.scoring import best_lists, scored
from tastemate.metrics import Lists, Values
from tastemate.protocols import Arranger, Scorer
from tastemate.retrieve.dense import top
from tastemate.types import AS_IS, Candidate, Controls, Floats, History, Query, Rows

POOL = 50
"""Items a diverse list is chosen from."""
DEEP = 100
"""Items an arranger orders: as many as are served to it where nothing else is set."""
DIGITS = 4
"""Digits of affinities and vectors that count as a difference between two worlds."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Who the people are and what items are: arrays over the same catalogue."""

    names: Sequence[str]
    histories: Sequence[History]
    affinity: Floats
    """(people, items): what decides the clicks."""
    member: Floats
    """(items, values): genres."""
    vectors: Floats
    """(items, d)."""
    like: float
    """The value a click is entered with."""
    novelty: Values | None = None
    """(items,): how little each is known, in bits (`metrics.self_information`)."""

    def fingerprint(self) -> str:
        """Return a short hash of who the people are and what decides their clicks."""
        digest = hashlib.sha256(repr((list(self.names), self.like, DIGITS)).encode())
        for one in (self.affinity, self.member, self.vectors):
            rounded = np.round(np.asarray(one, np.float64), DIGITS) + 0.0
            digest.update(rounded.tobytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """Metric → (rounds, people), and the coverage of all lists of each round."""

    values: dict[str, Values]
    coverage: Values

    def curve(self) -> dict[str, list[float]]:
        """Return metric → its mean in each round."""
        means = {name: one.mean(axis=1).tolist() for name, one in self.values.items()}
        return means | {"coverage": self.coverage.tolist()}


def simulate(
    scorer: Scorer,
    world: World,
    *,
    rounds: int = 20,
    k: int = 10,
    diversity: float = 0.0,
    arranger: Arranger | None = None,
    controls: Controls = AS_IS,
    seed: int = 0,
) -> Rounds:
    """Show, click and show again; `diversity` between 0 (by score alone) and 1.

    With an `arranger` it is what reorders, by `controls`; `diversity` then does nothing.
    """
    rng = np.random.default_rng(seed)
    histories = list(world.histories)
    taken: dict[str, list[Values]] = {"ild_genre": [], "ild_embedding": [], "affinity": []}
    if world.novelty is not None:
        taken["novelty"] = []
    covered = []
    for at_round in range(rounds):
        queries = [
            Query(name, past.last(200), k=k, controls=controls, seed=seed + at_round)
            for name, past in zip(world.names, histories, strict=True)
        ]
        seen = [past.items for past in histories]
        if arranger is not None:
            lists = arranged(scorer, queries, seen, arranger, k)
        elif diversity:
            lists = spread(best_lists(scorer, queries, seen, POOL), world.member, k, diversity)
        else:
            lists = best_lists(scorer, queries, seen, k)
        taken["ild_genre"].append(metrics.diversity_of_sets(lists, world.member))
        taken["ild_embedding"].append(metrics.diversity_of_vectors(lists, world.vectors))
        own = np.take_along_axis(world.affinity, np.maximum(lists, 0), axis=1)
        own = np.where(lists >= 0, own, -np.inf)
        taken["affinity"].append(np.where(lists >= 0, own, 0.0).sum(axis=1) / lists.shape[1])
        if world.novelty is not None:
            taken["novelty"].append(metrics.mean_over(lists, world.novelty))
        covered.append(metrics.coverage(lists, world.affinity.shape[1]))
        chosen = _clicks(own, rng)
        histories = [
            _with_click(past, int(one[at]), world.like) if one[at] >= 0 else past
            for past, one, at in zip(histories, lists, chosen, strict=True)
        ]
    return Rounds(
        {name: np.asarray(np.stack(rows), np.float64) for name, rows in taken.items()},
        np.array(covered),
    )


def spread(pool: Lists, member: Floats, k: int, diversity: float) -> Lists:
    """Return `k` of each pool (best first), trading place in the pool against likeness in genre.

    Greedy: the next item maximises (1 - diversity) · relevance - diversity · (greatest Jaccard
    likeness to those chosen); relevance falls evenly from 1 to 0 over the pool.
    """
    people, depth = pool.shape
    there = pool >= 0
    sets = member[np.maximum(pool, 0)]
    both = sets @ sets.transpose(0, 2, 1)
    sizes = sets.sum(axis=2)
    alike = both / np.maximum(sizes[:, :, None] + sizes[:, None, :] - both, 1.0)
    relevance = np.broadcast_to(np.linspace(1.0, 0.0, depth), pool.shape)
    nearest = np.zeros(pool.shape)
    free = there.copy()
    chosen = np.full((people, k), -1, dtype=np.int64)
    everyone = np.arange(people)
    for place in range(min(k, depth)):
        worth = np.where(free, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        at = worth.argmax(axis=1)
        some = free[everyone, at]
        chosen[some, place] = pool[everyone, at][some]
        free[everyone, at] = False
        nearest = np.maximum(nearest, alike[everyone, at])
    return chosen


def arranged(
    scorer: Scorer, queries: Sequence[Query], seen: Sequence[Rows], arranger: Arranger, k: int
) -> Lists:
    """Return the first `k` of each query's best `DEEP` unseen items as an arranger orders them."""
    lists = np.full((len(queries), k), -1, dtype=np.int64)
    for start, scores in scored(scorer, queries, seen):
        for at, row in enumerate(scores, start=start):
            pool = [
                Candidate(int(item), float(row[item]), "loop", rank)
                for rank, item in enumerate(top(row, DEEP), start=1)
            ]
            rows = [one.row for one in arranger.arrange(queries[at], pool)[:k]]
            lists[at, : len(rows)] = rows
    return lists


def _clicks(affinity: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw a place of each list: softmax over affinity in units of its spread (Gumbel's trick)."""
    finite = np.where(np.isfinite(affinity), affinity, np.nan)
    there = np.isfinite(finite).any(axis=1)
    scale = np.zeros(len(affinity))
    scale[there] = np.nanstd(finite[there], axis=1)
    noise = rng.gumbel(size=affinity.shape)
    return np.asarray((affinity / np.maximum(scale, 1e-6)[:, None] + noise).argmax(axis=1))


def _with_click(past: History, row: int, value: float) -> History:
    when = int(past.timestamps[-1]) + 86_400 if len(past) else 0
    return History(
        np.append(past.items, row).astype(np.int32),
        np.append(past.values, value).astype(np.float32),
        np.append(past.timestamps, when).astype(np.int64),
    )
