"""What an answer of each model costs once it serves: fitted, saved, and opened again from disk.

Milliseconds do not depend on how good a model is, so networks have their full size and are trained
for one pass only. The people asked about have the longest histories: reading one again is what a
model that keeps a state saves.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import build, config
from tastemate.benchmark import clock
from tastemate.benchmark.beside import row
from tastemate.data.datasets import Dataset
from tastemate.errors import ConfigError, DataError, Interrupted, TastemateError
from tastemate.evaluate import record
from tastemate.evaluate.cost import kept_numbers
from tastemate.project import Tastemate
from tastemate.protocols import Progress
from tastemate.retrieve.sequential.lrurec import LruRec
from tastemate.retrieve.sequential.model import Sequential
from tastemate.types import Query

AGAINST = "fast"
"""Always measured; the others' rows carry the ratio to it."""
MODELS = (
    *(AGAINST, "best", "fast+hybrid", "popular", "sequential-knn"),
    *("sasrec", "hstu", "sse-pt", "lrurec", "narm", "bert4rec", "lightgcn"),
)
TOP = 100
LATEST = 200
"""Events of a history that are given."""
WARM, ROUNDS = 5, 3
"""Calls before the clock starts, and how often each person is asked for after that."""
ONE_PASS = {"rounds": 1, "look": 1}


def serving(
    data: Dataset,
    *,
    models: Sequence[str] = (),
    people: int = 60,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure each model on the `people` with the longest histories; return JSON values.

    Every model has a state folder of its own that is then removed. Raises `NotFound` for a model
    that there is not, `DataError` where nobody has two events; what cannot be had is a note.
    """
    if people < 1:
        raise ConfigError("people must be at least 1.")
    queries = _queries(data, people)
    notes: list[str] = []
    rows: list[dict[str, Any]] = []
    found: dict[str, dict[str, Any]] = {}
    names = list(dict.fromkeys([AGAINST, *(models or MODELS)]))
    for name in names:
        build.profile(name)
    for at, name in enumerate(names):
        if progress is not None:
            progress(name, at / len(names))
        try:
            found[name], more = _measured(data, name, queries)
        except Interrupted:
            raise
        except TastemateError as error:
            notes.append(f"{name} is left out: {error}")
            continue
        rows += [*_rows(name, found[name], found.get(AGAINST)), *more]
    served = [{"model": name, **one} for name, one in found.items()]
    return {
        "dataset": data.name,
        "rows": rows,
        "tables": {"models": served},
        "people": len(queries),
        "items": len(data.catalog),
        "events": round(float(np.mean([len(one.history) for one in queries])), 1),
        "notes": notes,
    } | record.provenance(data.catalog, data.interactions)


def served_by(name: str) -> str:
    """Return what computes the scores of a saved model: "onnxruntime", "torch" or "numpy"."""
    mix = build.profile(name)
    kinds = [build.retriever_class(part)[0] for part in mix.weights]
    networks = [kind for kind in kinds if issubclass(kind, Sequential)]
    used = sorted({"onnxruntime" if kind.exports else "torch" for kind in networks})
    if len(networks) < len(kinds):
        used.append("numpy")
    return ", ".join(used) + (f", ranked by {mix.ranker}" if mix.ranker else "")


def _queries(data: Dataset, people: int) -> list[Query]:
    events = data.interactions
    lengths = np.diff(events.offsets)
    longest = np.argsort(-lengths, kind="stable")[:people]
    chosen = [int(code) for code in longest if lengths[code] > 1]
    if not chosen:
        raise DataError(f"Nobody in {data.name} has two events; benchmark a data set with more.")
    return [Query(history=events.history(code).last(LATEST), k=TOP) for code in chosen]


def _measured(
    data: Dataset, name: str, queries: Sequence[Query]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return one model's figures, and rows of what only it can do."""
    mix = build.profile(name)
    short = {
        part: ONE_PASS
        for part in mix.weights
        if issubclass(build.retriever_class(part)[0], Sequential)
    }
    settings = replace(config.DEFAULTS, retrievers=short)
    with tempfile.TemporaryDirectory(prefix="tastemate-serving-") as folder:
        home = Path(folder)
        took = Tastemate(data, home, settings).fit([name])
        opened = Tastemate(data, home, settings)
        path = opened.recommender(name)
        path.explainer = None  # reasons cost the same whoever found the items
        slate = path.recommend(queries[0])
        if slate.degraded:
            raise DataError(f"its answers are degraded: {slate.degraded[0]}")
        figures = {
            "served_by": served_by(name),
            "top_100": _quantiles(path.recommend, queries),
            "one_more": _quantiles(lambda query: path.scores([query]), queries),
            "numbers": kept_numbers(path),
            "disk_mb": _size(home / "models") / 1e6,
            "fit_seconds": sum(took.values()),
        }
        parts = [one for one in path.retrievers if isinstance(one, LruRec)]
        return figures, _advanced(name, parts[0], queries) if parts else []


def _advanced(name: str, model: LruRec, queries: Sequence[Query]) -> list[dict[str, Any]]:
    """Return rows of a state moved on by the last event, beside reading the whole history."""
    pairs = [
        (model.advance(model.start(), query.history.items[:-1]), query.history.items[-1:])
        for query in queries
    ]
    moved = _latencies(
        [partial(lambda one: model.scores_of([model.advance(*one)]), pair) for pair in pairs]
    )
    whole = _latencies([partial(model.scores, [query]) for query in queries])
    return [
        row(f"{name}, one event more by advance, {at}", moved[at], "ms", "the whole history", one)
        for at, one in whole.items()
    ]


def _rows(name: str, ours: dict[str, Any], base: dict[str, Any] | None) -> list[dict[str, Any]]:
    theirs = None if name == AGAINST else base
    said = "" if theirs is None else AGAINST
    rows = []
    for key, what in (("one_more", "one event more"), ("top_100", "top 100")):
        for at, value in ours[key].items():
            other = None if theirs is None else theirs[key][at]
            rows.append(row(f"{name}, {what}, {at}", value, "ms", said, other))
    for key, what, unit in (("numbers", "numbers kept", ""), ("disk_mb", "on disk", "MB")):
        other = None if theirs is None else theirs[key]
        rows.append(row(f"{name}, {what}", ours[key], unit, said, other))
    return rows


def _quantiles(call: Callable[[Query], object], queries: Sequence[Query]) -> dict[str, float]:
    return _latencies([partial(call, query) for query in queries])


def _latencies(calls: Sequence[Callable[[], object]]) -> dict[str, float]:
    took = clock.latencies([*calls] * ROUNDS, WARM)
    return {f"p{q}": round(float(np.percentile(took, q)), 3) for q in (50, 99)}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
