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
from tastemate.evaluate import lists, record
from tastemate.evaluate.baselines import Together
from tastemate.evaluate.bootstrap import intervals
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.latent import latent
from tastemate.evaluate.lists import Line, Scene
from tastemate.evaluate.loop import Rounds, World, simulate
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.interactions import Interactions
from tastemate.metrics import Lists, Values
from tastemate.protocols import Progress, Scorer
from tastemate.rank.beliefs import Thompson
from tastemate.rank.explore import Explorer
from tastemate.rank.fair import Fair
from tastemate.types import Controls, Floats

DIVERSITY = 0.5
"""How strongly the diverse arm of the loop trades relevance for difference."""
ARMS = ("plain", "diverse", "fair", "exploring")
"""What is done about the lists of the loop; the last two as served, their control at 1."""


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
    scene = lists.scene(
        items,
        events,
        reference=reference,
        k=k,
        vectors=vectors,
        limit_users=limit_users,
        seed=seed,
    )
    train, asked = scene.train, scene.asked
    world = _world(scene, without_last(events), people)
    key = {
        "data": f"{items.fingerprint}-{train.fingerprint}",
        "asked": asked.fingerprint(),
        "loop": [rounds, k, seed, world.fingerprint(), *ARMS],
    }
    lines: list[Line] = []
    curves: dict[str, dict[str, dict[str, list[float]]]] = {}
    for at, (name, factory) in enumerate(factories.items()):
        if progress is not None:
            progress(f"{name}: lists and {rounds} rounds", at / len(factories))
        with record.stoppable(keep):
            ask = partial(_ask, partial(factory, items, train), scene, world, rounds, items)
            kept = record.cell(keep, fresh, {"model": name, **key}, ask)
        lines += lists.lines(name, np.asarray(kept["lists"]), scene)
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


def _world(scene: Scene, events: Interactions, people: int) -> World:
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
        novelty=metrics.self_information(scene.train.counts, scene.train.n_users),
    )


def _arms(
    scorer: Scorer, world: World, rounds: int, scene: Scene, catalog: Catalog
) -> dict[str, Rounds]:
    """Return the loop of each of `ARMS`."""
    go = partial(simulate, scorer, world, rounds=rounds, k=scene.k, seed=scene.seed)
    fair, exploring = Fair(catalog, scene.train.counts), Explorer(Thompson())
    arms = (
        go(),
        go(diversity=DIVERSITY),
        go(arranger=fair, controls=Controls(fair=1.0)),
        go(arranger=exploring, controls=Controls(explore=1.0)),
    )
    return dict(zip(ARMS, arms, strict=True))


def _ask(
    fit: Callable[[], Scorer], scene: Scene, world: World, rounds: int, catalog: Catalog
) -> dict[str, Values | Lists]:
    """Return one model's lists and "arm metric" → array, to be kept; `_arms_of` reads the arms."""
    scorer = fit()
    shown = best_lists(scorer, scene.asked.queries, scene.asked.seen, scene.k)
    arms = _arms(scorer, world, rounds, scene, catalog)
    return {"lists": shown} | {
        f"{arm} {metric}": value
        for arm, one in arms.items()
        for metric, value in (one.values | {"coverage": one.coverage}).items()
    }


def _arms_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Rounds]:
    arms: dict[str, dict[str, Values]] = {arm: {} for arm in ARMS}
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
