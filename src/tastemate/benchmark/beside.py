"""Ours beside the published: the tables and rows of LlamaRec's comparison, from finished runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np

from tastemate.benchmark import published
from tastemate.evaluate.bootstrap import Interval, differences
from tastemate.evaluate.protocol import NextItemResult
from tastemate.evaluate.slices import Part, by_user, figures

POOL = 20
"""Table 3 is over the users whose target the retriever has among so many."""
HEADLINE = ("ndcg@10", "recall@10", "mrr@10")
SHOWN = (*HEADLINE, "ndcg@5", "recall@5", "mrr@5")
AGAINST = "fast"
"""Every other model is compared with it, paired by user."""
OURS = "best"
"""The model whose slices are shown."""
_OF_TABLE_4 = ("ndcg@5", "recall@5", "ndcg@10", "recall@10")


@dataclass(frozen=True, slots=True)
class System:
    """A row of ours: a model, and how much of it is measured where nothing else is asked for."""

    name: str
    published: str = ""
    """The published row it rebuilds; empty for a model the paper does not have."""
    orders: bool = False
    """Cheap enough for every order of ties."""
    seeds: int = 1
    """Fits with other seeds, the figures being their mean; counts only where it draws at all."""
    most: int | None = None
    """Asked about so many people at most."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One model on one order of ties."""

    system: System
    ties: str
    seeds: int
    result: NextItemResult


def where(point: float, ours: Interval) -> str:
    """Return where a published point lies of our interval: "below", "within" or "above" it."""
    if point < ours.low:
        return "below"
    return "above" if point > ours.high else "within"


def tables(
    dataset: str, ran: Sequence[Ran], *, final: bool, retriever: str, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Return tables 1, 3 and 4, published and ours, differences and slices; and notes."""
    family = published.family(dataset)
    first, third = published.TABLE_1.get(family, {}), published.TABLE_3.get(family, {})
    fourth = published.TABLE_4 if family == "beauty" else {}
    pools = {one.ties: one for one in ran if one.system.name == retriever}
    notes = []
    if not pools:
        notes.append(f"Table 3 is left out: {retriever}, whose pools it is over, is not run.")
    if first and not final:
        notes.append(
            "Validation figures. The published ones are of the test and stand there for "
            "orientation."
        )
    ours = [
        {**_described(one), "cost": _cost(one.result), "per_seed": one.result.seeds}
        | _compared(one.result.metrics, SHOWN, first, final)
        for one in ran
    ]
    pooled = [
        _described(one)
        | {"users": part.users, "of": len(np.unique(one.result.cases.users))}
        | _compared(part.metrics, HEADLINE, third, final)
        for one in ran
        if one.ties in pools
        for part in [_in_pool(one.result, pools[one.ties].result, seed)]
    ]
    found = {
        "published": {"1": _plain(first), "3": _plain(third), "4": _plain(fourth)},
        "1": ours,
        "3": pooled,
        "4": [
            _described(one) | _compared(one.result.metrics, _OF_TABLE_4, fourth, final)
            for one in ran
            if fourth
        ],
        "differences": _differences(ran, seed),
        "slices": {
            one.ties: one.result.as_json()["slices"] for one in ran if one.system.name == OURS
        },
    }
    return found, notes


def _described(one: Ran) -> dict[str, Any]:
    return {
        "model": one.system.name,
        "rebuilds": one.system.published,
        "ties": one.ties,
        "seeds": one.seeds,
        "users": one.result.users,
    }


def _compared(
    ours: Mapping[str, Interval],
    names: Iterable[str],
    rows: Mapping[str, published.Figures],
    final: bool,
) -> dict[str, Any]:
    """Return figures, and of the test where each published one lies of our interval."""
    names = list(names)
    lies = {
        row: {name: where(point, ours[name]) for name, point in table.items() if name in names}
        for row, table in rows.items()
    }
    return {
        "metrics": {name: ours[name].as_json() for name in names},
        "lies": lies if final else {},
    }


def _in_pool(result: NextItemResult, pool: NextItemResult, seed: int) -> Part:
    """Return the figures over the users whose target the retriever's first fit has in its pool."""
    chosen = pool.cases.users[pool.cases.ranks[:, 0] <= POOL]
    return figures(result.cases, np.isin(result.cases.users, chosen), seed)


def _differences(ran: Sequence[Ran], seed: int) -> dict[str, Any]:
    """Return ties → model → ours minus `AGAINST` over the users both were asked about."""
    found: dict[str, Any] = {}
    bases = {one.ties: one.result for one in ran if one.system.name == AGAINST}
    for one in ran:
        base = bases.get(one.ties)
        if base is None or one.system.name == AGAINST:
            continue
        both = np.intersect1d(one.result.cases.users, base.cases.users)
        tables = [
            {
                name: by_user(cases.users[kept], cases.values[name][kept])
                for kept in [np.isin(cases.users, both)]
                for name in SHOWN
            }
            for cases in (one.result.cases, base.cases)
        ]
        gaps = differences(tables[0], tables[1], seed=seed)
        found.setdefault(one.ties, {})[one.system.name] = {
            "against": AGAINST,
            "users": len(both),
            "metrics": {name: gap.as_json() for name, gap in gaps.items()},
        }
    return found


def _cost(result: NextItemResult) -> dict[str, float] | None:
    """Return the mean cost of the cells, None where none was kept."""
    costs = [cost.as_json() for cost in result.costs]
    return {name: mean(cost[name] for cost in costs) for name in costs[0]} if costs else None


def accuracy(ran: Sequence[Ran], made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each headline figure, beside the row it rebuilds or else LlamaRec's."""
    rows = []
    for one, line in zip(ran, made["1"], strict=True):
        theirs = one.system.published or published.ROWS[-1]
        points = made["published"]["1"].get(theirs, {})
        for name in HEADLINE:
            ours, point = line["metrics"][name], points.get(name)
            said = f"{theirs}, published" if point is not None else ""
            label = f"{one.system.name}, ties by {one.ties}, {name}"
            told = row(label, ours["value"], "", said, point)
            if not line["lies"]:
                told["ratio"] = None
            rows.append(told | {"low": ours["low"], "high": ours["high"]})
    return rows


def costs(ran: Sequence[Ran]) -> list[dict[str, Any]]:
    """Return rows of training, asking and size, beside those of `AGAINST`."""
    found = {(one.system.name, one.ties): _cost(one.result) for one in ran}
    units = {
        "fit_seconds": ("training", "s"),
        "seconds_per_1000_users": ("asking, 1,000 users", "s"),
        "numbers": ("numbers kept", ""),
    }
    rows = []
    for (name, ties), cost in found.items():
        base = found.get((AGAINST, ties)) if name != AGAINST else None
        for key, (what, unit) in units.items():
            if cost is None:
                continue
            other = None if base is None else base[key]
            said = "" if base is None else AGAINST
            rows.append(row(f"{name}, ties by {ties}, {what}", cost[key], unit, said, other))
    return rows


def row(
    name: str, value: float, unit: str, against: str = "", other: float | None = None
) -> dict[str, Any]:
    """Return a row of the contract; the ratio is ours over the other's."""
    ratio = value / other if other else None
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "against": against,
        "against_value": other,
        "ratio": ratio,
    }


def _plain(rows: Mapping[str, published.Figures]) -> dict[str, dict[str, float]]:
    return {row: dict(figures) for row, figures in rows.items()}
