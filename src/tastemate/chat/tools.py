"""What a conversation can do: typed functions over an opened project, and what they find.

A fixed plan calls them, or a model does; either way what comes back holds items of the catalogue
only, and every hard wish is a filter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tastemate.chat.beliefs import Beliefs
from tastemate.chat.desk import Desk
from tastemate.chat.intent import Wish
from tastemate.chat.reply import NO_SLATE
from tastemate.chat.session import Relaxation
from tastemate.chat.settings import Manners
from tastemate.types import (
    NO_HISTORY,
    Candidate,
    Controls,
    Floats,
    History,
    Leaning,
    Mask,
    Query,
    Recommendation,
    Slate,
    Taste,
    history,
)

ENOUGH = 2
"""Items from which on nothing has to be given up."""
EXAMPLES = 1_000
"""Candidates among which the best example of an offer is looked for."""
SOFT = 1.0
"""What a wish weighs that is only rather so."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the tools found for one message."""

    slate: Slate = NO_SLATE
    query: Query = field(default_factory=Query)
    past: History = NO_HISTORY
    """What the person did, before and in this conversation."""
    details: tuple[Recommendation, ...] = ()
    """Items asked about, each with its reason, in the order asked."""
    taste: Taste | None = None
    relaxations: tuple[Relaxation, ...] = ()
    """Where nothing keeps to all firm wishes: what giving one up would give."""


def past(desk: Desk, user: str | None, now: Beliefs) -> History:
    """Return what a person did before and in this conversation, oldest first.

    Named examples count as likes while they are asked for; what is only like them is not.
    """
    before = desk.history(user) if user is not None else NO_HISTORY
    scale, catalog = desk.interactions.scale, desk.catalog
    likes = [one for one in now.liked if one in catalog]
    dislikes = [one for one in now.disliked if one in catalog]
    at = int(before.timestamps[-1]) if len(before) else 0
    rows = catalog.rows([*dislikes, *likes])
    values = [scale.worst] * len(dislikes) + [scale.high] * len(likes)
    return before.then(history(rows, values, [at] * len(rows)))


def query_of(
    desk: Desk,
    user: str | None,
    now: Beliefs,
    manners: Manners,
    *,
    vector: Floats | None = None,
    leanings: Sequence[Leaning] = (),
) -> Query:
    """Turn what is believed into a query: firm wishes filter, soft ones and the moment lean.

    Asked for something like named items, their neighbours come first: the history is then these,
    and what was met before is only left out.
    """
    catalog = desk.catalog
    whole = past(desk, user, now)
    like = catalog.rows(one for one in now.similar if one in catalog)
    used = whole
    if len(like):
        used = history(like, [desk.interactions.scale.high] * len(like))
    away = {*now.seen, *now.disliked, *now.unlike, *now.similar, *now.excluded, *now.liked}
    exclude = {int(row) for row in catalog.rows(one for one in away if one in catalog)}
    exclude |= {int(row) for row in whole.items}
    if now.novelty == "known":
        exclude |= set(np.flatnonzero(~well_known(desk, manners.known)).tolist())
    firm = tuple(held.wish.filter for held in now.wishes if held.wish.firm)
    soft = tuple(
        replace(leaning_of(held.wish), weight=SOFT * now.weight(held.turn))
        for held in now.wishes
        if not held.wish.firm
    )
    return Query(
        user=user,
        history=used,
        text=now.text,
        k=min(now.k or manners.k, manners.most),
        exclude=frozenset(exclude),
        filters=firm,
        leanings=(*soft, *leanings),
        vector=vector,
        context=dict(now.context),
        controls=Controls(novelty=manners.novelty if now.novelty == "new" else 0.0),
    )


def leaning_of(wish: Wish) -> Leaning:
    """Return a soft wish as a leaning: it never leaves anything out."""
    return Leaning(wish.attribute, wish.operator, wish.value)


def well_known(desk: Desk, share: float) -> np.ndarray:
    """Return which items most people have met, (items,): the first `share` of them by events.

    All of them where nobody met anything.
    """
    counts = desk.interactions.over(desk.catalog).counts
    if not counts.any():
        return np.ones(len(counts), dtype=bool)
    bound = np.quantile(counts, 1 - share)
    return np.asarray((counts >= bound) & (counts > 0))


def recommend(desk: Desk, query: Query, wishes: Sequence[Wish]) -> Found:
    """Return a list; where too little keeps to the firm wishes, what giving one up would give."""
    from tastemate.chat.relaxing import relaxations

    slate = desk.recommend(query)
    firm = [wish for wish in wishes if wish.firm]
    if len(slate.items) >= min(query.k, ENOUGH) or (slate.items and len(firm) < 2):
        return Found(slate, query)
    scores = np.full(len(desk.catalog), -np.inf, dtype=np.float32)
    for one in desk.pool(replace(query, filters=()), EXAMPLES):
        scores[one.row] = one.score
    ways = relaxations(desk.catalog, wishes, open_to(desk, query), scores, k=query.k)
    return Found(slate, query, relaxations=ways)


def open_to(desk: Desk, query: Query) -> Mask:
    """Return what a query may show whatever is wished for, (items,)."""
    among = np.ones(len(desk.catalog), dtype=bool)
    among[list(query.exclude)] = False
    if query.exclude_seen:
        among[query.history.items] = False
    return among


def similar(desk: Desk, row: int, n: int) -> Slate:
    """Return the n items most like one."""
    return _slate(desk, desk.similar(row, n))


def search(desk: Desk, text: str, n: int) -> Slate:
    """Return the n items that fit free text best."""
    return _slate(desk, desk.search(text, n)) if text.strip() else NO_SLATE


def detail(desk: Desk, query: Query, rows: Sequence[int]) -> tuple[Recommendation, ...]:
    """Return items asked about, each with where it stands for this person and why."""
    return tuple(desk.explain(query, rows)) if rows else ()


def _slate(desk: Desk, candidates: Sequence[Candidate]) -> Slate:
    catalog = desk.catalog
    return Slate(
        tuple(
            Recommendation(rank, catalog.item(one.row), one.score, (one,))
            for rank, one in enumerate(candidates, start=1)
        )
    )
