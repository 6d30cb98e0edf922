"""Amazon reviews and metadata (2014, 2018, 2023), and sequence files made from them."""

import html
from pathlib import Path

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.columns import Columns, find
from tastemate.data.events import catalog_of_ids, check_events, to_interactions
from tastemate.data.items import keep_ids
from tastemate.data.lines import LINE, read_lines
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import NothingUsable
from tastemate.interactions import Interactions

_REVIEW = (
    *("reviewerID", "user_id", "asin", "parent_asin", "overall", "rating"),
    *("unixReviewTime", "timestamp"),
)
_META = (
    *("asin", "parent_asin", "title", "description", "categories", "category", "brand"),
    *("store", "price"),
)
_TEXT_LENGTH = 2_000


def load_reviews(
    reviews: Path, metadata: Path | None, report: Report
) -> tuple[Catalog, Interactions]:
    """Read reviews and, where given, metadata (JSON lines, or the Python lines of 2014).

    The catalogue holds the reviewed items; one without metadata has its id as the title.
    """
    table = read_table(reviews, report, wanted=_REVIEW)
    checked = check_events(table, reviews.name, Columns(), report, first_line=1)
    catalog = catalog_of_ids(checked)
    if metadata is not None:
        found = read_metadata(metadata, report)
        joined = catalog.frame.select("id").join(found, on="id", how="left", maintain_order="left")
        bare = joined["title"].is_null().sum()
        if bare:
            report.note(f"{bare:,} reviewed items have no metadata: their id is the title.")
        catalog = Catalog(joined.with_columns(pl.coalesce("title", "id").alias("title")))
    return catalog, to_interactions(checked, catalog, report)


def read_metadata(path: Path, report: Report) -> pl.DataFrame:
    """Return id, title, text, and the attributes categories, brand and price of every item."""
    table = read_table(path, report, wanted=_META)
    names = [name for name in table.columns if name != LINE]
    key = find(names, "", ("parentasin", "asin"), "--item-id-col", path.name)
    table = keep_ids(table, key, path.name, report)
    columns = {"id": table[key]}
    for name, sources in (("title", ("title",)), ("text", ("description",))):
        source = next((source for source in sources if source in names), None)
        if source is not None:
            columns[name] = _clean(table[source])
    if "title" not in columns:
        columns["title"] = pl.Series([None] * len(table), dtype=pl.String)
    for source in ("categories", "category"):
        if source in names and isinstance(table.schema[source], pl.List):
            unique = table[source].list.unique(maintain_order=True)
            columns["categories"] = unique.set(unique.list.len() == 0, None)
    for source in ("brand", "store"):
        if source in names:
            columns["brand"] = _clean(table[source])
    if "price" in names:
        digits = table["price"].str.replace_all(",", "").str.extract(r"(\d+(?:\.\d+)?)", 1)
        columns["price"] = digits.cast(pl.Float64)
    return pl.DataFrame(columns)


def load_sequences(
    sequences: Path, titles: Path | None, report: Report
) -> tuple[Catalog, Interactions]:
    """Read lines of a user and their items in time order; `titles` has an id and its words a line.

    The place in the sequence stands for time. An item without words has its id as the title.
    """
    lines = read_lines(sequences, report)
    parts = (
        lines["text"]
        .str.strip_chars()
        .str.split(" ")
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    table = lines.select(LINE).with_columns(
        parts.list.first().alias("user"), parts.list.slice(1).alias("item")
    )
    bad = (
        (pl.col("item").list.len() == 0, "names a user and no items"),
        (~pl.col("user").is_first_distinct(), "names a user who was there before"),
    )
    for mask, reason in bad:
        out = table.filter(mask)
        report.reject(sequences.name, out[LINE], "line", reason, out["user"])
        table = table.filter(~mask)
    if not len(table):
        raise NothingUsable(
            f"No line of {sequences} can be used. Each line is a user and the ids of items, "
            "separated by spaces.",
            report,
        )
    lengths = table["item"].list.len().to_numpy()
    users = table["user"].to_list()
    events = table.select("item").explode("item")["item"]
    catalog = _titled(events, titles, report)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    report.accepted += len(events)
    report.note("There are no timestamps: the place in the sequence stands for time.")
    return catalog, Interactions(
        users,
        len(catalog),
        np.repeat(np.arange(len(users), dtype=np.int32), lengths),
        catalog.codes(events),
        np.ones(len(events), dtype=np.float32),
        (np.arange(len(events)) - np.repeat(starts, lengths)).astype(np.int64),
    )


def _titled(events: pl.Series, titles: Path | None, report: Report) -> Catalog:
    ids = events.unique(maintain_order=True)
    if titles is None:
        return Catalog(pl.DataFrame({"id": ids, "title": ids}))
    lines = read_lines(titles, report)
    parts = lines["text"].str.strip_chars().str.splitn(" ", 2).struct.unnest()
    parts.columns = ["id", "title"]
    words = keep_ids(parts.with_columns(lines[LINE]), "id", titles.name, report).drop(LINE)
    bare = ids.filter(~ids.is_in(words["id"].implode()))
    if len(bare):
        report.note(f"{len(bare):,} items have no words: their id is the title.")
    known = pl.concat([words, pl.DataFrame({"id": bare, "title": bare})])
    return Catalog(known.with_columns(pl.coalesce("title", "id").alias("title")))


def _clean(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.List):
        column = column.list.join(" ")
    texts = [
        " ".join(html.unescape(text).split())[:_TEXT_LENGTH] if text else None
        for text in column.to_list()
    ]
    filled = pl.Series(column.name, texts, dtype=pl.String)
    return filled.set(filled == "", None)
