"""Reads the bundled films sample out of the package, so that Tastemate works without a download."""

from importlib import resources
from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.columns import Columns
from tastemate.data.events import check_events, to_interactions
from tastemate.data.items import keep_ids
from tastemate.data.lines import LINE
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import NotFound
from tastemate.interactions import Interactions

_FILMS = ("films-a.jsonl", "films-b.jsonl")
_NUMBERS = ("year", "violence", "runtime")
_COLUMNS = Columns(user="user", item="item", rating="rating", time="timestamp")


def load_films(report: Report, folder: Path | None = None) -> tuple[Catalog, Interactions]:
    """Read the sample; without a ratings file there are films and no events."""
    if folder is not None:
        return _load(folder, report)
    with resources.as_file(resources.files("tastemate.data") / "films") as bundled:
        return _load(bundled, report)


def _load(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    paths = [folder / name for name in _FILMS if (folder / name).exists()]
    if not paths:
        raise NotFound(f"The films sample is missing from {folder}. Install tastemate again.")
    parts = []
    for path in paths:
        parts.append(keep_ids(read_table(path, report), "id", path.name, report))
    table = keep_ids(pl.concat(parts, how="diagonal_relaxed"), "id", "films", report).drop(LINE)
    numbers = [pl.col(n).cast(pl.Int32, strict=False) for n in _NUMBERS if n in table.columns]
    texts = [
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)
        for name, dtype in table.schema.items()
        if dtype == pl.String and name not in (*_NUMBERS, "id", "title", "text")
    ]
    catalog = Catalog(table.with_columns(numbers + texts))
    ratings = folder / "ratings.csv.gz"
    if not ratings.exists():
        report.note("The sample holds no ratings: a catalogue only.")
        return catalog, Interactions.empty(catalog)
    report.note("The people and ratings of films are simulated.")
    people = None
    if (folder / "people.csv").exists():
        people = read_table(folder / "people.csv", report, separator=",").drop(LINE)
    checked = check_events(
        read_table(ratings, report, separator=","), ratings.name, _COLUMNS, report
    )
    return catalog, to_interactions(checked, catalog, report, people)
