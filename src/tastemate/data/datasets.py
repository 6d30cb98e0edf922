"""Opens a data set by name or by path: the one door through which data comes in."""

import os
from dataclasses import dataclass
from pathlib import Path

from tastemate.catalog import Catalog
from tastemate.data import sample
from tastemate.data.joined import Source, join_sources
from tastemate.data.load import load_path
from tastemate.data.recipes import RECIPES
from tastemate.data.validate import Report
from tastemate.errors import UnknownDataset, nearest
from tastemate.interactions import Interactions

FILMS = "films"
"""The name of the bundled sample."""

LOCAL = ("beauty", "goodbooks")
"""Data sets without a recipe: they open where a folder in TASTEMATE_DATA holds them."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A catalogue and its interactions, with what is worth knowing about how they were read."""

    name: str
    catalog: Catalog
    interactions: Interactions
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    """What was joined to the catalogue, each source with what it says."""


def data_folders() -> list[Path]:
    """Return where data sets are looked for: TASTEMATE_DATA, then the user's cache."""
    named = os.environ.get("TASTEMATE_DATA")
    return [*([Path(named)] if named else []), cache_folder()]


def cache_folder() -> Path:
    """Return where fetched data sets are kept: in TASTEMATE_CACHE, or ~/.cache/tastemate."""
    named = os.environ.get("TASTEMATE_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "tastemate") / "data"


def find_folder(name: str) -> Path | None:
    """Return the folder of a data set of this name, or None when it is not on this machine."""
    if not name or name in (".", "..") or "/" in name or os.sep in name:
        return None
    return next((root / name for root in data_folders() if (root / name).is_dir()), None)


def open_dataset(name_or_path: str | Path, *, text: str | Path | None = None) -> Dataset:
    """Open a data set by name (`films`, `ml-latest-small`, …) or a folder or file by path.

    `text` names data sets or paths with texts or credits of films, joined by item id: "movie-text",
    "redial", or both with a comma between them, the more trusted one first. Raises
    `UnknownDataset` when there is none, and `FormatError` or `NothingUsable` when it is broken.
    """
    dataset, _ = read_dataset(name_or_path, text=text)
    return dataset


def read_dataset(
    name_or_path: str | Path, *, text: str | Path | None = None
) -> tuple[Dataset, Report]:
    """Open a data set and return the report of the lines that were turned away, too."""
    name = str(name_or_path)
    places = [] if text is None else [(one, _locate(one)) for one in _listed(str(text))]
    sources: tuple[Source, ...] = ()
    if name == FILMS and not places:
        report = Report()
        catalog, interactions = sample.load_films(report)
    else:
        path = _locate(name)
        catalog, interactions, report = load_path(path)
        catalog, sources = join_sources(catalog, path, places, report)
    notes = list(report.notes)
    if len(report) or report.duplicates:
        notes.insert(0, report.summary(0).splitlines()[0])
    name = name if name == FILMS or find_folder(name) else Path(name).resolve().name
    return Dataset(name, catalog, interactions, tuple(notes), sources), report


def check_named(name: str) -> None:
    """Raise `UnknownDataset` where there is no data set and no path of that name."""
    if name != FILMS:
        _locate(name)


def known_names() -> list[str]:
    """Return the names that can be opened or fetched, the bundled sample first."""
    return [FILMS, *dict.fromkeys([*RECIPES, *LOCAL])]


def _listed(text: str) -> list[str]:
    """Return the names in a list with commas; a path with a comma in it is one name."""
    if find_folder(text) is not None or (text and Path(text).expanduser().exists()):
        return [text]
    return [one.strip() for one in text.split(",")]


def _locate(name: str) -> Path:
    found = find_folder(name)
    if found is not None:
        return found
    path = Path(name).expanduser()
    if name and path.exists():
        return path
    if name in RECIPES:
        raise UnknownDataset(
            f"The data set {name!r} is not on this machine. "
            f"Run `tastemate data fetch {name}`, or set TASTEMATE_DATA to the folder above it."
        )
    if name in LOCAL:
        raise UnknownDataset(
            f"The data set {name!r} is not on this machine and has no download. "
            "Set TASTEMATE_DATA to the folder that holds it."
        )
    raise UnknownDataset(
        f"There is no data set and no path {name!r}.{nearest(name, known_names())} "
        "Run `tastemate data list` to see what there is."
    )
