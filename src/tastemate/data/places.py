"""Where data and state are: what was named, and the folder that keeps what is learned of it."""

import hashlib
import os
import re
from pathlib import Path

from tastemate import config
from tastemate.data.datasets import FILMS, find_folder
from tastemate.errors import ConfigError


def state_home() -> Path:
    """Return the folder of all state: `$TASTEMATE_HOME`, else ~/.local/share/tastemate."""
    named = os.environ.get("TASTEMATE_HOME")
    return Path(named) if named else Path.home() / ".local" / "share" / "tastemate"


def slug(name: str, *, is_path: bool) -> str:
    """Return a folder name for a data set's name, or for a path: one for each place on disk."""
    plain = re.sub(r"[^\w.-]+", "-", Path(name).name.lower()).strip("-.") or "data"
    if not is_path:
        return plain
    return f"{plain}-{hashlib.sha256(str(Path(name).resolve()).encode()).hexdigest()[:8]}"


def place(
    source: Path, settings: config.Settings, text: str | None, home: Path | None
) -> tuple[str, Path]:
    """Return what to open for a source, by name or path, and the folder of its state.

    `home` stands in for the usual place: a project's `.tastemate`, or the folder of all state.
    """
    if (source / config.FILE).is_file():
        return _data_of(source, settings.data.dataset), home or source / ".tastemate"
    named = str(source)
    own = slug(named, is_path=named != FILMS and find_folder(named) is None)
    return named, (home or state_home()) / "datasets" / (f"{own}+{text}" if text else own)


def _data_of(project: Path, dataset: str) -> str:
    """Return where a project's data is: the named data set, a path from here, or what it holds."""
    if not dataset:
        if not (project / "data").is_dir():
            raise ConfigError(
                f"The project in {project.resolve()} has no data yet. Run `tastemate import "
                f"RATINGS.csv --items ITEMS.csv`, or name a data set in {config.FILE}."
            )
        return str((project / "data").resolve())
    is_path = "/" in dataset and not Path(dataset).is_absolute()
    return str((project / dataset).resolve()) if is_path else dataset
