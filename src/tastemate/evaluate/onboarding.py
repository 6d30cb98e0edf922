"""Do five steps of picking help a newcomer? Withheld people answer by what they liked.

Half of each person's likes answer the questions, the other half is to be found: the same for every
way of asking, so that ways are compared person by person. Nobody asked is known to any model.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.onboard import PAGE, STEPS, Guide, Onboarding
from tastemate.data.split import check_disjoint, user_cold
from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.held import LAST_KEPT, Questions, Row, Table, answer, rows
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.scoring import Factory
from tastemate.interactions import Interactions
from tastemate.metrics import Values
from tastemate.protocols import Progress
from tastemate.types import Rows

METRICS = (("recall", 20), ("ndcg", 20), ("recall", 100))
OTHERS = ("popular picks", "random popular picks")
_KNOWN = 200
"""Items that random picks are drawn from: the most liked ones."""
LIKES = 6
"""Likes that somebody must have, half of them to answer with."""

Ask = Callable[[Onboarding], Sequence[int]]


def onboarding(
    factory: Factory,
    catalog: Catalog,
    interactions: Interactions,
    *,
    model: str,
    share: float = 0.2,
    min_events: int = 5,
    page: int = PAGE,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Ask withheld people page after page; a row for each way of asking and number of steps.

    k of a row is the steps taken, 0 is nothing known. Raises `DataError` when nobody has likes
    enough.
    """
    start = time.perf_counter()
    items, whole = prepare(catalog, interactions, Setting(min_events=min_events))
    events = without_last(whole)
    split = user_cold(events, share, seed)
    check_disjoint(split.train, split.test)
    people = _people(split.test, split.held, seed)[:limit_users]
    if not people:
        raise DataError(f"No withheld person has {LIKES} likes; use more data.")
    guide = Guide.of(items, split.train)
    key = {"protocol": "onboarding", "model": model, "page": page, "seed": seed, "share": share}
    key |= {"data": f"{items.fingerprint}-{events.fingerprint}", "limit": limit_users}

    def make() -> dict[str, Values]:
        scorer = factory(items, split.train)
        found: dict[str, Values] = {}
        for name in ("chosen to tell", *OTHERS):
            if progress is not None:
                progress(f"asking by {name}", 0.3 + 0.2 * len(found) / 18)
            states = [
                _asked(_way(name, guide, who, page, seed), ours)
                for who, (ours, _) in enumerate(people)
            ]
            for steps in range(STEPS + 1):
                after = [told[steps] for told in states]
                lot = Questions(
                    [state.query(value=events.scale.high) for state in after],
                    [ours for ours, _ in people],
                    [truth for _, truth in people],
                )
                for metric, value in answer(scorer, lot, METRICS).items():
                    found[f"{name} {steps} {metric}"] = value
                found[f"{name} {steps} picks"] = np.array(
                    [len(state.liked) for state in after], float
                )
        return found

    if progress is not None:
        progress(f"fitting {model}", 0.0)
    with record.stoppable(keep):
        values = record.cell(keep, fresh, key, make)
    return Table(
        protocol="onboarding",
        rows=_rows(values, seed),
        users=len(people),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{whole.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=(
            f"{len(people)} withheld people; half of their likes answer, the other half is sought. "
            f"Pages of {page} items, {model} recommends.",
            LAST_KEPT,
        ),
    )


def _rows(told: Mapping[str, Values], seed: int) -> list[Row]:
    names = [f"{name}@{k}" for name, k in METRICS] + ["picks"]
    lines: list[Row] = []
    for steps in range(STEPS + 1):
        table = {
            way: {name: told[f"{way} {steps} {name}"] for name in names}
            for way in ("chosen to tell", *OTHERS)
        }
        lines += rows(table, steps, against=OTHERS, seed=seed)
    return lines


def _people(test: Interactions, held: Sequence[int] | Rows, seed: int) -> list[tuple[Rows, Rows]]:
    """Return what each person answers with, and what is to be found."""
    people = []
    for code in held:
        past = test.history(int(code))
        likes = np.unique(past.items[test.scale.likes(past.values)])
        if len(likes) >= LIKES:
            drawn = np.random.default_rng([seed, int(code)]).permutation(likes)
            people.append((drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]))
    return people


def _way(name: str, guide: Guide, who: int, page: int, seed: int) -> Ask:
    known = guide.pool[:_KNOWN]
    if name == "random popular picks":
        known = np.random.default_rng([seed, who, 1]).permutation(known)
    elif name == "chosen to tell":
        return lambda state: guide.next(state, page)

    def following(state: Onboarding) -> Sequence[int]:
        shown = state.shown
        return [int(row) for row in known if int(row) not in shown][:page]

    return following


def _asked(ask: Ask, ours: Rows) -> list[Onboarding]:
    """Return the state before the first page and after each."""
    liked = set(ours.tolist())
    state = Onboarding()
    told = [state]
    while not state.done:
        shown = ask(state)
        state = state.picked(shown, [row for row in shown if row in liked])
        told.append(state)
    return told
