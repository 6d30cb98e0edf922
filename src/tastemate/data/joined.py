"""Texts and credits from elsewhere, joined to a catalogue by item id, and who said what.

The first source that has a text or a director is believed; casts are united, as no source lists
everybody. Every source's table is kept, so that each fact can be traced to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data import credits, movietext
from tastemate.data.validate import Report

UNITED = ("cast",)
"""Attributes to which every source adds."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What one source says of items: columns id, perhaps text, and attributes."""

    name: str
    table: pl.DataFrame


def join_sources(
    catalog: Catalog, beside: Path, places: Sequence[tuple[str, Path]], report: Report
) -> tuple[Catalog, tuple[Source, ...]]:
    """Return the catalogue with what each source says, the first one first, and the sources.

    `places` are names with files or folders, `beside` is where the catalogue came from. Films'
    leads that come first replace what the catalogue says; whatever comes later only adds.
    """
    sources: list[Source] = []
    for at, (name, path) in enumerate(places):
        if _holds_credits(path):
            table = credits.read_credits(path, beside, report)
            catalog = add_table(catalog, table)
        else:
            table = movietext.read_text(path, report)
            join = movietext.join_text if at == 0 else add_table
            catalog = join(catalog, table)
        sources.append(Source(name, table))
    return catalog, tuple(sources)


def add_table(catalog: Catalog, table: pl.DataFrame) -> Catalog:
    """Return the catalogue with a table's columns where it knows nothing, united in `UNITED`."""
    joined = catalog.frame.select("id").join(
        table.unique("id", keep="first", maintain_order=True),
        on="id",
        how="left",
        maintain_order="left",
    )
    columns: dict[str, pl.Series] = {}
    for name in table.columns:
        if name == "id":
            continue
        new = joined[name]
        old = catalog.frame[name] if name in catalog.frame.columns else None
        if old is None:
            columns[name] = new
        elif name == "text":
            columns[name] = old.set(old == "", None).fill_null(new).fill_null("")
        elif name in UNITED and isinstance(old.dtype, pl.List):
            columns[name] = _united(old, new)
        else:
            columns[name] = _filled(old, new)
    return catalog.with_columns(columns)


def _holds_credits(path: Path) -> bool:
    if path.is_dir():
        return (path / credits.FILE).is_file() and not (path / movietext.FILE).is_file()
    return path.name.lower().removesuffix(".gz").endswith(".json")


def _filled(old: pl.Series, new: pl.Series) -> pl.Series:
    """Return a column with what another one knows where it knows nothing or has none."""
    if old.dtype != new.dtype:
        return old
    blank = old.is_null()
    if isinstance(old.dtype, pl.List):
        blank |= (old.list.len() == 0).fill_null(False)
    return pl.select(pl.when(blank & new.is_not_null()).then(new).otherwise(old)).to_series()


def _united(old: pl.Series, new: pl.Series) -> pl.Series:
    """Return the names of both columns, each once whatever its case, those of the first first."""
    lists: list[list[str] | None] = []
    for one, other in zip(old.to_list(), new.to_list(), strict=True):
        names: dict[str, str] = {}
        for name in (*(one or ()), *(other or ())):
            if name:
                names.setdefault(name.casefold(), name)
        lists.append(list(names.values()) if names else one)
    return pl.Series(old.name, lists, dtype=pl.List(pl.String))
