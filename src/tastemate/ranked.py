"""The path with the learned ranker behind a mix: how it is taught, and put together.

Beside the composition root, which knows a ranker only as one: teaching composes the path again
for every fold, so it needs the root itself.
"""

from collections.abc import Callable
from typing import Any, cast

from tastemate import build
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.protocols import Progress, Ranker, Retriever, Scorer
from tastemate.rank.learned import Learned
from tastemate.recommender import Recommender
from tastemate.train.ranking import (
    AS_TAUGHT,
    Compose,
    Lessons,
    Ordered,
    Teaching,
    learned,
    lessons,
)
from tastemate.types import Floats

SUFFIX = "+learned"
"""What the name of a model ends in that has the learned ranker behind it: "fast+learned"."""
HEARD = ("item-knn", "user-knn", "implicit-als", "content", "popular")
"""Retrievers whose opinion the ranker hears though the mix gives them no weight."""
POOL = 100
"""Candidates that reach the ranker; on validation 50 gave less and 200 no more."""


def heard(mix: Blend) -> Blend:
    """Return a mix with the retrievers beside it that the ranker hears, at weight 0."""
    return Blend(mix.method, {**dict.fromkeys(HEARD, 0.0), **mix.weights})


def taught(
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    teaching: Teaching = AS_TAUGHT,
    *,
    pool: int = POOL,
    progress: Progress | None = None,
) -> Learned:
    """Return a ranker taught on a mix whose retrievers were fitted without the people asked about.

    Raises `DataError` where there is too little to learn from, `Unavailable` without LightGBM.
    """
    compose = _composing(mix, shared, pool)
    vectors = _vectors(_fitting(shared, catalog, interactions))
    return learned(compose, catalog, interactions, vectors, teaching, progress)


def asked_of(
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    teaching: Teaching = AS_TAUGHT,
    *,
    pool: int = POOL,
) -> Lessons:
    """Return the pools that `taught` learns from, to compare ways of learning."""
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
    teaching: Teaching = AS_TAUGHT,
    *,
    pool: int = POOL,
    progress: Progress | None = None,
) -> Callable[[Catalog, Interactions], Scorer]:
    """Return what fits a mix ("fast+learned"), teaches its ranker and scores as they serve."""
    mix, parts = build.profile(model.removesuffix(SUFFIX)), shared or build.resources()

    def fit(catalog: Catalog, interactions: Interactions) -> Scorer:
        ranker = taught(mix, parts, catalog, interactions, teaching, pool=pool, progress=progress)
        fitted = _fitting(parts, catalog, interactions)
        return Ordered(
            build.recommender(
                *(heard(mix), fitted, catalog, interactions),
                explained=False,
                pool=pool,
                ranker=ranker,
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
