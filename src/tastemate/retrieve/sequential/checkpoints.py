"""Weights as one vector, and the checkpoints of a fit: arrays and JSON, never pickle."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import artifacts, scope
from tastemate.errors import FormatError, Unavailable
from tastemate.types import Floats

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
    folder: Path, names: tuple[str, ...], shapes: Shapes
) -> tuple[dict[str, Any], dict[str, dict[str, Floats]]] | None:
    """Return the course and the parts kept; None where there are none of these shapes."""
    if not folder.exists():
        return None
    try:
        meta, arrays = artifacts.read(folder, ("course", "shapes", *names))
        if meta["shapes"] != shapes:
            return None
        return meta["course"], {name: unpacked(arrays[name], shapes) for name in names}
    except (FormatError, TypeError, ValueError):
        return None  # damaged: from the beginning, then
