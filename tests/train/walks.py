"""People who walk along items: what comes next is known, and popularity knows nothing of it."""

import numpy as np

from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.evaluate.scoring import target_ranks
from tastemate.interactions import Interactions
from tastemate.recommender import Recommender
from tastemate.retrieve.popular import Popular
from tastemate.types import Event, Item, Query


def walks(people=60, items=40, seed=0) -> tuple[Catalog, Interactions]:
    """Return people who go from an item mostly to one of the two after it."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.of([Item(f"i{at}", f"Item {at}") for at in range(items)])
    events = []
    for person in range(people):
        at, met = int(rng.integers(items)), set()
        for step in range(14):
            while at in met:
                at = (at + 1) % items
            met.add(at)
            events.append(Event(f"u{person}", f"i{at}", 1.0, 1_500_000_000 + step * 60))
            near = rng.random() < 0.8
            at = (at + int(rng.integers(1, 3))) % items if near else int(rng.integers(items))
    return catalog, Interactions.of(events, catalog)


def popularly(catalog, events, ranker) -> Recommender:
    """Return the path of what is popular, with a ranker behind it."""
    popular = Popular().fit(catalog, events)
    return Recommender(catalog, [popular], Blend(weights={"popular": 1.0}), ranker=ranker, pool=40)


def ndcg(scorer, asked) -> float:
    """Return the mean NDCG@10 of what is asked for."""
    queries = [
        Query(user=asked.train.users[code], history=past)
        for code, past in zip(asked.users, asked.histories, strict=True)
    ]
    ranks = target_ranks(scorer, queries, [past.items for past in asked.histories], asked.targets)
    return float(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0).mean())
