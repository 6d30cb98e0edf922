"""A data set in numbers: what to know about it before a model is fitted on it."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.datasets import Dataset
from tastemate.interactions import Interactions

_PERCENTILES = (5, 25, 50, 75, 95)


def description(dataset: Dataset) -> dict[str, Any]:
    """Return size, density, scale, history lengths, ties, time span, attributes, fingerprint.

    Shares are between 0 and 1; `history_length` holds percentiles of events per user.
    """
    catalog, events = dataset.catalog, dataset.interactions
    cells = events.n_users * len(catalog)
    found: dict[str, Any] = {
        "dataset": dataset.name,
        "users": events.n_users,
        "items": len(catalog),
        "items_with_events": int((events.counts > 0).sum()),
        "events": len(events),
        "density": len(events) / cells if cells else 0.0,
    }
    if len(events):
        found |= _of_events(events)
    found["fingerprint"] = {"catalog": catalog.fingerprint, "events": events.fingerprint}
    found["attributes"] = {name: _of_attribute(catalog, name) for name in catalog.attributes}
    found["text"] = _text_coverage(catalog)
    if events.people is not None:
        found["people"] = ", ".join(events.people.columns)
    found["notes"] = list(dataset.notes)
    return found


def tied_users(interactions: Interactions) -> float:
    """Return the share of users with two events or more whose last two share their timestamp."""
    last = interactions.offsets[1:] - 1
    several = last[np.diff(interactions.offsets) >= 2]
    if not len(several):
        return 0.0
    times = interactions.timestamp
    return float((times[several] == times[several - 1]).mean())


def _of_events(events: Interactions) -> dict[str, Any]:
    lengths = np.diff(events.offsets)
    cuts = np.percentile(lengths[lengths > 0], _PERCENTILES)
    first, last = int(events.timestamp.min()), int(events.timestamp.max())
    values, counts = np.unique(events.value, return_counts=True)
    return {
        "scale": {
            "low": events.scale.low,
            "high": events.scale.high,
            "mean": float(events.value.mean(dtype=np.float64)),
            "distinct": len(values),
            "most_common": float(values[np.argmax(counts)]),
        },
        "history_length": {
            f"p{percent}": float(cut) for percent, cut in zip(_PERCENTILES, cuts, strict=True)
        },
        "tied_last": tied_users(events),
        "time": {"first": _date(first), "last": _date(last)},
    }


def _of_attribute(catalog: Catalog, name: str) -> dict[str, Any]:
    column = catalog.frame[name]
    known = 1 - column.null_count() / len(column) if len(column) else 0.0
    if isinstance(column.dtype, pl.List):
        filled = int((column.list.len() > 0).sum())
        known = filled / len(column) if len(column) else 0.0
        values = column.explode().drop_nulls()
        return {"kind": "list", "known": known, "values": values.n_unique()}
    kind = "number" if catalog.is_numeric(name) else "text"
    return {"kind": kind, "known": known, "values": column.drop_nulls().n_unique()}


def _text_coverage(catalog: Catalog) -> float:
    filled = len(catalog) - int((catalog.frame["text"] == "").sum())
    return filled / len(catalog) if len(catalog) else 0.0


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
