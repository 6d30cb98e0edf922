"""How the learned ranker is taught: what each choice is worth to people it was not taught on.

    python scripts/choose_ranker.py [--dataset ml-latest-small] [--cut 3] [--keep FILE.npz]

The pools are those of `train.ranking` on the events before a validation cut, so that neither the
test nor a validation figure is looked at. The ranker learns from the people of all folds but the
last and is judged on the last: NDCG@10, Recall@10 and MRR@10 over every event asked for (one that
no pool holds counts 0), and the paired difference to the mix with its 95% interval.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tastemate import build, ranked
from tastemate.data.datasets import open_dataset
from tastemate.data.split import leave_one_out
from tastemate.evaluate.lab import Setting, prepare
from tastemate.rank.features import RETRIEVED
from tastemate.rank.learned import grown
from tastemate.train.lessons import Lessons
from tastemate.train.ranking import AS_TAUGHT, Teaching, teach
from tastemate.types import Floats
from tried import Places, Tried, judged

GROUPS: dict[str, tuple[str, ...]] = {
    "retrievers beside the mix": tuple(f"{RETRIEVED}{name}" for name in build.HEARD),
    "all but retrievers": (),
    "calendar": ("years since first met", "years old", "popularity of the"),
    "followers": ("came", "follows", "precedes"),
    "same day": ("same day", "follows, of same day"),
    "company": ("company",),
    "attributes": ("attributes", "rating to expect"),
    "years": ("year", "years old"),
    "texts": ("text",),
    "words": ("words", "first word"),
    "neighbours": ("neighbours",),
    "person": ("length", "own", "last ", "rating of last 5", "usual gap", "longest gap", "ties"),
    "popularity": ("popularity", "usual place"),
    "ratings": ("rating", "own rating", "last rating"),
}

SEEDS = "three seeds, summed"
OVER = "over the mix"


def places(found: Lessons, names: tuple[str, ...], score: Callable[[Floats], Floats]) -> Places:
    """Return where each pool's event stands, from 1; a tie counts against it."""
    columns = [found.names.index(name) for name in names]
    stood = []
    for table, place in zip(found.tables, found.places, strict=True):
        scores = score(table[:, columns])
        stood.append(int((scores >= scores[place]).sum()))
    return np.array(stood, dtype=np.int64)


def softmax(found: Lessons, names: list[str]) -> Callable[[Floats], Floats]:
    """Return a linear score with the highest likelihood of the events (conditional logit)."""
    from scipy.optimize import minimize

    table, told, sizes = found.stacked(range(len(found.places)))
    table = np.nan_to_num(table[:, [found.names.index(name) for name in names]])
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
    table = (table - mean) / spread
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    pool, events = np.repeat(np.arange(len(sizes)), sizes), np.flatnonzero(told)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = table @ weights.astype(np.float32)
        top = np.maximum.reduceat(scores, starts)
        chance = np.exp(scores - top[pool])
        total = np.add.reduceat(chance, starts)
        slope = (table.T @ (chance / total[pool]) - table[events].sum(axis=0)) / len(sizes)
        value = (np.log(total) + top - scores[events]).mean() + 1e-3 * weights @ weights
        return float(value), (slope + 2e-3 * weights).astype(np.float64)

    start = np.zeros(len(names))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 40}).x
    return lambda rows: ((np.nan_to_num(rows) - mean) / spread) @ best.astype(np.float32)


def variants(names: tuple[str, ...], base: Teaching) -> Iterator[tuple[str, Teaching]]:
    """Yield what is tried, by name."""
    yield "as taught", base
    for objective in ("lambdarank", "rank_xendcg", "binary"):
        if objective != base.objective:
            yield objective, replace(base, objective=objective)
    others = tuple(name for name in names if not name.startswith(RETRIEVED))
    for group, begins in GROUPS.items():
        yield f"without {group}", replace(base, without=begins or others)
    yield (
        "half the rate, twice the trees",
        replace(base, rate=base.rate / 2, rounds=2 * base.rounds),
    )
    yield "15 leaves", replace(base, leaves=15)
    yield "31 leaves", replace(base, leaves=31)
    yield "500 in a leaf", replace(base, smallest=500)
    yield "labels shuffled", replace(base, shuffled=True)


def main() -> None:
    """Print a JSON line for each row."""
    said = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    said.add_argument("--dataset", default="ml-latest-small")
    said.add_argument("--model", default="fast")
    said.add_argument("--cut", type=int, default=3, help="Validation cut; 1 where most are short.")
    said.add_argument("--pool", type=int, default=100, help="Candidates of a pool.")
    said.add_argument("--rounds", type=int, default=AS_TAUGHT.rounds)
    said.add_argument("--rate", type=float, default=AS_TAUGHT.rate)
    said.add_argument("--objective", default=AS_TAUGHT.objective)
    said.add_argument("--share", type=int, default=1, help="Learn from every so many-th pool.")
    said.add_argument("--only", default="", help="Only variants whose name begins so.")
    said.add_argument("--keep", type=Path, help="A file that keeps the pools.")
    said.add_argument("--out", type=Path, help="A file of JSON for all rows.")
    asked = said.parse_args()
    found = kept(asked.keep) or pools(asked.dataset, asked.model, asked.cut, asked.pool)
    tried = Tried(asked.out)
    if asked.keep and not asked.keep.exists():
        keep(asked.keep, found)
    last = max(found.folds)
    lesson, exam = thinned(found.of(range(last)), asked.share), found.of([last])
    mix, events = np.array(exam.places, dtype=np.int64) + 1, sum(exam.asked.values())
    tried.say(judged("the mix", mix, mix, events, OVER, 0.0))
    own = [name for name in found.names if name.startswith(RETRIEVED) and "," not in name]
    for label, names in (("linear, retrievers", own), ("linear, all", list(found.names))):
        start = time.perf_counter()
        stood = places(exam, tuple(names), softmax(lesson, names))
        tried.say(judged(label, stood, mix, events, OVER, time.perf_counter() - start))
    base = replace(AS_TAUGHT, rounds=asked.rounds, rate=asked.rate, objective=asked.objective)
    for label, teaching in variants(found.names, base):
        if label.startswith(asked.only):
            start = time.perf_counter()
            names_used, trees = teach(lesson, teaching)
            stood = places(exam, names_used, predicting(trees))
            tried.say(judged(label, stood, mix, events, OVER, time.perf_counter() - start))
    if SEEDS.startswith(asked.only):
        start = time.perf_counter()
        taught = [teach(lesson, replace(base, seed=seed)) for seed in range(3)]
        every = [predicting(trees) for _, trees in taught]
        stood = places(
            exam, taught[0][0], lambda rows: np.sum([one(rows) for one in every], axis=0)
        )
        tried.say(judged(SEEDS, stood, mix, events, OVER, time.perf_counter() - start))
    people = {"lessons": len(lesson.places), "events": events}
    tried.write(open_dataset(asked.dataset), model=asked.model, cut=asked.cut, **people)


def thinned(found: Lessons, share: int) -> Lessons:
    """Return every so many-th pool."""
    parts = (found.tables[::share], found.places[::share], found.folds[::share])
    return Lessons(found.names, *parts, found.asked)


def predicting(trees: str) -> Callable[[Floats], Floats]:
    """Return what trees say of rows of features."""
    booster = grown(trees)
    return lambda rows: np.asarray(booster.predict(rows, num_threads=1), dtype=np.float32)


def pools(dataset: str, model: str, cut: int, deep: int) -> Lessons:
    """Collect the pools of the events before a validation cut."""
    data = open_dataset(dataset)
    items, events = prepare(data.catalog, data.interactions, Setting())
    mix, shared = build.profile(model), build.resources()
    teaching = replace(AS_TAUGHT, depth=deep)
    return ranked.asked_of(
        mix, shared, items, leave_one_out(events, cut).train, teaching, pool=deep
    )


def keep(path: Path, found: Lessons) -> None:
    """Write pools."""
    sizes = [len(table) for table in found.tables]
    asked = [found.asked[fold] for fold in sorted(found.asked)]
    np.savez(
        path,
        names=np.array(found.names),
        table=np.concatenate(found.tables),
        sizes=np.array(sizes),
        places=np.array(found.places),
        folds=np.array(found.folds),
        asked=np.array(asked),
    )


def kept(path: Path | None) -> Lessons | None:
    """Return what `keep` wrote; None where nothing is kept."""
    if path is None or not path.exists():
        return None
    with np.load(path) as file:
        tables = np.split(file["table"], np.cumsum(file["sizes"])[:-1])
        names = tuple(file["names"].tolist())
        asked = dict(enumerate(file["asked"].tolist()))
        return Lessons(names, tables, file["places"].tolist(), file["folds"].tolist(), asked)


if __name__ == "__main__":
    main()
