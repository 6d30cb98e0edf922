"""Hundreds of scripted people talk with a system; how many get what they want, and how?

Success, turns, acceptance, violations and pass^k: the same person several times in other words,
and every time it must go well (Yao et al. 2024, "tau-bench"). Everybody can be served, so what is
missing to 1 is the system's. The people are scripted: no language model plays them or judges.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.evaluate.bootstrap import Interval, intervals
from tastemate.evaluate.people import Person, people
from tastemate.evaluate.playing import VIOLATIONS, Played, Talks, play
from tastemate.metrics import Values
from tastemate.protocols import Progress

TRIALS = 3
"""Conversations of one person."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How everybody's conversations went, in the order of the people."""

    played: tuple[Played, ...]
    trials: int
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures: of all, by way of talking, by length of the goal, by patience."""
        whole = _figures(self.played, self.trials, self.seed)
        seconds = np.array([one for played in self.played for one in played.seconds] or [0.0])
        return whole | {
            "rows": [*self._rows()],
            "failed": dict(Counter(one.reason for one in self.played if one.reason).most_common()),
            "breaches": dict(
                sum((one.breaches for one in self.played), Counter[str]()).most_common()
            ),
            "people": len({one.person.number for one in self.played}),
            "trials": self.trials,
            "seed": self.seed,
            "answers": len(seconds),
            "latency_ms": {
                f"p{share}": round(float(np.percentile(seconds, share)) * 1000, 2)
                for share in (50, 99)
            },
        }

    def _rows(self) -> list[dict[str, Any]]:
        kinds: tuple[tuple[str, Callable[[Person], object]], ...] = (
            ("way", lambda one: one.way),
            ("wishes", lambda one: len(one.goal)),
            ("patience", lambda one: one.temper),
        )
        rows: list[dict[str, Any]] = []
        for kind, of in kinds:
            parts: dict[object, list[Played]] = {}
            for one in self.played:
                parts.setdefault(of(one.person), []).append(one)
            if kind == "wishes":
                parts = dict(sorted(parts.items(), key=lambda pair: str(pair[0])))
            rows += [
                {"slice": f"{kind}: {name}"} | _figures(part, self.trials, self.seed)
                for name, part in parts.items()
            ]
        return rows


def simulate(
    begin: Callable[[], Talks],
    catalog: Catalog,
    n: int = 300,
    seed: int = 0,
    *,
    trials: int = TRIALS,
    progress: Progress | None = None,
) -> Simulated:
    """Have n people talk, each `trials` times in a new conversation that `begin` opens.

    Raises `ConfigError` for less than one person or trial, `DataError` for a catalogue with
    nothing to wish for.
    """
    if trials < 1:
        raise ConfigError(f"trials is {trials}; each person must talk at least once.")
    crowd = people(catalog, n, seed)
    played: list[Played] = []
    for at, person in enumerate(crowd):
        if progress is not None:
            progress(f"person {at + 1} of {n}", at / n)
        played += [
            play(person, begin(), catalog, trial=trial, seed=seed) for trial in range(trials)
        ]
    return Simulated(tuple(played), trials, seed)


def transcript(played: Played, titles: Sequence[str]) -> str:
    """Write a conversation down for reading; `titles` are those of the catalogue."""
    person = played.person
    wants = "; ".join(_told(want) for want in person.goal)
    end = "took one" if played.success else f"left ({played.reason})"
    lines = [
        f"Person {person.number}.{played.trial}, {person.way}, {person.temper}: {wants}. "
        f"In mind: {titles[person.target]}. {end} after {played.turns} turns."
    ]
    if person.decoy is not None:
        lines.append(f"  said at first, taken back later: {_told(person.decoy)}")
    for one in played.exchanges:
        lines.append(f"> {one.line.text}")
        lines.append(f"  {one.reply}")
        if one.shown:
            lines.append(f"  [{' | '.join(one.shown)}]")
        if one.problems:
            lines.append(f"  !! {'; '.join(one.problems)}")
    return "\n".join(lines)


def _told(want: Any) -> str:
    if want.shape == "value":
        return f"{want.attribute} {'is not' if want.away else 'is'} {want.value}"
    bounds = (
        f"{want.low:g} to {want.high:g}"
        if np.isfinite(want.low + want.high)
        else (f"at least {want.low:g}" if np.isfinite(want.low) else f"at most {want.high:g}")
    )
    return f"{want.attribute} {bounds}"


def _figures(played: Sequence[Played], trials: int, seed: int) -> dict[str, Any]:
    """Return the figures of some conversations; people are what is drawn again for intervals."""
    own: dict[int, list[Played]] = {}
    for one in played:
        own.setdefault(one.person.number, []).append(one)
    crowd = list(own.values())

    def mean(of: Callable[[Played], float | None]) -> Interval:
        """Return the mean over people of their mean; who has no value is left out."""
        found = [[value for one in part if (value := of(one)) is not None] for part in crowd]
        values: Values = np.array([np.mean(part) for part in found if part], dtype=np.float64)
        return intervals({"x": values}, seed=seed)["x"]

    every: Values = np.array([float(all(one.success for one in part)) for part in crowd])
    counted: Mapping[str, Interval] = {
        "success": mean(lambda one: float(one.success)),
        "turns": mean(lambda one: float(one.turns) if one.success else None),
        f"pass^{trials}": intervals({"x": every}, seed=seed)["x"],
        "acceptance": mean(lambda one: one.kept / one.shown if one.shown else None),
        "engagement": mean(lambda one: float(one.turns)),
    }
    by_kind = {kind: sum(one.violations[kind] for one in played) for kind in VIOLATIONS}
    return {name: interval.as_json() for name, interval in counted.items()} | {
        "violations": sum(by_kind.values()),
        "violations_by_kind": by_kind,
        "refused": sum(one.refused for one in played),
        "conversations": len(played),
        "shown": sum(one.shown for one in played),
    }
