"""Several withheld items a user: ask for lists, judge them, and put models side by side as rows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.catalog import Catalog
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import Interval, differences, intervals
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.interactions import Interactions
from tastemate.metrics import Values, judge, measure
from tastemate.protocols import Progress, Scorer
from tastemate.types import Query, Rows

Asked = tuple[str, int]
"""A metric and its cutoff: ("recall", 20)."""


LAST_KEPT = "Validation: each user's last event is left out, it is the test of next-item."
"""The note of every protocol without a test of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """One query a user, what they have met, and what they are known to want; one length."""

    queries: list[Query]
    seen: list[Rows]
    truths: list[Rows]

    def __len__(self) -> int:
        return len(self.queries)

    def fingerprint(self) -> str:
        """Return a short hash of everything asked, part of a kept cell's key."""
        digest = hashlib.sha256()
        for query, seen, truth in zip(self.queries, self.seen, self.truths, strict=True):
            past = query.history
            digest.update(f"{query.user!r} {query.text!r}".encode())
            for rows in (past.items, past.values, past.timestamps, seen, truth):
                digest.update(f" {len(rows)} ".encode() + np.ascontiguousarray(rows).tobytes())
        return digest.hexdigest()[:12]


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


def answers(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    train: Interactions,
    asked: Mapping[str, Questions],
    metrics: Sequence[Asked],
    *,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> dict[str, dict[str, dict[str, Values]]]:
    """Fit each model and ask it every part; return part → model → metric → one value a user.

    A finished model is kept in the folder `keep` and read from there again, unless `fresh`.
    Raises `Interrupted` when stopped by hand.
    """
    found: dict[str, dict[str, dict[str, Values]]] = {part: {} for part in asked}
    key = {
        "data": f"{catalog.fingerprint}-{train.fingerprint}",
        "asked": {part: one.fingerprint() for part, one in asked.items()},
        "metrics": metrics,
    }
    with record.stoppable(keep):
        for at, (name, factory) in enumerate(factories.items()):
            if progress is not None:
                progress(f"fitting {name}", at / len(factories))

            def make(factory: Factory = factory) -> dict[str, Values]:
                scorer = factory(catalog, train)
                return {
                    f"{part} {metric}": value
                    for part, one in asked.items()
                    for metric, value in answer(scorer, one, metrics).items()
                }

            values = record.cell(keep, fresh, {"model": name, **key}, make)
            for part in asked:
                found[part][name] = {f"{m}@{k}": values[f"{part} {m}@{k}"] for m, k in metrics}
    return found


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
