"""Showing now and then what is not yet known to be good: a bandit over the pool of a list.

A few set places of a list explore; the others stay the ranker's. A place that explores draws from
the best of what is left by a Plackett-Luce model over what is believed of each candidate, and the
chance of what was drawn is kept (`Candidate.propensity`), so that other policies can be judged from
the log (`experiment.offpolicy`).
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import ConfigError
from tastemate.types import Candidate, Floats, Query, Rows

Numbers = NDArray[np.float64]
COLDEST = 1e-3
"""Below this temperature a draw takes what is believed best, as far as `floor` lets it."""


class Beliefs(Protocol):
    """What is believed of candidates: a chance of reward each, drawn or optimistic."""

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> Numbers:
        """Return a chance of reward, above 0 and below 1, of each candidate, (candidates,)."""
        ...


class Explorer:
    """Puts candidates to the test at a set share of the places of a list.

    Of the k places, share · k explore (rounded down), which ones is drawn evenly; each draws from
    the `reach` best that are left. Where that is less than one place, one explores with the chance
    share · k. `floor` is the part of a draw that is dealt evenly: at a place that explores no
    candidate within reach is less likely than floor / reach.
    """

    def __init__(
        self, beliefs: Beliefs, *, share: float = 0.3, reach: int = 30, floor: float = 0.1
    ) -> None:
        """Raises `ConfigError` for a share or floor outside 0..1, or a reach below 2."""
        if not 0.0 <= share <= 1.0 or not 0.0 <= floor <= 1.0:
            raise ConfigError(f"share is {share}, floor {floor}; both must lie between 0 and 1.")
        if reach < 2:
            raise ConfigError(f"reach is {reach}; a draw needs 2 candidates or more.")
        self.beliefs = beliefs
        self.share = share
        self.reach = reach
        self.floor = floor

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return a permutation of the candidates, drawn by `query.seed`, with propensities.

        `query.controls.explore` is the temperature: near 0 a draw takes what is believed best, at
        1 chances are in proportion to the odds of reward; at 0 nothing is drawn and the order
        stays. The propensity of a candidate is the chance that it stands at its place given the
        candidates at the places before it, the pool in its order, and (Thompson sampling) the
        beliefs drawn for this list; which places explored is summed over. The chance of the list
        is the product. (For logs of Thompson sampling this conditional chance is a valid
        propensity: the drawn beliefs depend on nothing that the reward depends on.)
        """
        pool = list(candidates)
        heat = query.controls.explore
        k = min(query.k, len(pool))
        if not heat or not self.share or len(pool) < 2 or k < 1:
            return pool
        rng = np.random.default_rng([query.seed & 0xFFFFFFFF, zlib.crc32(_utf8(query.user))])
        weights = self._weights(pool, heat, rng)
        noise = np.log(weights) + rng.gumbel(size=len(pool))  # Gumbel-top-k: one draw serves all
        coins = rng.random(k).tolist()
        left = list(range(len(pool)))
        arranged: list[Candidate] = []
        done = 0
        state = [1.0]  # chance of so many places having explored, with the list as it stands
        for place in range(k):
            near = left[: self.reach]
            explores = coins[place] < quota(self.share, k, place, done)
            best = int(noise[near].argmax()) if explores else 0
            done += explores
            drawn = float(weights[near[best]] / weights[near].sum())
            state, chance = followed(state, self.share, k, place, drawn, best == 0)
            arranged.append(replace(pool[left.pop(best)], propensity=chance))
        return arranged + [pool[at] for at in left]

    def _weights(self, pool: Sequence[Candidate], heat: float, rng: np.random.Generator) -> Numbers:
        """Return the Plackett-Luce weight of each candidate, (candidates,)."""
        rows = np.array([candidate.row for candidate in pool], dtype=np.int32)
        scores = np.array([candidate.score for candidate in pool], dtype=np.float32)
        if (np.diff(scores) > 0).any():  # a stage reordered the pool: its order counts
            scores = np.linspace(1.0, 0.0, len(pool), dtype=np.float32)
        chances = np.clip(self.beliefs.chances(rows, scores, rng), 1e-4, 1.0 - 1e-4)
        worth = (np.log(chances) - np.log1p(-chances)) / max(heat, COLDEST)
        soft = np.exp(worth - worth.max())
        # Dealt over the reach: what lies deeper counts only once it has come within it.
        within = soft[np.argsort(-soft, kind="stable")[: self.reach]].sum()
        even = self.floor / max(1.0 - self.floor, 1e-6) * within / min(self.reach, len(pool))
        return np.asarray(np.maximum(soft, 1e-12) + even)


def quota(share: float, k: int, place: int, done: int) -> float:
    """Return the chance that a place (from 0) explores after `done` of those before it did.

    Drawing one place after another with (places to go) / (places left) makes every set of places
    equally likely.
    """
    wanted = share * k
    whole = int(wanted + 1e-9)
    if whole >= 1:
        return max(whole - done, 0) / (k - place)
    return 0.0 if done else share / (1.0 - share * place)


def followed(
    state: Sequence[float], share: float, k: int, place: int, drawn: float, first: bool
) -> tuple[list[float], float]:
    """Return the state after a place was filled, and the chance of what filled it.

    `state` holds the chance of each number of places explored so far, given the list so far;
    `drawn` is the chance of the candidate where the place explores, `first` whether it is what the
    place shows where it does not.
    """
    after = [0.0] * (len(state) + 1)
    for done, chance in enumerate(state):
        explores = quota(share, k, place, done)
        after[done] += chance * (1.0 - explores) * first
        after[done + 1] += chance * explores * drawn
    while len(after) > 1 and after[-1] == 0.0:
        after.pop()
    whole = sum(after)
    return [one / whole for one in after], min(whole, 1.0)


def _utf8(user: str | None) -> bytes:
    """Two people asking with one seed draw apart."""
    return (user or "").encode("utf-8", "surrogatepass")
