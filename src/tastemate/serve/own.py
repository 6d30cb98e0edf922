"""The caller's own items in order for somebody: known ones, and new ones that live one request.

Known items have the scores of the mix. A new one has none: it stands where the content of what
it is like puts it, by the same content and search scores for all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tastemate.data.records import item_from
from tastemate.errors import DataError
from tastemate.serve import cards, listing
from tastemate.serve.problem import Problem
from tastemate.serve.schemas import KnownItem, OwnItem, Recommend, Rerank
from tastemate.types import Floats, Item, Query

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.retrieve.search import Search

TEXT = 2.0
"""What fitting the words weighs against fitting the history."""
UNMET = "Nothing is known of this user yet and no words were given: the order is yours."


def ranked(tm: "Tastemate", asked: Rerank) -> dict[str, Any]:
    """Return the items in order; raises a `Problem` for one that is neither known nor whole."""
    items = _items(tm, asked.items)
    person = listing.person_of(tm, asked.user_id)
    wanted = Recommend(user_id=asked.user_id, events=asked.events, query=asked.query)
    query = listing.query_for(tm, wanted, person)
    told = bool(len(query.history) or query.text or query.leanings or query.vector is not None)
    stand_in = tm.work.resources.stand_in()
    scores = np.zeros(len(items))
    if told and all(row is not None for row, _ in items):
        rows = [cast(int, row) for row, _ in items]
        scores = np.asarray(_mixed(tm, query)[rows], dtype=np.float64)
        stand_in = stand_in if query.text else ""
    elif told:
        scores = _alike(tm, query, items)
    else:
        stand_in = ""
    order = np.argsort(-scores, kind="stable")[: asked.k]
    return {
        "fallback": "" if told else UNMET,
        "degraded": [f"encoder: {stand_in}"] if stand_in else [],
        "items": [
            {
                "rank": rank,
                "item_id": items[at][1].id,
                "title": items[at][1].title,
                "score": cards.number(float(scores[at])),
                "known": items[at][0] is not None,
            }
            for rank, at in enumerate(order.tolist(), start=1)
        ],
    }


def _items(tm: "Tastemate", given: Sequence[KnownItem | OwnItem]) -> list[tuple[int | None, Item]]:
    """Return each item with its row, None for a new one."""
    found: list[tuple[int | None, Item]] = []
    for at, one in enumerate(given):
        if isinstance(one, KnownItem):
            if one.item_id not in tm.catalog:
                reason = f"There is no item {one.item_id!r}. Give a new one whole: id, title, text."
                raise Problem(404, reason, errors=[(f"items[{at}].item_id", reason)])
            row = tm.catalog.row(one.item_id)
            found.append((row, tm.catalog.item(row)))
            continue
        try:
            found.append((None, item_from(one.model_dump(), tm.catalog)))
        except DataError as error:
            raise Problem(422, str(error), errors=[(f"items[{at}]", str(error))]) from error
    return found


def _mixed(tm: "Tastemate", query: Query) -> Floats:
    """Return the scores of the mix over the catalogue, (items,)."""
    path = tm.recommender(None, tm.dispatch.extras(query), llm=False)
    return np.asarray(path.scores([query])[0], dtype=np.float32)


def _alike(
    tm: "Tastemate", query: Query, items: Sequence[tuple[int | None, Item]]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Score items by content: likeness to the history, and to the words where there are any."""
    search = cast("Search", tm.retriever("search"))
    texts = [_described(item) for _, item in items]
    vectors = np.zeros((len(items), search.vectors.shape[1]), dtype=np.float32)
    fresh = [at for at, (row, _) in enumerate(items) if row is None]
    for at, (row, _) in enumerate(items):
        if row is not None:
            vectors[at] = search.vectors[row]
    if fresh:
        vectors[fresh] = search.encoder.encode([texts[at] for at in fresh])
    scores = np.zeros(len(items))
    if len(query.history):
        scores += vectors @ _person(tm, query, search.vectors)
    if query.vector is not None:
        scores += vectors @ query.vector
    if query.text:
        scores += TEXT * (vectors @ search.encoder.encode([query.text])[0])
    return scores


def _person(tm: "Tastemate", query: Query, vectors: Floats) -> Floats:
    """Return what somebody liked less what they disliked as a unit vector, (dimensions,)."""
    scale, past = tm.interactions.scale, query.history.last(100)
    weights = np.where(scale.likes(past.values), 1.0, 0.3)
    weights = np.where(scale.dislikes(past.values), -0.5, weights).astype(np.float32)
    centred = vectors[past.items] - vectors.mean(axis=0)
    person = weights @ centred
    length = float(np.linalg.norm(person))
    return np.asarray(person / max(length, 1e-9), dtype=np.float32)


def _described(item: Item) -> str:
    """Return an item as the line of text that the encoder reads of those in the catalogue."""
    from tastemate.catalog import Catalog

    return Catalog.of([item]).describe(0)[:1000]
