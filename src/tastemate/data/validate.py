"""Which lines were turned away, and why: nothing is dropped silently.

Rejections are kept in columns, so that a million of them cost little; every one has its file, its
line (counted from 1, the header included), field, reason and value.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tastemate.errors import DataError

VALUE_LENGTH = 80
"""Rejected values are cut to this many characters."""

_SCHEMA = {
    "file": pl.String,
    "line": pl.Int64,
    "field": pl.String,
    "reason": pl.String,
    "value": pl.String,
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One line that was turned away."""

    file: str
    line: int
    field: str
    reason: str
    value: str


class Report:
    """What became of the lines of the files read: accepted, duplicated, rejected, and notes."""

    def __init__(self) -> None:
        self.accepted = 0
        """Events kept."""
        self.duplicates = 0
        """Events that repeat user, item and time of another one; the last of them is kept."""
        self.notes: list[str] = []
        """What was decided about a whole file, as sentences."""
        self._parts: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def reject(
        self,
        file: str,
        lines: pl.Series | Sequence[int],
        field: str,
        reason: str,
        values: pl.Series | Sequence[str | None],
    ) -> None:
        """Add rejected lines of one file that share field and reason."""
        if not len(lines):
            return
        part = pl.DataFrame(
            {
                "line": pl.Series(lines, dtype=pl.Int64),
                "value": pl.Series(values, dtype=pl.String),
            }
        ).select(
            pl.lit(file).alias("file"),
            "line",
            pl.lit(field).alias("field"),
            pl.lit(reason).alias("reason"),
            pl.col("value").fill_null("").str.slice(0, VALUE_LENGTH),
        )
        self._parts.append(part)

    @property
    def frame(self) -> pl.DataFrame:
        """Every rejection, by file and line: columns file, line, field, reason, value."""
        if not self._parts:
            return pl.DataFrame(schema=_SCHEMA)
        return pl.concat(self._parts).sort("file", "line", maintain_order=True)

    @property
    def counts(self) -> dict[str, int]:
        """Rejections by "file: field reason", the most frequent first."""
        counted = (
            self.frame.group_by("file", "field", "reason")
            .len()
            .sort("len", "file", "field", "reason", descending=[True, False, False, False])
        )
        return {
            f"{file}: {field} {reason}": count for file, field, reason, count in counted.iter_rows()
        }

    def first(self, n: int = 10) -> list[Rejection]:
        """Return the first `n` rejections."""
        return [Rejection(*row) for row in self.frame.head(n).iter_rows()]

    def summary(self, n: int = 3) -> str:
        """Say in a few lines how many were rejected, why, and show the first `n`."""
        lines = [f"{self.accepted:,} events accepted, {len(self):,} lines rejected."]
        if self.duplicates:
            lines.append(f"{self.duplicates:,} repeated events left out (the last one is kept).")
        lines += [f"  {count:,} × {what}" for what, count in self.counts.items()]
        lines += [
            f"  {one.file} line {one.line}: {one.field} {one.reason}: {one.value!r}"
            for one in self.first(n)
        ]
        return "\n".join([*lines, *self.notes])

    def as_json(self, n: int = 10) -> dict[str, object]:
        """Return the counts, notes and the first `n` rejections as plain JSON values."""
        return {
            "accepted": self.accepted,
            "rejected": len(self),
            "duplicates": self.duplicates,
            "reasons": self.counts,
            "first": self.frame.head(n).to_dicts(),
            "notes": list(self.notes),
        }

    def write(self, path: Path) -> None:
        """Write every rejection to a file as JSON lines (compressed when it ends in .gz)."""
        text = self.frame.write_ndjson().encode()
        try:
            path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
        except OSError as error:
            raise DataError(
                f"The list of rejected lines cannot be written to {path} ({error.strerror}). "
                "Name a file in a folder that exists and can be written."
            ) from error
