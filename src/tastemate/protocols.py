"""The seams: what a part must offer so that the path can use it. All are synchronous, batch-first.

A part is one file and one row in `build.py`; the contract suite of its protocol then tests it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.messages import Completion, Prompt
from tastemate.types import (
    Candidate,
    Floats,
    History,
    Mask,
    Query,
    Reason,
    Recommendation,
    Rows,
    Taste,
)

Progress: TypeAlias = Callable[[str, float], None]
"""Called with what is being done and the share finished, 0 to 1."""


@runtime_checkable
class Fittable(Protocol):
    """Something learned from data and kept in a folder: JSON and `.npy` files, never pickle."""

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn; `interactions.n_items == len(catalog)`. Returns self."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs."""
        ...

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote. `catalog` is the one fitted on, perhaps grown at its end."""
        ...


@runtime_checkable
class Retriever(Fittable, Protocol):
    """Finds candidates for queries."""

    @property
    def name(self) -> str:
        """The name in the trace, in sources and in the tables of `build.py`."""
        ...

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, shape (queries, items).

        -inf means "no opinion"; a row of only -inf means the retriever cannot serve the query
        (no history, no text). Seen items are scored like any other; the caller masks.
        """
        ...

    def retrieve(
        self, queries: Sequence[Query], n: int, allowed: Mask | None = None
    ) -> list[list[Candidate]]:
        """Return at most `n` candidates a query, best first, ties in catalogue order.

        `allowed` is (queries, items); items of the history are left out when the query says
        `exclude_seen`, rows in `exclude` always.
        """
        ...


@runtime_checkable
class EncodesItems(Protocol):
    """A retriever that keeps what it read of the items' texts: it is given texts with features."""

    def encoded(self) -> int:
        """Return how many items `load` had to encode, new or saying something else by now."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Something fitted that scores the whole catalogue: a retriever or a whole recommender."""

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); -inf is no opinion."""
        ...


@runtime_checkable
class Attributing(Protocol):
    """A retriever whose score can be split over the items of the history."""

    def contributions(self, query: Query, items: Rows) -> NDArray[np.float32]:
        """Return the share of each history event in each item's score, (items, events).

        Taking an event out of the history lowers the item's score by about its share.
        """
        ...


@runtime_checkable
class RatingPredictor(Protocol):
    """A retriever that also predicts the rating a person would give."""

    def predict(self, queries: Sequence[Query], items: Sequence[Rows]) -> list[Floats]:
        """Predict the rating of each item for each query, on the scale of the data."""
        ...


@runtime_checkable
class Similar(Protocol):
    """Items like an item."""

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return at most `n` neighbours of each item, best first, never the item itself."""
        ...


@runtime_checkable
class Ranker(Protocol):
    """Puts a pool into a better order."""

    @property
    def name(self) -> str:
        """The name in the trace."""
        ...

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool as a permutation of what came in: no new id, none lost."""
        ...


@runtime_checkable
class Arranger(Protocol):
    """Reorders a ranked pool for what the person or the operator turned (`Query.controls`)."""

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return a permutation of the candidates; the pool as it came where nothing is turned."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return (texts, dimensions), each row of length 1 (zero for an empty text)."""
        ...


@runtime_checkable
class Profiler(Protocol):
    """Reads a taste out of histories."""

    def taste(self, histories: Sequence[History]) -> list[Taste]:
        """Return one taste a history; empty for an empty history."""
        ...


@runtime_checkable
class ReadsTastes(Protocol):
    """A retriever that asks a profiler for the tastes that queries do not bring."""

    profiler: Profiler | None
    """None until one is given."""


@runtime_checkable
class Explainer(Protocol):
    """Says why, bound to evidence."""

    def explain(
        self,
        query: Query,
        lines: Sequence[Recommendation],
        spreads: Mapping[str, float] | None = None,
    ) -> list[Reason]:
        """Return one reason a line; `spreads` is each retriever's standard deviation of scores."""
        ...


Ability: TypeAlias = Literal["labels", "schema", "stream"]
"""What a model may be able to do besides answer: score labels as the first token, hold itself to
a JSON schema, stream."""


@runtime_checkable
class ChatModel(Protocol):
    """A language model. Nothing it does raises: a failed call is a `Completion` with a fault."""

    @property
    def name(self) -> str:
        """Provider and model, such as "openai:gpt-5-mini"; part of every cache key."""
        ...

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it can do besides answer."""
        ...

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return one completion a prompt, in order.

        A prompt with labels gets `scores`, or the fault "unable" from a model that has none.
        """
        ...

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply in pieces; closing the iterator ends the call.

        Raises `Unavailable` when it fails, in the middle as well.
        """
        ...

    def count(self, text: str) -> int:
        """Return how many tokens a text has: by its own tokenizer where known, else estimated."""
        ...
