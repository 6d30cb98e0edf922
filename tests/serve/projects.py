"""A project of twelve items that fits in a blink, for tests that need a whole one."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from tastemate.data.saved import save
from tastemate.data.synthetic import checkerboard
from tastemate.serve.opening import Opening, needed


def small(folder: Path, *, fitted: bool = False) -> Opening:
    """Write the checkerboard as a project, fitted if asked, and return how to open it."""
    if fitted:
        shutil.copytree(_fitted().name, folder)
    else:
        _write(folder)
    return Opening(str(folder))


def _write(folder: Path) -> None:
    catalog, interactions, _ = checkerboard()
    save(folder / "data", catalog, interactions)
    (folder / "tastemate.toml").write_text('[encoder]\nname = "words"\n')


@lru_cache(maxsize=1)
def _fitted() -> tempfile.TemporaryDirectory[str]:
    made = tempfile.TemporaryDirectory()
    _write(Path(made.name))
    project = Opening(made.name).open()
    project.fit(needed(project))
    project.store.close()
    return made
