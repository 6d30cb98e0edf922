"""How the hybrid ranker is trained: what each choice is worth, beside the learned ranker.

    python scripts/choose_hybrid.py [--dataset ml-latest-small] [--only "as trained"]

The pools are those of the events before validation cut 3, as in `choose_ranker.py`: everything
learns from the people of all folds but the last and is judged on the last, by NDCG@10 and
Recall@10 over every event asked for (one that no pool holds counts 0), with the paired difference
to the trees and its 95% interval.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from tastemate import build
from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.split import leave_one_out
from tastemate.evaluate.lab import Setting, prepare
from tastemate.interactions import Interactions
from tastemate.protocols import Ranker
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import Features
from tastemate.rank.hybrid import Hybrid
from tastemate.rank.learned import grown
from tastemate.recommender import Recommender
from tastemate.train.hybrid import AS_TRAINED, Taken, Training, taken, trained
from tastemate.train.ranking import teach
from tastemate.types import Floats
from tried import Places, Tried, judged

OVER = "over the trees"
SHARES = (0.25, 0.5, 0.75)
"""Of the hybrid's z-scores, where they are averaged with those of the trees."""


def pools(dataset: str, model: str) -> tuple[Taken, Floats, Features]:
    """Return the pools, the texts and features that read them."""
    data, shared = open_dataset(dataset), build.resources()
    items, events = prepare(data.catalog, data.interactions, Setting())
    events = leave_one_out(events, 3).train
    mix = build.profile(f"{model}+hybrid")

    def compose(catalog: Catalog, seen: Interactions, ranker: Ranker) -> Recommender:
        fit = cache(lambda name: build.fitted(name, shared, catalog, seen))
        return build.recommender(mix, fit, catalog, seen, explained=False, pool=100, ranker=ranker)

    content = cast(Any, build.fitted("content", shared, items, events))
    found = taken(compose, items, events, content.vectors)
    return found, content.vectors, Features(items, Crowd.of(events), content.vectors)


def of(found: Taken, folds: Sequence[int]) -> Taken:
    """Return the pools of some folds."""
    at = [at for at, fold in enumerate(found.lessons.folds) if fold in folds]
    rows, past = ([part[one] for one in at] for part in (found.rows, found.past))
    return Taken(found.lessons.of(folds), rows, past)


def variants() -> Iterator[tuple[str, Training]]:
    """Yield what is tried, by name."""
    yield "as trained", AS_TRAINED
    one = replace(AS_TRAINED, nets=1)
    yield "one network", one
    yield "one network, texts in the features alone", replace(one, text=0)
    yield "one network, half as wide", replace(one, hidden=(64, 32))
    yield (
        "one network, half as wide, texts in the features alone",
        replace(one, hidden=(64, 32), text=0),
    )
    yield "labels shuffled", replace(one, pools=replace(one.pools, shuffled=True))


def stood(exam: Taken, scores: Sequence[Floats]) -> Places:
    """Return where each pool's event stands, from 1; a tie counts against it."""
    asked = zip(scores, exam.lessons.places, strict=True)
    return np.array([int((one >= one[place]).sum()) for one, place in asked], dtype=np.int64)


def main() -> None:
    """Print a JSON line for each row."""
    said = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    said.add_argument("--dataset", default="ml-latest-small")
    said.add_argument("--model", default="fast")
    said.add_argument("--only", default="", help="Only variants whose name begins so.")
    said.add_argument("--out", type=Path, help="A file of JSON for all rows.")
    asked = said.parse_args()
    tried = Tried(asked.out)
    found, vectors, features = pools(asked.dataset, asked.model)
    last = max(found.lessons.folds)
    lesson, exam = of(found, range(last)), of(found, [last])
    started = time.perf_counter()
    names, text = teach(lesson.lessons)
    booster, at = grown(text), [found.lessons.names.index(name) for name in names]
    trees = [
        np.asarray(booster.predict(table[:, at], num_threads=1), np.float32)
        for table in exam.lessons.tables
    ]
    before, events = stood(exam, trees), sum(exam.lessons.asked.values())
    mix = [-np.arange(len(table), dtype=np.float32) for table in exam.lessons.tables]
    tried.say(judged("the mix", stood(exam, mix), before, events, OVER, 0.0))
    tried.say(
        judged("the trees", stood(exam, trees), before, events, OVER, time.perf_counter() - started)
    )
    for label, training in variants():
        if not label.startswith(asked.only):
            continue
        started = time.perf_counter()
        scaling, nets = trained(lesson, vectors, training)
        ranker = Hybrid(features, found.lessons.names, scaling, nets, vectors)
        parts = zip(exam.lessons.tables, exam.rows, exam.past, strict=True)
        scores = [ranker.said(*part) for part in parts]
        tried.say(
            judged(label, stood(exam, scores), before, events, OVER, time.perf_counter() - started)
        )
        for share in SHARES if label == "as trained" else ():
            both = [
                (1 - share) * standardise(tree) + share * net
                for tree, net in zip(trees, scores, strict=True)
            ]
            tried.say(
                judged(
                    f"trees, and {share:.0%} of it", stood(exam, both), before, events, OVER, 0.0
                )
            )
    people = {"lessons": len(lesson.rows), "events": events}
    tried.write(open_dataset(asked.dataset), model=asked.model, cut=3, **people)


if __name__ == "__main__":
    main()
