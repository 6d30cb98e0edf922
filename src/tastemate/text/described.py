"""Which items say something else than when they were encoded: one hash for each row."""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.types import Rows

Hashes = NDArray[np.uint64]


def row_hashes(catalog: Catalog) -> Hashes:
    """Return a hash of the title, text and attributes of each item, (items,).

    An attribute that an item lacks leaves its hash as it is, so that new columns change only
    the items that have them.
    """
    frame = catalog.frame
    parts = [
        _said(name, frame.schema[name]) for name in ("title", "text", *sorted(catalog.attributes))
    ]
    lines = frame.select(pl.concat_str(parts).alias("said"))["said"]
    digests = b"".join(
        hashlib.blake2b(line.encode(), digest_size=8).digest() for line in lines.to_list()
    )
    return np.frombuffer(digests, dtype=np.uint64)


def stale_rows(now: Hashes, then: Hashes) -> Rows:
    """Return the rows that are new, or whose hash is another one than it was, ascending."""
    same = np.zeros(len(now), dtype=np.bool_)
    same[: len(then)] = now[: len(then)] == then
    return np.flatnonzero(~same).astype(np.int32)


def _said(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return "name=value" for each item, empty where there is no value."""
    value = pl.col(name)
    if isinstance(dtype, pl.List):
        value = value.cast(pl.List(pl.String)).list.join("\x1e", ignore_nulls=True)
    elif dtype.is_numeric():
        # A column of whole numbers may become one of fractions when items are added.
        value = value.cast(pl.Float64).cast(pl.String)
    else:
        value = value.cast(pl.String)
    said = pl.concat_str(pl.lit(f"{name}="), value, pl.lit("\x1f"))
    return pl.when(value.fill_null("") != "").then(said).otherwise(pl.lit(""))
