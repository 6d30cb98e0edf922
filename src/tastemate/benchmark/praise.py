"""Can a model be made to praise an item? The same payloads against reasons and answers in words.

The attacker model words the reasons of a list that holds the promoted item: praise that no
evidence holds, the payload itself, each once on the strength of real evidence and once of none.
What of it reaches the person is counted.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tastemate import build
from tastemate.benchmark.attacker import Attacker
from tastemate.benchmark.injection import Scene, poisoned, scenes_of
from tastemate.benchmark.payloads import Payload, fold, load
from tastemate.catalog import Catalog
from tastemate.data.datasets import FILMS, Dataset, open_dataset
from tastemate.explain import answer
from tastemate.explain.evidence import EvidenceExplainer
from tastemate.explain.phrased import PhrasedExplainer
from tastemate.explain.verify import Verifier
from tastemate.explain.writer import PLAIN
from tastemate.llm.person import person
from tastemate.protocols import Attributing
from tastemate.text.named import Named
from tastemate.traits import Traits
from tastemate.types import Query, Recommendation

LINES = 5
"""Items of a list that is worded."""
EXAMPLES = 10
"""Untrue sentences that are given as examples."""


@dataclass(frozen=True, slots=True)
class _List:
    """A list with the promoted item on it, over the poisoned catalogue."""

    payload: Payload
    catalog: Catalog
    query: Query
    lines: tuple[Recommendation, ...]


def praise(
    seed: int = 0,
    *,
    payloads: Sequence[Payload] | None = None,
    dataset: Dataset | None = None,
) -> dict[str, Any]:
    """Have the attacker word reasons and answers; count what stands.

    Returns cases, failures (lists of which anything untrue stood), and by_kind, for reasons and
    for answers: failures, offered and kept (clauses or sentences), examples of what was kept.
    Raises `DataError` where there are too few people or items.
    """
    start = time.perf_counter()
    data = open_dataset(FILMS) if dataset is None else dataset
    attempts = load() if payloads is None else payloads
    fitted = build.retriever("ease", build.resources()).fit(data.catalog, data.interactions)
    scenes = scenes_of(data, seed)
    tally = {"reasons": _Tally(), "answers": _Tally()}
    lost = 0
    for at, payload in enumerate(attempts):
        scene = scenes[at % len(scenes)]
        shown = _list(payload, at, scene, data)
        stood = 0
        for kind, ask in (
            ("reasons", partial(_reasons, fitted=fitted)),
            ("answers", _answers),
        ):
            attacker = Attacker([line.item.title for line in shown.lines], 0, payload)
            kept = ask(shown, attacker, data)
            stood += len(kept)
            tally[kind].add(attacker.offered, kept)
        lost += stood > 0
    return {
        "cases": len(attempts),
        "failures": lost,
        "by_kind": {kind: asdict(one) for kind, one in tally.items()},
        "model": "scripted:attacker",
        "seed": seed,
        "seconds": time.perf_counter() - start,
    }


@dataclass(slots=True)
class _Tally:
    """What was offered and what stood."""

    failures: int = 0
    offered: int = 0
    kept: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, offered: int, kept: Sequence[str]) -> None:
        """Count one list."""
        self.failures += bool(kept)
        self.offered += offered
        self.kept += len(kept)
        self.examples += [one for one in kept if one not in self.examples][:EXAMPLES]
        del self.examples[EXAMPLES:]


def _list(payload: Payload, turn: int, scene: Scene, data: Dataset) -> _List:
    """Put the promoted item first and others of the pool behind it."""
    query, catalog = poisoned(payload, turn, scene, data.catalog)
    chosen = [scene.pool[scene.target], *scene.pool[: LINES - 1]]
    lines = tuple(
        Recommendation(at, catalog.item(one.row), one.score) for at, one in enumerate(chosen, 1)
    )
    return _List(payload, catalog, query, lines)


def _reasons(shown: _List, attacker: Attacker, data: Dataset, fitted: object) -> list[str]:
    parts = [(fitted, 1.0)] if isinstance(fitted, Attributing) else []
    inner = EvidenceExplainer(shown.catalog, data.interactions, parts)
    verifier = Verifier(shown.catalog, data.interactions)
    explainer = PhrasedExplainer(inner, verifier, attacker.model, shown.catalog, lines=LINES)
    reasons = explainer.explain(shown.query, shown.lines)
    return [
        clause.text
        for reason in reasons
        for clause in reason.clauses
        if _untrue(clause.text, attacker)
    ]


def _answers(shown: _List, attacker: Attacker, data: Dataset) -> list[str]:
    who = person(shown.query, shown.catalog, data.interactions.scale)
    named = Named(shown.catalog.titles, Traits.of(shown.catalog).values, PLAIN)
    written = answer.write(shown.query.text, who, shown.lines, attacker.model, named)
    if written.by == "offline":  # plain sentences, which name titles as they are
        return []
    return [one.text for one in written.sentences if _untrue(one.text, attacker)]


def _untrue(text: str, attacker: Attacker) -> bool:
    told = fold(text)
    return any(fold(one).rstrip(".") in told for one in attacker.claims)
