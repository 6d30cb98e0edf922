"""Goodbooks-10k as a catalogue without interactions: authors, genres, year, series."""

from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.items import keep_ids, lists
from tastemate.data.lines import LINE
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError
from tastemate.interactions import Interactions

_SERIES = r"\s*\((?P<series>[^()]*?),?\s+#[^()]*\)\s*$"
_NEEDED = {"book_id", "title", "authors"}


def load_books(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    """Read books.csv and, where present, book_genres.csv; there are no interactions."""
    path = folder / "books.csv"
    table = read_table(path, report, separator=",")
    missing = _NEEDED - set(table.columns)
    if missing:
        raise FormatError(
            f"{path} lacks the columns {', '.join(sorted(missing))}. It is read as Goodbooks; "
            "import another list of books with its columns named."
        )
    table = keep_ids(table, "book_id", path.name, report)
    title = table["title"].fill_null("").str.strip_chars()
    series = title.str.extract(_SERIES, 1)
    columns = {
        "id": table["book_id"],
        "title": title.str.replace(_SERIES, ""),
        "year": _number(table, "original_publication_year", path, report).cast(
            pl.Int32, strict=False
        ),
        "authors": lists(table["authors"], ","),
        "genres": _genres(table["book_id"], folder / "book_genres.csv", report),
        "series": series.set(series == "", None),
        "language": _text(table, "language_code"),
        "average_rating": _number(table, "average_rating", path, report),
        "ratings_count": _number(table, "ratings_count", path, report).cast(pl.Int64, strict=False),
    }
    catalog = Catalog(pl.DataFrame({name: part.alias(name) for name, part in columns.items()}))
    report.note("There are no interactions: a catalogue only.")
    return catalog, Interactions.empty(catalog)


def _genres(ids: pl.Series, path: Path, report: Report) -> pl.Series:
    if not path.exists():
        return pl.Series([None] * len(ids), dtype=pl.List(pl.String))
    table = read_table(path, report, separator=",")
    if not {"book_id", "genres"} <= set(table.columns):
        raise FormatError(f"{path} needs the columns book_id and genres. Correct or remove it.")
    table = keep_ids(table, "book_id", path.name, report)
    table = table.with_columns(lists(table["genres"], ",").alias("genres")).drop(LINE)
    joined = pl.DataFrame({"book_id": ids}).join(
        table, on="book_id", how="left", maintain_order="left"
    )
    return joined["genres"]


def _number(table: pl.DataFrame, name: str, path: Path, report: Report) -> pl.Series:
    """Return a column as numbers; what is written and is none goes to the report."""
    if name not in table.columns:
        return pl.Series([None] * len(table), dtype=pl.Float64)
    found = table[name].cast(pl.Float64, strict=False).fill_nan(None)
    odd = table.filter(found.is_null() & (table[name].fill_null("").str.strip_chars() != ""))
    report.reject(path.name, odd[LINE], name, "is not a number", odd[name])
    return found


def _text(table: pl.DataFrame, name: str) -> pl.Series:
    if name not in table.columns:
        return pl.Series([None] * len(table), dtype=pl.String)
    return table[name].set(table[name] == "", None)
