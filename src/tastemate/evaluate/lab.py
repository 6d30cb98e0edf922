"""The bench of the next-item protocol: fit on a cut, ask for the withheld event, keep the ranks."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.data.split import TIE_ORDERS, LeaveOneOut, check_disjoint, core, leave_one_out
from tastemate.errors import ConfigError, DataError, nearest
from tastemate.evaluate import record
from tastemate.evaluate.cost import Cost, kept_numbers
from tastemate.evaluate.scoring import Factory, target_ranks
from tastemate.evaluate.slices import CLOCK_STARTS, Cases
from tastemate.interactions import Interactions
from tastemate.metrics import Values, judge_ranks, measure
from tastemate.protocols import Progress
from tastemate.types import History, Query

METRICS = ("ndcg", "recall", "mrr", "map", "hit")

Models: TypeAlias = Factory | Mapping[int, Factory]
"""One factory, or seed → factory for a model that draws at random: figures are their mean."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How next-item figures are made; everything here is part of a kept cell's key."""

    ties: str = "id"
    """Order of events of one second: "id" (item row), "shuffle-1" or "shuffle-2"."""
    cuts: tuple[int, ...] = (1, 2, 3)
    """Which events from the end are asked for: 1 is the validation item, 0 the test."""
    max_history: int = 200
    min_events: int = 5
    """Users and items with fewer are pruned, again and again; 0 keeps all."""
    equal: str = "worst"
    """Where a target stands among equal scores: "worst" (last) or "catalogue" (row order)."""
    limit_users: int | None = None
    shuffle_labels: bool = False
    """Relabel what models see at random: every figure must then be at chance."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ties not in TIE_ORDERS:
            raise ConfigError(
                f"There is no order of ties {self.ties!r}; use one of {', '.join(TIE_ORDERS)}."
                f"{nearest(self.ties, TIE_ORDERS)}"
            )
        if self.equal not in ("worst", "catalogue"):
            raise ConfigError(f"equal is {self.equal!r}; use 'worst' or 'catalogue'.")
        if not self.cuts or min(self.cuts) < 0 or self.max_history < 1:
            raise ConfigError("Give at least one cut of 0 or more and a max_history of at least 1.")


def prepare(
    catalog: Catalog, interactions: Interactions, setting: Setting
) -> tuple[Catalog, Interactions]:
    """Return the pruned catalogue and events in the order of ties asked for."""
    ordered = interactions.with_ties(TIE_ORDERS[setting.ties])
    if setting.min_events:
        catalog, ordered = core(catalog, ordered, setting.min_events)
    if not len(ordered):
        raise DataError(
            f"Nobody is left after pruning users and items below {setting.min_events} events. "
            "Give more data, or lower min_events."
        )
    return catalog, ordered


def without_last(events: Interactions) -> Interactions:
    """Return the events but each user's last, which only the next-item test may look at."""
    return events.where(events.from_end() > 0)


@dataclass(slots=True)
class Lab:
    """Fits and asks models, one cell (model, seed, cut) at a time, keeping what is finished."""

    catalog: Catalog
    interactions: Interactions
    setting: Setting
    keep: Path | None
    fresh: bool
    progress: Progress | None
    total: int
    done: int = 0
    made: int = 0
    """Cells that were not read from `keep`."""
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    """What the cells of each model cost when they were made, as far as that was kept."""

    def cases(
        self, model: str, factories: Mapping[int, Factory], cuts: Sequence[int], k: Sequence[int]
    ) -> Cases:
        """Return the cases of one model over all cuts, metrics averaged over its seeds."""
        parts = []
        for cut in cuts:
            asked = limited(leave_one_out(self.interactions, cut), self.setting)
            later = self.interactions.from_end() <= cut
            check_disjoint(asked.train, self.interactions.where(later))
            ranks = [self._ranks(model, seed, one, asked, cut) for seed, one in factories.items()]
            parts.append((cut, asked, np.column_stack(ranks)))
        if not sum(len(asked) for _, asked, _ in parts):
            raise DataError("Nobody has enough events to be asked about; give more data.")
        ranks_all = np.concatenate([ranks for _, _, ranks in parts])
        clock = bool((self.interactions.timestamp >= CLOCK_STARTS).all())
        gaps = np.concatenate([asked.gaps for _, asked, _ in parts])
        return Cases(
            users=np.concatenate([asked.users for _, asked, _ in parts]),
            cuts=np.concatenate([np.full(len(asked), cut) for cut, asked, _ in parts]),
            gaps=gaps if clock else np.full_like(gaps, -1),
            tied=np.concatenate([asked.tied for _, asked, _ in parts]),
            lengths=np.array([len(h) for _, asked, _ in parts for h in asked.histories]),
            popularity=np.concatenate([asked.train.counts[asked.targets] for _, asked, _ in parts]),
            ranks=ranks_all,
            values=rank_values(ranks_all, k),
        )

    def _ranks(
        self, model: str, seed: int, factory: Factory, asked: LeaveOneOut, cut: int
    ) -> NDArray[np.int64]:
        parts = {
            "model": model,
            "seed": seed,
            "cut": cut,
            "data": f"{self.catalog.fingerprint}-{self.interactions.fingerprint}",
            "setting": {
                name: getattr(self.setting, name)
                for name in self.setting.__dataclass_fields__
                if name != "cuts"
            },
        }
        self._say(f"{model}, cut {cut}")
        kept = None if self.keep is None or self.fresh else record.read_cell(self.keep, parts)
        if kept is None:
            ranks, cost = self._ask(factory, asked)
            kept = {"ranks": ranks, "users": asked.users, "cost": cost.as_array()}
            self.made += 1
            if self.keep is not None:
                record.write_cell(self.keep, parts, kept)
        if "cost" in kept:
            self.costs.setdefault(model, []).append(Cost.of_array(kept["cost"]))
        self.done += 1
        self._say(f"{model}, cut {cut}")
        return np.asarray(kept["ranks"])

    def _ask(self, factory: Factory, asked: LeaveOneOut) -> tuple[NDArray[np.int64], Cost]:
        train, histories = asked.train, asked.histories
        if self.setting.shuffle_labels:
            train, histories = _relabelled(train, histories, self.setting.seed)
        start = time.perf_counter()
        scorer = factory(self.catalog, train)
        fitted = time.perf_counter()
        names = self.interactions.users
        queries = [
            Query(user=names[code], history=past.last(self.setting.max_history))
            for code, past in zip(asked.users, histories, strict=True)
        ]
        seen = [past.items for past in asked.histories]
        ranks = target_ranks(scorer, queries, seen, asked.targets, equal=self.setting.equal)
        took = time.perf_counter() - fitted
        return ranks, Cost(fitted - start, took, len(asked), kept_numbers(scorer))

    def _say(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, self.done / max(self.total, 1))


def limited(asked: LeaveOneOut, setting: Setting) -> LeaveOneOut:
    """Ask only about some users, the same ones on every cut; models still learn from all."""
    if setting.limit_users is None:
        return asked
    drawn = np.random.default_rng(setting.seed).permutation(asked.train.n_users)
    keep = np.flatnonzero(np.isin(asked.users, drawn[: setting.limit_users]))
    return LeaveOneOut(
        asked.train,
        asked.users[keep],
        [asked.histories[at] for at in keep],
        asked.targets[keep],
        asked.values[keep],
        asked.gaps[keep],
        asked.tied[keep],
    )


def _relabelled(
    train: Interactions, histories: Sequence[History], seed: int
) -> tuple[Interactions, list[History]]:
    """Rename every item at random in all that a model sees; the targets keep their names."""
    other = np.random.default_rng([seed, 1]).permutation(train.n_items).astype(np.int32)
    relabelled = Interactions(
        train.users,
        train.n_items,
        train.user,
        other[train.item],
        train.value,
        train.timestamp,
        position=train.position,
        tie=np.arange(len(train)),
        people=train.people,
    )
    return relabelled, [History(other[h.items], h.values, h.timestamps) for h in histories]


def rank_values(ranks: NDArray[np.int64], k: Sequence[int]) -> dict[str, Values]:
    """Return each metric of each case, the mean over the seeds (the columns of `ranks`)."""
    tables = [measure(judge_ranks(one, max(k)), METRICS, k) for one in ranks.T]
    return {name: np.mean([one[name] for one in tables], axis=0) for name in tables[0]}
