"""What to give up where nothing fits: each firm wish left out in turn, and what that would give."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.intent import Wish
from tastemate.chat.session import Relaxation
from tastemate.filters import FALSE, TRUE, UNKNOWN, Verdicts, decide
from tastemate.types import Floats, Mask

MOST = 4
"""Offers made at most."""


def relaxations(
    catalog: Catalog,
    wishes: Sequence[Wish],
    among: Mask | None = None,
    scores: Floats | None = None,
    *,
    k: int = 1,
) -> tuple[Relaxation, ...]:
    """Return the wishes whose giving up lets more items fit, the one that gives most first.

    Pairs are tried only where no single one helps. `among` are the items that may be shown at all
    and `scores` the order of preference, both (items,); without scores the example is the first
    in catalogue order. Empty where at least `k` items fit as it is. Raises `ConfigError` for a
    wish that the catalogue cannot decide.
    """
    firm = _firm(wishes)
    if not firm:
        return ()
    refused = np.stack([_refused(wish, decide(catalog, wish.filter)) for wish in firm])
    open_ = np.ones(len(catalog), dtype=bool) if among is None else among
    times = refused.sum(axis=0)
    fitting = int((open_ & (times == 0)).sum())
    if fitting >= k:
        return ()
    for size in (1, 2):
        found = []
        for parts in combinations(_whole(firm), size):
            places = [place for part in parts for place in part]
            fits = open_ & (times == refused[places].sum(axis=0))
            if (items := int(fits.sum())) > fitting:
                first, *rest = (firm[at] for at in places)
                example = catalog.ids[_best(fits, scores)]
                found.append(Relaxation(first, items, example, tuple(rest)))
        if found:
            return tuple(sorted(found, key=lambda one: -one.items)[:MOST])
    return ()


def undecided(
    catalog: Catalog, wishes: Sequence[Wish], among: Mask | None = None
) -> tuple[tuple[Wish, int], ...]:
    """Return for each firm wish how many items only an unknown value leaves out, most first.

    An item that some wish refuses is not counted (as `filters.allowed` counts); one that two
    wishes cannot decide counts for both.
    """
    verdicts = [(wish, decide(catalog, wish.filter)) for wish in _firm(wishes)]
    left = np.ones(len(catalog), dtype=bool) if among is None else among.copy()
    for _, verdict in verdicts:
        left &= verdict != FALSE
    counted = [
        (wish, int((left & (verdict == UNKNOWN)).sum()))
        for wish, verdict in verdicts
        if wish.filter.hard
    ]
    return tuple(sorted((one for one in counted if one[1]), key=lambda one: -one[1]))


def _firm(wishes: Sequence[Wish]) -> list[Wish]:
    return list(dict.fromkeys(wish for wish in wishes if wish.firm))


def _whole(firm: Sequence[Wish]) -> list[list[int]]:
    """Return the places of what is given up as one: both bounds of a range, else a wish alone."""
    parts: dict[object, list[int]] = {}
    for at, wish in enumerate(firm):
        bound = wish.operator in ("at least", "at most")
        parts.setdefault(wish.attribute if bound else at, []).append(at)
    return list(parts.values())


def _refused(wish: Wish, verdicts: Verdicts) -> Mask:
    refused: Mask = verdicts != TRUE if wish.filter.hard else verdicts == FALSE
    return refused


def _best(fits: Mask, scores: Floats | None) -> int:
    """Return the fitting item with the highest score; the first one among equals."""
    rows = np.flatnonzero(fits)
    if scores is None:
        return int(rows[0])
    return int(rows[np.nan_to_num(scores[rows], nan=-np.inf).argmax()])
