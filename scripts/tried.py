"""Keeps what a script of choices tried beside what it rests on; `figures.py` makes tables of it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.data.datasets import Dataset
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import differences
from tastemate.metrics import judge_ranks, measure

Places = NDArray[np.int64]
Row = Mapping[str, Any]


class Tried:
    """Rows of a run, each said as it comes; `out` is where they all are written at the end."""

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self.rows: list[Row] = []

    def say(self, row: Row) -> None:
        """Print a row as a line of JSON, and keep it."""
        self.rows.append(row)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()

    def write(self, data: Dataset, **about: object) -> None:
        """Write the rows, what they are about and what they rest on; nothing without `out`."""
        if self.out is None:
            return
        found = {"dataset": data.name, **about, "rows": self.rows}
        found |= record.provenance(data.catalog, data.interactions)
        self.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def judged(
    label: str, stood: Places, others: Places, events: int, over: str, seconds: float
) -> dict[str, object]:
    """Return a row: figures of where events stood, and the difference of NDCG@10 to `others`.

    Of `events` those that are in no pool count 0 in both.
    """
    both = [np.concatenate((one, np.full(events - len(one), 10_000))) for one in (stood, others)]
    ours, theirs = (measure(judge_ranks(one, 10), ("ndcg", "recall", "mrr"), (10,)) for one in both)
    less = differences(ours, theirs)["ndcg@10"]
    row: dict[str, object] = {"variant": label}
    row |= {name: round(float(one.mean()), 4) for name, one in ours.items()}
    row |= {over: [round(one, 4) for one in (less.value, less.low, less.high)]}
    return row | {"seconds": round(seconds, 1)}
