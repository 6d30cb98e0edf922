"""What a sequence model adds to the linear mix `fast`: the figures of docs/sequential.md.

    python scripts/sequence_mix.py --scores DIR --model hstu --cut 1 --cut 2

Fits the parts of `fast` and each model on the training events of each validation cut and keeps
their scores in DIR (what lies there is read, not fitted again). A model is mixed in by half, and
by a weight that is chosen on one half of the people and measured on the other, both ways. Figures
are of people, the mean of their cuts. The test is never looked at.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tastemate import build
from tastemate.blend import zscore_mean
from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.split import LeaveOneOut, leave_one_out
from tastemate.evaluate.bootstrap import differences, intervals
from tastemate.evaluate.lab import Setting, prepare
from tastemate.evaluate.slices import by_user
from tastemate.metrics import Values, ranks_of
from tastemate.types import Floats, Query

STEPS = tuple(round(0.1 * at, 1) for at in range(13))
"""Weights tried, as shares of the whole weight of `fast`."""
TOGETHER = 64


def main() -> None:
    """Print one line of JSON for each model and mix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="ml-latest-small")
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--cut", type=int, action="append")
    asked = parser.parse_args()
    cuts = asked.cut or [1]
    if min(cuts) < 1:
        parser.error("cut 0 is the test; give 1 or more")
    data = open_dataset(asked.dataset)
    catalog, events = prepare(data.catalog, data.interactions, Setting())
    asked.scores.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, Values]]] = {}
    users = []
    for cut in cuts:
        cases = leave_one_out(events, cut)
        users.append(cases.users)
        for name, scores in mixes(cases, catalog, asked.model, asked.scores, cut).items():
            rows.setdefault(name, []).append(values(cases, scores))
    everybody = np.concatenate(users)
    figures = {
        name: {
            metric: by_user(everybody, np.concatenate([one[metric] for one in found]))
            for metric in found[0]
        }
        for name, found in rows.items()
    }
    for name, ours in figures.items():
        report(name, ours, figures["fast"])


def mixes(
    cases: LeaveOneOut, catalog: Catalog, models: Sequence[str], folder: Path, cut: int
) -> dict[str, Floats]:
    """Return the scores of `fast`, of each model, and of both together."""
    queries = [Query(history=past.last(200)) for past in cases.histories]

    def scores(name: str) -> Floats:
        path = folder / f"{name}-{cut}.npy"
        if path.exists():
            return np.load(path)
        start = time.perf_counter()
        model = build.fitted(name, build.resources(), catalog, cases.train)
        batches = [queries[at : at + TOGETHER] for at in range(0, len(queries), TOGETHER)]
        found = np.concatenate([model.scores(batch) for batch in batches])
        np.save(path, found)
        seconds = round(time.perf_counter() - start)
        print(json.dumps({"fitted": name, "cut": cut, "seconds": seconds}), flush=True)
        return found

    fast = zscore_mean([scores(name) for name in build.FAST], list(build.FAST.values()))
    found = {"fast": fast}
    singles = {name: scores(name) for name in models}
    for name, one in singles.items():
        found[name] = one
        found[f"fast + {name}, half each"] = zscore_mean([fast, one], [1.0, 1.0])
        found[f"fast + {name}, weight learned"] = crossed(cases, fast, [one])
    if len(singles) > 1:
        every = " + ".join(singles)
        each = zscore_mean(list(singles.values()), [1.0] * len(singles))
        found[f"fast + ({every}), half each"] = zscore_mean([fast, each], [1.0, 1.0])
    return found


def crossed(cases: LeaveOneOut, fast: Floats, others: Sequence[Floats]) -> Floats:
    """Return the mix with the weight chosen on the people of the other half."""
    half = np.random.default_rng(0).permutation(len(cases)) % 2 == 0
    each = zscore_mean(others, [1.0] * len(others))
    tried = {weight: zscore_mean([fast, each], [1.0, weight]) for weight in STEPS}
    gains = {weight: values(cases, mix)["ndcg@10"] for weight, mix in tried.items()}
    chosen = [max(STEPS, key=lambda one: gains[one][part].mean()) for part in (half, ~half)]
    curve = {weight: round(float(gain.mean()), 4) for weight, gain in gains.items()}
    print(json.dumps({"weights": chosen, "curve": curve}))
    return np.where(half[:, None], tried[chosen[1]], tried[chosen[0]])


def values(cases: LeaveOneOut, scores: Floats) -> dict[str, Values]:
    """Return NDCG@10, recall@10, MRR@10 and recall@100 of each case."""
    masked = scores.copy()
    for row, past in zip(masked, cases.histories, strict=True):
        row[past.items] = -np.inf
    ranks = ranks_of(masked, cases.targets, equal="worst")
    near = ranks <= 10
    return {
        "ndcg@10": np.where(near, 1 / np.log2(1 + ranks), 0.0),
        "recall@10": near.astype(float),
        "mrr@10": np.where(near, 1 / ranks, 0.0),
        "recall@100": (ranks <= 100).astype(float),
    }


def report(name: str, ours: dict[str, Values], fast: dict[str, Values]) -> None:
    """Print the figures of a model, and its paired difference to `fast`."""
    line: dict[str, object] = {"model": name, "users": len(ours["ndcg@10"])}
    for metric, one in intervals(ours).items():
        line[metric] = [round(one.value, 4), round(one.low, 4), round(one.high, 4)]
    if name != "fast":
        gap = differences(ours, fast)["ndcg@10"]
        line["ndcg@10 less fast"] = [round(gap.value, 4), round(gap.low, 4), round(gap.high, 4)]
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
