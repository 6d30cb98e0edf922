"""Looking at the catalogue without asking for a list: neighbours, search, ratings."""

from collections.abc import Sequence

import numpy as np

from tastemate import config
from tastemate.errors import ConfigError, StageError
from tastemate.protocols import RatingPredictor, Retriever, Similar
from tastemate.types import Candidate, Query
from tastemate.workspace import Workspace


def similar(work: Workspace, row: int, n: int, model: str | None) -> list[Candidate]:
    """Return the n items most like one, by `model`.

    By default `content` where most items are described, else `ease` and then `content`. Raises
    `ConfigError` for a model without neighbours.
    """
    texts = work.catalog.frame["text"]
    described = int((texts != "").sum() > len(work.catalog) / 2)
    rows = np.array([row], dtype=np.int32)
    for name in [model] if model else ["ease", "content"][described:]:
        part = work.retriever(name)
        if not isinstance(part, Similar):
            raise ConfigError(f"{name!r} has no item-to-item neighbours. Try ease or content.")
        if near := part.similar(rows, n)[0]:
            return near
    return []


def search(part: Retriever, text: str, n: int) -> list[Candidate]:
    """Return the n items that fit free text best; raise `ConfigError` for an empty one."""
    config.written(query=text)
    if not text.strip():
        raise ConfigError("There is nothing to search for. Give some words.")
    return part.retrieve([Query(text=text, k=n)], n)[0]


def predicted(work: Workspace, query: Query, rows: Sequence[int], model: str) -> list[float]:
    """Return the ratings a query's person would give; raise `StageError` without any to learn."""
    if not work.interactions.scale.rates:
        raise StageError(
            "There are no ratings to predict here, only that people met items. "
            "Use recommend for a ranking."
        )
    part = work.retriever(model)
    if not isinstance(part, RatingPredictor):
        raise ConfigError(f"{model!r} does not predict ratings. Use --model als.")
    asked = np.array(rows, dtype=np.int32)
    return [float(value) for value in part.predict([query], [asked])[0]]
