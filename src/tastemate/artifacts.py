"""Fitted state on disk: one `meta.json` and one `.npy` file an array. Never pickle.

A folder is written beside its final place and renamed, so that a kill leaves the old one or the
new one, never half of one. Arrays are opened memory-mapped: a cold start reads only what it uses.
"""

import errno
import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.errors import FormatError, Unavailable

Array = NDArray[Any]


def write(
    folder: Path, meta: Mapping[str, Any], arrays: Mapping[str, Array | sparse.csr_matrix]
) -> None:
    """Write JSON values and arrays (dense, or sparse as three) into a folder, atomically.

    Raises `Unavailable` when the folder cannot be written; what was there before is then kept.
    """
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        _fill(fresh, meta, arrays)
        _swap(fresh, folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(
            f"A fitted model cannot be written to {folder} ({error.strerror or error}). "
            "Free some space, mend the permissions, or set TASTEMATE_HOME."
        ) from error


def _fill(
    fresh: Path, meta: Mapping[str, Any], arrays: Mapping[str, Array | sparse.csr_matrix]
) -> None:
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
    dense = [name for name in arrays if name not in shapes]
    head = {"meta": dict(meta), "sparse": shapes, "dense": dense}
    (fresh / "meta.json").write_text(json.dumps(head, ensure_ascii=False))


def _swap(fresh: Path, folder: Path) -> None:
    """Put a folder in its place; another process may be doing the same, and the last one wins."""
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
    for tries_left in reversed(range(10)):
        try:
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT) or not tries_left:
                raise
            shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def read(folder: Path, need: Collection[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON values and the arrays that `write` put there; dense ones memory-mapped.

    Raises `FormatError` when the folder is missing a file, a file is damaged, or a name in `need`
    is neither a value nor an array.
    """
    meta, arrays = _read(folder)
    _need(folder, need, {**meta, **arrays})
    return meta, arrays


def _need(folder: Path, need: Collection[str], found: Collection[str]) -> None:
    lacking = [name for name in need if name not in found]
    if lacking:
        raise FormatError(
            f"The fitted model in {folder} lacks {', '.join(lacking)}. "
            "Delete that folder and fit again."
        )


def write_model(
    folder: Path,
    model: str,
    width: int,
    meta: Mapping[str, Any],
    arrays: Mapping[str, Array | sparse.csr_matrix],
) -> None:
    """Write what a model learned over `width` items, marked so that no other model reads it."""
    write(folder, {**meta, "model": model, "width": width}, arrays)


def read_model(
    folder: Path,
    model: str,
    n_items: int,
    need: Collection[str] = (),
    by_item: Collection[str] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `write_model` wrote for a catalogue of `n_items`, perhaps grown at its end.

    `need` names values and arrays that must be there, `by_item` arrays with a row for each item
    fitted on. Raises `FormatError` when one is missing, the folder holds another model, or the
    model knows more items than the catalogue has.
    """
    meta, arrays = read(folder, ("model", "width"))
    if meta["model"] != model:
        raise FormatError(
            f"{folder} holds a {meta['model']}, no {model}. Delete that folder and fit again."
        )
    _need(folder, (*need, *by_item), {**meta, **arrays})
    width = meta["width"]
    whole = all(name in arrays and arrays[name].shape[:1] == (width,) for name in by_item)
    if not isinstance(width, int) or width > n_items or not whole:
        raise FormatError(
            f"The {model} in {folder} belongs to another catalogue: it knows {width} items, and "
            f"there are {n_items}. Delete that folder and fit again."
        )
    return meta, arrays


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
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
