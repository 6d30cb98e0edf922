"""What a figure needs beside it: data, machine, command; and who looked at the test.

A test figure may be looked at rarely, so each look leaves a line behind (`append_final`). Finished
cells (one model on one cut) are kept in a folder under a key of everything that could change them,
the program included, so that a rerun goes on where it was stopped and never reads a stale figure.
"""

import datetime
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate import artifacts
from tastemate.catalog import Catalog
from tastemate.errors import FormatError, Interrupted
from tastemate.interactions import Interactions

FINAL_LOG = Path("benchmarks/results/final.log")
_OF_A_RUN = ("date", "command")


def hardware() -> str:
    """Return the machine in a few words: processor, cores, Python and numpy."""
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux: the platform's own word stands
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )


def command() -> str:
    """Return the command this process was started with, without its folder."""
    return " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:]])


def provenance(catalog: Catalog, interactions: Interactions) -> dict[str, str]:
    """Return what any figure needs beside it: command, data, hardware, program, commit, date.

    `data` is the fingerprint of the whole data set, before anything is pruned.
    """
    return {"data": f"{catalog.fingerprint}-{interactions.fingerprint}"} | circumstances()


def circumstances() -> dict[str, str]:
    """Return what a figure needs beside it that rests on no data set."""
    return {
        "command": command(),
        "hardware": hardware(),
        "program": program(),
        "commit": commit(),
        "date": _now(),
    }


def commit() -> str:
    """Return the commit of the checkout this runs from; empty outside one, or without git."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return ""
    asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def append_final(path: Path, line: Mapping[str, Any]) -> None:
    """Append one dated JSON line to the log of test figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dated = {"date": _now()} | dict(line)
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(dated, ensure_ascii=False) + "\n")


def has_final(path: Path, line: Mapping[str, Any]) -> bool:
    """Whether the log has this line from before, whatever its date and command were."""
    ours = {name: value for name, value in line.items() if name not in _OF_A_RUN}
    try:
        written = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    lines = (json.loads(one) for one in written if one.startswith("{"))
    return any(
        ours == {name: value for name, value in one.items() if name not in _OF_A_RUN}
        for one in lines
    )


@lru_cache(maxsize=1)
def program() -> str:
    """Return a short hash of the installed version and of every module a figure may depend on."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    try:
        digest.update(version("tastemate").encode())
    except PackageNotFoundError:
        pass  # run from a folder that was never installed: the sources below say enough
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in {"cli", "benchmark"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def key(parts: Mapping[str, Any]) -> str:
    """Return the name of a cell: a hash of what it is about and of the program."""
    text = json.dumps({**parts, "program": program()}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def read_cell(folder: Path, parts: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a finished cell, or None when there is none (or it is damaged)."""
    place = folder / key(parts)
    if not place.exists():
        return None
    try:
        return artifacts.read(place)[1]
    except FormatError:
        return None  # half a cell is no cell: it is computed and written again


def write_cell(folder: Path, parts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep a finished cell: its description as JSON and its arrays."""
    artifacts.write(folder / key(parts), json.loads(json.dumps(parts, default=str)), arrays)


def cell(
    folder: Path | None,
    fresh: bool,
    parts: Mapping[str, Any],
    make: Callable[[], Mapping[str, NDArray[Any]]],
) -> Mapping[str, NDArray[Any]]:
    """Return the kept arrays of a cell, or make and keep them; always made when `fresh`."""
    kept = None if folder is None or fresh else read_cell(folder, parts)
    if kept is None:
        kept = dict(make())
        if folder is not None:
            write_cell(folder, parts, kept)
    return kept


@contextmanager
def stoppable(folder: Path | None) -> Iterator[None]:
    """Turn Ctrl-C into `Interrupted`, which says where the finished models are."""
    try:
        yield
    except KeyboardInterrupt as stop:
        kept = f"kept in {folder}; the same command goes on from there" if folder else "not kept"
        raise Interrupted(f"Stopped. Finished models are {kept}.") from stop
