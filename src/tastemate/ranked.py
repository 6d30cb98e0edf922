"""The path with the learned ranker behind a mix: how it is taught, and put together.

Beside the composition root, which knows a ranker only as one: teaching composes the path again
for every fold, so it needs the root itself.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from tastemate import build
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.protocols import Progress, Ranker, Retriever, Scorer
from tastemate.recommender import Recommender
from tastemate.train.lessons import Lessons
from tastemate.train.ranking import AS_TAUGHT, Compose, Ordered, Teaching, lessons
from tastemate.types import Floats


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


def taught(
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    *,
    pool: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Ranker:
    """Return the ranker of a mix, taught on pools of the mix; `options` are its teacher's.

    Raises `DataError` where there is too little to learn from, `Unavailable` without what it needs.
    """
    target, _, deep, _ = build.RANKERS[mix.ranker]
    teach = cast(Teach, build.named(target))
    compose = _composing(mix, shared, pool or deep)
    read = "content" in mix.weights
    vectors = _vectors(_fitting(shared, catalog, interactions)) if read else None
    return teach(compose, catalog, interactions, vectors, progress=progress, **options)


def asked_of(
    mix: Blend,
    shared: build.Resources,
    catalog: Catalog,
    interactions: Interactions,
    teaching: Teaching = AS_TAUGHT,
    *,
    pool: int = 100,
) -> Lessons:
    """Return the pools that the learned ranker learns from, to compare ways of learning."""
    vectors = _vectors(_fitting(shared, catalog, interactions))
    return lessons(_composing(mix, shared, pool), catalog, interactions, vectors, teaching)


def _composing(mix: Blend, shared: build.Resources, pool: int) -> Compose:
    def compose(catalog: Catalog, events: Interactions, ranker: Ranker) -> Recommender:
        fit = _fitting(shared, catalog, events)
        return build.recommender(
            mix, fit, catalog, events, explained=False, pool=pool, ranker=ranker
        )

    return compose


def factory(
    model: str | Blend,
    shared: build.Resources | None = None,
    /,
    *,
    pool: int | None = None,
    **options: Any,
) -> Callable[[Catalog, Interactions], Scorer]:
    """Return what fits a mix, teaches its ranker and scores as they serve.

    `options` are those of `taught`. A model without a ranker is `build.factory`'s.
    """
    mix = build.profile(model) if isinstance(model, str) else model
    if not mix.ranker:
        return build.factory(model, shared, **options)
    parts, deep = shared or build.resources(), pool or build.RANKERS[mix.ranker][2]

    def fit(catalog: Catalog, interactions: Interactions) -> Scorer:
        last = taught(mix, parts, catalog, interactions, pool=deep, **options)
        fitted = _fitting(parts, catalog, interactions)
        return Ordered(
            build.recommender(
                *(mix, fitted, catalog, interactions),
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
