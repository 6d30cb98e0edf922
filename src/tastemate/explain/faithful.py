"""How faithful a reason is to its evidence, and which of several phrasings to take.

Faithfulness comes first: the share of clauses that stand, then the share of the evidence they
say. Only among equals does it count how much is said (after the explanation ranker of XRec, Ma
et al. 2024, which asks a model instead).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from tastemate.explain.marks import PROMOTED, title_names, told
from tastemate.explain.vocabulary import KNOWN
from tastemate.text.words import fold
from tastemate.types import Clause, Evidence, Item, Reason

Unbound: TypeAlias = Callable[[Clause, Sequence[Evidence], Item], list[str]]
"""`unbound(clause, facts, item)` → what a clause says that its facts do not hold."""

SHORTEST, LONGEST = 20, 240
"""Characters of a reason that reads well."""
LONGEST_CLAUSE = 200
TWICE = 2
"""How often a clause may say one word."""


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Shares between 0 and 1; 1 and 1 for a reason that says all of its evidence and no more."""

    kept: float
    """Clauses that stand, of all clauses."""
    covered: float
    """Pieces of evidence that standing clauses say, of all."""


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One phrasing after the check: what stood, and why the rest did not."""

    clauses: tuple[Clause, ...]
    problems: tuple[str, ...]
    covered: float

    @property
    def kept(self) -> float:
        """The share of clauses that stood."""
        return len(self.clauses) / max(len(self.clauses) + len(self.problems), 1)

    @property
    def key(self) -> tuple[float, float, bool, int]:
        """What phrasings are ranked by, larger is better; ties go to the earlier one."""
        size = sum(len(clause.text) for clause in self.clauses)
        said = len({name for clause in self.clauses for name in clause.evidence})
        return self.kept, self.covered, SHORTEST <= size <= LONGEST, said


def faithfulness(reason: Reason, item: Item, unbound: Unbound) -> Faithfulness:
    """Return how far a reason keeps to its evidence; the evidence itself is taken as true.

    `unbound` is `Verifier.unbound`. A reason without clauses keeps 1 and covers 0 (or 1 where
    there is no evidence either).
    """
    checked = check(reason.clauses, reason.evidence, item, unbound)
    kept = checked.kept if reason.clauses else 1.0
    return Faithfulness(kept, checked.covered)


def check(
    clauses: Sequence[Clause], evidence: Sequence[Evidence], item: Item, unbound: Unbound
) -> Phrasing:
    """Return the clauses that stand, each bound to the evidence it really says."""
    known = {fact.id: fact for fact in evidence}
    kept, problems = list[Clause](), list[str]()
    for clause in clauses:
        facts = [known[name] for name in dict.fromkeys(clause.evidence) if name in known]
        said = _said(facts, clause.text)
        if not said:
            problems.append("unbound")
        elif len(clause.text) > LONGEST_CLAUSE or _repeats(clause.text, said, item, kept):
            problems.append("repeated or too long")
        elif unbound(clause, said, item):
            problems.append("more than its evidence")
        else:
            kept.append(Clause(clause.text, tuple(fact.id for fact in said)))
    return Phrasing(tuple(kept), tuple(problems), _covered(kept, evidence))


def _repeats(text: str, facts: Sequence[Evidence], item: Item, kept: Sequence[Clause]) -> bool:
    """Whether a clause says a word twice running, a telling one thrice, or was said before."""
    if any(fold(text) == fold(one.text) for one in kept):
        return True
    titles = (item.title, *(fact.title for fact in facts))
    names = {name for title in titles for name in title_names(title, fold=False)}
    values = (one for fact in facts for one in _parts(fact.value))
    for at, name in enumerate(sorted({*names, *values} - {""}, key=lambda one: (-len(one), one))):
        if " " in name:  # "Duran Duran" is one name
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"name{at}", text, flags=re.I)
    words = [fold(word) for word in re.findall(r"\w+|[^\w\s]", text)]
    spoken = [word for word in words if word.isalnum()]
    telling = Counter(word for word in spoken if word not in KNOWN)
    runs = any(a == b for a, b in pairwise(words))
    listed = any(a == b and a in telling for a, b in pairwise(spoken))
    return runs or listed or max(telling.values(), default=0) > TWICE


def _parts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in (value if isinstance(value, tuple) else (value,)))


def _said(facts: Sequence[Evidence], text: str) -> list[Evidence]:
    """Return the facts that a text says; of attributes those it says of the titles it names."""
    told_of = [fact for fact in facts if told(fact, text)]
    named = {fact.item for fact in told_of if fact.kind == "liked item"}
    return [
        fact
        for fact in told_of
        if fact.kind != "shared attribute" or not named or fact.item in named
    ]


def best(phrasings: Sequence[Phrasing]) -> Phrasing:
    """Return the most faithful phrasing, among equals the one that says most, then the first."""
    return max(phrasings, key=lambda one: one.key)


def merged(
    chosen: Sequence[Clause], offline: Sequence[Clause], evidence: Sequence[Evidence]
) -> tuple[Clause, ...]:
    """Return phrased clauses with offline ones for the evidence that they do not say.

    A phrased clause gives way to an offline one that says some of the same and more besides, so
    that a reason is never thinner than offline and says nothing twice. Strongest evidence first.
    """
    phrased = [one for at, one in enumerate(chosen) if not _covers(chosen, at)]
    plain: list[Clause] = []
    left = list(offline)
    while missing := [one for one in left if not set(one.evidence) <= _evidence(phrased)]:
        plain += missing
        left = [one for one in left if one not in missing]
        said = _evidence(missing)
        phrased = [one for one in phrased if not said & set(one.evidence)]
    place = {fact.id: at for at, fact in enumerate(evidence)}
    return tuple(sorted(phrased + plain, key=lambda one: min(place[name] for name in one.evidence)))


def _covers(clauses: Sequence[Clause], at: int) -> bool:
    """Whether another clause says all that one says, or the same and came first."""
    mine = set(clauses[at].evidence)
    return any(
        mine < set(one.evidence) or (mine == set(one.evidence) and other < at)
        for other, one in enumerate(clauses)
    )


def _evidence(clauses: Sequence[Clause]) -> set[str]:
    return {name for one in clauses for name in one.evidence}


def disclosed(reason: Reason, item: Item, promoted: Sequence[str]) -> Reason:
    """Return a reason that says so where the operator promotes the item; others as they are."""
    if item.id not in promoted or any(fact.kind == "promotion" for fact in reason.evidence):
        return reason
    taken = {fact.id for fact in reason.evidence}
    name = next(
        one for at in range(len(taken) + 1) if (one := f"e{len(taken) + 1 + at}") not in taken
    )
    fact = Evidence(name, "promotion", item.id)
    return Reason((*reason.clauses, Clause(PROMOTED, (name,))), (*reason.evidence, fact))


def _covered(clauses: Sequence[Clause], evidence: Sequence[Evidence]) -> float:
    if not evidence:
        return 1.0
    said = {name for clause in clauses for name in clause.evidence}
    return len(said & {fact.id for fact in evidence}) / len(evidence)
