"""Learned weights of models, kept: each holds for one model, way of ranking, data and mix.

One file of records, read at every opening; a damaged file or record is as if it were not there,
and the weight is then the default one.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tastemate.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Served:
    """What a weight was learned for; for anything else it says nothing."""

    model: str
    rank: str
    """The judge, with its options where any are set."""
    depth: int
    taste: bool
    """Whether the model reads the tastes that it ranks by."""
    data: str
    """Hash of the data that the retrievers were fitted on."""
    profile: str
    """The mix of retrievers."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What `train.mixing` learned."""

    weight: float
    """Share of the model's order, 0 to 1."""
    signals: int
    """Histories shorter than this gain by it."""
    queries: int
    """Validation targets it was learned on."""


def read_learned(path: Path, served: Served) -> Learned | None:
    """Return what was learned last for what is served; None where nothing was."""
    for record in reversed(_records(path)):
        if record.get("served") != asdict(served):
            continue
        try:
            found = Learned(float(record["weight"]), int(record["signals"]), int(record["queries"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if 0.0 <= found.weight <= 1.0 and found.signals >= 0:
            return found
    return None


def keep_learned(path: Path, served: Served, learned: Learned, **more: Any) -> None:
    """Keep what was learned in place of what was known for the same, with other JSON values.

    Raises `Unavailable` when the file cannot be written; what it held is then kept.
    """
    others = [record for record in _records(path) if record.get("served") != asdict(served)]
    made = {"served": asdict(served)} | asdict(learned) | {"time": int(time.time())} | more
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps([*others, made], indent=2))
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(
            f"What was learned cannot be kept in {path} ({error.strerror or error}). "
            "Mend the permissions, or set weight in [llm] yourself."
        ) from error


def _records(path: Path) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
