"""A promotion is said wherever what it promotes is shown, whoever words the other reasons."""

from collections.abc import Mapping, Sequence

from tastemate.explain.faithful import disclosed
from tastemate.protocols import Explainer
from tastemate.types import Query, Reason, Recommendation


class Disclosed:
    """The reasons of an explainer, with the clause that an item is promoted where it is."""

    def __init__(self, inner: Explainer, promoted: Sequence[str]) -> None:
        """`promoted` are ids of items."""
        self.inner = inner
        self.promoted = tuple(promoted)

    def explain(
        self,
        query: Query,
        lines: Sequence[Recommendation],
        spreads: Mapping[str, float] | None = None,
    ) -> list[Reason]:
        """Return one reason a line."""
        reasons = self.inner.explain(query, lines, spreads)
        return [
            disclosed(reason, line.item, self.promoted)
            for reason, line in zip(reasons, lines, strict=True)
        ]
