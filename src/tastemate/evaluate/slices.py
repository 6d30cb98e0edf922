"""Where a figure comes from: the same metric over parts of the cases.

Most last gaps on a rating page are under a minute, so one mean hides two different tasks. A case
is one user on one cut; within a slice each user weighs the same, however many cases they have.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.evaluate.bootstrap import Interval, intervals
from tastemate.metrics import Values
from tastemate.types import Mask

CLOCK_STARTS = 10_000_000
"""Timestamps below are places in a list, not seconds since 1970: gaps then mean nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """One entry per user and cut, arrays of one length; `values` per metric."""

    users: NDArray[np.int32]
    cuts: NDArray[np.int64]
    gaps: NDArray[np.int64]
    """Seconds since the event before; -1 where the data has no clock."""
    tied: Mask
    lengths: NDArray[np.int64]
    popularity: NDArray[np.int64]
    """Training events of the target."""
    ranks: NDArray[np.int64]
    """(cases, seeds)."""
    values: Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one slice."""

    users: int
    metrics: dict[str, Interval]


def by_user(users: NDArray[np.integer], values: Values) -> Values:
    """Return each user's mean over their cases, users ascending."""
    _, at = np.unique(users, return_inverse=True)
    result: Values = np.bincount(at, weights=values) / np.bincount(at)
    return result


def figures(cases: Cases, keep: Mask | None, seed: int) -> Part:
    """Return the figures of the cases under a mask (None: all)."""
    users = cases.users if keep is None else cases.users[keep]
    table = {
        name: by_user(users, one if keep is None else one[keep])
        for name, one in cases.values.items()
    }
    return Part(len(np.unique(users)), intervals(table, seed=seed))


def masks(cases: Cases) -> dict[str, dict[str, Mask]]:
    """Return kind → name → which cases, leaving out empty slices."""
    gap, length, ties = cases.gaps, cases.lengths, cases.tied
    clock = gap >= 0
    best = cases.ranks.min(axis=1) if len(cases.ranks) else cases.ranks.reshape(-1)
    kinds: dict[str, dict[str, Mask]] = {
        "gap": {
            "under a minute": clock & (gap < 60),
            "under an hour": clock & (gap >= 60) & (gap < 3600),
            "an hour or more": clock & (gap >= 3600),
        },
        "ties": {"untied": clock & ~ties, "tied": clock & ties},
        "history": bands(length, (1, 10, 20, 50, 100, 200)),
        "popularity": _deciles(cases.popularity),
        "pool": {"target in the first 20": best <= 20},
    }
    full = {
        kind: {name: mask for name, mask in parts.items() if mask.any()}
        for kind, parts in kinds.items()
    }
    return {kind: parts for kind, parts in full.items() if parts}


def sliced(cases: Cases, seed: int) -> dict[str, dict[str, Part]]:
    """Return kind → slice → figures."""
    return {
        kind: {name: figures(cases, mask, seed) for name, mask in parts.items()}
        for kind, parts in masks(cases).items()
    }


def bands(length: NDArray[np.int64], edges: tuple[int, ...]) -> dict[str, Mask]:
    """Cut numbers into bands that begin at `edges`; the last one has no end."""
    ends = (*edges[1:], None)
    return {
        (f"{low} to {high - 1}" if high else f"{low} and more"): (length >= low)
        & (length < (high or np.iinfo(np.int64).max))
        for low, high in zip(edges, ends, strict=True)
    }


def _deciles(popularity: NDArray[np.int64]) -> dict[str, Mask]:
    """Cut the cases into tenths by their target's popularity; equal popularity stays together."""
    if not len(popularity):
        return {}
    edges = np.quantile(popularity, np.linspace(0, 1, 11)[1:-1])
    place = np.searchsorted(edges, popularity, "left")
    named: dict[str, Mask] = {}
    for tenth in range(10):
        inside = place == tenth
        if inside.any():
            low, high = int(popularity[inside].min()), int(popularity[inside].max())
            named[f"{tenth + 1:02d} ({low} to {high} events)"] = inside
    return named
