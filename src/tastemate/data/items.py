"""From columns of text to a catalogue: ids and titles are checked, other columns are attributes."""

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data import columns as names
from tastemate.data.columns import Columns
from tastemate.data.lines import LINE
from tastemate.data.validate import Report
from tastemate.errors import NothingUsable

_RESERVED = ("id", "title", "text")
_MISSING = ("", "NA", "N/A", "null", "None", "nan", "NaN")


def catalog_from(table: pl.DataFrame, file: str, columns: Columns, report: Report) -> Catalog:
    """Build a catalogue from a table with an id column; without a title column the id is it.

    Columns of numbers become numeric attributes, columns with the list separator lists. An empty
    id, or one that was there before, is rejected. Raises `FormatError`, `NothingUsable`.
    """
    known = [name for name in table.columns if name != LINE]
    usual = (*names.ITEM_NAMES, "id")
    key = names.find(known, columns.item_id, usual, "--item-id-col", file)
    title = names.find_optional(known, columns.title, names.TITLE_NAMES, "--title-col", file)
    text = names.find_optional(known, columns.text, names.TEXT_NAMES, "--text-col", file)
    table = keep_ids(table, key, file, report)
    series = [table[key].alias("id"), _plain(table[title or key]).alias("title")]
    if text:
        series.append(_plain(table[text]).alias("text"))
    for name in known:
        if name not in (key, title, text):
            label = name
            while label in _RESERVED or (label != name and label in known):
                label += "_"
            values = attribute(table[name], columns.list_separator)
            series.append(_finite(values, name, file, report).alias(label))
    frame = pl.DataFrame(series)
    return Catalog(
        frame.with_columns(
            pl.when(pl.col("title") == "").then("id").otherwise("title").alias("title")
        )
    )


def keep_ids(table: pl.DataFrame, key: str, file: str, report: Report) -> pl.DataFrame:
    """Return the lines with an id that is not empty and was not there before."""
    table = table.with_columns(pl.col(key).fill_null("").str.strip_chars())
    bad = (
        (pl.col(key) == "", "is empty"),
        (~pl.col(key).is_first_distinct(), "is there twice; the first is kept"),
    )
    for mask, reason in bad:
        out = table.filter(mask)
        report.reject(file, out[LINE], key, reason, out[key])
        table = table.filter(~mask)
    if not len(table):
        raise NothingUsable(
            f"No line of {file} can be used.\n{report.summary()}\n"
            "Correct the file, or name its id column with --item-id-col.",
            report,
        )
    return table


def attribute(column: pl.Series, list_separator: str) -> pl.Series:
    """Turn a column of texts into lists, whole numbers, numbers or texts; empty is unknown."""
    if isinstance(column.dtype, pl.List):
        return column.list.drop_nulls()
    texts = column.str.strip_chars()
    texts = texts.set(texts.is_in(_MISSING), None)
    if list_separator and texts.str.contains(list_separator, literal=True).any():
        return lists(texts, list_separator)
    present = texts.drop_nulls()
    for dtype in (pl.Int64, pl.Float64):
        numbers = present.cast(dtype, strict=False)
        # A code with leading zeros is a name, not a number.
        if len(present) and not numbers.has_nulls() and not present.str.contains(r"^0\d").any():
            numbers = texts.cast(dtype, strict=False)
            return numbers if dtype == pl.Int64 else numbers.fill_nan(None)
    return texts


def _finite(column: pl.Series, name: str, file: str, report: Report) -> pl.Series:
    """Make infinite numbers unknown, and say so."""
    if not column.dtype.is_float():
        return column
    infinite = column.is_infinite()
    if count := infinite.sum():
        values = "1 value is" if count == 1 else f"{count:,} values are"
        report.note(f"In the column {name!r} of {file}, {values} infinite: taken as unknown.")
    return column.set(infinite, None)


def lists(texts: pl.Series, separator: str) -> pl.Series:
    """Split texts into lists of stripped parts; an empty text is unknown."""
    parts = texts.str.split(separator).list.eval(pl.element().str.strip_chars())
    parts = parts.list.eval(pl.element().filter(pl.element() != ""))
    return parts.set(parts.list.len() == 0, None) if len(parts) else parts


def _plain(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.List):
        column = column.list.join(" ")
    return column.fill_null("").str.strip_chars()
