"""Keeps what a script of choices tried beside what it rests on; `figures.py` makes tables of it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tastemate.data.datasets import Dataset
from tastemate.evaluate import record

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
