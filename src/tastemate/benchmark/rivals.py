"""Our models beside the same ones of implicit and lenskit: one matrix, one run, one thread.

Every pair learns the same kind of model with the same size (factors, rounds, neighbours), then
lists k unseen items for every user. What is timed is what a caller writes, so each library pays
for its own way of taking data and giving lists.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemate import build
from tastemate.benchmark import clock
from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.protocols import Retriever
from tastemate.types import Query

FACTORS, ROUNDS, NEIGHBOURS = 64, 15, 200
"""The size of every factor model (and its rounds), and the neighbours an item keeps."""

REGULARISATION = 100.0
"""Of EASE, both sides."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `ratio` is the other's value over ours: above 1, ours took less."""

    name: str
    value: float
    unit: str
    against: str = ""
    against_value: float | None = None
    ratio: float | None = None

    @classmethod
    def of(
        cls, name: str, value: float, unit: str, against: str = "", other: float | None = None
    ) -> "Figure":
        """Return a row with its ratio."""
        ratio = None if other is None else _rounded(other / max(value, 1e-9))
        return cls(
            name, _rounded(value), unit, against, None if other is None else _rounded(other), ratio
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One library's model: `fit` learns and keeps it, `recommend` lists for every user."""

    library: str
    fit: Callable[[], object]
    recommend: Callable[[], object]


def side_by_side(
    catalog: Catalog, interactions: Interactions, *, k: int, repeats: int, seed: int
) -> tuple[list[Figure], list[str]]:
    """Return a row of the fit and one of the batch a pair, and notes on libraries left out."""
    rows: list[Figure] = []
    with _one_thread():
        ours: dict[str, tuple[float, float]] = {}
        for name, other in _others(catalog, interactions, k, seed):
            if name not in ours:
                ours[name] = _timed(_our(name, catalog, interactions, k, seed), repeats)
            fit, batch = ours[name]
            other_fit, other_batch = _timed(other, repeats)
            rows += [
                Figure.of(f"{name}, fit", fit, "s", other.library, other_fit),
                Figure.of(f"{name}, batch recommend", batch, "s", other.library, other_batch),
            ]
    notes = [] if _has_lenskit() else ['lenskit is not installed: pip install "tastemate[bench]"']
    return rows, notes


def _others(
    catalog: Catalog, interactions: Interactions, k: int, seed: int
) -> Iterator[tuple[str, Side]]:
    """Yield our model's name and the other's side, each opened only when its turn comes."""
    yield "item-knn", _implicit("cosine", interactions, k, seed)
    yield "implicit-als", _implicit("als", interactions, k, seed)
    yield "implicit-als", _implicit("als, recalculate_user", interactions, k, seed)
    if _has_lenskit():
        yield "item-knn", _lenskit("item-knn", catalog, interactions, k, seed)
        yield "ease", _lenskit("ease", catalog, interactions, k, seed)
        yield "als", _lenskit("als", catalog, interactions, k, seed)


def _our(name: str, catalog: Catalog, interactions: Interactions, k: int, seed: int) -> Side:
    options: dict[str, dict[str, Any]] = {
        "item-knn": {"k": NEIGHBOURS},
        "implicit-als": {"rank": FACTORS, "iterations": ROUNDS, "seed": seed},
        "ease": {"regularisation": REGULARISATION},
        "als": {"rank": FACTORS, "iterations": ROUNDS, "seed": seed},
    }
    fitted: list[Retriever] = []
    queries = [
        Query(user=user, history=interactions.history(code), k=k)
        for code, user in enumerate(interactions.users)
    ]

    def fit() -> None:
        fresh = build.retriever(name, build.resources(), **options[name])
        fitted[:] = [fresh.fit(catalog, interactions)]

    return Side("tastemate", fit, lambda: fitted[0].retrieve(queries, k))


def _implicit(kind: str, interactions: Interactions, k: int, seed: int) -> Side:
    """Return a model of implicit; with `recalculate_user` it serves from the history, as ours do.

    Without, it looks up what it learned of each user, and can serve nobody else.
    """
    matrix = interactions.matrix()
    everybody = np.arange(interactions.n_users)
    fitted: list[Any] = []

    def fit() -> None:
        if kind == "cosine":
            from implicit.nearest_neighbours import CosineRecommender

            fresh = CosineRecommender(K=NEIGHBOURS, num_threads=1)
        else:
            from implicit.cpu.als import AlternatingLeastSquares

            fresh = AlternatingLeastSquares(
                factors=FACTORS, iterations=ROUNDS, num_threads=1, random_state=seed
            )
        with warnings.catch_warnings():
            # It hands itself a matrix of the kind that it then warns about.
            warnings.filterwarnings("ignore", message="Method expects CSR input")
            fresh.fit(matrix, show_progress=False)
        fitted[:] = [fresh]

    called = "CosineRecommender" if kind == "cosine" else "AlternatingLeastSquares"
    again = "recalculate_user" in kind
    return Side(
        f"implicit ({called}{', recalculate_user' if again else ''})",
        fit,
        lambda: fitted[0].recommend(everybody, matrix, N=k, recalculate_user=again),
    )


def _lenskit(kind: str, catalog: Catalog, interactions: Interactions, k: int, seed: int) -> Side:
    batch = importlib.import_module("lenskit.batch")
    pipeline = importlib.import_module("lenskit.pipeline")
    training = importlib.import_module("lenskit.training")
    frame = importlib.import_module("pandas").DataFrame(
        {
            "user_id": interactions.user,
            "item_id": interactions.item,
            "rating": interactions.value,
        }
    )
    data = importlib.import_module("lenskit.data").from_interactions_df(
        frame.drop_duplicates(["user_id", "item_id"], keep="last")
    )
    fitted: list[Any] = []

    def fit() -> None:
        fresh = pipeline.topn_pipeline(_lenskit_scorer(kind), n=k)
        fresh.train(data, training.TrainingOptions(rng=seed))
        fitted[:] = [fresh]

    users = np.unique(interactions.user).tolist()
    scorer = type(_lenskit_scorer(kind)).__name__
    return Side(
        f"lenskit ({scorer})", fit, lambda: batch.recommend(fitted[0], users, n=k, n_jobs=1)
    )


def _lenskit_scorer(kind: str) -> Any:
    if kind == "item-knn":
        return importlib.import_module("lenskit.knn").ItemKNNScorer(
            max_nbrs=NEIGHBOURS, save_nbrs=NEIGHBOURS, feedback="implicit"
        )
    if kind == "ease":
        return importlib.import_module("lenskit.knn.ease").EASEScorer(regularization=REGULARISATION)
    return importlib.import_module("lenskit.als").BiasedMFScorer(
        embedding_size=FACTORS, epochs=ROUNDS
    )


def _timed(side: Side, repeats: int) -> tuple[float, float]:
    """Return the best seconds of fitting and of listing for everybody."""
    return clock.seconds(side.fit, repeats), clock.seconds(side.recommend, repeats)


def _has_lenskit() -> bool:
    return importlib.util.find_spec("lenskit") is not None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold every library to one thread, so that the ratio is about the work done."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        if _has_lenskit():
            # The first setting counts for the life of the process.
            importlib.import_module("lenskit.parallel").initialize(
                processes=1, threads=1, backend_threads=1
            )
        yield


def _rounded(value: float) -> float:
    """Keep four figures: more would be noise."""
    return float(f"{value:.4g}")
