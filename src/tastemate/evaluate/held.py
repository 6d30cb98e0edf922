"""Several withheld items a user: ask for lists, judge them, and put models side by side as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tastemate.evaluate.bootstrap import Interval, differences, intervals
from tastemate.evaluate.scoring import Scorer, best_lists
from tastemate.metrics import Values, judge, measure
from tastemate.types import Query, Rows

Asked = tuple[str, int]
"""A metric and its cutoff: ("recall", 20)."""


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """One query a user, what they have met, and what they are known to want; one length."""

    queries: list[Query]
    seen: list[Rows]
    truths: list[Rows]

    def __len__(self) -> int:
        return len(self.queries)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a model, what it was given, its figures."""

    model: str
    k: int | str
    """Known likes (cold users), or a word: "items", "sentence", "later"."""
    metrics: dict[str, Interval]
    users: int
    against: dict[str, dict[str, Interval]] = field(default_factory=dict)
    """Other model → this one minus that one, paired by user."""

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return {
            "model": self.model,
            "k": self.k,
            "users": self.users,
            "metrics": {name: one.as_json() for name, one in self.metrics.items()},
            "against": {
                other: {name: one.as_json() for name, one in table.items()}
                for other, table in self.against.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a protocol over several models, and what they were measured on."""

    protocol: str
    rows: list[Row]
    users: int
    items: int
    fingerprint: str
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values; one model's figures also under `metrics`."""
        lines = [row.as_json() for row in self.rows]
        return {
            "protocol": self.protocol,
            "rows": lines,
            "metrics": lines[0]["metrics"] if lines else {},
            "users": self.users,
            "items": self.items,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


def answer(scorer: Scorer, asked: Questions, metrics: Sequence[Asked]) -> dict[str, Values]:
    """Return "name@k" → one value a user."""
    depth = max(k for _, k in metrics)
    lists = best_lists(scorer, asked.queries, asked.seen, depth)
    judged = judge(lists, [truth.tolist() for truth in asked.truths], depth)
    return {f"{name}@{k}": measure(judged, [name], [k])[f"{name}@{k}"] for name, k in metrics}


def rows(
    values: Mapping[str, Mapping[str, Values]],
    k: int | str,
    *,
    against: Sequence[str] = (),
    seed: int = 0,
) -> list[Row]:
    """Return a row for each model (model → metric → users), compared with those in `against`."""
    return [
        Row(
            model=model,
            k=k,
            metrics=intervals(table, seed=seed),
            users=len(next(iter(table.values()), np.empty(0))),
            against={
                other: differences(table, values[other], seed=seed)
                for other in against
                if other in values and other != model
            },
        )
        for model, table in values.items()
    ]
