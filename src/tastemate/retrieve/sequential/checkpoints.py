"""Weights as one vector, and the checkpoints of a fit: arrays and JSON, never pickle."""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import artifacts, scope
from tastemate.catalog import Catalog
from tastemate.data.places import state_home
from tastemate.errors import FormatError, Unavailable
from tastemate.interactions import Interactions
from tastemate.types import Floats

STALE = 7 * 86_400
"""Seconds after which the checkpoint of an abandoned fit is deleted."""
Shapes = Mapping[str, list[int]]


def packed(weights: Mapping[str, Floats]) -> tuple[Floats, dict[str, list[int]]]:
    """Return weights as one vector, in the order of their names, and their shapes."""
    names = sorted(weights)
    shapes = {name: [int(size) for size in weights[name].shape] for name in names}
    parts = [np.asarray(weights[name], np.float32).ravel() for name in names]
    return np.concatenate([np.zeros(0, np.float32), *parts]), shapes


def unpacked(vector: Floats, shapes: Shapes) -> dict[str, Floats]:
    """Return what `packed` put together; raise `ValueError` where it does not fit."""
    sizes = [int(np.prod(shapes[name])) for name in sorted(shapes)]
    if sum(sizes) != len(vector):
        raise ValueError(f"{len(vector)} weights for shapes of {sum(sizes)}")
    parts = np.split(np.array(vector, np.float32), np.cumsum(sizes)[:-1])
    return {
        name: part.reshape(shapes[name]) for name, part in zip(sorted(shapes), parts, strict=True)
    }


def place(name: str, said: Sequence[Any], catalog: Catalog, interactions: Interactions) -> Path:
    """Return the folder for the checkpoints of a fit on data; those long abandoned go.

    `said` is everything else that decides what comes out.
    """
    data = f"{catalog.fingerprint}-{interactions.fingerprint}"
    key = sha256(f"{dumps(said, default=str)} {data}".encode()).hexdigest()[:16]
    folder = state_home() / "checkpoints"
    for old in folder.glob("*") if folder.exists() else ():
        with suppress(OSError):  # another process may have removed it
            if time.time() - old.stat().st_mtime > STALE:
                shutil.rmtree(old, ignore_errors=True)
    return folder / f"{name}-{key}"


def save(
    folder: Path, course: Mapping[str, Any], parts: Mapping[str, Mapping[str, Floats]]
) -> None:
    """Keep how far a fit is in place of what was kept; a full disk does not end the fit."""
    vectors: dict[str, Floats] = {}
    shapes: dict[str, list[int]] = {}
    for name, weights in parts.items():
        vectors[name], shapes = packed(weights)
    try:
        artifacts.write(folder, {"course": dict(course), "shapes": shapes}, vectors)
    except Unavailable as error:
        scope.current().note(f"No checkpoint is kept: {error}")


def load(
    folder: Path, names: tuple[str, ...], shapes: Shapes, course: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Floats]]] | None:
    """Return the course and the parts kept; None where there are none of these shapes.

    A kept course has the fields of `course`: one that another version kept is not read.
    """
    if not folder.exists():
        return None
    try:
        meta, arrays = artifacts.read(folder, ("course", "shapes", *names))
        if meta["shapes"] != shapes or set(meta["course"]) != set(course):
            return None
        return meta["course"], {name: unpacked(arrays[name], shapes) for name in names}
    except (FormatError, TypeError, ValueError):
        return None  # damaged: from the beginning, then
