"""What stands where a ranker should: it changes nothing, and every answer says so."""

from collections.abc import Sequence

from tastemate import scope
from tastemate.types import Candidate, Query


class Untaught:
    """Hands pools on as they came, for want of the ranker `name`; `why` says what to do."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self.why = why

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return the pools as they came."""
        scope.current().fail(self.why)
        return [list(pool) for pool in pools]
