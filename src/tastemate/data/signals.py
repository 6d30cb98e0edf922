"""A file of what people did, in the columns of `POST /v1/events`: checked column by column.

An event without an id gets one made of all its other columns: the same line, read again after an
interruption or a second time, is the same event.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import polars as pl

from tastemate import ids
from tastemate.data.lines import LINE
from tastemate.data.tables import read_table
from tastemate.data.times import UNREADABLE, written_times
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NothingUsable, nearest
from tastemate.interactions import Scale
from tastemate.types import Signal

AHEAD = 86_400
"""Seconds that a clock may be ahead of this machine's."""
RATING = "rating"
"""The kind whose value counts."""
NEEDED = ("user_id", "item_id", "kind")
IDS = ("event_id", *NEEDED, "session_id", "recommendation_id")
COLUMNS = (*("event_id", *NEEDED, "value", "timestamp"), "session_id", "recommendation_id")
ALL = (*COLUMNS, "position")
"""The columns of a file, in the order of a `Signal`'s fields."""
CONTROL = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class Read:
    """The events of a file that passed: columns `ALL`, of a `Signal`'s types, in file order."""

    frame: pl.DataFrame
    report: Report

    def signals(self, at_once: int) -> Iterator[list[Signal]]:
        """Yield the events in parts, in the order of the file."""
        for start in range(0, len(self.frame), at_once):
            yield [Signal(*row) for row in self.frame.slice(start, at_once).iter_rows()]


def read_signals(
    path: Path,
    *,
    items: Collection[str],
    kinds: Collection[str],
    now: float | None = None,
    scale: Scale | None = None,
) -> Read:
    """Read a CSV, TSV, JSON lines or Parquet file; what cannot be kept is in the report.

    `items` are the ids of the catalogue, `kinds` what is taken, `scale` that of ratings, where it
    is known. Times are seconds since 1970 or written out; an event without one happened `now`.
    A rating needs a value. Raises `FormatError` where a needed column is
    missing or one is unknown, `NothingUsable` where no line is left.
    """
    report = Report()
    now = time.time() if now is None else now
    table = read_table(path, report)
    _check_columns(table, path)
    file = path.name
    frame = table.select(
        *(_text(table, name).alias(name) for name in ALL), pl.col(LINE)
    ).with_columns(pl.col("event_id").alias("_given"))
    frame = _check_ids(frame, file, report)
    known = pl.DataFrame({"item_id": pl.Series(list(items), dtype=pl.String)})
    strangers = frame.join(known, on="item_id", how="anti", maintain_order="left")
    frame = _without(frame, strangers, file, "item_id", "is not in the catalogue", report)
    for kind in frame.filter(~pl.col("kind").is_in(list(kinds)))["kind"].unique(
        maintain_order=True
    ):
        odd = frame.filter(pl.col("kind") == kind)
        reason = f"is not taken.{nearest(kind, kinds)} Known: {', '.join(kinds)}"
        frame = _without(frame, odd, file, "kind", reason, report)
    frame = _numbers(_rated(frame, file, report), file, report, now)
    frame = _on_scale(frame, scale, file, report)
    if not len(frame):
        raise NothingUsable(
            f"No line of {file} can be used. Look at what is wrong with them with --rejected FILE.",
            report,
        )
    return Read(_named(frame).select(ALL), report)


def write_signals(frame: pl.DataFrame, path: Path) -> int:
    """Write the store's events (`Events.frame`) as a file that `read_signals` reads; return rows.

    The end of the name says the form: .csv, .jsonl or .parquet; raises `FormatError` for others.
    """
    names = dict(zip(("id", "user", "item"), ("event_id", "user_id", "item_id"), strict=True))
    names |= {"session": "session_id", "recommendation": "recommendation_id"}
    told = frame.rename(names).select(ALL)
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            told.write_csv(path)
        elif kind in (".jsonl", ".ndjson"):
            told.write_ndjson(path)
        elif kind == ".parquet":
            told.write_parquet(path)
        else:
            raise FormatError(f"{path.name} must end in .csv, .jsonl or .parquet.")
    except OSError as error:
        raise FormatError(f"{path} cannot be written ({error}). Name another file.") from error
    return len(told)


def _check_columns(table: pl.DataFrame, path: Path) -> None:
    names = [name for name in table.columns if name != LINE]
    for name in NEEDED:
        if name not in names:
            raise FormatError(
                f"{path} has no column {name!r}; it has {', '.join(names) or 'none'}. "
                f"The columns are {', '.join(ALL)}."
            )
    for name in names:
        if name not in ALL:
            raise FormatError(
                f"{path} has a column {name!r} that says nothing here.{nearest(name, ALL)} "
                f"The columns are {', '.join(ALL)}; leave others out."
            )


def _text(table: pl.DataFrame, name: str) -> pl.Expr:
    if name not in table.columns:
        return pl.lit("")
    if isinstance(table.schema[name], pl.List):
        return pl.col(name).list.join(" ").fill_null("")
    return pl.col(name).fill_null("").str.strip_chars(" \t")


def _check_ids(frame: pl.DataFrame, file: str, report: Report) -> pl.DataFrame:
    for name in NEEDED:
        blank = frame.filter(pl.col(name).str.strip_chars() == "")
        frame = _without(frame, blank, file, name, "is empty", report)
    for name in IDS:
        long = frame.filter(pl.col(name).str.len_chars() > ids.LONGEST)
        frame = _without(frame, long, file, name, f"has over {ids.LONGEST} characters", report)
        odd = frame.filter(pl.col(name).str.contains(CONTROL))
        frame = _without(frame, odd, file, name, "holds a control character", report)
    return frame


def _rated(frame: pl.DataFrame, file: str, report: Report) -> pl.DataFrame:
    """Leave out ratings without a value."""
    bare = frame.filter((pl.col("kind") == RATING) & (pl.col("value") == ""))
    return _without(frame, bare, file, "value", "is missing, which a rating needs", report)


def _on_scale(frame: pl.DataFrame, scale: Scale | None, file: str, report: Report) -> pl.DataFrame:
    """Leave out ratings that cannot be meant on the scale of the data."""
    if scale is None or not scale.rates:
        return frame
    spare = (scale.high - scale.low) / 2
    within = pl.col("_value").is_between(scale.low - spare, scale.high + spare)
    far = frame.filter((pl.col("kind") == RATING) & ~within)
    reason = f"is no rating: here they go from {scale.low:g} to {scale.high:g}"
    return _without(frame, far, file, "value", reason, report)


def _numbers(frame: pl.DataFrame, file: str, report: Report, now: float) -> pl.DataFrame:
    """Read value, timestamp and position; an empty one is 0, and of the timestamp it is now."""
    for name, largest in (("value", 1e9), ("position", 1e6)):
        number = pl.col(name).cast(pl.Float64, strict=False)
        frame = frame.with_columns(
            pl.when(pl.col(name) == "").then(0.0).otherwise(number).alias("_n")
        )
        odd = frame.filter(pl.col("_n").is_null() | ~pl.col("_n").is_finite())
        frame = _without(frame, odd, file, name, "is not a number", report)
        far = pl.col("_n").abs() > largest
        if name == "position":
            far = (pl.col("_n") < 0) | far | (pl.col("_n") != pl.col("_n").floor())
        frame = _without(frame, frame.filter(far), file, name, "is out of range", report)
        frame = frame.with_columns(pl.col("_n").alias(f"_{name}"))
    number = pl.col("timestamp").cast(pl.Float64, strict=False)
    frame = frame.with_columns(number.alias("_n"))
    if frame.filter(pl.col("_n").is_null() & (pl.col("timestamp") != "")).height:
        frame = frame.with_columns(pl.coalesce("_n", written_times(frame["timestamp"])).alias("_n"))
    filled = pl.when(pl.col("timestamp") == "").then(float(int(now))).otherwise(pl.col("_n"))
    frame = frame.with_columns(filled.alias("_n"))
    odd = frame.filter(pl.col("_n").is_null() | ~pl.col("_n").is_finite())
    frame = _without(frame, odd, file, "timestamp", UNREADABLE, report)
    early = frame.filter(pl.col("_n") < 0)
    frame = _without(frame, early, file, "timestamp", "is before 1970", report)
    late = frame.filter(pl.col("_n") > now + AHEAD)
    reason = "lies more than a day ahead; seconds since 1970 are meant"
    frame = _without(frame, late, file, "timestamp", reason, report)
    return frame


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Return events with their numbers, and with ids where the file gives none."""
    others = frame.select(name for name in ALL if name != "event_id")
    ids = [
        given or "file-" + blake2b("\x1f".join(row).encode(), digest_size=12).hexdigest()
        for given, row in zip(frame["event_id"].to_list(), others.iter_rows(), strict=True)
    ]
    return frame.with_columns(
        pl.Series("event_id", ids, dtype=pl.String),
        pl.col("_value").alias("value"),
        pl.col("_n").floor().cast(pl.Int64).alias("timestamp"),
        pl.col("_position").cast(pl.Int64).alias("position"),
    )


def _without(
    frame: pl.DataFrame, out: pl.DataFrame, file: str, field: str, reason: str, report: Report
) -> pl.DataFrame:
    """Report the lines of `out` and return the others."""
    if not len(out):
        return frame
    report.reject(file, out[LINE], field, reason, out[field])
    return frame.join(out.select(LINE), on=LINE, how="anti", maintain_order="left")
