"""What an answer of each sequence model costs: the times of docs/sequential.md.

    python scripts/sequence_speed.py [MODEL ...]

The networks have their full size and are trained for one pass only: time does not depend on how
good they are. Each is saved and loaded as a service would. Histories have 200 events or all.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tastemate import build
from tastemate.data.datasets import open_dataset
from tastemate.evaluate.lab import Setting, prepare
from tastemate.retrieve.sequential.lrurec import LruRec
from tastemate.types import Query

ASKED = 60


def main() -> None:
    """Print one line of JSON for each model."""
    data = open_dataset("ml-latest-small")
    catalog, events = prepare(data.catalog, data.interactions, Setting())
    longest = np.argsort(-np.diff(events.offsets), kind="stable")[:ASKED]
    queries = [Query(history=events.history(int(code)).last(200)) for code in longest]
    for name in sys.argv[1:] or ["sasrec", "narm", "bert4rec", "hstu", "lrurec", "sse-pt"]:
        model = build.retriever(name, build.resources(), rounds=1, look=1)
        model.fit(catalog, events)
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder) / "kept")
            loaded = build.retriever(name, build.resources(), rounds=1, look=1)
            loaded.load(Path(folder) / "kept", catalog)
        line = {"model": name, "top 100": timed(lambda q, m=loaded: m.retrieve([q], 100), queries)}
        if isinstance(loaded, LruRec):
            line |= moved_on(loaded, queries)
        print(json.dumps(line), flush=True)


def moved_on(model: LruRec, queries: list[Query]) -> dict[str, dict[str, float]]:
    """Return what it costs to move a person's state on by one event, and to score it."""
    states = [model.advance(model.start(), one.history.items) for one in queries]
    known = {id(query): state for query, state in zip(queries, states, strict=True)}
    return {
        "one event more": timed(
            lambda query: model.advance(known[id(query)], query.history.items[:1]), queries
        ),
        "scores of a state": timed(lambda query: model.scores_of([known[id(query)]]), queries),
    }


def timed(call: Callable[[Query], object], queries: list[Query]) -> dict[str, float]:
    """Return the median and the 99th percentile of a call, milliseconds."""
    call(queries[0])
    took = []
    for query in queries:
        start = time.perf_counter()
        call(query)
        took.append(1e3 * (time.perf_counter() - start))
    return {
        "p50 ms": round(float(np.median(took)), 2),
        "p99 ms": round(float(np.quantile(took, 0.99)), 2),
    }


if __name__ == "__main__":
    main()
