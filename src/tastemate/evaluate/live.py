"""What a running service shows and what people make of it, from what was shown and what was done.

A line that was shown (an impression) is joined with what its reader did about that item. Readers
are the sample: lines of one reader are alike, so the intervals are Wilson's (1927) at the number
of lines that would be worth as much if each had its own reader (Kish's design effect, 1965).
Below a minimum of lines or readers there is no figure at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.evaluate.bootstrap import Interval
from tastemate.interactions import Scale
from tastemate.profile.signals import RATING, Weights
from tastemate.rank.credit import answered, standing
from tastemate.rank.fair import LABELS, item_thirds
from tastemate.types import Mask

LINES = 30
"""Lines below which there is too little to say."""
READERS = 5
"""Readers below which figures would be about persons."""
WINDOW = 86_400
"""Seconds after which what somebody does is no answer to a list that it does not name."""
Z = 1.959964
"""Standard errors on each side of a 95% interval."""

RATES = {"ctr": "clicked", "acceptance": "accepted", "dislike_rate": "disliked"}
"""Rate → the column of `outcomes` whose share it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One group of lines, items or people."""

    value: str
    lines: int
    readers: int
    figures: dict[str, Interval]
    """What there is enough of to say."""

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values; `too_few` where it has no rates."""
        told = {name: one.as_json() for name, one in self.figures.items()}
        return {
            "value": self.value,
            "lines": self.lines,
            "readers": self.readers,
            "too_few": "acceptance" not in self.figures,
            **told,
        }


def outcomes(
    impressions: pl.DataFrame,
    signals: pl.DataFrame,
    catalog: Catalog,
    weights: Weights,
    scale: Scale,
    *,
    window: int = WINDOW,
) -> pl.DataFrame:
    """Return the lines shown with what came of them: one row a line.

    Takes the frames of the store. Adds `row` (catalogue row, -1: not there any more), `reader`
    (the user, else the session, else the list), `weight` (1/log2(1 + place)), and whether it was
    `clicked` (a signal above 0), `accepted` (one that counts) or `disliked` (one below 0). Which
    line a signal answers is what `rank.credit` says, within `window` seconds.
    """
    shown = impressions.with_columns(
        row=pl.Series(catalog.codes(impressions["item"]), dtype=pl.Int32),
        reader=pl.coalesce(*(_said(name) for name in ("user", "session", "recommendation"))),
        weight=1.0 / (pl.col("position").clip(1) + 1.0).log(2.0),
    )
    given = standing(signals)
    worth = _worth(given, weights, scale).with_row_index("_given")
    answers = answered(impressions, given, window).join(worth, on="_given").group_by("_row")
    found = shown.with_row_index("_row").join(
        answers.agg(most=pl.col("worth").max(), least=pl.col("worth").min()),
        on="_row",
        how="left",
        maintain_order="left",
    )
    return found.with_columns(
        clicked=pl.col("most").fill_null(0.0) > 0,
        accepted=pl.col("most").fill_null(0.0) >= max(weights.counts, 1e-9),
        disliked=pl.col("least").fill_null(0.0) < 0,
    ).drop("_row", "most", "least")


def by_item(found: pl.DataFrame, catalog: Catalog, attribute: str, *, most: int = 24) -> list[Row]:
    """Return a row for each value of a text or list attribute, the most frequent ones first.

    `exposure` is the group's share of all attention, `share_of_items` its share of the catalogue,
    `ratio` the one over the other: 1 is attention in proportion to numbers.
    """
    incidence = catalog.incidence(attribute)
    counts = np.asarray(incidence.matrix.sum(axis=0)).ravel()
    order = np.argsort(-counts, kind="stable")[:most]
    member = np.asarray(incidence.matrix[:, order].toarray() > 0)
    return by_member(found, member, [incidence.values[at] for at in order.tolist()])


def by_member(found: pl.DataFrame, member: Mask, names: Sequence[str]) -> list[Row]:
    """Return a row for each group of `member` (items, groups); an item may be in several."""
    pairs = [
        pl.DataFrame({"row": np.flatnonzero(member[:, at]).astype(np.int32)}).with_columns(
            group=pl.lit(name)
        )
        for at, name in enumerate(names)
    ]
    if not pairs:
        return []
    sizes = dict(zip(names, member.mean(axis=0).tolist(), strict=True))
    return _rows(found, found.join(pl.concat(pairs), on="row", how="inner"), sizes)


def by_popularity(found: pl.DataFrame, counts: NDArray[np.int64], *, parts: int = 10) -> list[Row]:
    """Return a row for each tenth of the items, by how often people met them: 1 is the most met.

    `counts` (items,) are of what the models were fitted on. Items met alike are in one group.
    """
    return _grouped(found, deciles(counts, parts), [str(at + 1) for at in range(parts)])


def by_third(found: pl.DataFrame, counts: NDArray[np.int64]) -> list[Row]:
    """Return a row for the popular, the middle and the rare items (`rank.fair.item_thirds`)."""
    return _grouped(found, item_thirds(counts), list(LABELS)) if counts.sum() else []


def by_reader(found: pl.DataFrame, people: pl.DataFrame, attribute: str) -> list[Row]:
    """Return a row for each value that users declared; `people` has `user` and the attribute.

    `ratio` is left out: people are not owed attention in proportion to their number of lists.
    """
    own = people.select("user", group=pl.col(attribute).cast(pl.String))
    own = own.filter(pl.col("group").is_not_null() & (pl.col("group") != ""))
    return _rows(found, found.join(own, on="user", how="inner"), None)


def widest_gap(rows: list[Row], figure: str) -> Interval | None:
    """Return the highest less the lowest of a figure, with the interval of that one difference.

    None where fewer than two rows have it. Of many rows some pair lies apart by chance: a gap is
    a place to look, not a finding.
    """
    told = [row.figures[figure] for row in rows if figure in row.figures]
    if len(told) < 2:
        return None
    high, low = max(told, key=lambda one: one.value), min(told, key=lambda one: one.value)
    gap = high.value - low.value
    # Newcombe 1998, method 10: the interval of a difference out of the two intervals.
    down = float(np.hypot(high.value - high.low, low.high - low.value))
    up = float(np.hypot(high.high - high.value, low.value - low.low))
    return Interval(gap, gap - down, gap + up)


def rates(found: pl.DataFrame) -> Row:
    """Return the rates of all lines together."""
    whole = _rows(found, found.with_columns(group=pl.lit("all")), None)
    return whole[0] if whole else Row("all", 0, 0, {})


def deciles(counts: NDArray[np.int64], parts: int = 10) -> NDArray[np.int64]:
    """Return the part of each item, (items,): 0 holds the most met; items met alike share one.

    Items that nobody has met are all alike, so a catalogue without events has one part.
    """
    ordered = np.sort(counts)
    more = len(counts) - np.searchsorted(ordered, counts, side="right")
    part = np.minimum(more * parts // max(len(counts), 1), parts - 1)
    return np.asarray(part, dtype=np.int64)


def share(hits: NDArray[np.float64], tries: NDArray[np.float64]) -> Interval:
    """Return sum(hits)/sum(tries) with its interval; both (readers,), hits within tries.

    Wilson's interval at the effective number of tries: the ratio's variance over readers against
    that of independent tries, never less than it.
    """
    total, readers = float(tries.sum()), int((tries > 0).sum())
    if total <= 0:
        return Interval(0.0, 0.0, 0.0)
    rate = min(max(float(hits.sum()) / total, 0.0), 1.0)
    alone = rate * (1 - rate) / total
    spread = float(((hits - rate * tries) ** 2).sum()) / total**2
    spread *= readers / max(readers - 1, 1)
    n = total * min(alone / spread, 1.0) if spread > 0 and alone > 0 else total
    middle = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * float(np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2)))
    return Interval(rate, max(min(middle - half, rate), 0.0), min(max(middle + half, rate), 1.0))


def _grouped(found: pl.DataFrame, group: NDArray[np.int64], labels: list[str]) -> list[Row]:
    own = found.filter(pl.col("row").is_between(0, len(group) - 1))
    names = np.array(labels, dtype=object)[group[own["row"].to_numpy()]]
    sizes = np.bincount(group, minlength=len(labels)) / max(len(group), 1)
    joined = own.with_columns(group=pl.Series(names.tolist(), dtype=pl.String))
    return _rows(found, joined, dict(zip(labels, sizes.tolist(), strict=True)))


def _rows(
    found: pl.DataFrame, joined: pl.DataFrame, shares: Mapping[str, float] | None
) -> list[Row]:
    """Return the figures of each group of `joined`; with `shares`, those of attention as well."""
    every = found.group_by("reader").agg(attention=pl.col("weight").sum()).sort("reader")
    if len(found) < LINES or len(every) < READERS:
        every = every.clear()
    parts = joined.group_by("group", "reader").agg(
        pl.len().alias("lines"),
        pl.col("weight").sum(),
        *(pl.col(column).sum().cast(pl.Float64) for column in RATES.values()),
    )
    tables = {str(key[0]): part for key, part in parts.partition_by("group", as_dict=True).items()}
    names = list(shares) if shares is not None else sorted(tables)
    sizes = shares or {}
    return [_row(name, tables.get(name), every, sizes.get(name)) for name in names]


def _row(
    name: str,
    part: pl.DataFrame | None,
    every: pl.DataFrame,
    size: float | None,
) -> Row:
    """Return one group; `every` is the attention of each reader, `size` the share of the items."""
    lines = 0 if part is None else int(part["lines"].sum())
    readers = 0 if part is None else len(part)
    figures: dict[str, Interval] = {}
    if size is not None and not every.is_empty():
        own = pl.DataFrame(schema={"reader": pl.String, "weight": pl.Float64})
        own = own if part is None else part.select("reader", "weight")
        both = every.join(own, on="reader", how="left").with_columns(pl.col("weight").fill_null(0))
        seen = share(both["weight"].to_numpy(), both["attention"].to_numpy())
        figures = {"exposure": seen, "share_of_items": Interval(size, size, size)}
        if size > 0:
            figures["ratio"] = Interval(seen.value / size, seen.low / size, seen.high / size)
    if part is not None and lines >= LINES and readers >= READERS:
        tries = part["lines"].cast(pl.Float64).to_numpy()
        figures |= {rate: share(part[column].to_numpy(), tries) for rate, column in RATES.items()}
    return Row(name, lines, readers, figures)


def _worth(signals: pl.DataFrame, weights: Weights, scale: Scale) -> pl.DataFrame:
    """Return what each signal is worth, -1 to 1, in the column `worth`."""
    kinds = pl.Series(list(weights.weights), dtype=pl.String)
    worth = pl.Series([float(one) for one in weights.weights.values()], dtype=pl.Float64)
    middle, half = (scale.low + scale.high) / 2, max((scale.high - scale.low) / 2, 1e-9)
    rated = (
        ((pl.col("value") - middle) / half).clip(-1.0, 1.0)
        if scale.rates
        else pl.when(pl.col("value") >= scale.low).then(1.0).otherwise(-1.0)
    )
    return signals.select(
        worth=pl.when(pl.col("kind") == RATING)
        .then(rated)
        .otherwise(pl.col("kind").replace_strict(kinds, worth, default=0.0))
    )


def _said(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name))
