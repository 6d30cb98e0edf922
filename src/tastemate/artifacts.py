"""Fitted state on disk: one `meta.json` and one `.npy` file an array. Never pickle.

A folder is written beside its final place and renamed, so that a kill leaves the old one or the
new one, never half of one. Arrays are opened memory-mapped: a cold start reads only what it uses.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.errors import FormatError

Array = NDArray[Any]


def write(
    folder: Path, meta: Mapping[str, Any], arrays: Mapping[str, Array | sparse.csr_matrix]
) -> None:
    """Write JSON values and arrays (dense, or sparse as three) into a folder, atomically."""
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    shapes: dict[str, list[int]] = {}
    for name, array in arrays.items():
        if sparse.issparse(array):
            rows = sparse.csr_matrix(array)
            shapes[name] = [int(size) for size in rows.shape]
            for part in ("data", "indices", "indptr"):
                np.save(fresh / f"{name}.{part}.npy", getattr(rows, part), allow_pickle=False)
        else:
            np.save(fresh / f"{name}.npy", np.asarray(array), allow_pickle=False)
    (fresh / "meta.json").write_text(
        json.dumps(
            {
                "meta": dict(meta),
                "sparse": shapes,
                "dense": [name for name in arrays if name not in shapes],
            },
            ensure_ascii=False,
        )
    )
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
        folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(folder)


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON values and the arrays that `write` put there; dense ones memory-mapped.

    Raises `FormatError` when the folder is missing a file or a file is damaged.
    """
    try:
        head = json.loads((folder / "meta.json").read_text())
        arrays: dict[str, Any] = {
            # A plain view of the mapped file: the subclass makes every slice slow.
            name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in head["dense"]
        }
        for name, shape in head["sparse"].items():
            parts = tuple(
                np.load(folder / f"{name}.{part}.npy", allow_pickle=False)
                for part in ("data", "indices", "indptr")
            )
            arrays[name] = sparse.csr_matrix(parts, shape=tuple(shape))
        return head["meta"], arrays
    except (OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise FormatError(
            f"The fitted model in {folder} cannot be read ({error}). "
            "Delete that folder and fit again."
        ) from error
