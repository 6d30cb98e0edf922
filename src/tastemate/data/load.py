"""Reads what a person points at: a folder in a known format, or files with named columns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tastemate.catalog import Catalog
from tastemate.data import amazon, books, movielens, sample, saved
from tastemate.data.columns import Columns
from tastemate.data.events import catalog_of_ids, check_events, to_interactions
from tastemate.data.items import catalog_from
from tastemate.data.joined import join_sources
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound
from tastemate.interactions import Interactions

Loaded = tuple[Catalog, Interactions]

_TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json", ".csv.gz", ".jsonl.gz")
_EVENT_STEMS = ("ratings", "interactions", "events", "reviews")
_ITEM_STEMS = ("items", "movies", "films", "books", "products", "catalog")

_FORMATS: tuple[tuple[str, tuple[str, ...], Callable[[Path, Report], Loaded]], ...] = (
    ("Tastemate", saved.FILES, saved.load),
    ("MovieLens (csv)", ("movies.csv", "ratings.csv"), movielens.load_csv),
    ("MovieLens (dat)", ("movies.dat", "ratings.dat"), movielens.load_dat),
    ("MovieLens 100K", ("u.item", "u.data"), movielens.load_100k),
    (
        "sequences",
        ("sequences.txt",),
        lambda folder, report: amazon.load_sequences(
            folder / "sequences.txt", _if_there(folder / "item_text.txt"), report
        ),
    ),
    ("Goodbooks", ("books.csv",), books.load_books),
    ("films", ("films-a.jsonl",), lambda folder, report: sample.load_films(report, folder)),
)


def import_files(
    ratings: Path, items: Path | None = None, columns: Columns | None = None
) -> tuple[Catalog, Interactions, Report]:
    """Read events and, where given, items from CSV, TSV, JSON lines or Parquet.

    With an items file, events of items that are not in it are rejected; without one the
    catalogue is made from the ids. Raises `FormatError`, `NothingUsable` or `NotFound`.
    """
    report = Report()
    names = columns or Columns()
    separator = names.separator or None
    table = read_table(ratings, report, separator=separator)
    first = 1 if _is_json(ratings) or ratings.suffix == ".parquet" else 2
    checked = check_events(table, ratings.name, names, report, first_line=first)
    if items is None:
        catalog = catalog_of_ids(checked)
    else:
        known = read_table(items, report, separator=separator)
        if not names.item_id and names.item in known.columns:
            # An items file usually names its ids as the events do.
            names = replace(names, item_id=names.item)
        catalog = catalog_from(known, items.name, names, report)
    return catalog, to_interactions(checked, catalog, report), report


def import_items(items: Path, columns: Columns | None = None) -> tuple[Catalog, Report]:
    """Read a catalogue without events."""
    report = Report()
    names = columns or Columns()
    table = read_table(items, report, separator=names.separator or None)
    return catalog_from(table, items.name, names, report), report


def load_path(path: Path, text: Path | None = None) -> tuple[Catalog, Interactions, Report]:
    """Read a folder in a known format, or an events file; `text` is joined by item id.

    Raises `NotFound` when there is nothing at the path, `FormatError` when nothing is known in it.
    """
    if path.is_file():
        catalog, interactions, report = import_files(path)
    elif path.is_dir():
        catalog, interactions, report = _load_folder(path)
    else:
        raise NotFound(f"There is nothing at {path}. Check the path.")
    if text is not None:
        catalog, _ = join_sources(catalog, path, [(text.name, text)], report)
    return catalog, interactions, report


def recognise(folder: Path) -> str:
    """Return the name of the format of a folder, or an empty string."""
    for name, files, _ in _FORMATS:
        if all((folder / file).exists() for file in files):
            return name
    if _amazon_files(folder) is not None:
        return "Amazon reviews"
    return "named files" if _find(folder, _EVENT_STEMS) is not None else ""


def _load_folder(folder: Path) -> tuple[Catalog, Interactions, Report]:
    report = Report()
    for _, files, load in _FORMATS:
        if all((folder / file).exists() for file in files):
            return *load(folder, report), report
    found = _amazon_files(folder)
    if found is not None:
        return *amazon.load_reviews(*found, report), report
    events = _find(folder, _EVENT_STEMS)
    if events is not None:
        return import_files(events, _find(folder, _ITEM_STEMS))
    inner = [part for part in sorted(folder.iterdir()) if part.is_dir() and recognise(part)]
    if len(inner) == 1:
        return _load_folder(inner[0])
    names = ", ".join(sorted(part.name for part in folder.iterdir())[:8]) or "nothing"
    raise FormatError(
        f"No known data set in {folder}; it holds {names}. Name the files instead: "
        "`tastemate import RATINGS --items ITEMS`, or call them ratings.csv and items.csv."
    )


def _amazon_files(folder: Path) -> tuple[Path, Path | None] | None:
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and _is_json(p)]
    metadata = [p for p in files if p.name.lower().startswith("meta")]
    reviews = [p for p in files if p not in metadata]
    named = [p for p in reviews if "reviews" in p.name.lower() or "_5.json" in p.name]
    if len(reviews) == 1 and metadata:
        named = reviews
    if len(named) != 1:
        return None
    return named[0], metadata[0] if metadata else None


def _find(folder: Path, stems: tuple[str, ...]) -> Path | None:
    for stem in stems:
        for suffix in _TABLES:
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    return None


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson"))


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None
