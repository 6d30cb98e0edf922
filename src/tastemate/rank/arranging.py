"""Several ways of arranging a list, one after the other."""

from collections.abc import Sequence

from tastemate.protocols import Arranger
from tastemate.types import Candidate, Query


class Chain:
    """Arranges by each part in order; what is not turned leaves the pool as it came."""

    def __init__(self, parts: Sequence[Arranger]) -> None:
        self.parts = tuple(parts)

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return a permutation of the candidates."""
        pool = list(candidates)
        for part in self.parts:
            pool = part.arrange(query, pool)
        return pool
