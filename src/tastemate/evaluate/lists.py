"""Lists of a model beside everything they are measured against, whoever made them.

What a recommender shows and what a language model shows pass through the same lines: accuracy,
novelty, diversity, calibration, popularity, and each of these by groups of people and of items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate import metrics
from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate.agreement import rank_biased_overlap
from tastemate.evaluate.baselines import Popular, genres
from tastemate.evaluate.bootstrap import Interval, intervals
from tastemate.evaluate.groups import Groups, item_thirds, user_groups
from tastemate.evaluate.held import Questions
from tastemate.evaluate.latent import latent
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.interactions import Interactions
from tastemate.metrics import Lists, Values
from tastemate.types import Floats, Query


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


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
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


def scene(
    items: Catalog,
    events: Interactions,
    *,
    reference: Factory,
    k: int = 10,
    vectors: Floats | None = None,
    limit_users: int | None = None,
    seed: int = 0,
) -> Scene:
    """Hold out the last fifth of each history of pruned `events`, and gather what to measure by.

    Raises `DataError` when nobody has both a history and held-out items.
    """
    train = held_back(events)
    codes, asked = _questions(events, train, limit_users, seed)
    if not len(asked):
        raise DataError("Nobody has enough events to hold some out; give more data.")
    measure = latent(train, seed=seed).items if vectors is None else vectors
    expected, other = (
        best_lists(one(items, train), asked.queries, asked.seen, k) for one in (Popular, reference)
    )
    member = np.asarray(genres(items).todense(), np.float32)
    return Scene(train, asked, codes, member, measure, expected, other, k, seed)


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


def lines(name: str, lists: Lists, scene: Scene) -> list[Line]:
    """Return what is to be said of one model's lists, (users asked, k), as a whole and by group."""
    values = per_user(lists, scene)
    slices = user_groups(scene.train, scene.codes)
    found = []
    for label, keep in slices.masks.items():
        part = intervals({metric: one[keep] for metric, one in values.items()}, seed=scene.seed)
        shown = lists[keep]
        whole = (
            metrics.coverage(shown, scene.train.n_items),
            metrics.gini(shown, scene.train.n_items),
        )
        part |= {"coverage": exact(whole[0]), "gini": exact(whole[1])}
        found.append(Line(name, label, part, int(keep.sum())))
    found += _gaps(name, slices, values)
    return found + _item_lines(name, lists, scene)


def per_user(lists: Lists, scene: Scene) -> dict[str, Values]:
    """Return metric → one value a user of the scene."""
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
            wide[f"{metric} widest gap"] = exact(max(means) - min(means))
        lines.append(Line(name, f"users: {attribute}, widest gap", wide, len(slices.masks["all"])))
    return lines


def _item_lines(name: str, lists: Lists, scene: Scene) -> list[Line]:
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
        table = {metric: exact(float(one)) for metric, one in figures.items()}
        lines.append(Line(name, f"items: {label}", table, len(lists)))
    return lines


def exact(value: float) -> Interval:
    """A figure of the whole table, which has no interval over users."""
    return Interval(value, value, value)
