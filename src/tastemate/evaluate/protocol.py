"""Next item, leave-one-out: LlamaRec's protocol, with validation kept apart from the test.

Every user's last event is the test, the one before it the validation; models see neither when they
learn. Figures are of validation cuts unless `final=True`, and each look at the test leaves a line
in a log. The whole catalogue is ranked, less what the person has met; nothing is sampled.
Yue et al. 2023, "LlamaRec: Two-stage recommendation using large language models for ranking".
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Interrupted
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import Interval, differences, intervals
from tastemate.evaluate.cost import Cost
from tastemate.evaluate.lab import Lab, Models, Setting, prepare, rank_values
from tastemate.evaluate.scoring import Factory
from tastemate.evaluate.slices import Cases, Part, by_user, figures, sliced
from tastemate.interactions import Interactions
from tastemate.metrics import Values
from tastemate.protocols import Progress

DEPTHS = (10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, slots=True)
class NextItemResult:
    """The figures of one model; every metric is "name@k" with a 95% interval over users."""

    model: str
    split: str
    """Either "validation" or "test"."""
    setting: Setting
    metrics: dict[str, Interval]
    cuts: dict[str, Part]
    slices: dict[str, dict[str, Part]]
    depth: dict[int, Interval]
    """Recall at deeper cutoffs: what a ranker over a pool of that size could reach."""
    others: dict[str, dict[str, Interval]]
    """The figures of the models it was compared with."""
    compared: dict[str, dict[str, Interval]]
    """Other model → ours minus theirs, paired by user."""
    seeds: dict[str, dict[str, float]]
    users: int
    items: int
    events: int
    chance: dict[str, float]
    """Recall of a random order."""
    fingerprint: str
    seconds: float
    values: dict[str, Values] = field(repr=False)
    """One number a user, for comparisons made later."""
    cases: Cases = field(repr=False)
    costs: tuple[Cost, ...] = ()
    """What its cells cost when they were made; cells kept by older versions do not say."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return {
            "protocol": "next-item",
            "model": self.model,
            "split": self.split,
            "metrics": _json(self.metrics),
            "cuts": {name: _part(part) for name, part in self.cuts.items()},
            "slices": {
                kind: {name: _part(part) for name, part in parts.items()}
                for kind, parts in self.slices.items()
            },
            "depth": {f"recall@{k}": one.as_json() for k, one in self.depth.items()},
            "others": {name: _json(one) for name, one in self.others.items()},
            "compared": {name: _json(one) for name, one in self.compared.items()},
            "seeds": self.seeds,
            "chance": self.chance,
            "users": self.users,
            "items": self.items,
            "events": self.events,
            "fingerprint": self.fingerprint,
            "ties": self.setting.ties,
            "equal_scores": self.setting.equal,
            "max_history": self.setting.max_history,
            "min_events": self.setting.min_events,
            "limit_users": self.setting.limit_users,
            "shuffle_labels": self.setting.shuffle_labels,
            "seed": self.setting.seed,
            "costs": [cost.as_json() for cost in self.costs],
            "seconds": self.seconds,
        }


def next_item(
    factory: Models,
    catalog: Catalog,
    interactions: Interactions,
    *,
    model: str = "model",
    ties: str = "id",
    final: bool = False,
    cuts: Sequence[int] = (1, 2, 3),
    max_history: int = 200,
    min_events: int = 5,
    equal: str = "worst",
    limit_users: int | None = None,
    shuffle_labels: bool = False,
    k: Sequence[int] = (5, 10, 20),
    seed: int = 0,
    progress: Progress | None = None,
    keep: Path | None = None,
    fresh: bool = False,
    compare: Mapping[str, Models] | None = None,
    log: Path | None = None,
    every_look: bool = True,
) -> NextItemResult:
    """Measure a model on the next item of each user, and against others on the same users.

    `model` labels the figures and must say the options too: it is part of a kept cell's key. The
    options up to `seed` are those of `Setting`. `final` asks for the test instead of the
    validation cuts and appends a line to `log` (default: `benchmarks/results/final.log`). `keep`
    is a folder for finished cells: a rerun reads them, unless `fresh`; without `every_look` a rerun
    that made no cell leaves no second line of the same figures. Raises `DataError` when nobody has
    enough events, `Interrupted` when stopped by hand.
    """
    start = time.perf_counter()
    if not final and 0 in cuts:
        raise ConfigError("Cut 0 is the test. Ask for it with final=True, which leaves a log line.")
    setting = Setting(
        ties=ties,
        cuts=(0,) if final else tuple(cuts),
        max_history=max_history,
        min_events=min_events,
        equal=equal,
        limit_users=limit_users,
        shuffle_labels=shuffle_labels,
        seed=seed,
    )
    items, events = prepare(catalog, interactions, setting)
    if model in (compare or {}):
        raise ConfigError(f"{model!r} would be compared with itself; give the other a name.")
    lots = {model: _as_mapping(factory)}
    lots |= {name: _as_mapping(other) for name, other in (compare or {}).items()}
    total = sum(len(one) for one in lots.values()) * len(setting.cuts)
    lab = Lab(items, events, setting, keep, fresh, progress, total)
    try:
        cases = {name: lab.cases(name, one, setting.cuts, k) for name, one in lots.items()}
    except KeyboardInterrupt as stop:
        kept = f"kept in {keep}; the same command goes on from there" if keep else "not kept"
        raise Interrupted(f"Stopped after {lab.done} of {lab.total} cells, {kept}.") from stop
    chosen = list(lots[model])
    costs = tuple(lab.costs.get(model, ()))
    result = _result(model, setting, cases, chosen, k, items, events, start, costs)
    if final:
        _log(result, record.FINAL_LOG if log is None else log, again=every_look or lab.made > 0)
    return result


def _result(
    model: str,
    setting: Setting,
    cases: Mapping[str, Cases],
    seeds: Sequence[int],
    k: Sequence[int],
    items: Catalog,
    events: Interactions,
    start: float,
    costs: tuple[Cost, ...],
) -> NextItemResult:
    """Turn the cases of all models into the figures of one, and its differences to the others."""
    ours = cases[model]
    values = _user_values(ours)
    theirs = {name: _user_values(other) for name, other in cases.items() if name != model}
    return NextItemResult(
        model=model,
        split="test" if setting.cuts == (0,) else "validation",
        setting=setting,
        metrics=intervals(values, seed=setting.seed),
        cuts={
            str(cut): figures(ours, ours.cuts == cut, setting.seed)
            for cut in setting.cuts
            if (ours.cuts == cut).any()
        },
        slices=sliced(ours, setting.seed),
        depth=_depth(ours, len(items), setting.seed),
        others={name: intervals(one, seed=setting.seed) for name, one in theirs.items()},
        compared={
            name: differences(values, one, seed=setting.seed) for name, one in theirs.items()
        },
        seeds=_per_seed(ours, seeds, k),
        users=len(np.unique(ours.users)),
        items=len(items),
        events=len(events),
        chance={f"recall@{at}": min(at / max(len(items), 1), 1.0) for at in k},
        fingerprint=f"{items.fingerprint}-{events.fingerprint}",
        seconds=time.perf_counter() - start,
        values=values,
        cases=ours,
        costs=costs,
    )


def _as_mapping(models: Models) -> Mapping[int, Factory]:
    return models if isinstance(models, Mapping) else {0: models}


def _user_values(cases: Cases) -> dict[str, Values]:
    return {name: by_user(cases.users, one) for name, one in cases.values.items()}


def _depth(cases: Cases, n_items: int, seed: int) -> dict[int, Interval]:
    found = {
        str(k): by_user(cases.users, (cases.ranks <= k).mean(axis=1)) for k in DEPTHS if k < n_items
    }
    return {int(name): one for name, one in intervals(found, seed=seed).items()}


def _per_seed(cases: Cases, seeds: Sequence[int], k: Sequence[int]) -> dict[str, dict[str, float]]:
    if len(seeds) < 2:
        return {}
    return {
        str(seed): {
            name: float(by_user(cases.users, one).mean())
            for name, one in rank_values(cases.ranks[:, [at]], k).items()
        }
        for at, seed in enumerate(seeds)
    }


def _json(metrics: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: one.as_json() for name, one in metrics.items()}


def _part(part: Part) -> dict[str, Any]:
    return {"users": part.users, "metrics": _json(part.metrics)}


def _log(result: NextItemResult, path: Path, *, again: bool) -> None:
    line = {
        "command": record.command(),
        "model": result.model,
        "ties": result.setting.ties,
        "seed": result.setting.seed,
        "fingerprint": result.fingerprint,
        "users": result.users,
        "metrics": {
            name: [round(one.value, 5), round(one.low, 5), round(one.high, 5)]
            for name, one in result.metrics.items()
        },
    }
    if again or not record.has_final(path, line):
        record.append_final(path, line)
