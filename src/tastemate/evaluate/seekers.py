"""One sentence against k likes, on the same people: ReDial's seekers.

What a seeker first asked for and the films they went on to like, in the order they were mentioned:
the first few may be given, the others are to be found, the same ones whatever is given. Only the
half of the seekers on which no weights were chosen is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tastemate.catalog import Catalog
from tastemate.evaluate.baselines import Popular
from tastemate.evaluate.dialogues import Seeker, choosing
from tastemate.evaluate.held import Asked, Questions, Row, answers, rows
from tastemate.evaluate.lab import without_last
from tastemate.evaluate.scoring import Factory
from tastemate.interactions import Interactions
from tastemate.types import Query, history

KNOWN = (0, 1, 2, 3)


def against_likes(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    seekers: Sequence[Seeker],
    link: Callable[[str], int],
    metrics: Sequence[Asked],
    *,
    known: Sequence[int] = KNOWN,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
) -> tuple[list[Row], str]:
    """Return a row for each model and what it was given, each against popularity and the sentence.

    Asked are seekers with more linked likes than `max(known)`; k of the rows is "seekers", the
    model's name says what was given. No rows where there is nobody to ask.
    """
    people = []
    for seeker in seekers:
        liked = [row for row in dict.fromkeys(link(title) for title in seeker.liked) if row >= 0]
        if len(liked) > max(known) and not choosing(seeker):
            people.append((seeker.wish, liked))
    note = (
        f"seekers: {len(people)} people of the half no weight was chosen on, with more than "
        f"{max(known)} likes; the likes after the first {max(known)} are to be found."
    )
    if not people:
        return [], note
    lots = {
        _given(k, text): _questions(people, k, max(known), text, interactions)
        for text in (False, True)
        for k in known
    }
    everyone = {**factories, "popularity": Popular}
    found = answers(
        everyone, catalog, without_last(interactions), lots, metrics, keep=keep, fresh=fresh
    )
    values = {f"{model}, {part}": found[part][model] for model in factories for part in lots}
    values["popularity"] = found[_given(0, False)]["popularity"]
    against = ("popularity", *(f"{model}, {_given(0, True)}" for model in factories))
    return rows(values, "seekers", against=against, seed=seed), note


def _given(k: int, text: bool) -> str:
    likes = f"{k} like" + ("" if k == 1 else "s")
    return (f"sentence and {likes}" if k else "sentence") if text else likes


def _questions(
    people: Sequence[tuple[str, list[int]]],
    k: int,
    most: int,
    text: bool,
    interactions: Interactions,
) -> Questions:
    asked = Questions([], [], [])
    for wish, liked in people:
        past = history(liked[:k], [interactions.scale.high] * k)
        asked.queries.append(Query(history=past, text=wish if text else ""))
        asked.seen.append(np.array(liked[:most], dtype=np.int32))
        asked.truths.append(np.array(sorted(liked[most:]), dtype=np.int32))
    return asked
