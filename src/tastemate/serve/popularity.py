"""The lesser answer: what most people chose, for when there is no time for a better one."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemate.serve import listing
from tastemate.serve.answers import Kept
from tastemate.serve.listing import Prepared
from tastemate.types import Candidate, Clause, Evidence, Reason, Recommendation, Slate

if TYPE_CHECKING:
    from tastemate.project import Tastemate


class Popularity:
    """The order of all items by popularity, made once for each state of the data."""

    def __init__(self) -> None:
        self._held: tuple[object, np.ndarray[Any, Any]] | None = None

    def order(self, tm: "Tastemate") -> np.ndarray[Any, Any]:
        """Return all rows of a project, the most popular first."""
        data, held = tm.interactions, self._held
        if held is None or held[0] is not data:
            held = self._held = (data, ordered(tm))
        return held[1]


def answered(
    tm: "Tastemate", ready: Prepared, why: str, order: np.ndarray[Any, Any], trouble: str = ""
) -> Kept:
    """Answer by popularity alone, within filters and exclusions; `order` is rows, best first."""
    query, catalog = ready.query, tm.catalog
    may, unknown = listing.open_to(catalog, query)
    rows = order[may[order]][: query.k]
    counts = tm.interactions.counts
    lines = []
    for rank, row in enumerate(rows.tolist(), start=1):
        count = int(counts[row]) if row < len(counts) else 0
        reason = Reason()
        if count:
            fact = Evidence("e1", "popularity", count=count)
            reason = Reason((Clause(f"{count} people chose it", ("e1",)),), (fact,))
        found = Candidate(row, float(count), "popular", rank)
        item = catalog.item(row)
        lines.append(Recommendation(rank, item, float(count), (found,), reason))
    told = replace(ready, fallback=why, lacking="")
    return listing.kept(
        tm, told, listing.said_so(tm, told, Slate(tuple(lines), (), unknown), trouble)
    )


def ordered(tm: "Tastemate") -> np.ndarray[Any, Any]:
    """Return all rows, the most popular first, ties in catalogue order."""
    counts = np.zeros(len(tm.catalog), dtype=np.int64)
    known_counts = tm.interactions.counts
    counts[: len(known_counts)] = known_counts[: len(counts)]
    return np.argsort(-counts, kind="stable")
