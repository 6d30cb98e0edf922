"""Which impression a signal rewards: one rule, for experiments, exploration and training alike.

A signal that names a recommendation rewards the item's impression in it, or nothing. One that
names none rewards the last impression of the item that its user saw. Either way only within the
window after the impression. What was undone rewards nothing.
"""

from collections.abc import Collection

import polars as pl

from tastemate.errors import DataError
from tastemate.types import UNDO, UNDO_ID, undo_id

SKEW = 60
"""Seconds by which the clock that stamped a signal may run behind the one of the impressions."""
_TOUCHED = ("user", "item", "kind")
_IMPRESSION = ("recommendation", "user", "session", "item", "position", "at")
_SIGNAL = ("user", "session", "item", "kind", "timestamp", "recommendation")


def credited(
    impressions: pl.DataFrame, signals: pl.DataFrame, kinds: Collection[str], window: int
) -> pl.DataFrame:
    """Return the impressions, in their order, with `reward` (0 or 1) and `signals` (how many).

    `kinds` are the kinds of signal that count, `window` is in seconds. Raises `DataError` for a
    frame without the columns of the store.
    """
    require(signals, _SIGNAL, "signals")
    given = standing(signals).filter(pl.col("kind").is_in(list(kinds)))
    counted = answered(impressions, given, window).group_by("_row")
    return (
        impressions.with_row_index("_row")
        .join(
            counted.agg(pl.len().cast(pl.Int64).alias("signals")),
            on="_row",
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("signals").fill_null(0))
        .with_columns((pl.col("signals") > 0).cast(pl.Int64).alias("reward"))
        .drop("_row")
    )


def answered(impressions: pl.DataFrame, given: pl.DataFrame, window: int) -> pl.DataFrame:
    """Return which impression each signal answers: `_row` of the one, `_given` of the other.

    Both are row numbers; a signal that answers nothing has no row. `given` are signals that stand.
    Raises `DataError` as `credited` does.
    """
    require(impressions, _IMPRESSION, "impressions")
    require(given, _SIGNAL, "signals")
    shown = impressions.with_row_index("_row").select(
        "_row", "recommendation", "user", "item", _who(), pl.col("at").cast(pl.Int64)
    )
    told = given.with_row_index("_given").select(
        "_given", "recommendation", "user", "item", _who(), pl.col("timestamp").cast(pl.Int64)
    )
    return pl.concat([_named(shown, told, window), _latest(shown, told, window)])


def standing(signals: pl.DataFrame) -> pl.DataFrame:
    """Return the signals that were not undone, without the undoing ones.

    An undo takes back the signal whose `undo_id` it has; without such an id the user's last one on
    the item that still stands.
    """
    if not (signals["kind"] == UNDO).any():
        return signals
    order = ["timestamp", "seq"] if "seq" in signals.columns else ["timestamp"]
    numbered = signals.with_row_index("_row")
    touched = numbered.join(
        signals.filter(pl.col("kind") == UNDO).select("user", "item").unique(),
        on=["user", "item"],
        how="semi",
    ).sort(order, maintain_order=True)
    names = pl.col("id") if "id" in signals.columns else pl.lit("").alias("id")
    stacks: dict[tuple[str, str], dict[str, int]] = {}
    gone: set[int] = set()
    for row, name, *pair, kind in touched.select("_row", names, *_TOUCHED).iter_rows():
        stack = stacks.setdefault((pair[0], pair[1]), {})
        if kind != UNDO:
            stack[undo_id(name) if name else str(row)] = row
            continue
        gone.add(row)
        if name in stack:
            gone.add(stack.pop(name))
        elif stack and not UNDO_ID.fullmatch(name):
            gone.add(stack.popitem()[1])
    return numbered.filter(~pl.col("_row").is_in(list(gone))).drop("_row")


def require(frame: pl.DataFrame, columns: Collection[str], what: str) -> None:
    """Raise `DataError` for a frame that lacks a column."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DataError(
            f"The {what} lack {', '.join(missing)}. Give the frame as the store returns it."
        )


def _who() -> pl.Expr:
    """Somebody without an account is known by the session."""
    session = pl.concat_str(pl.lit("\x1fsession:"), pl.col("session"))
    return pl.when(pl.col("user") != "").then(pl.col("user")).otherwise(session).alias("who")


def _named(shown: pl.DataFrame, given: pl.DataFrame, window: int) -> pl.DataFrame:
    """Return the impressions that signals name; another person's list is nobody's to reward."""
    late = pl.col("timestamp") - pl.col("at")
    same = (pl.col("user") == pl.col("user_right")) | (pl.col("user") == "")
    return (
        given.filter(pl.col("recommendation") != "")
        .join(shown.unique(["recommendation", "item"], keep="first", maintain_order=True),
              on=["recommendation", "item"])
        .filter(same | (pl.col("user_right") == ""), late >= -SKEW, late <= window)
        .select("_row", "_given")
    )  # fmt: skip


def _latest(shown: pl.DataFrame, given: pl.DataFrame, window: int) -> pl.DataFrame:
    """Return the last impression before each signal that names no recommendation."""
    return (
        given.filter(pl.col("recommendation") == "")
        .sort("timestamp")
        .join_asof(
            shown.sort("at", maintain_order=True).select("_row", "who", "item", "at"),
            left_on="timestamp",
            right_on="at",
            by=["who", "item"],
            tolerance=window,
            check_sortedness=False,
        )
        .filter(pl.col("_row").is_not_null())
        .select("_row", "_given")
    )
