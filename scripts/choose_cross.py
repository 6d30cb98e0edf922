"""How the cross-encoder is taught: what each choice is worth to people it was not taught on.

    python scripts/choose_cross.py [--dataset ml-latest-small] [--keep FILE.npz] [--only NAME]

The pools are those of `train.pools` on the events before validation cut 3, so that neither the
test nor a validation figure is looked at. Half of the people held out say when to stop and by
which weight it counts; the figures are of the other half: NDCG@10 among the pools that hold the
event, of the mix, of the network alone, and of both by that weight, with the 95% interval of
the paired difference to the mix.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tastemate import build
from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.split import leave_one_out
from tastemate.evaluate.bootstrap import differences
from tastemate.evaluate.lab import Setting, prepare
from tastemate.interactions import Interactions
from tastemate.protocols import Ranker
from tastemate.rank.crossreading import Reading
from tastemate.recommender import Recommender
from tastemate.train.crossed import AS_CROSSED, Crossing, judged, taught
from tastemate.train.mixing import gain
from tastemate.train.pools import Drawing, Lesson, pooled
from tastemate.types import Floats


def variants(base: Crossing) -> Iterator[tuple[str, Crossing]]:
    """Yield what is tried, by name."""
    yield "as taught", base
    yield "nothing learned", replace(base, adapting=replace(base.adapting, rate=1e-12))
    yield "four layers joint", replace(base, shape=replace(base.shape, apart=2))
    yield "one layer joint", replace(base, shape=replace(base.shape, apart=5))
    yield "history of ten", replace(base, shape=replace(base.shape, history=10))
    yield "titles alone", replace(base, shape=replace(base.shape, exclude=("tags", "genres")))
    yield "no mix beside", replace(base, beside=False)
    yield "half the rate", replace(base, adapting=replace(base.adapting, rate=5e-4))


def main() -> None:
    """Print a JSON line for each row."""
    said = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    said.add_argument("--dataset", default="ml-latest-small")
    said.add_argument("--model", default="fast")
    said.add_argument("--most", type=int, default=AS_CROSSED.drawing.most)
    said.add_argument("--only", default="", help="Only variants whose name begins so.")
    said.add_argument("--keep", type=Path, help="A file that keeps the pools.")
    asked = said.parse_args()
    data = open_dataset(asked.dataset)
    items, events = prepare(data.catalog, data.interactions, Setting())
    events = leave_one_out(events, 3).train
    lessons = kept(asked.keep)
    if lessons is None:
        start = time.perf_counter()
        drawing = replace(AS_CROSSED.drawing, most=asked.most)
        lessons = collected(asked.model, items, events, drawing)
        row = {"lessons": len(lessons), "held": sum(one.held for one in lessons)}
        show(row | {"seconds": round(time.perf_counter() - start, 1)})
        if asked.keep:
            keep(asked.keep, lessons)
    own = [one for one in lessons if not one.held]
    held = [one for one in lessons if one.held]
    judge, exam = held[::2], held[1::2]
    for name, crossing in variants(AS_CROSSED):
        if name.startswith(asked.only):
            show({"variant": name} | tried(items, [*own, *judge], exam, crossing))


def tried(
    items: Catalog, lessons: Sequence[Lesson], exam: Sequence[Lesson], crossing: Crossing
) -> dict[str, object]:
    """Teach one variant, and return what it is worth to the people of the exam."""
    start = time.perf_counter()
    ranker = taught(Reading(items, crossing.shape), lessons, crossing, progress=said)
    seconds = time.perf_counter() - start
    scores = judged(ranker.reading, exam)
    mix, alone, both = (ndcg(exam, scores, weight) for weight in (0.0, 1.0, ranker.weight))
    against = differences({"ndcg": both}, {"ndcg": mix})["ndcg"]
    return {
        "weight": ranker.weight,
        "mix": round(float(mix.mean()), 4),
        "alone": round(float(alone.mean()), 4),
        "both": round(float(both.mean()), 4),
        "over the mix": [round(x, 4) for x in (against.value, against.low, against.high)],
        "held out": [round(x, 3) for x in ranker.told["held out"]],
        "steps": ranker.told["steps"],
        "seconds": round(seconds, 1),
    }


def said(what: str, _: float) -> None:
    """Say how far it is."""
    sys.stderr.write(what + "\n")


def ndcg(exam: Sequence[Lesson], scores: Sequence[Floats], weight: float) -> NDArray[np.float64]:
    """Return NDCG@10 of each lesson at a weight."""
    return np.array(
        [gain(one.scores, own, one.place, weight) for one, own in zip(exam, scores, strict=True)]
    )


def collected(model: str, items: Catalog, events: Interactions, drawing: Drawing) -> list[Lesson]:
    """Collect the pools of a mix."""
    mix, shared = build.profile(model), build.resources()

    def compose(catalog: Catalog, known: Interactions, ranker: Ranker) -> Recommender:
        return build.recommender(
            mix, lambda name: build.fitted(name, shared, catalog, known), catalog, known,
            explained=False, pool=drawing.depth, ranker=ranker,
        )  # fmt: skip

    return pooled(compose, items, events, drawing, said)


def keep(path: Path, lessons: Sequence[Lesson]) -> None:
    """Write pools."""
    parts = {"past": [one.past for one in lessons], "pool": [one.pool for one in lessons]}
    arrays = {name: np.concatenate(part) for name, part in parts.items()}
    sizes = {f"{name} sizes": np.array([len(one) for one in part]) for name, part in parts.items()}
    np.savez(
        path,
        **arrays,
        **sizes,
        scores=np.concatenate([one.scores for one in lessons]),
        place=np.array([one.place for one in lessons]),
        held=np.array([one.held for one in lessons]),
    )


def kept(path: Path | None) -> list[Lesson] | None:
    """Return what `keep` wrote; None where nothing is kept."""
    if path is None or not path.exists():
        return None
    with np.load(path) as file:
        past = np.split(file["past"], np.cumsum(file["past sizes"])[:-1])
        pool, scores = (
            np.split(file[name], np.cumsum(file["pool sizes"])[:-1]) for name in ("pool", "scores")
        )
        rest = (file["place"].tolist(), file["held"].tolist())
        return [Lesson(*one) for one in zip(past, pool, scores, *rest, strict=True)]


def show(row: dict[str, object]) -> None:
    """Print one row."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
