"""From columns of text to interactions: every value is checked, every bad line is reported."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.data import columns as names
from tastemate.data.columns import Columns
from tastemate.data.lines import LINE
from tastemate.data.times import SLASHED, UNCERTAIN, UNREADABLE, day_month_order, written_times
from tastemate.data.validate import Report
from tastemate.errors import NothingUsable
from tastemate.interactions import Interactions

LATEST = 4_102_444_800
"""Seconds since 1970 at the start of 2100; later timestamps are rejected."""

_UNITS = (
    (1e17, 1_000_000_000, "nanoseconds"),
    (1e14, 1_000_000, "microseconds"),
    (1e11, 1_000, "milliseconds"),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """Events that passed: columns user, item (texts), value, timestamp, position, `_line`."""

    frame: pl.DataFrame
    file: str


def check_events(
    table: pl.DataFrame, file: str, columns: Columns, report: Report, first_line: int = 2
) -> Checked:
    """Check users, items, ratings and times; without a time column, file order is the time.

    `first_line` is the line of the first event: 1 where the file has no header. Raises
    `FormatError` when there is no user or item column.
    """
    known = [name for name in table.columns if name != LINE]
    user = names.find(known, columns.user, names.USER_NAMES, "--user-col", file)
    item = names.find(known, columns.item, names.ITEM_NAMES, "--item-col", file)
    value = names.find_optional(known, columns.rating, names.RATING_NAMES, "--rating-col", file)
    time = names.find_optional(known, columns.time, names.TIME_NAMES, "--time-col", file)
    frame = table.select(
        _as_text(table, user).alias("user"),
        _as_text(table, item).alias("item"),
        _as_text(table, value).alias("_value") if value else pl.lit("1").alias("_value"),
        _as_text(table, time).alias("_time") if time else pl.lit("").alias("_time"),
        pl.col(LINE),
    )
    # A rating's place in its file counts rejected lines too: committed splits rely on it.
    frame = frame.with_columns((pl.col(LINE) - first_line).alias("position"))
    if not value:
        report.note(f"{file} has no rating column: every event counts as 1.")
    frame = _without(frame, pl.col("user") == "", file, user, "is empty", "user", report)
    frame = _without(frame, pl.col("item") == "", file, item, "is empty", "item", report)
    frame = _check_values(frame, file, value or "rating", report)
    if time:
        frame = _check_times(frame, file, time, report)
    else:
        report.note(f"{file} has no time column: the order of the file stands for time.")
        frame = frame.with_columns(pl.col("position").alias("timestamp"))
    return Checked(frame.drop("_value", "_time"), file)


def drop_duplicates(checked: Checked, report: Report) -> Checked:
    """Keep the last of the events that share user, item and timestamp; count the others."""
    kept = checked.frame.unique(["user", "item", "timestamp"], keep="last", maintain_order=True)
    report.duplicates += len(checked.frame) - len(kept)
    return Checked(kept, checked.file)


def to_interactions(
    checked: Checked, catalog: Catalog, report: Report, people: pl.DataFrame | None = None
) -> Interactions:
    """Give events their rows in the catalogue; events of unknown items are rejected.

    `people` has a text column `user`; its other columns are what users declared. Users without
    events are in the vocabulary when `people` names them. Raises `NothingUsable`.
    """
    rows = catalog.codes(checked.frame["item"])
    frame = checked.frame.with_columns(pl.Series("row", rows))
    frame = _without(
        frame, pl.col("row") < 0, checked.file, "item", "is not in the items file", "item", report
    )
    checked = drop_duplicates(Checked(frame, checked.file), report)
    frame = checked.frame
    report.accepted += len(frame)
    if not len(frame):
        raise NothingUsable(
            f"No line of {checked.file} can be used.\n{report.summary()}\n"
            "Correct the file, or name its columns with --user-col, --item-col, --rating-col "
            "and --time-col.",
            report,
        )
    users = frame["user"].unique(maintain_order=True)
    if people is not None:
        twice = len(people) - people["user"].n_unique()
        if twice:
            lines = "1 line describes" if twice == 1 else f"{twice:,} lines describe"
            report.note(f"{lines} somebody described before: the first one counts.")
        people = people.unique("user", keep="first", maintain_order=True)
        more = people["user"].filter(~people["user"].is_in(users.implode()))
        users = pl.concat([users, more])
        declared = pl.DataFrame({"user": users}).join(
            people, on="user", how="left", maintain_order="left"
        )
    codes = frame["user"].replace_strict(
        users, pl.Series(np.arange(len(users), dtype=np.int32)), return_dtype=pl.Int32
    )
    return Interactions(
        users.to_list(),
        len(catalog),
        codes.to_numpy(),
        frame["row"].to_numpy(),
        frame["value"].to_numpy().astype(np.float32),
        frame["timestamp"].to_numpy(),
        position=frame["position"].to_numpy(),
        people=None if people is None else declared.drop("user"),
    )


def catalog_of_ids(checked: Checked) -> Catalog:
    """Make a catalogue of the item ids themselves, numbers in numeric order."""
    ids = checked.frame["item"].unique(maintain_order=True)
    numbers = ids.cast(pl.Int64, strict=False)
    ids = ids.sort() if numbers.has_nulls() else ids[numbers.arg_sort()]
    return Catalog(pl.DataFrame({"id": ids, "title": ids}))


def _as_text(table: pl.DataFrame, name: str) -> pl.Expr:
    if isinstance(table.schema[name], pl.List):
        return pl.col(name).list.join(" ").fill_null("")
    return pl.col(name).fill_null("").str.strip_chars()


def _without(
    frame: pl.DataFrame,
    bad: pl.Expr,
    file: str,
    field: str,
    reason: str,
    shown: str,
    report: Report,
) -> pl.DataFrame:
    out = frame.filter(bad)
    if not len(out):
        return frame
    report.reject(file, out[LINE], field, reason, out[shown])
    return frame.filter(~bad)


def _check_values(frame: pl.DataFrame, file: str, field: str, report: Report) -> pl.DataFrame:
    frame = frame.with_columns(pl.col("_value").cast(pl.Float64, strict=False).alias("value"))
    bad = (
        (pl.col("_value") == "", "is empty"),
        (pl.col("value").is_null(), "is not a number"),
        (pl.col("value").is_nan(), "is not a number (NaN)"),
        (pl.col("value").is_infinite(), "is infinite"),
        (pl.col("value").abs() > 1e9, "is out of range"),
    )
    for mask, reason in bad:
        frame = _without(frame, mask, file, field, reason, "_value", report)
    return frame


def _check_times(frame: pl.DataFrame, file: str, field: str, report: Report) -> pl.DataFrame:
    frame = _without(frame, pl.col("_time") == "", file, field, "is empty", "_time", report)
    number = pl.col("_time").cast(pl.Float64, strict=False)
    frame = frame.with_columns(number.alias("_number"))
    if frame["_number"].has_nulls():
        read = written_times(frame["_time"])
        frame = frame.with_columns(pl.coalesce("_number", read).alias("_number"))
    unread = pl.col("_number").is_null()
    if day_month_order(frame["_time"]) == "unknown":
        slashed = unread & pl.col("_time").str.contains(SLASHED)
        frame = _without(frame, slashed, file, field, UNCERTAIN, "_time", report)
    frame = _without(frame, unread, file, field, UNREADABLE, "_time", report)
    finite = pl.col("_number").is_finite()
    frame = _without(frame, ~finite, file, field, "is not a finite number", "_time", report)
    frame = _to_seconds(frame, file, report)
    late, early = pl.col("_number") >= LATEST, pl.col("_number") < 0
    frame = _without(frame, early, file, field, "is before 1970", "_time", report)
    frame = _without(frame, late, file, field, "is after 2100", "_time", report)
    exact = pl.col("_time").cast(pl.Int64, strict=False)
    seconds = pl.coalesce(
        pl.when(exact == pl.col("_number")).then(exact), pl.col("_number").floor().cast(pl.Int64)
    )
    return frame.with_columns(seconds.alias("timestamp")).drop("_number")


def _to_seconds(frame: pl.DataFrame, file: str, report: Report) -> pl.DataFrame:
    middle = frame["_number"].median() if len(frame) else 0.0
    for least, per_second, unit in _UNITS:
        if isinstance(middle, float) and middle > least:
            report.note(f"The times of {file} are {unit}; they were turned into seconds.")
            coarse = pl.col("_number") < LATEST
            frame = frame.with_columns(
                pl.when(coarse)
                .then("_number")
                .otherwise(pl.col("_number") / per_second)
                .alias("_number")
            )
            break
    # Rows of several sources may differ in their unit.
    for least, per_second, unit in _UNITS:
        finer = pl.col("_number") > least
        count = len(frame.filter(finer))
        if count:
            times = "1 time" if count == 1 else f"{count:,} times"
            report.note(f"{times} of {file} in {unit} turned into seconds, as the others are.")
            frame = frame.with_columns(
                pl.when(finer)
                .then(pl.col("_number") / per_second)
                .otherwise("_number")
                .alias("_number")
            )
    return frame
