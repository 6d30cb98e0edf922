"""Logged lists out of the store, and other policies beside them, ready for `offpolicy.estimate`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.errors import DataError, StageError
from tastemate.experiment.offpolicy import (
    LEAST,
    Estimate,
    Logged,
    Mask,
    Method,
    Numbers,
    Reach,
    Target,
    estimate,
)
from tastemate.rank.credit import credited, require

DEPTH = 10
SHAPED = "+"
"""In `Impression.policy` what stands before each thing besides the policy that shaped a list."""
FOLDS = 2
WORTH = 20.0
"""Impressions that the mean rate counts for in an item's expected reward."""


class Policy(Protocol):
    """Another way of making lists, asked place by place."""

    def chances(self, recommendation: str, before: Sequence[str]) -> Mapping[str, float]:
        """Return the chance of each item at the next place of a list, given those before it."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A policy that draws nothing: the list it would have shown, by recommendation id."""

    lists: Mapping[str, Sequence[str]]

    def chances(self, recommendation: str, before: Sequence[str]) -> Mapping[str, float]:
        """Return the first of its items that does not stand there yet, with chance 1."""
        for item in self.lists.get(recommendation, ()):
            if item not in before:
                return {item: 1.0}
        return {}


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Lists of an exploring policy as they were shown, and what was rewarded in them."""

    recommendations: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]
    logged: Logged

    @classmethod
    def of(
        cls,
        impressions: pl.DataFrame,
        signals: pl.DataFrame,
        *,
        kinds: Collection[str],
        window: int = 86_400,
        depth: int = DEPTH,
    ) -> "Records":
        """Read the first `depth` places of the lists in which something was drawn.

        A list counts when a propensity in it is below 1 and its places are there from the first
        on; others say nothing of what was not shown. What words, filters, events, a conversation
        or an interleaving shaped (`SHAPED`) is left out: another policy cannot be asked the same
        by user and history alone. Raises `DataError` where none is left.
        """
        require(impressions, ("propensity", "policy"), "impressions")
        frame = (
            credited(impressions, signals, kinds, window)
            .sort("recommendation", "position", maintain_order=True)
            .with_columns(
                pl.int_range(1, pl.len() + 1).over("recommendation").alias("_place"),
                (pl.col("propensity") < 1.0).any().over("recommendation").alias("_drawn"),
            )
            .filter(
                pl.col("_drawn"),
                ~pl.col("policy").str.contains(SHAPED, literal=True),
                (pl.col("_place") == pl.col("position")).all().over("recommendation"),
                pl.col("position") <= depth,
            )
        )
        if not len(frame):
            raise DataError(
                "No logged list was drawn for a user alone: every propensity is 1, or words, "
                "filters, events, a conversation or an interleaving shaped the list. "
                'Serve with exploration first (the control "explore" above 0).'
            )
        found = frame.group_by("recommendation", maintain_order=True).agg(
            "item", "reward", "propensity", pl.col("user").first(), pl.col("session").first()
        )
        return cls(
            tuple(found["recommendation"].to_list()),
            tuple(tuple(items) for items in found["item"].to_list()),
            _arrays(found, depth),
        )


def judge(
    records: Records,
    policy: Policy,
    methods: Sequence[Method] = ("ips", "snips", "dr"),
    *,
    reach: Reach = "cascade",
    clip: float = 0.0,
    least: float = LEAST,
) -> tuple[list[Estimate], str]:
    """Return the estimates of a policy, or none and why they were refused."""
    target = beside(records, policy)
    try:
        found = [
            estimate(records.logged, target, method, reach=reach, clip=clip, least=least)
            for method in methods
        ]
    except StageError as refused:
        return [], str(refused)
    return found, ""


def served(records: Records) -> float:
    """Return the mean reward of the lists that were shown: what the logging policy earned."""
    logged = records.logged
    return float(np.where(logged.there, logged.rewards, 0.0).sum(axis=1).mean())


def beside(records: Records, policy: Policy) -> Target:
    """Return what a policy would do where the logged lists stand, with a model of rewards.

    The model is a rate by place times a factor by item, pulled towards 1; each half of the users
    is judged by what the other half did, so that it never saw the list it speaks of.
    """
    logged = records.logged
    chance, model, wanted = (np.zeros(logged.rewards.shape) for _ in range(3))
    fold = logged.users % FOLDS
    models = [_Model.fit(records, fold != at) for at in range(FOLDS)]
    for at, (name, items) in enumerate(zip(records.recommendations, records.items, strict=True)):
        mine = models[fold[at]]
        for place, item in enumerate(items):
            chances = policy.chances(name, items[:place])
            chance[at, place] = chances.get(item, 0.0)
            model[at, place] = mine.expected(item, place)
            wanted[at, place] = sum(p * mine.expected(one, place) for one, p in chances.items())
    return Target(chance, model, wanted)


@dataclass(frozen=True, slots=True)
class _Model:
    """Expected reward: the rate of the place times how much better than others the item is."""

    rates: Numbers
    factors: Mapping[str, float]

    @classmethod
    def fit(cls, records: Records, use: Mask) -> "_Model":
        logged = records.logged
        there = logged.there & use[:, None]
        shown = there.sum(axis=0)
        rewards = np.where(there, logged.rewards, 0.0)
        mean = rewards.sum() / max(float(shown.sum()), 1.0)
        rates = (rewards.sum(axis=0) + WORTH * mean) / (shown + WORTH)
        won: dict[str, float] = {}
        due: dict[str, float] = {}
        for at in np.flatnonzero(use):
            for place, item in enumerate(records.items[at]):
                won[item] = won.get(item, 0.0) + float(logged.rewards[at, place])
                due[item] = due.get(item, 0.0) + float(rates[place])
        prior = WORTH * float(mean)
        factors = {
            item: (won[item] + prior) / (due[item] + prior) if prior else 0.0 for item in won
        }
        return cls(np.asarray(rates, dtype=np.float64), factors)

    def expected(self, item: str, place: int) -> float:
        return float(self.rates[place]) * self.factors.get(item, 1.0)


def _arrays(found: pl.DataFrame, depth: int) -> Logged:
    lists = len(found)
    rewards, propensity = np.zeros((lists, depth)), np.ones((lists, depth))
    there = np.zeros((lists, depth), dtype=bool)
    rows = zip(found["reward"].to_list(), found["propensity"].to_list(), strict=True)
    for at, (reward, chance) in enumerate(rows):
        rewards[at, : len(reward)] = reward
        propensity[at, : len(chance)] = chance
        there[at, : len(reward)] = True
    return Logged(rewards, propensity, there, _users(found))


def _users(found: pl.DataFrame) -> NDArray[np.intp]:
    """Number who saw each list; without a user or a session a list stands for itself."""
    codes: dict[tuple[str, str], int] = {}
    named = found.select("user", "session", "recommendation").iter_rows()
    keys = [("user", u) if u else ("session", s) if s else ("list", r) for u, s, r in named]
    return np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=np.intp)
