"""A data set in Tastemate's own form: what `tastemate import` keeps in a project."""

import os
import shutil
from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.validate import Report
from tastemate.errors import DataError, FormatError
from tastemate.interactions import Interactions

FILES = ("catalog.parquet", "events.parquet", "users.parquet")


def save(folder: Path, catalog: Catalog, interactions: Interactions) -> None:
    """Write a data set into a folder, never a mixture of old and new.

    A kill between the two renames leaves both whole beside the place, under hidden names: import
    again. Raises `DataError` when the folder cannot be written.
    """
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        catalog.save(fresh / FILES[0])
        interactions.save(fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        raise DataError(
            f"The data cannot be written to {folder} ({error.strerror}). "
            "Name a folder that can be written with --project."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    """Read what `save` wrote; raise `FormatError` when a file is damaged."""
    try:
        catalog = Catalog.load(folder / FILES[0])
        interactions = Interactions.load(folder, len(catalog))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FormatError(
            f"The imported data in {folder} cannot be read ({error}). Import it again."
        ) from error
    report.accepted = len(interactions)
    return catalog, interactions
