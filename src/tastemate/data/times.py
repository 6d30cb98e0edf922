"""Times as people write them, read as seconds since 1970; those without a zone count as UTC."""

from typing import Literal, TypeAlias

import polars as pl

Order: TypeAlias = Literal["day first", "month first", "unknown"]

SLASHED = r"^\d{1,2}/\d{1,2}/\d{4}"
UNREADABLE = (
    "is not a time: give seconds since 1970, 2023-05-14, 2023-05-14T12:30:00Z, "
    "2023-05-14T12:30:00+02:00 or 14.05.2023"
)
UNCERTAIN = "may be day/month or month/day: write 2023-05-14 or 14.05.2023"

_ZONE = r"(\d{2}:\d{2}\S*?)\s*([+-])(\d{2}):?(\d{2})$"


def written_times(column: pl.Series) -> pl.Series:
    """Return seconds since 1970 of ISO times and of days with dots or slashes; null for others.

    Whether 3/4/2023 is in March or in April is told by the other rows; see `day_month_order`.
    """
    texts = column.str.strip_chars().str.strip_chars_end("Zz").str.strip_chars()
    texts = texts.str.replace(r"^(\d{4}-\d{2}-\d{2})[Tt]", "${1} ")
    parts = texts.to_frame("text").select(
        pl.col("text").str.replace(_ZONE, "${1}"),
        (
            pl.when(pl.col("text").str.extract(_ZONE, 2) == "-").then(-1).otherwise(1)
            * (
                pl.col("text").str.extract(_ZONE, 3).cast(pl.Int64) * 3600
                + pl.col("text").str.extract(_ZONE, 4).cast(pl.Int64) * 60
            )
        )
        .fill_null(0)
        .alias("offset"),
    )
    days = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y"]
    order = day_month_order(column)
    if order != "unknown":
        days.append("%d/%m/%Y" if order == "day first" else "%m/%d/%Y")
    found = pl.Series([None] * len(column), dtype=pl.Float64)
    for day in days:
        found = found.fill_null(_seconds(parts["text"], day))
    return found - parts["offset"]


def _seconds(texts: pl.Series, day: str) -> pl.Series:
    whole = texts.str.to_date(day, strict=False).dt.epoch("s").cast(pl.Float64)
    for clock in ("%H:%M:%S%.f", "%H:%M"):
        read = texts.str.to_datetime(f"{day} {clock}", strict=False, time_unit="us")
        whole = whole.fill_null(read.dt.epoch("s").cast(pl.Float64))
    return whole


def day_month_order(column: pl.Series) -> Order:
    """Return the order of day and month in dates with slashes, going by a number above 12."""
    first = column.str.extract(r"^(\d{1,2})/\d{1,2}/\d{4}", 1).cast(pl.Int64)
    second = column.str.extract(r"^\d{1,2}/(\d{1,2})/\d{4}", 1).cast(pl.Int64)
    day_first, month_first = (first > 12).any(), (second > 12).any()
    if day_first == month_first:
        return "unknown"
    return "day first" if day_first else "month first"
