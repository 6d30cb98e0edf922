"""Cold items and cold users: what a model does with nothing, or next to nothing, to go on.

Item-cold: a tenth of the items lose all their events before training and are then ranked among all
items for the people who met them. User-cold: people no model has seen bring k likes, one sentence,
or nothing. Figures stand beside the plain baselines of `evaluate.baselines`, paired by user. Each
person's last event is left out before all else: it is the test of the next-item protocol.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.split import check_disjoint, item_cold, user_cold
from tastemate.errors import DataError
from tastemate.evaluate.baselines import ContentNeighbours, GenrePopularity, Popular
from tastemate.evaluate.dialogues import Seeker
from tastemate.evaluate.held import LAST_KEPT, Asked, Questions, Row, Table, answers, rows
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.scoring import Factory
from tastemate.evaluate.seekers import against_likes
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.types import NO_HISTORY, History, Query

METRICS: tuple[Asked, ...] = (
    ("recall", 20),
    ("ndcg", 100),
    ("recall", 100),
    ("ndcg", 10),
    ("recall", 10),
)
ITEM_BASELINES: dict[str, Factory] = {
    "popularity": Popular,
    "genre popularity": GenrePopularity,
    "content neighbours": ContentNeighbours,
}
USER_BASELINES = ITEM_BASELINES


def cold_items(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    *,
    share: float = 0.1,
    liked_only: bool = False,
    max_history: int = 200,
    min_events: int = 5,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Rank items no model has seen an event of, among all items.

    `share` of the items is taken out of training. The truth of a user is every such item they met
    (only liked ones with `liked_only`). Raises `DataError` when nobody met a withheld item.
    """
    start = time.perf_counter()
    items, whole = prepare(catalog, interactions, Setting(min_events=min_events))
    events = without_last(whole)
    split = item_cold(events, share, seed)
    check_disjoint(split.train, split.test)
    asked = Questions([], [], [])
    for code in _some(events.n_users, limit_users, seed):
        past, later = split.train.history(code), split.test.history(code)
        if liked_only:
            later = later.take(events.scale.likes(later.values))
        if len(past) and len(later):
            asked.queries.append(Query(user=events.users[code], history=past.last(max_history)))
            asked.seen.append(past.items)
            asked.truths.append(np.unique(later.items))
    if not len(asked):
        raise DataError("Nobody met a withheld item; withhold a larger share, or use more data.")
    everyone = {**factories, **{n: f for n, f in ITEM_BASELINES.items() if n not in factories}}
    lot = {"cold": asked}
    found = answers(
        everyone, items, split.train, lot, METRICS, keep=keep, fresh=fresh, progress=progress
    )
    kind = "liked" if liked_only else "met"
    return Table(
        protocol="cold-item",
        rows=rows(found["cold"], 0, against=("genre popularity", "content neighbours"), seed=seed),
        users=len(asked),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{whole.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=(
            f"{len(split.held)} of {len(items)} items withheld; truth: those each user {kind}.",
            "k is the number of training events of a withheld item.",
            LAST_KEPT,
        ),
    )


def cold_users(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    *,
    known: Sequence[int] = (0, 1, 3, 5),
    share: float = 0.2,
    min_events: int = 5,
    limit_users: int | None = None,
    seed: int = 0,
    seekers: Sequence[Seeker] = (),
    link: Callable[[str], int] | None = None,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Recommend to people no model has seen, from their first k known likes, k in `known`.

    The likes given are drawn at random and nested (those of k = 1 are among those of k = 3); the
    truth is every other like, the same at every k. With `seekers` and `link` (a title → catalogue
    row, -1 for none) rows of one sentence follow. Raises `DataError` when nobody has enough likes.
    """
    start = time.perf_counter()
    items, whole = prepare(catalog, interactions, Setting(min_events=min_events))
    events = without_last(whole)
    split = user_cold(events, share, seed)
    check_disjoint(split.train, split.test)
    held = split.held
    if limit_users is not None:
        held = np.sort(np.random.default_rng(seed).permutation(held)[:limit_users])
    people = _likes(split.test, held, events, max(known), seed)
    if not people:
        raise DataError(
            f"No withheld user has more than {max(known)} likes; use more data or fewer likes."
        )
    everyone = {**factories, **{n: f for n, f in USER_BASELINES.items() if n not in factories}}
    lots = {str(k): _with_likes(people, k, max(known)) for k in known}
    found = answers(
        everyone, items, split.train, lots, METRICS, keep=keep, fresh=fresh, progress=progress
    )
    lines: list[Row] = []
    for k in known:
        lines += rows(found[str(k)], k, against=("popularity", "content neighbours"), seed=seed)
    notes = [f"{len(people)} of {len(held)} withheld users have more than {max(known)} likes."]
    notes.append(LAST_KEPT)
    if seekers and link is not None:
        more, note = sentences(
            factories, catalog, interactions, seekers, link, seed=seed, keep=keep, fresh=fresh
        )
        lines += more
        notes.append(note)
        first = next(iter(factories))
        more, note = against_likes(
            {first: factories[first]},
            catalog,
            interactions,
            seekers,
            link,
            METRICS,
            seed=seed,
            keep=keep,
            fresh=fresh,
        )
        lines += more
        notes.append(note)
    return Table(
        protocol="cold-user",
        rows=lines,
        users=len(people),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{whole.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )


def sentences(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    seekers: Sequence[Seeker],
    link: Callable[[str], int],
    *,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
) -> tuple[list[Row], str]:
    """Recommend from one sentence: what a person first asked for, against what they then liked.

    Titles are not in the sentence. Likes that link to nothing in the catalogue are left out, and
    people without any; the note says how many remain. Models learn from all interactions but the
    last of each user.
    """
    asked, without = Questions([], [], []), Questions([], [], [])
    titles = linked = 0
    for seeker in seekers:
        rows_of = {link(title) for title in seeker.liked}
        titles, linked = titles + len(seeker.liked), linked + len(rows_of - {-1})
        truth = np.array(sorted(rows_of - {-1}), dtype=np.int32)
        if len(truth):
            for lot, text in ((asked, seeker.wish), (without, "")):
                lot.queries.append(Query(history=NO_HISTORY, text=text))
                lot.seen.append(np.empty(0, np.int32))
                lot.truths.append(truth)
    note = (
        f"One sentence: {len(asked)} of {len(seekers)} people, {linked} of {titles} likes linked."
    )
    if not len(asked):
        return [], note
    everyone = {**factories, "popularity": Popular}
    lots = {"sentence": asked, "nothing": without}
    found = answers(
        everyone, catalog, without_last(interactions), lots, METRICS, keep=keep, fresh=fresh
    )
    values = found["sentence"]
    for name in factories:
        values[f"{name}, no sentence"] = found["nothing"][name]
    against = ("popularity", *(f"{name}, no sentence" for name in factories))
    return rows(values, "sentence", against=against, seed=seed), note


def _some(n: int, limit: int | None, seed: int) -> list[int]:
    codes = np.arange(n)
    if limit is not None:
        codes = np.sort(np.random.default_rng(seed).permutation(codes)[:limit])
    return [int(code) for code in codes]


def _likes(
    test: Interactions, held: Sequence[int] | np.ndarray, events: Interactions, most: int, seed: int
) -> list[History]:
    """Return the likes of each withheld user in a random order, for those with enough."""
    people = []
    for code in held:
        past = test.history(int(code))
        likes = past.take(events.scale.likes(past.values))
        if len(likes) > most:
            drawn = np.random.default_rng([seed, int(code)]).permutation(len(likes))
            people.append(likes.take(drawn))
    return people


def _with_likes(people: Sequence[History], k: int, most: int) -> Questions:
    asked = Questions([], [], [])
    for likes in people:
        given = likes.take(np.arange(k))
        given = given.take(np.argsort(given.timestamps, kind="stable"))
        asked.queries.append(Query(history=given))
        asked.seen.append(likes.items[:most])
        asked.truths.append(np.setdiff1d(likes.items[most:], likes.items[:most]))
    return asked
