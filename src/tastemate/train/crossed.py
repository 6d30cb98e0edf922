"""Teaching the cross-encoder: softmax over an event and hard negatives out of the same pool.

The loss is that of the event among what the retrievers took it for, listwise; the mix's z-score
stands beside the network's in the softmax, so that the network learns what the mix does not know.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.rank.crossencoder import CrossEncoder, read
from tastemate.rank.crossreading import AS_SHAPED, Reading, Shape
from tastemate.train.adapting import Adapting, Course, adapt
from tastemate.train.mixing import Mixing, learn_weight
from tastemate.train.pools import SURE, Drawing, Lesson, likelihood, pooled, shown
from tastemate.train.ranking import Compose
from tastemate.types import Floats


@dataclass(frozen=True, slots=True)
class Crossing:
    """How the cross-encoder is taught. Found on validation cuts; docs/lm-ranker.md."""

    shape: Shape = AS_SHAPED
    drawing: Drawing = Drawing(most=8_000)
    adapting: Adapting = Adapting(rate=1e-3, batch=8, epochs=1, look=80, patience=3)
    size: int = 10
    """Candidates of a lesson, the event included."""
    held: int = 500
    """Lessons at most that say when to stop and what it counts."""
    beside: bool = True
    """Whether the mix's z-score stands beside the network's in the softmax."""

    def __post_init__(self) -> None:
        if self.size < 2 or self.held < 1:
            raise ConfigError("size must be at least 2 and held at least 1.")


AS_CROSSED = Crossing()


def crossed(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    *,
    seed: int = 0,
    crossing: Crossing = AS_CROSSED,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> CrossEncoder:
    """Return a cross-encoder taught on events; `keep` is a folder for checkpoints.

    `vectors` are not needed. Raises `DataError` where too few events are found in pools,
    `Unavailable` without torch, transformers, peft or MiniLM's weights.
    """
    crossing = _seeded(crossing, seed)
    reading = Reading(catalog, crossing.shape, seed=seed)
    lessons = pooled(compose, catalog, interactions, crossing.drawing, progress)
    return taught(reading, lessons, crossing, keep=keep, progress=progress)


def taught(
    reading: Reading,
    lessons: Sequence[Lesson],
    crossing: Crossing = AS_CROSSED,
    *,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> CrossEncoder:
    """Return a cross-encoder taught on lessons, and how much it counts, from those held out."""
    own = [lesson for lesson in lessons if not lesson.held]
    held = [lesson for lesson in lessons if lesson.held][: crossing.held]
    course = _learned(reading, own, held, crossing, keep, progress)
    mixing = weighed(held, judged(reading, held))
    if mixing.weight == 0.0:
        scope.current().note("cross: what it reads adds nothing to the mix, so it is not asked.")
    told = _told(course, mixing, len(own), crossing)
    return CrossEncoder(reading, weight=mixing.weight, depth=crossing.drawing.depth, told=told)


def judged(reading: Reading, lessons: Sequence[Lesson]) -> list[Floats]:
    """Return what the network says of each lesson's pool."""
    return read(reading, [one.past for one in lessons], [one.pool for one in lessons])


def weighed(lessons: Sequence[Lesson], scores: Sequence[Floats]) -> Mixing:
    """Return how much scores count beside the mix's on lessons: 0 without a clear gain."""
    return learn_weight(
        [one.scores for one in lessons], scores, [one.place for one in lessons], sure=SURE
    )


def _learned(
    reading: Reading,
    own: Sequence[Lesson],
    held: Sequence[Lesson],
    crossing: Crossing,
    keep: Path | None,
    progress: Progress | None,
) -> Course:
    import torch

    share = float(crossing.beside)

    def teach(places: Sequence[int], rng: np.random.Generator) -> Any:
        drawn = [shown(own[at], crossing.size, reading.n_items, rng) for at in places]
        reading.adapted.train()
        scores = reading.scores([own[at].past for at in places], [rows for rows, _ in drawn])
        reading.adapted.eval()
        worth = np.zeros(tuple(scores.shape), dtype=np.float32)
        for row, (at, (_, shown_at)) in enumerate(zip(places, drawn, strict=True)):
            worth[row, : len(shown_at)] = np.where(shown_at < 0, -1.0, own[at].worth[shown_at])
        came = torch.from_numpy(worth).to(scores.device)
        truth = torch.zeros(len(places), dtype=torch.long, device=scores.device)
        total = scores + share * reading.head["beside"] * came
        return torch.nn.functional.cross_entropy(total, truth)

    def judge() -> float:
        beside = share * float(reading.head["beside"].detach())
        chances = [
            likelihood(scores + beside * lesson.worth, lesson.place)
            for lesson, scores in zip(held, judged(reading, held), strict=True)
        ]
        return float(np.mean(chances))

    return adapt(
        reading.learned,
        teach,
        judge,
        len(own),
        crossing.adapting,
        key=(crossing, [(one.past.tolist(), one.pool.tolist()) for one in own]),
        name="cross",
        keep=keep,
        progress=progress,
    )


def _told(course: Course, mixing: Mixing, lessons: int, crossing: Crossing) -> dict[str, Any]:
    told = {
        "lessons": lessons,
        "steps": course.steps,
        "seconds": round(course.seconds, 1),
        "losses": course.losses,
        "held out": course.values,
        "mixing": asdict(mixing),
        "crossing": asdict(crossing),
    }
    # As it will be read again: JSON has lists, no tuples.
    return dict(json.loads(json.dumps(told)))


def _seeded(crossing: Crossing, seed: int) -> Crossing:
    return replace(
        crossing,
        drawing=replace(crossing.drawing, seed=seed),
        adapting=replace(crossing.adapting, seed=seed),
    )
