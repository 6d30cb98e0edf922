"""The audit of a running service, and its quality day by day: plain tables for people to read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate import metrics
from tastemate.catalog import Catalog
from tastemate.evaluate import live
from tastemate.evaluate.live import Row

VALUES = 200
"""A text or list attribute of more values than this makes no groups of items."""
KINDS = 12
"""A declared attribute of more values than this makes no groups of people."""
DAY = 86_400


def audit_live(
    found: pl.DataFrame,
    catalog: Catalog,
    counts: NDArray[np.int64],
    *,
    people: pl.DataFrame | None = None,
    complaints: Sequence[Mapping[str, Any]] = (),
    attributes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return exposure and acceptance by group of items and of people, and complaints by kind.

    `found` is of `live.outcomes`; `counts` (items,) are the events models were fitted on;
    `people` has the column `user` and what they declared; `complaints` have `kind` and `user`;
    `attributes` are those of items to group by (default: every text or list of at most 200
    values). Figures with too few lines or readers are left out and the row says so.
    """
    tables: dict[str, list[Row]] = {}
    if counts.sum():
        tables["popularity"] = live.by_third(found, counts)
        tables["popularity decile"] = live.by_popularity(found, counts)
    for name in attributes or groups_of(catalog):
        tables[name] = live.by_item(found, catalog, name)
    own = {}
    if people is not None:
        own = {name: live.by_reader(found, people, name) for name in declared(people)}
    lists = int(found["recommendation"].n_unique())
    return {
        "lists": lists,
        "all": live.rates(found).as_json(),
        "least": {"lines": live.LINES, "readers": live.READERS},
        "items": {name: [row.as_json() for row in rows] for name, rows in tables.items() if rows},
        "people": {
            name: {"rows": [row.as_json() for row in rows], **_gaps(rows)}
            for name, rows in own.items()
            if rows
        },
        "complaints": _complaints(complaints, lists),
    }


def groups_of(catalog: Catalog) -> list[str]:
    """Return the text and list attributes with few enough values to be groups of items."""
    names = [name for name in catalog.attributes if not catalog.is_numeric(name)]
    return [name for name in names if 1 < len(catalog.incidence(name).values) <= VALUES]


def declared(people: pl.DataFrame) -> list[str]:
    """Return what people declared that has few enough values to be groups of people."""
    names = [name for name in people.columns if name != "user"]
    return [name for name in names if 1 < people[name].drop_nulls().n_unique() <= KINDS]


def per_day(
    found: pl.DataFrame,
    counts: NDArray[np.int64],
    *,
    since: int = 0,
) -> list[dict[str, Any]]:
    """Return a row for each day (UTC) with lines, oldest first.

    Beside the rates: `coverage` (share of the catalogue shown), `gini` (0: every item as often as
    the next), and `drift`, the Jensen-Shannon divergence in bits (0 to 1; Lin 1991) between the
    popularity deciles of what was clicked that day and of the events the models were fitted on;
    it is left out below 30 clicks.
    """
    part = live.deciles(counts)
    fitted = np.bincount(part, weights=counts, minlength=10)
    rows = []
    days = found.filter(pl.col("at") >= since).with_columns(day=pl.col("at") // DAY)
    for day, lines in sorted(days.partition_by("day", as_dict=True).items()):
        known = lines.filter(pl.col("row") >= 0)
        shown = known["row"].to_numpy()[:, None]
        row: dict[str, Any] = {
            "day": datetime.fromtimestamp(int(day[0]) * DAY, UTC).date().isoformat(),
            "lists": int(lines["recommendation"].n_unique()),
            **live.rates(lines).as_json(),
            "coverage": metrics.coverage(shown, len(counts)) if len(shown) else 0.0,
            "gini": metrics.gini(shown, len(counts)) if len(shown) else 0.0,
        }
        clicked = known.filter(pl.col("clicked"))["row"].to_numpy()
        clicked = clicked[clicked < len(part)]
        if len(clicked) >= live.LINES and fitted.sum():
            row["drift"] = divergence(np.bincount(part[clicked], minlength=10), fitted)
        row.pop("value")
        rows.append(row)
    return rows


def divergence(one: NDArray[np.number], other: NDArray[np.number]) -> float:
    """Return the Jensen-Shannon divergence of two sets of counts in bits, 0 to 1."""
    p, q = (np.asarray(c, np.float64) / max(float(np.sum(c)), 1e-12) for c in (one, other))
    middle = (p + q) / 2

    def far(a: NDArray[np.float64]) -> float:
        there = a > 0
        return float((a[there] * np.log2(a[there] / middle[there])).sum())

    return max((far(p) + far(q)) / 2, 0.0)


def _gaps(rows: list[Row]) -> dict[str, Any]:
    gaps = {name: live.widest_gap(rows, name) for name in live.RATES}
    return {f"{name} widest gap": gap.as_json() for name, gap in gaps.items() if gap is not None}


def _complaints(said: Sequence[Mapping[str, Any]], lists: int) -> list[dict[str, Any]]:
    kinds: dict[str, set[str]] = {}
    numbers: dict[str, int] = {}
    for one in said:
        kind = str(one["kind"])
        numbers[kind] = numbers.get(kind, 0) + 1
        kinds.setdefault(kind, set()).add(str(one.get("user") or one.get("id", "")))
    return [
        {"kind": kind, "complaints": numbers[kind], "readers": len(kinds[kind])}
        | ({"per_1000_lists": 1000 * numbers[kind] / lists} if lists else {})
        for kind in sorted(numbers, key=lambda kind: (-numbers[kind], kind))
    ]
