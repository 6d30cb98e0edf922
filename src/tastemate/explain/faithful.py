"""How faithful a reason is to its evidence, and which of several phrasings to take.

Faithfulness comes first: the share of clauses that stand, then the share of the evidence they
say. Only among equals does it count how much is said (after the explanation ranker of XRec, Ma
et al. 2024, which asks a model instead).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tastemate.explain.marks import PROMOTED, told
from tastemate.types import Clause, Evidence, Item, Reason

Unbound: TypeAlias = Callable[[Clause, Sequence[Evidence], Item], list[str]]
"""`unbound(clause, facts, item)` → what a clause says that its facts do not hold."""

SHORTEST, LONGEST = 20, 240
"""Characters of a reason that reads well."""
LONGEST_CLAUSE = 200


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
        elif len(clause.text) > LONGEST_CLAUSE or any(clause.text == one.text for one in kept):
            problems.append("repeated or too long")
        elif unbound(clause, said, item):
            problems.append("more than its evidence")
        else:
            kept.append(Clause(clause.text, tuple(fact.id for fact in said)))
    return Phrasing(tuple(kept), tuple(problems), _covered(kept, evidence))


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

    A phrased clause gives way to an offline one that says all of it and more, so that a reason
    is never thinner than offline and says nothing twice. Strongest evidence first.
    """
    phrased, plain = list(chosen), list[Clause]()
    for clause in offline:
        said = {name for one in phrased for name in one.evidence}
        if set(clause.evidence) <= said:
            continue
        phrased = [one for one in phrased if not set(one.evidence) <= set(clause.evidence)]
        plain.append(clause)
    place = {fact.id: at for at, fact in enumerate(evidence)}
    return tuple(sorted(phrased + plain, key=lambda one: min(place[name] for name in one.evidence)))


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
