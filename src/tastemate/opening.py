"""What is opened with a project: its settings, its data, its store."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tastemate import build, config
from tastemate.data.datasets import Dataset, open_dataset
from tastemate.data.places import place
from tastemate.data.triples import Kept
from tastemate.profile.signals import weights
from tastemate.protocols import Progress
from tastemate.stages import Arranging
from tastemate.store.opening import open_store, sqlite_url
from tastemate.store.takeover import take_over
from tastemate.workspace import Workspace


def found(
    source: Path, text: str | None, home: Path | None
) -> tuple[Dataset, Path, config.Settings]:
    """Return the data of a source by name or path, the folder of its state, and its settings.

    Raises `UnknownDataset`, `ConfigError` and `DataError`.
    """
    said = config.settings(source / config.FILE)
    text = text or said.data.text
    named, folder = place(source, said, text, home)
    dataset = open_dataset(named, text=text)
    if not said.data.dataset and (source / config.FILE).is_file():
        dataset = replace(dataset, name=source.resolve().name)
    return dataset, folder, said


def workspace(
    dataset: Dataset,
    folder: Path,
    settings: config.Settings,
    parts: build.Resources,
    progress: Progress | None,
) -> Workspace:
    """Return what is kept of a data set, with its store open.

    Raises `ConfigError` and, where the store does not answer, `Unavailable`.
    """
    store = open_store(store_url(settings.store, folder))
    for path in take_over(folder, store).left:
        (progress or _silent)(f"{path} cannot be read and was left where it is", 0.0)
    return Workspace(
        folder,
        dataset.catalog,
        dataset.interactions,
        replace(
            parts,
            facts=Kept(folder / "graph.tsv"),
            sources=dataset.sources,
            arranging=Arranging(settings.fair, settings.explore),
        ),
        store,
        weights(settings.signals),
        progress=progress,
    )


def store_url(table: Mapping[str, Any], folder: Path) -> str:
    """Return where a project's store is: `url` of `[store]`, else a file in its folder.

    Raises `ConfigError` for anything else in the table.
    """
    config.known(table, ("url",), "[store]")
    config.written(url=table.get("url", ""))
    return table.get("url") or sqlite_url(folder / "store.db")


def _silent(_what: str, _share: float) -> None:
    return None
