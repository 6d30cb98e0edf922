"""What each sequence model comes to on validation, and how long its fit takes.

    python scripts/sequence_figures.py --dataset beauty --model sasrec --model narm
    python scripts/sequence_figures.py --dataset ml-latest-small --model bert4rec --set rounds=40

Prints one line of JSON for each model: figures with 95% intervals over people, the seconds of the
fit, and its rounds. With several seeds the figures are of each alone, and one line more is of the
mean of their scores. "less the first" is the paired difference of NDCG@10 to the first line's.
The test is never looked at.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from tastemate import build, scope
from tastemate.blend import zscore_mean
from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.split import LeaveOneOut, leave_one_out
from tastemate.evaluate.bootstrap import differences, intervals
from tastemate.evaluate.lab import Setting, limited, prepare
from tastemate.metrics import Values, ranks_of
from tastemate.types import Floats, Query
from tried import Tried

TOGETHER = 64
BEAUTY = 50
"""Latest events given on Beauty; elsewhere 200."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="ml-latest-small")
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--cut", type=int, default=1)
    parser.add_argument("--limit-users", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, help="A file of JSON for all lines.")
    asked = parser.parse_args()
    if asked.cut < 1:
        parser.error("cut 0 is the test; give 1 or more")
    data = open_dataset(asked.dataset)
    longest = BEAUTY if asked.dataset == "beauty" else 200
    setting = Setting(max_history=longest, limit_users=asked.limit_users)
    catalog, events = prepare(data.catalog, data.interactions, setting)
    cases = limited(leave_one_out(events, asked.cut), setting)
    options = dict(_option(one) for one in asked.set)
    first: Values | None = None
    tried = Tried(asked.out)
    for name in asked.model:
        every = []
        for seed in asked.seed or [0]:
            scores, line = fitted(name, catalog, cases, longest, {"seed": seed, **options})
            every.append(scores)
            gains, figures = summed(cases, [scores])
            line |= figures
            first = gains if first is None else first
            if first is not gains:
                line["less the first"] = _less(gains, first)
            tried.say(line)
        if len(every) > 1 and first is not None:
            gains, figures = summed(cases, every)
            mean = {"model": f"mean of {len(every)} {name}", "less the first": _less(gains, first)}
            tried.say(mean | figures)
    tried.write(data, cut=asked.cut, asked=len(cases.targets))


def fitted(
    name: str, catalog: Catalog, cases: LeaveOneOut, longest: int, options: dict[str, object]
) -> tuple[list[Floats], dict[str, object]]:
    """Return scores of all items for each case, in batches, and how the fit went."""
    model = build.retriever(name, build.resources(), **options)
    start = time.perf_counter()
    with scope.opened() as account:
        account.tell = None
        model.fit(catalog, cases.train)
    seconds = time.perf_counter() - start
    queries = [Query(history=past.last(longest)) for past in cases.histories]
    batches = [queries[at : at + TOGETHER] for at in range(0, len(queries), TOGETHER)]
    found = [model.scores(batch) for batch in batches]
    course = getattr(model, "course", None)
    line: dict[str, object] = {
        "model": name,
        "options": options,
        "fit": round(seconds),
        "asked": round(time.perf_counter() - start - seconds),
    }
    if course is not None:
        line["rounds"], line["steps"] = course.rounds, course.steps
        line["held"] = [round(one, 4) for one in course.values]
    return found, line


def summed(cases: LeaveOneOut, every: list[list[Floats]]) -> tuple[Values, dict[str, object]]:
    """Return each case's NDCG@10, and the figures, of the mean of several scores."""
    ranks, start = [], 0
    for parts in zip(*every, strict=True):
        mean = zscore_mean(list(parts), [1.0] * len(parts)) if len(parts) > 1 else parts[0].copy()
        stop = start + len(mean)
        for row, past in zip(mean, cases.histories[start:stop], strict=True):
            row[past.items] = -np.inf
        ranks.append(ranks_of(mean, cases.targets[start:stop], equal="worst"))
        start = stop
    rank = np.concatenate(ranks)
    near = rank <= 10
    values = {
        "ndcg@10": np.where(near, 1 / np.log2(1 + rank), 0.0),
        "recall@10": near.astype(float),
        "recall@100": (rank <= 100).astype(float),
    }
    figures: dict[str, object] = {
        name: [round(one.value, 4), round(one.low, 4), round(one.high, 4)]
        for name, one in intervals(values).items()
    }
    return values["ndcg@10"], figures


def _less(ours: Values, theirs: Values) -> list[float]:
    gap = differences({"ndcg@10": ours}, {"ndcg@10": theirs})["ndcg@10"]
    return [round(gap.value, 4), round(gap.low, 4), round(gap.high, 4)]


def _option(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()
