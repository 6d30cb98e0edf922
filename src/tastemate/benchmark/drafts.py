"""Does interleaving keep what it promises, and how many fewer users does it need than a split?

People with a taste of their own are shown lists of two rankers that see it through noise. Every
list is drafted and credited by the code that serves and reads experiments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tastemate.experiment.analyse import LEAST
from tastemate.experiment.interleave import Interleaved, Preference, preference, team_draft

Numbers = NDArray[np.float64]

ALPHA = 0.05
POWER = 0.8
PLACES = 10
ITEMS = 40
"""Candidates that both rankers put in order."""
USERS = 800
"""Users of an experiment between rankers that are alike, with a list each."""
LOOKS = 10
NOISE = 1.0
"""Standard deviation of what the control gets wrong of a taste, which has one of 1."""
BETTER = (0.8, 0.6, 0.4)
CLICKED = 0.12
"""Chance of a click on what fits best, at the first place, on average over people."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """People, how likely each clicks on each candidate, and both rankers' lists for each."""

    liking: Numbers
    a: NDArray[np.intp]
    b: NDArray[np.intp]

    @classmethod
    def drawn(cls, users: int, noise: float, rng: np.random.Generator) -> "Crowd":
        """Draw users; ranker a (the control) errs by `NOISE`, ranker b by `noise`.

        Some click readily and many hardly ever, as in `trials`: a beta distribution.
        """
        taste = rng.normal(size=(users, ITEMS))
        lists = [
            np.argsort(-(taste + wrong * rng.normal(size=taste.shape)), axis=1)[:, :PLACES]
            for wrong in (NOISE, noise)
        ]
        eager = rng.beta(1.0, 1.0 / CLICKED - 1.0, size=(users, 1))
        return cls(eager / (1.0 + np.exp(-1.5 * (taste - 1.0))), lists[0], lists[1])

    def chances(self, shown: NDArray[np.intp]) -> Numbers:
        """Return the chance of a click at each place of the lists shown, (users, places)."""
        seen = 1.0 / np.log2(np.arange(2, shown.shape[1] + 2))
        return np.asarray(seen * np.take_along_axis(self.liking, shown, axis=1))

    def drafts(self, rng: np.random.Generator) -> list[Interleaved[int]]:
        """Draft a list for each user; b picks as team a of the draft, and a as team b."""
        seeds = rng.integers(0, 2**63, size=len(self.a)).tolist()
        return [
            team_draft(one, other, PLACES, seed)
            for one, other, seed in zip(self.b.tolist(), self.a.tolist(), seeds, strict=True)
        ]

    def credits(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Draft a list for each, let it be clicked, and return the credit of b and of a."""
        drafts = self.drafts(rng)
        chance = self.chances(np.array([draft.items for draft in drafts], dtype=np.intp))
        clicked = (rng.random(chance.shape) < chance).tolist()
        return [
            draft.credit([item for item, hit in zip(draft.items, row, strict=True) if hit])
            for draft, row in zip(drafts, clicked, strict=True)
        ]


def alike(simulations: int, seed: int) -> dict[str, float]:
    """Interleave rankers that err alike, and look again and again: how often does one win?"""
    rng = np.random.default_rng([seed, 11])
    once, peeked, even = 0, 0, []
    for _ in range(simulations):
        credits = Crowd.drawn(USERS, NOISE, rng).credits(rng)
        ends = [USERS * (look + 1) // LOOKS for look in range(LOOKS)]
        found = [_told(credits[:end]) for end in ends]
        last = found[-1]
        once += last.once_low > 0 or last.once_high < 0
        peeked += any(_says(one) for one in found)
        even.append((1 + last.value) / 2)
    return {
        "users": USERS, "looks": LOOKS, "fixed": once / simulations,
        "within_the_interval": 1 - once / simulations,
        "always_valid_peeked": peeked / simulations, "mean_share_of_wins": float(np.mean(even)),
    }  # fmt: skip


def sensitivity(simulations: int, seed: int) -> list[dict[str, float]]:
    """Return how many users find a better ranker with `POWER`, by interleaving and by a split.

    By the normal approximation, from the chances of one large crowd; that this many are enough when
    interleaved is then measured over new crowds, for the last row.
    """
    people = max(40 * simulations, 4_000)
    rows = []
    for at, noise in enumerate(BETTER):
        rng = np.random.default_rng([seed, 12, at])
        crowd = Crowd.drawn(people, noise, rng)
        drafts = crowd.drafts(rng)
        chance = crowd.chances(np.array([draft.items for draft in drafts], dtype=np.intp))
        ours = np.array([[team == "a" for team in draft.teams] for draft in drafts])
        drafted, rewarded = _drafted(chance, ours)
        lists = [crowd.chances(shown) for shown in (crowd.a, crowd.b)]
        clicks = [(one.sum(axis=1), (one * (1 - one)).sum(axis=1)) for one in lists]
        some = [1.0 - np.prod(1.0 - one, axis=1) for one in lists]
        by_clicks = _split(*clicks)
        by_any = _split(*((one, one * (1 - one)) for one in some))
        rows.append({
            "noise": noise, "lift": float(clicks[1][0].mean() / clicks[0][0].mean() - 1),
            "rewarded_lists": rewarded, "users_interleaved": drafted,
            "users_split_by_clicks": by_clicks, "users_split_by_any_click": by_any,
            "times_fewer": min(by_clicks, by_any) / drafted,
        })  # fmt: skip
    last, some_runs = rows[-1], max(simulations // 4, 20)
    last["power"] = _power(some_runs, seed, BETTER[-1], round(last["users_interleaved"]))
    return rows


def checks(
    simulations: int, same: Mapping[str, float], rows: Sequence[Mapping[str, Any]]
) -> dict[str, bool]:
    """Return what must hold of both, and whether it does."""
    runs = max(simulations // 4, 20)
    least = float(stats.binom.ppf(0.01, runs, POWER)) / runs
    return {
        "alike, interleaved: even within the interval in 95% of simulations, give or take 1.5":
            abs(same["fixed"] - ALPHA) <= 0.015,
        "alike, interleaved: always-valid at most 5% under peeking":
            same["always_valid_peeked"] <= ALPHA,
        "interleaving needs fewer users than a split": all(
            row["times_fewer"] > 1 for row in rows
        ),
        "interleaving finds a better ranker with the users it should need":
            rows[-1]["power"] >= least,
    }  # fmt: skip


def _power(simulations: int, seed: int, noise: float, users: int) -> float:
    """Return how often one look at the end finds the better ranker."""
    rng = np.random.default_rng([seed, 13])
    found = [_told(Crowd.drawn(users, noise, rng).credits(rng)) for _ in range(simulations)]
    return float(np.mean([one.once_low > 0 for one in found]))


def _told(credits: Sequence[tuple[int, int]]) -> Preference:
    """Return the preference over the lists that somebody rewarded, as results give it."""
    return preference([one for one in credits if sum(one)], alpha=ALPHA)


def _says(one: Preference) -> bool:
    return one.units >= LEAST and one.verdict != "no difference shown"


def _drafted(chance: Numbers, ours: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the users needed when interleaved, and the share of lists with a click.

    The clicks of b less those of a, place by place, have a distribution that is exact.
    """
    users, places = chance.shape
    ahead = np.zeros((users, 2 * places + 1))
    ahead[:, places] = 1.0
    for place in range(places):
        p = chance[:, place, None]
        up, down = np.roll(ahead, 1, axis=1), np.roll(ahead, -1, axis=1)
        ahead = (1 - p) * ahead + p * np.where(ours[:, place, None], up, down)
    won, lost = ahead[:, places + 1 :].sum(axis=1), ahead[:, :places].sum(axis=1)
    rewarded = float(1.0 - np.prod(1.0 - chance, axis=1).mean())
    value, square = float((won - lost).mean()), float((won + lost).mean())
    # Only rewarded lists are compared, so of all users the others are a loss.
    each = value / rewarded
    return _needed(each, square / rewarded - each**2) / rewarded, rewarded


def _needed(difference: float, variance: float) -> float:
    """Return how many are needed for a difference by a two-sided test of level `ALPHA`."""
    z = stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER)
    return float(z**2 * variance / max(difference**2, 1e-12))


def _split(control: tuple[Numbers, Numbers], other: tuple[Numbers, Numbers]) -> float:
    """Return the users of both arms together, by what each expects and its variance around it."""
    spread = sum(float(mean.var() + around.mean()) for mean, around in (control, other))
    return 2 * _needed(float((other[0] - control[0]).mean()), spread)
