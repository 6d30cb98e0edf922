"""Which people make good worked examples: those whose taste is nearest to who asks."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from tastemate.errors import ConfigError
from tastemate.types import Floats

T = TypeVar("T")


def nearest_examples(
    query: Floats,
    vectors: Floats,
    examples: Sequence[T],
    n: int = 3,
    *,
    exclude: Sequence[int] = (),
) -> list[T]:
    """Return the n examples nearest to a query, nearest first, by cosine; ties by their order.

    `query` is (d,), `vectors` is (examples, d); `exclude` holds positions never taken, such as
    the person's own. A zero vector is near to nothing.
    """
    if len(vectors) != len(examples):
        raise ConfigError(
            f"{len(vectors)} vectors were given for {len(examples)} examples; give one for each."
        )
    if not len(examples) or n <= 0:
        return []
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    near = np.divide(vectors @ query, lengths, out=np.full(len(vectors), -2.0), where=lengths > 0)
    near[list(exclude)] = -np.inf
    best = np.argsort(-near, kind="stable")[:n].tolist()
    return [examples[at] for at in best if near[at] > -np.inf]
