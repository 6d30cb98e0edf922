"""Which tags an item bore when a rating was made: only those written before it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import FormatError
from tastemate.types import Rows, Times


@dataclass(frozen=True, slots=True, eq=False)
class TagTimes:
    """Tags in order of item and time: `start` (items + 1,) is where an item's tags begin."""

    start: NDArray[np.int64]
    timestamp: Times
    tag: NDArray[np.int32]
    rarity: NDArray[np.float32]

    def rows(self, item: Rows, timestamp: Times) -> sparse.csr_matrix:
        """Return unit rows of the tags written before each time, (ratings, tags)."""
        found = []
        for row, moment in zip(item.tolist(), timestamp.tolist(), strict=True):
            begin, end = int(self.start[row]), int(self.start[row + 1])
            if begin < end:
                end = begin + int(np.searchsorted(self.timestamp[begin:end], moment, "left"))
            found.append(np.unique(self.tag[begin:end]))
        sizes = np.array([len(tags) for tags in found], np.int64)
        columns = np.concatenate([*found, np.zeros(0, np.int32)])
        weights = self.rarity[columns]
        owner = np.repeat(np.arange(len(found)), sizes)
        length = np.sqrt(np.bincount(owner, np.square(weights), minlength=len(found)))
        return sparse.csr_matrix(
            (
                (weights / np.maximum(length[owner], 1e-9)).astype(np.float32),
                columns,
                np.concatenate(([0], np.cumsum(sizes))),
            ),
            shape=(len(found), len(self.rarity)),
        )


def tag_times(n_items: int, item: Rows, timestamp: Times, tags: list[str]) -> TagTimes:
    """Return tags ready to be asked by time; spelling differs by case alone are one tag."""
    names = {name: code for code, name in enumerate(sorted({tag.casefold() for tag in tags}))}
    codes = np.array([names[tag.casefold()] for tag in tags], np.int32)
    order = np.lexsort((codes, timestamp, item))
    counts = np.bincount(codes, minlength=len(names))
    start = np.concatenate(([0], np.cumsum(np.bincount(item, minlength=n_items))))
    rarity = np.log1p(n_items / np.maximum(counts, 1)).astype(np.float32)
    return TagTimes(start, timestamp[order], codes[order], rarity)


def read_tag_times(path: Path, catalog: Catalog) -> TagTimes:
    """Read a MovieLens tags.csv (userId, movieId, tag, timestamp); unknown items are left out."""
    try:
        table = pl.read_csv(path, schema_overrides={"movieId": pl.String, "tag": pl.String})
        table = table.select("movieId", "tag", "timestamp").drop_nulls()
        times = table["timestamp"].cast(pl.Int64)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FormatError(
            f"{path} cannot be read as tags ({error}). It needs the columns movieId, tag and "
            "timestamp, or leave the tags out."
        ) from error
    rows = catalog.codes(table["movieId"])
    keep = rows >= 0
    return tag_times(
        len(catalog),
        rows[keep],
        times.to_numpy()[keep],
        table["tag"].filter(pl.Series(keep)).to_list(),
    )
