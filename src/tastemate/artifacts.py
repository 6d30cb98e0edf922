"""Fitted state on disk: one `meta.json` and one `.npy` file an array. Never pickle.

A folder is written beside its final place, synced to disk and renamed, so that a kill or a power
cut leaves the old one or the new one, never half of one. Arrays are opened memory-mapped: a cold
start reads only what it uses.

`meta.json` holds a CRC-32 of itself and, of every array, the size and two CRC-32s: of the whole
file, and of a sample of its blocks. `read` checks sizes always, small files wholly and large ones
by the sample (first, last and evenly spread blocks); `verify` reads everything.
"""

import errno
import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.errors import FormatError, Unavailable

Array = NDArray[Any]

WHOLE = 4 << 20
"""Files up to this many bytes are checked wholly when they are opened."""
_BLOCK = 1 << 16
_SAMPLED = 32
_SEAL = b', "crc": "'


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
    sums = {path.name: _checksums(path) for path in sorted(fresh.iterdir())}
    head = {"meta": dict(meta), "sparse": shapes, "dense": dense, "files": sums}
    (fresh / "meta.json").write_bytes(_sealed(json.dumps(head, ensure_ascii=False).encode()))
    for path in (*fresh.iterdir(), fresh):
        sync(path)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sealed(text: bytes) -> bytes:
    """Return a JSON object with the CRC-32 of the rest of it as its last value."""
    return text[:-1] + _SEAL + f'{zlib.crc32(text):08x}"}}'.encode()


def _unsealed(text: bytes) -> dict[str, Any]:
    """Return the JSON object; raise `ValueError` where its checksum says it was changed."""
    body, found, _ = text.rpartition(_SEAL)
    head: dict[str, Any] = json.loads(text)
    # Folders of before there were checksums have none; they are read as they are.
    if found and f"{zlib.crc32(body + b'}'):08x}" != head.get("crc"):
        raise ValueError("meta.json does not match its checksum")
    return head


def _checksums(path: Path) -> list[int]:
    """Return the size of a file and the CRC-32 of all of it and of its sample."""
    size = path.stat().st_size
    return [size, _crc(path, _everything(size)), _crc(path, _sample(size))]


def _crc(path: Path, starts: Iterator[int]) -> int:
    crc = 0
    with path.open("rb") as file:
        for start in starts:
            file.seek(start)
            crc = zlib.crc32(file.read(_BLOCK), crc)
    return crc


def _everything(size: int) -> Iterator[int]:
    yield from range(0, size, _BLOCK)


def _sample(size: int) -> Iterator[int]:
    if size <= WHOLE:
        yield from range(0, size, _BLOCK)
    else:
        yield from (at * (size - _BLOCK) // (_SAMPLED - 1) for at in range(_SAMPLED))


def verify(folder: Path) -> None:
    """Read a fitted model from end to end; raise `FormatError` where a byte was changed.

    What a large array costs here (about a second a gigabyte) `read` does not spend.
    """
    try:
        head = _unsealed((folder / "meta.json").read_bytes())
        if not {"meta", "dense", "sparse"} <= head.keys():
            raise ValueError("meta.json does not say what is there")
        for name, (size, whole, _) in head.get("files", {}).items():
            path = folder / name
            if path.stat().st_size != size or _crc(path, _everything(size)) != whole:
                raise ValueError(f"{name} does not match its checksum")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> FormatError:
    return FormatError(
        f"The fitted model in {folder} cannot be read ({error}). Delete that folder and fit again."
    )


def _swap(fresh: Path, folder: Path) -> None:
    """Put a folder in its place; another process may be doing the same, and the last one wins."""
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
    for tries_left in reversed(range(10)):
        try:
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            sync(folder.parent)
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
        head = _unsealed((folder / "meta.json").read_bytes())
        for name, (size, _, sample) in head.get("files", {}).items():
            path = folder / name
            if path.stat().st_size != size or _crc(path, _sample(size)) != sample:
                raise ValueError(f"{name} does not match its checksum")
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
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError) as error:
        raise _damaged(folder, error) from error


@contextmanager
def locked(folder: Path, name: str = "lock", *, wait: bool = True) -> Iterator[None]:
    """Hold a lock of the folder; raise `Unavailable` where there can be none, or it is held."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / name).open("w")
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written ({error.strerror}). "
            "Mend the permissions, or set TASTEMATE_HOME to another folder."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                f"Another process is at it in {folder}. Wait for it, or stop it."
            ) from error
        yield
