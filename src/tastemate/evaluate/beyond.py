"""Beyond accuracy: what lists do to the catalogue, to tastes, and to groups of people and items.

The last fifth of each history (without the very last event, which stays the test) is held out;
lists of k are judged on accuracy and on everything else, for everyone and for parts of the people.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate import metrics
from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.agreement import rank_biased_overlap
from tastemate.evaluate.baselines import Popular, Together, genres
from tastemate.evaluate.bootstrap import Interval, intervals
from tastemate.evaluate.groups import Groups, item_thirds, user_groups
from tastemate.evaluate.held import Questions
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.latent import latent
from tastemate.evaluate.loop import Rounds, World, simulate
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.interactions import Interactions
from tastemate.metrics import Lists, Values
from tastemate.protocols import Progress, Scorer
from tastemate.types import Floats, Query

DIVERSITY = 0.5
"""How strongly the diverse arm of the loop trades relevance for difference."""


@dataclass(frozen=True, slots=True)
class Line:
    """One model on one slice."""

    model: str
    slice: str
    metrics: dict[str, Interval]
    users: int

    def as_json(self) -> dict[str, Any]:
        """Return the line as plain JSON values."""
        return {
            "model": self.model,
            "slice": self.slice,
            "users": self.users,
            "metrics": {name: one.as_json() for name, one in self.metrics.items()},
        }


@dataclass(frozen=True, slots=True)
class Beyond:
    """The whole table, and the curves of the loop: model → arm → metric → rounds."""

    rows: list[Line]
    loop: dict[str, dict[str, dict[str, list[float]]]]
    k: int
    users: int
    items: int
    fingerprint: str
    seed: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {
            "protocol": "beyond-accuracy",
            "rows": [line.as_json() for line in self.rows],
            "loop": self.loop,
            "k": self.k,
            "users": self.users,
            "items": self.items,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """Everything lists are measured against."""

    train: Interactions
    asked: Questions
    codes: NDArray[np.int64]
    member: Floats
    vectors: Floats
    expected: Lists
    """The most popular items each has not met: what nobody needs help to find."""
    reference: Lists
    """Collaborative lists to be compared with."""
    k: int
    seed: int


def beyond_accuracy(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    *,
    k: int = 10,
    reference: Factory = Together,
    vectors: Floats | None = None,
    min_events: int = 5,
    rounds: int = 20,
    people: int = 200,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Beyond:
    """Measure lists of `k` on coverage, novelty, diversity, calibration, fairness and the loop.

    `reference` makes the collaborative lists of the overlaps; `vectors` (items, d) are
    what embedding diversity is measured in, over the pruned catalogue (default: singular vectors
    of the training events). A finished model is kept in the folder `keep` and read from there
    again, unless `fresh`. Raises `DataError` when nobody has both a history and held-out items,
    `Interrupted` when stopped by hand.
    """
    start = time.perf_counter()
    items, events = prepare(catalog, interactions, Setting(min_events=min_events))
    train = held_back(events)
    codes, asked = _questions(events, train, limit_users, seed)
    if not len(asked):
        raise DataError("Nobody has enough events to hold some out; give more data.")
    measure = latent(train, seed=seed).items if vectors is None else vectors
    expected, other = (
        best_lists(one(items, train), asked.queries, asked.seen, k) for one in (Popular, reference)
    )
    member = np.asarray(genres(items).todense(), np.float32)
    scene = _Scene(train, asked, codes, member, measure, expected, other, k, seed)
    world = _world(scene, without_last(events), people)
    key = {
        "data": f"{items.fingerprint}-{train.fingerprint}",
        "asked": asked.fingerprint(),
        "loop": [rounds, k, seed, world.fingerprint()],
    }
    lines: list[Line] = []
    curves: dict[str, dict[str, dict[str, list[float]]]] = {}
    for at, (name, factory) in enumerate(factories.items()):
        if progress is not None:
            progress(f"{name}: lists and {rounds} rounds", at / len(factories))
        with record.stoppable(keep):
            ask = partial(_ask, partial(factory, items, train), scene, world, rounds)
            kept = record.cell(keep, fresh, {"model": name, **key}, ask)
        lines += _lines(name, np.asarray(kept["lists"]), scene)
        arms = _arms_of(kept)
        lines += _loop_lines(name, arms, len(world.names), seed)
        curves[name] = {arm: one.curve() for arm, one in arms.items()}
    return Beyond(
        rows=lines,
        loop=curves,
        k=k,
        users=len(asked),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{events.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
    )


def held_back(events: Interactions, share: float = 0.2) -> Interactions:
    """Return the events without each user's last `share` (one at least) and without the very last.

    The very last event is the test of the next-item protocol and is left alone here.
    """
    place = events.from_end()
    sizes = np.diff(events.offsets)[events.user]
    keep_from = 1 + np.maximum(1, np.round(share * (sizes - 1))).astype(np.int64)
    return events.where(place >= keep_from)


def _questions(
    events: Interactions, train: Interactions, limit: int | None, seed: int
) -> tuple[NDArray[np.int64], Questions]:
    asked, codes = Questions([], [], []), []
    everyone = np.arange(events.n_users)
    if limit is not None:
        everyone = np.sort(np.random.default_rng(seed).permutation(everyone)[:limit])
    for code in everyone.tolist():
        past, whole = train.history(code), events.history(code)
        held = np.setdiff1d(whole.items[len(past) : -1], past.items)
        if len(past) and len(held):
            asked.queries.append(Query(user=events.users[code], history=past.last(200)))
            asked.seen.append(past.items)
            asked.truths.append(held)
            codes.append(code)
    return np.array(codes, dtype=np.int64), asked


def _lines(name: str, lists: Lists, scene: _Scene) -> list[Line]:
    values = _per_user(lists, scene)
    slices = user_groups(scene.train, scene.codes)
    lines = []
    for label, keep in slices.masks.items():
        part = intervals({metric: one[keep] for metric, one in values.items()}, seed=scene.seed)
        shown = lists[keep]
        whole = (
            metrics.coverage(shown, scene.train.n_items),
            metrics.gini(shown, scene.train.n_items),
        )
        part |= {"coverage": _exact(whole[0]), "gini": _exact(whole[1])}
        lines.append(Line(name, label, part, int(keep.sum())))
    lines += _gaps(name, slices, values)
    return lines + _item_lines(name, lists, scene)


def _per_user(lists: Lists, scene: _Scene) -> dict[str, Values]:
    asked, train = scene.asked, scene.train
    truths = [set(truth.tolist()) for truth in asked.truths]
    judged = metrics.judge(lists, truths, scene.k)
    counts = train.counts
    popularity = counts.astype(np.float64)
    met = [np.unique(rows) for rows in asked.seen]
    histories = metrics.as_lists(met, max(len(rows) for rows in met))
    wanted = metrics.shares(histories, scene.member)
    agreed = [
        rank_biased_overlap(a[a >= 0].tolist(), b[b >= 0].tolist())
        for a, b in zip(lists, scene.reference, strict=True)
    ]
    return {
        f"ndcg@{scene.k}": metrics.ndcg(judged, scene.k),
        f"recall@{scene.k}": metrics.recall(judged, scene.k),
        "novelty": metrics.mean_over(lists, metrics.self_information(counts, train.n_users)),
        "serendipity": metrics.serendipity(lists, truths, scene.expected),
        "ild_genre": metrics.diversity_of_sets(lists, scene.member),
        "ild_embedding": metrics.diversity_of_vectors(lists, scene.vectors),
        "miscalibration": metrics.miscalibration(wanted, metrics.shares(lists, scene.member)),
        "popularity_lift": metrics.popularity_lift(
            metrics.mean_over(lists, popularity), metrics.mean_over(histories, popularity)
        ),
        "overlap_collaborative": metrics.overlap(lists, scene.reference),
        "rbo_collaborative": np.array(agreed),
    }


def _gaps(name: str, slices: Groups, values: Mapping[str, Values]) -> list[Line]:
    """Return the widest difference in quality and novelty between the groups people declared."""
    lines = []
    for attribute, masks in slices.declared.items():
        wide = {}
        for metric, one in values.items():
            means = [float(one[mask].mean()) for mask in masks]
            wide[f"{metric} widest gap"] = _exact(max(means) - min(means))
        lines.append(Line(name, f"users: {attribute}, widest gap", wide, len(slices.masks["all"])))
    return lines


def _item_lines(name: str, lists: Lists, scene: _Scene) -> list[Line]:
    """Return exposure and quality of the popular, the middle and the rare items."""
    thirds, labels = item_thirds(scene.train.counts)
    seen = metrics.exposure(lists, thirds, len(labels))
    events = np.bincount(thirds, weights=scene.train.counts, minlength=len(labels))
    wanted = np.zeros(len(labels))
    found = np.zeros(len(labels))
    for shown, truth in zip(lists, scene.asked.truths, strict=True):
        wanted += np.bincount(thirds[truth], minlength=len(labels))
        found += np.bincount(thirds[np.intersect1d(truth, shown)], minlength=len(labels))
    lines = []
    for at, label in enumerate(labels):
        figures = {
            "exposure": seen[at],
            "share_of_events": events[at] / max(events.sum(), 1),
            "share_of_items": float((thirds == at).mean()),
            f"recall@{scene.k}": found[at] / max(wanted[at], 1),
        }
        exact = {metric: _exact(float(one)) for metric, one in figures.items()}
        lines.append(Line(name, f"items: {label}", exact, len(lists)))
    return lines


def _world(scene: _Scene, events: Interactions, people: int) -> World:
    """Draw the people of the loop; their taste comes from `events`, those held out too."""
    drawn = np.random.default_rng(scene.seed).permutation(len(scene.codes))[:people]
    taste = latent(events, seed=scene.seed + 1)
    return World(
        names=[scene.asked.queries[at].user or "" for at in drawn],
        histories=[scene.train.history(int(scene.codes[at])) for at in drawn],
        affinity=np.asarray(taste.users[scene.codes[drawn]] @ taste.items.T, np.float32),
        member=scene.member,
        vectors=scene.vectors,
        like=events.scale.high,
    )


def _arms(scorer: Scorer, world: World, rounds: int, k: int, seed: int) -> dict[str, Rounds]:
    return {
        "plain": simulate(scorer, world, rounds=rounds, k=k, diversity=0.0, seed=seed),
        "diverse": simulate(scorer, world, rounds=rounds, k=k, diversity=DIVERSITY, seed=seed),
    }


def _ask(
    fit: Callable[[], Scorer], scene: _Scene, world: World, rounds: int
) -> dict[str, Values | Lists]:
    """Return one model's lists and "arm metric" → array, to be kept; `_arms_of` reads the arms."""
    scorer = fit()
    shown = best_lists(scorer, scene.asked.queries, scene.asked.seen, scene.k)
    arms = _arms(scorer, world, rounds, scene.k, scene.seed)
    return {"lists": shown} | {
        f"{arm} {metric}": value
        for arm, one in arms.items()
        for metric, value in (one.values | {"coverage": one.coverage}).items()
    }


def _arms_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Rounds]:
    arms: dict[str, dict[str, Values]] = {"plain": {}, "diverse": {}}
    for name, value in arrays.items():
        arm, _, metric = name.partition(" ")
        if arm in arms:
            arms[arm][metric] = np.asarray(value)
    return {arm: Rounds(values, values.pop("coverage")) for arm, values in arms.items()}


def _loop_lines(name: str, arms: Mapping[str, Rounds], people: int, seed: int) -> list[Line]:
    """Return each arm's first and last rounds and the change between them, paired by person."""
    lines = []
    for arm, one in arms.items():
        table: dict[str, Values] = {}
        for metric, rows in one.values.items():
            edge = min(5, max(len(rows) // 2, 1))
            table[f"{metric} first"] = rows[:edge].mean(axis=0)
            table[f"{metric} last"] = rows[-edge:].mean(axis=0)
            table[f"{metric} change"] = table[f"{metric} last"] - table[f"{metric} first"]
        lines.append(Line(name, f"loop: {arm}", intervals(table, seed=seed), people))
    return lines


def _exact(value: float) -> Interval:
    """A figure of the whole table, which has no interval over users."""
    return Interval(value, value, value)
