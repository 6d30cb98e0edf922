"""Is the model worth asking for this query? A ranker around a ranker decides, and says so.

A model helps those of whom little is known and costs everybody: below about 200 training signals
it beats collaborative scores, above it loses to them. It is also asked where somebody wrote what
they want, which nothing else in the path reads as well, and where the retrievers disagree.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.protocols import Ranker
from tastemate.types import Candidate, Query


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the model is asked for one query, and why."""

    ask: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a model is worth asking; raises `ConfigError` for a value out of range."""

    signals: int = 200
    """Histories shorter than this are short; learned by `train.mixing.learn_signals`."""
    agreement: float = 0.0
    """Retrievers that agree less than this disagree; 0 is what random orders agree. (Over 86 long
    histories of ml-latest-small the retrievers of `fast` agree .07 in the median and less than 0
    for one in ten.)"""
    seconds: float = 0.5
    """With less time left nobody is asked."""
    tokens: float = math.inf
    """An answer that has used so many tokens asks no more."""
    reserve: int = 1000
    """With fewer tokens of a budget left nobody is asked: about what a list takes. (Listwise over
    20 films of the sample needs 806 in the mean and at most 849, reply included.)"""

    def __post_init__(self) -> None:
        # `not >=`: the settings may hold NaN
        if not all(n >= 0 for n in (self.signals, self.seconds, self.tokens, self.reserve)):
            raise ConfigError("signals, seconds, tokens and reserve of the gate must be 0 or more.")
        if not -1.0 <= self.agreement <= 1.0:
            raise ConfigError(f"agreement is {self.agreement}; it must lie between -1 and 1.")


RULES = Rules()


def decide(
    query: Query,
    pool: Sequence[Candidate],
    rules: Rules = RULES,
    *,
    left: float = math.inf,
    spent: int = 0,
    budget: float = math.inf,
) -> Decision:
    """Decide for one query.

    `left` are the seconds it still has, `spent` the tokens it has used, `budget` the tokens that
    whoever pays may still use.
    """
    if len(pool) < 2:
        return Decision(False, "nothing to rank")
    if left < rules.seconds:
        return Decision(False, f"{left:.1f} s left")
    if spent >= rules.tokens:
        return Decision(False, f"{spent:,} tokens used")
    if budget < max(rules.reserve, 1):
        return Decision(False, "budget used up")
    if query.text.strip():
        return Decision(True, "free text")
    signals = len(query.history)
    counted = f"{signals:,} signal{'' if signals == 1 else 's'}"
    if not signals and (query.taste is None or not query.taste.text):
        return Decision(False, "nothing known of the person")
    if signals < rules.signals:
        return Decision(True, f"short history, {counted}")
    agreed = agreement(pool)
    if math.isnan(agreed):
        return Decision(False, counted)
    if agreed < rules.agreement:
        return Decision(True, f"retrievers disagree ({agreed:.2f})")
    return Decision(False, f"{counted}, retrievers agree ({agreed:.2f})")


def agreement(pool: Sequence[Candidate], top: int = 10) -> float:
    """Return how much the retrievers share of the best `top` of a pool, beyond chance.

    The mean over pairs of (overlap - chance) / (1 - chance): 1 for the same items, 0 for what
    random orders share; nan with fewer than two retrievers that tell items of the pool apart.
    Overlap and not rank correlation: a pool was chosen by the sum of the scores, which makes
    them correlate against each other within it.
    """
    top = min(top, len(pool) // 2)
    if top < 1:
        return math.nan
    scores: dict[str, list[float]] = {}
    for candidate in pool:
        for name, score in candidate.parts:
            scores.setdefault(name, []).append(score)
    best = []
    for values in scores.values():
        told = np.asarray(values, dtype=np.float64)
        finite = np.isfinite(told)
        if len(told) == len(pool) and finite.sum() > top and np.ptp(told[finite]) > 0:
            told = np.where(finite, told, -np.inf)
            best.append(set(np.argsort(-told, kind="stable")[:top].tolist()))
    if len(best) < 2:
        return math.nan
    chance = top / len(pool)
    shares = [len(one & other) / top for one, other in itertools.combinations(best, 2)]
    return (float(np.mean(shares)) - chance) / (1.0 - chance)


@dataclass(frozen=True)
class Gate(Rules):
    """Asks a ranker only for the queries that are worth it; the others keep their order.

    The options are those of `Rules`.
    """

    ranker: Ranker = field(kw_only=False)
    budget: Callable[[str], float] | None = None
    """Gives the tokens that a user may still use; "" is nobody in particular."""

    @property
    def name(self) -> str:
        """The name of the ranker inside."""
        return self.ranker.name

    def decide(self, query: Query, pool: Sequence[Candidate]) -> Decision:
        """Decide for one query under the open scope."""
        now = scope.current()
        budget = math.inf if self.budget is None else self.budget(query.user or "")
        return decide(query, pool, self, left=now.left(), spent=now.tokens, budget=budget)

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool as a permutation; those not asked for come back as they were."""
        ranked = [list(pool) for pool in pools]
        decisions = [self.decide(query, pool) for query, pool in zip(queries, pools, strict=True)]
        asked = [at for at, decision in enumerate(decisions) if decision.ask]
        if asked:
            found = self.ranker.rank([queries[at] for at in asked], [pools[at] for at in asked])
            for at, pool in zip(asked, found, strict=True):
                ranked[at] = pool
        if decisions:
            scope.current().note(said(decisions))
        return ranked


def said(decisions: Sequence[Decision]) -> str:
    """Return what was decided as a line for the trace."""
    asked = [decision for decision in decisions if decision.ask]
    if len(decisions) == 1:
        return f"model {'asked' if asked else 'not asked'}: {decisions[0].why}"
    reasons = Counter(_kind(decision.why) for decision in (asked or decisions))
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3))
    return f"model asked for {len(asked)} of {len(decisions)} queries: {why}"


def _kind(why: str) -> str:
    """Return a reason without its figures, so that equal ones are counted together."""
    words = why.split(" (")[0].split(", ")
    return ", ".join(word for word in words if not word[:1].isdigit()) or "long history"


class Unasked:
    """Keeps every order and says why nobody was asked: what a learned weight of 0 comes to."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self.why = why

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool as it came."""
        scope.current().note(f"model not asked: {self.why}")
        return [list(pool) for pool in pools]
