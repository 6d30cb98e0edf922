"""A promotion is said wherever what it promotes is shown, whoever words the other reasons."""

from collections.abc import Mapping, Sequence

from tastemate.errors import ConfigError, TastemateError
from tastemate.explain.faithful import disclosed
from tastemate.protocols import Explainer
from tastemate.scope import current
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
        """Return one reason a line; where the others failed, the promotion alone."""
        try:
            reasons = self.inner.explain(query, lines, spreads)
        except ConfigError:
            raise
        except TastemateError as failure:
            current().fail(str(failure))
            reasons = [Reason()] * len(lines)
        return [
            disclosed(reason, line.item, self.promoted)
            for reason, line in zip(reasons, lines, strict=True)
        ]
