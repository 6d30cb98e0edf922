"""The path with the learned ranker behind a mix: how it is taught, and put together.

Beside the composition root, which knows a ranker only as one: teaching composes the path again
for every fold, so it needs the root itself.
"""

import importlib
from collections.abc import Callable
from typing import Any, Protocol, cast

from tastemate import build
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import NotFound, nearest
from tastemate.interactions import Interactions
from tastemate.protocols import Progress, Ranker, Retriever, Scorer
from tastemate.recommender import Recommender
from tastemate.train.ranking import (
    AS_TAUGHT,
    Compose,
    Lessons,
    Ordered,
    Teaching,
    lessons,
)
from tastemate.types import Floats

RANKERS: dict[str, tuple[str, int]] = {
    "learned": ("tastemate.train.ranking:learned", 100),
}
"""Rankers that are taught behind a mix ("fast+learned"): what teaches one, and how many
candidates reach it."""
BEHIND = {"best": "learned"}
"""Profiles that have one of them behind their mix without saying so."""
HEARD = ("item-knn", "user-knn", "implicit-als", "content", "popular")
"""Retrievers whose opinion the ranker hears though the mix gives them no weight."""


class Teach(Protocol):
    """What a row of `RANKERS` names: it teaches a ranker on pools of paths that it composes."""

    def __call__(
        self,
        compose: Compose,
        catalog: Catalog,
        interactions: Interactions,
        vectors: Floats | None = None,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> Ranker:
        """Return the ranker; `vectors` are unit rows of the items' texts, (items, dimensions)."""
        ...


def split(model: str) -> tuple[str, str]:
    """Return the mix and the ranker that a model's name says, "" for no ranker.

    Raises `NotFound` for a ranker that there is not.
    """
    mix, plus, ranker = model.partition("+")
    if not plus:
        return mix, BEHIND.get(mix, "")
    if ranker not in RANKERS:
        raise NotFound(
            f"No ranker {ranker!r} behind a mix.{nearest(ranker, RANKERS)} "
            f"Known: {', '.join(RANKERS)}."
        )
    return mix, ranker


def heard(mix: Blend) -> Blend:
    """Return a mix with the retrievers beside it that the ranker hears, at weight 0."""
    return Blend(mix.method, {**dict.fromkeys(HEARD, 0.0), **mix.weights})


def taught(
    ranker: str,
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    *,
    pool: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Ranker:
    """Return a ranker taught behind a mix, by its name in `RANKERS`; `options` are its teacher's.

    Raises `DataError` where there is too little to learn from, `Unavailable` without what it needs.
    """
    target, deep = RANKERS[ranker]
    module, _, function = target.partition(":")
    teach = cast(Teach, getattr(importlib.import_module(module), function))
    compose = _composing(mix, shared, pool or deep)
    vectors = _vectors(_fitting(shared, catalog, interactions))
    return teach(compose, catalog, interactions, vectors, progress=progress, **options)


def asked_of(
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    teaching: Teaching = AS_TAUGHT,
    *,
    pool: int = RANKERS["learned"][1],
) -> Lessons:
    """Return the pools that the learned ranker learns from, to compare ways of learning."""
    vectors = _vectors(_fitting(shared, catalog, interactions))
    return lessons(_composing(mix, shared, pool), catalog, interactions, vectors, teaching)


def _composing(mix: Blend, shared: build.Resources, pool: int) -> Compose:
    wide = heard(mix)

    def compose(catalog: Catalog, events: Interactions, ranker: Ranker) -> Recommender:
        fit = _fitting(shared, catalog, events)
        return build.recommender(
            wide, fit, catalog, events, explained=False, pool=pool, ranker=ranker
        )

    return compose


def factory(
    model: str,
    shared: build.Resources | None = None,
    /,
    *,
    pool: int | None = None,
    **options: Any,
) -> Callable[[Catalog, Interactions], Scorer]:
    """Return what fits a mix ("fast+learned"), teaches its ranker and scores as they serve.

    `options` are those of `taught`.
    """
    name, ranker = split(model)
    mix, parts = build.profile(name), shared or build.resources()
    deep = pool or RANKERS[ranker][1]

    def fit(catalog: Catalog, interactions: Interactions) -> Scorer:
        last = taught(ranker, mix, parts, catalog, interactions, pool=deep, **options)
        fitted = _fitting(parts, catalog, interactions)
        return Ordered(
            build.recommender(
                *(heard(mix), fitted, catalog, interactions),
                explained=False,
                pool=deep,
                ranker=last,
            )
        )

    return fit


def _fitting(
    shared: build.Resources, catalog: Catalog, interactions: Interactions
) -> Callable[[str], Retriever]:
    """Return what fits a retriever by its name, each one once."""
    done: dict[str, Retriever] = {}

    def fit(name: str) -> Retriever:
        if name not in done:
            done[name] = build.fitted(name, shared, catalog, interactions)
        return done[name]

    return fit


def _vectors(fit: Callable[[str], Retriever]) -> Floats:
    return cast(Floats, cast(Any, fit("content")).vectors)
