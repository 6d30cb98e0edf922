"""What a language model's lists do to people and items, beside those of our own recommenders.

All are asked about the same people and judged by the same lines as in beyond-accuracy. A model is
asked more: does it answer some groups otherwise when told who they are (FaiRLLM), does it lift the
popular ones above what was retrieved, does its order rest on places or on remembered titles?
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tastemate import metrics
from tastemate.catalog import Catalog
from tastemate.errors import StageError
from tastemate.evaluate import lists, probes
from tastemate.evaluate.baselines import Together
from tastemate.evaluate.bootstrap import Interval, differences, intervals
from tastemate.evaluate.lab import Setting, prepare
from tastemate.evaluate.lists import Line, Scene
from tastemate.evaluate.probes import Lister, Pools
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.evaluate.sensitive import NEUTRAL, REWORDED, SENSITIVE, similarities, spread
from tastemate.interactions import Interactions
from tastemate.metrics import Lists
from tastemate.protocols import Progress
from tastemate.types import Candidate, Query

RETRIEVER = "retriever"
"""What the rows of the lists that a model was given to rank are called."""
NO_MODEL = (
    "sensitive groups (SNSR, SNSV), popularity lift against the retriever, position bias and "
    "memorisation: they need a language model. Name one in [llm], or with --llm."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A language model under audit."""

    lister: Lister
    ranks: bool = True
    """Whether it orders pools; one that names items itself has no places and no hidden titles."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The table, and what could not be asked."""

    rows: list[Line]
    missing: tuple[str, ...]
    k: int
    pool: int
    users: int
    items: int
    fingerprint: str
    seed: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {
            "rows": [line.as_json() for line in self.rows],
            "missing": list(self.missing),
            "k": self.k,
            "pool": self.pool,
            "users": self.users,
            "items": self.items,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
        }


def audit(
    catalog: Catalog,
    interactions: Interactions,
    *,
    own: Mapping[str, Factory] | None = None,
    models: Mapping[str, Subject] | None = None,
    retriever: Factory = Together,
    sensitive: Mapping[str, Mapping[str, str]] = SENSITIVE,
    k: int = 10,
    pool: int = 20,
    users: int | None = 100,
    min_events: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Audit our `own` recommenders and language `models` over the same people.

    `retriever` finds the pools of `pool` items that a model ranks, and is a row of its own;
    `sensitive` is attribute → value → what somebody of that group says. A model is asked
    about each person once, again for each value and for two neutral wordings, and five times
    more where it ranks. Without models their rows are left out and named in `missing`, as is a
    model that failed. Raises
    `DataError` when nobody has both a history and held-out items.
    """
    start = time.perf_counter()
    say = progress or _silent
    items, events = prepare(catalog, interactions, Setting(min_events=min_events))
    scene = lists.scene(items, events, reference=Together, k=k, limit_users=users, seed=seed)
    asked, rows = scene.asked, list[Line]()
    missing = [] if models else [NO_MODEL]
    for name, factory in (own or {}).items():
        say(f"{name}: lists", 0.0)
        shown = best_lists(factory(items, scene.train), asked.queries, asked.seen, k)
        rows += lists.lines(name, shown, scene)
    found = best_lists(retriever(items, scene.train), asked.queries, asked.seen, pool)
    given, pools = found[:, :k], _pools(found)
    if models:
        rows += lists.lines(RETRIEVER, given, scene)
    for at, (name, subject) in enumerate((models or {}).items()):
        share = at / len(models or {})
        say(f"{name}: lists", share)
        try:
            shown = metrics.as_lists(subject.lister(items, asked.queries, pools), k)
            own_rows = [*lists.lines(name, shown, scene), _against(name, shown, given, scene)]
            say(f"{name}: sensitive groups", share)
            own_rows += _groups(name, subject.lister, items, scene, pools, sensitive)
            if subject.ranks:
                say(f"{name}: places and titles", share)
                own_rows += _probed(name, subject.lister, items, scene, pools, shown)
        except StageError as failure:  # a model that did not answer has no figures
            missing.append(f"{name}: {failure}")
        else:
            rows += own_rows
    return Audit(
        rows,
        tuple(missing),
        k,
        pool,
        len(asked),
        len(items),
        f"{items.fingerprint}-{events.fingerprint}",
        seed,
        time.perf_counter() - start,
    )


def _pools(found: Lists) -> list[list[Candidate]]:
    return [
        [
            Candidate(int(row), 1.0 - at / len(one), RETRIEVER, at + 1)
            for at, row in enumerate(one)
            if row >= 0
        ]
        for one in found
    ]


def _against(name: str, shown: Lists, given: Lists, scene: Scene) -> Line:
    """Return the model's figures less the retriever's, and how far it lifts the popular."""
    counts = scene.train.counts.astype(np.float64)
    lift = metrics.popularity_lift(
        metrics.mean_over(shown, counts), metrics.mean_over(given, counts)
    )
    ours, theirs = lists.per_user(shown, scene), lists.per_user(given, scene)
    figures: dict[str, Interval] = {
        f"{metric} difference": one
        for metric, one in differences(ours, theirs, seed=scene.seed).items()
    }
    figures |= intervals(
        {"popularity_lift over the retriever": lift, "overlap": metrics.overlap(shown, given)},
        seed=scene.seed,
    )
    return Line(name, "against the retriever", figures, len(shown))


def _groups(
    name: str,
    lister: Lister,
    items: Catalog,
    scene: Scene,
    pools: Pools,
    sensitive: Mapping[str, Mapping[str, str]],
) -> list[Line]:
    """Return a row for each value, one for each attribute with SNSR and SNSV, and the control."""

    def told(words: str) -> Lists:
        queries: Sequence[Query] = [replace(one, text=words) for one in scene.asked.queries]
        return metrics.as_lists(lister(items, queries, pools), scene.k)

    neutral = told(NEUTRAL)
    control = intervals(similarities(told(REWORDED), neutral), seed=scene.seed)
    rows = [Line(name, "sensitive: none, worded otherwise", control, len(neutral))]
    for attribute, values in sensitive.items():
        means: dict[str, list[float]] = {}
        for value, words in values.items():
            alike = intervals(similarities(told(words), neutral), seed=scene.seed)
            rows.append(Line(name, f"sensitive: {attribute} = {value}", alike, len(neutral)))
            for metric, one in alike.items():
                means.setdefault(metric, []).append(one.value)
        figures = {
            f"{kind} {metric}": lists.exact(figure)
            for metric, each in means.items()
            for kind, figure in spread(each).items()
        }
        rows.append(Line(name, f"sensitive: {attribute}", figures, len(neutral)))
    return rows


def _probed(
    name: str, lister: Lister, items: Catalog, scene: Scene, pools: Pools, shown: Lists
) -> list[Line]:
    """Return what the order rests on: places, titles hidden, titles alone, titles exchanged."""
    queries, seed, users = scene.asked.queries, scene.seed, len(pools)
    placed = probes.position(lister, items, queries, pools, seed=seed)
    rows = [Line(name, "position", intervals(placed, seed=seed), users)]
    full = lister(items, queries, pools)
    before = lists.per_user(shown, scene)
    for label, changed in (
        ("titles hidden", probes.hidden_titles(items)),
        ("titles only", probes.only_titles(items)),
    ):
        orders = lister(changed, queries, pools)
        after = lists.per_user(metrics.as_lists(orders, scene.k), scene)
        kept = [probes.tau(a, b) for a, b in zip(full, orders, strict=True)]
        quality = {m: one for m, one in after.items() if m.startswith(("ndcg", "recall"))}
        figures = intervals({**quality, "tau with the full order": np.array(kept)}, seed=seed)
        figures |= {
            f"{metric} difference": one
            for metric, one in differences(quality, before, seed=seed).items()
        }
        rows.append(Line(name, f"memory: {label}", figures, users))
    swapped = probes.swapping(lister, items, queries, pools, seed=seed)
    return [*rows, Line(name, "memory: titles exchanged", intervals(swapped, seed=seed), users)]


def _silent(_what: str, _share: float) -> None:
    return None
