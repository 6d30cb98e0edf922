"""Naming titles: six liked items in, four held-out liked ones to name, out of the whole world.

The task of generative recommendation without a list of candidates. A model's titles are linked to
the catalogue; one outside it is a discovery when it is a real title, else a hallucination, and
keeps its place in the list. Our own recommenders answer for the same people with their best four
of the whole catalogue. A table of ablations varies what the prompt says and how the model writes.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import StageError
from tastemate.evaluate import record
from tastemate.evaluate.baselines import Popular
from tastemate.evaluate.bootstrap import intervals
from tastemate.evaluate.held import LAST_KEPT, Asked, Questions, Row, answers, rows
from tastemate.evaluate.lab import Setting, prepare, without_last
from tastemate.evaluate.named import BASE, HELD, LIKED, Setup, drawn, variations
from tastemate.evaluate.scoring import Factory
from tastemate.interactions import Interactions
from tastemate.metrics import Values, judge, measure
from tastemate.protocols import Progress
from tastemate.retrieve.generated import Generated, Linked
from tastemate.text.link import Link, Linker
from tastemate.types import Item, Query, Rows, history

if TYPE_CHECKING:
    from tastemate.protocols import ChatModel, Encoder

METRICS: tuple[Asked, ...] = (("map", HELD), ("recall", HELD), ("hit", HELD))
BATCH = 16
"""People a model is asked about at once."""
_SURE = ("exact", "normalised")


@dataclass(frozen=True, slots=True)
class Naming:
    """What one model named for everybody, under one setup."""

    setup: Setup
    values: dict[str, Values]
    """"name@4" → one value a user."""
    well_formed: float
    """Share of replies that are four titles, one a line, and nothing else."""
    discovery: float
    """Share of the named titles that are real and not in the catalogue."""
    hallucination: float
    """Share of the named titles that are neither in the catalogue nor known elsewhere."""
    repeated: float
    """Share of the named titles that were given in the prompt."""
    named: int
    errors: int
    tokens: int
    cost: float
    cause: str
    """What the first call that failed says; empty where none did."""
    cached: int
    """Replies that came out of a cache: their time says nothing."""
    seconds: float

    def as_json(self, seed: int) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return {
            "name": self.setup.name,
            "metrics": {
                name: one.as_json() for name, one in intervals(self.values, seed=seed).items()
            },
            "users": len(next(iter(self.values.values()))),
            **self.shares(),
            "tokens": self.tokens,
            "cost": self.cost,
            "cached": self.cached,
            "seconds": self.seconds,
        }

    def shares(self) -> dict[str, float]:
        """Return what became of the titles, as the command's contract names it."""
        return {
            "well_formed": self.well_formed,
            "discovery": self.discovery,
            "hallucination": self.hallucination,
            "repeated": self.repeated,
            "named": self.named,
            "errors": self.errors,
        }


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """The figures of the task: a row for each model, the first one's also at the top."""

    rows: list[Row]
    first: dict[str, float]
    """Well-formed, discovery, hallucination … of the first row."""
    ablations: list[dict[str, Any]]
    users: int
    items: int
    fingerprint: str
    seed: int
    seconds: float
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        lines = [row.as_json() for row in self.rows]
        return {
            "protocol": "generation",
            "model": lines[0]["model"],
            "metrics": lines[0]["metrics"],
            **self.first,
            "rows": lines,
            "ablations": self.ablations,
            "users": self.users,
            "items": self.items,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Task:
    """What every setup of a model is asked, and what judges it."""

    catalog: Catalog
    train: Interactions
    asked: Questions
    disliked: list[Rows]
    outside: Linker
    """Real titles that the catalogue does not have."""
    model: "ChatModel"
    encoder: "Encoder | None"

    def some(self, n: int) -> "_Task":
        """Return the task of the first n people."""
        asked = self.asked
        few = Questions(asked.queries[:n], asked.seen[:n], asked.truths[:n])
        return _Task(
            self.catalog,
            self.train,
            few,
            self.disliked[:n],
            self.outside,
            self.model,
            self.encoder,
        )


def generation(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    *,
    model: "ChatModel | None" = None,
    encoder: "Encoder | None" = None,
    setup: Setup = BASE,
    known: Collection[str] = (),
    ablations: int = 0,
    min_events: int = 5,
    limit_users: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> GenerationResult:
    """Ask for four liked titles of everybody with ten likes, given six drawn by the seed.

    `known` are real titles besides those of the data; `encoder` links titles by meaning as well;
    `ablations` is how many people the variations of `setup` are asked about, 0 for none. What the
    recommenders learn from is everything but the four held-out likes and each user's last event.
    Raises `DataError` when nobody has ten likes, `StageError` when the model answered no call of
    `setup`, `Interrupted` when stopped by hand.
    """
    start = time.perf_counter()
    items, whole = prepare(catalog, interactions, Setting(min_events=min_events))
    train, asked, disliked = drawn(without_last(whole), limit_users, seed)
    everyone = {**factories, **({} if "popularity" in factories else {"popularity": Popular})}
    found = answers(
        everyone,
        items,
        train,
        {"named": asked},
        METRICS,
        keep=keep,
        fresh=fresh,
        progress=progress,
    )["named"]
    first = {"well_formed": 1.0, "discovery": 0.0, "hallucination": 0.0, "repeated": 0.0}
    table: list[dict[str, Any]] = []
    notes = [
        f"{len(asked)} people with {LIKED + HELD} likes or more; six given, four to name.",
        LAST_KEPT,
    ]
    if model is None:
        notes.append("No language model was asked; rows are recommenders, which name no title.")
    else:
        outside = _outside(catalog, items, known)
        task = _Task(items, train, asked, disliked, outside, model, encoder)
        with record.stoppable(None):
            naming = _named(task, setup, progress)
            found = {model.name: naming.values, **found}
            first = naming.shares()
            notes.append(
                f"{naming.well_formed:.1%} of the replies are well formed; of {naming.named} "
                f"titles {naming.discovery:.1%} are real ones outside the catalogue, "
                f"{naming.hallucination:.1%} inventions; {naming.errors} calls failed"
                + (f" and count as wrong, the first with: {naming.cause}" if naming.cause else ".")
            )
            table, left_out = _varied(task.some(ablations), setup, seed, progress)
            notes += left_out
        notes.append(f"{len(outside.catalog)} real titles outside the catalogue are known.")
    return GenerationResult(
        rows=rows(found, LIKED, against=("popularity",), seed=seed),
        first=first,
        ablations=table,
        users=len(asked),
        items=len(items),
        fingerprint=f"{items.fingerprint}-{whole.fingerprint}",
        seed=seed,
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )


def _varied(
    task: _Task, setup: Setup, seed: int, progress: Progress | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each variation, and a note on each for which the model only failed."""
    table: list[dict[str, Any]] = []
    notes: list[str] = []
    for change in variations(setup) if len(task.asked) else ():
        try:
            naming = _named(task, change, progress)
        except StageError as failure:  # what was measured before it stands
            notes.append(f"Left out of the ablations: {failure}")
            continue
        table.append(naming.as_json(seed) | change.changed(setup))
        if naming.cause:
            notes.append(
                f"Ablation {change.name}: {naming.errors} of {len(task.asked)} calls failed."
            )
    return table, notes


def _outside(catalog: Catalog, items: Catalog, known: Collection[str]) -> Linker:
    """Return a linker over the titles that are real and not in the catalogue that is asked."""
    inside = Linker(items)
    titles = dict.fromkeys([*catalog.titles, *sorted(known)])
    rest = [title for title in titles if inside.link(title).how not in _SURE]
    return Linker(Catalog.of(Item(str(at), title) for at, title in enumerate(rest)))


def _named(task: _Task, setup: Setup, progress: Progress | None) -> Naming:
    """Ask the model about everybody under one setup, and judge what it named."""
    start = time.perf_counter()
    retriever = Generated(
        model=task.model,
        encoder=task.encoder,
        prompt=setup.prompt,
        titles=HELD,
        likes=LIKED,
        style=setup.style,
        generation=setup.generation,
    ).fit(task.catalog, task.train)
    queries = _queries(task, dislikes=setup.style.dislikes)
    found: list[Linked] = []
    for at in range(0, len(queries), BATCH):
        if progress is not None:
            progress(f"{task.model.name}: {setup.name}", at / len(queries))
        found += retriever.linked(queries[at : at + BATCH])
    errors = [one.error for one in found if one.error]
    if len(errors) == len(found):  # a figure has no lesser form
        raise StageError(
            f"{task.model.name} answered none of {len(found)} calls ({setup.name}), so there is "
            f"nothing to measure: {errors[0]}"
        )
    kinds, lists = _judged(task, found)
    values = measured(lists, task.asked.truths)
    total = max(sum(kinds.values()), 1)
    return Naming(
        setup=setup,
        values=values,
        well_formed=float(np.mean([one.well_formed for one in found])),
        discovery=kinds["discovery"] / total,
        hallucination=kinds["hallucination"] / total,
        repeated=kinds["repeated"] / total,
        named=sum(kinds.values()),
        errors=len(errors),
        tokens=sum(one.completion.tokens for one in found),
        cost=sum(one.completion.cost for one in found),
        cause=errors[0] if errors else "",
        cached=sum(one.completion.cached for one in found),
        seconds=time.perf_counter() - start,
    )


def measured(lists: Sequence[Sequence[int]], truths: Sequence[Rows]) -> dict[str, Values]:
    """Return "name@4" → one value a user."""
    judged = judge(lists, [truth.tolist() for truth in truths], HELD)
    return {f"{name}@{k}": measure(judged, [name], [k])[f"{name}@{k}"] for name, k in METRICS}


def _queries(task: _Task, *, dislikes: bool) -> list[Query]:
    """Return the queries, with up to four dislikes in front of the likes where they are told."""
    if not dislikes:
        return task.asked.queries
    found = []
    low = task.train.scale.low
    for query, against in zip(task.asked.queries, task.disliked, strict=True):
        past = query.history
        bad = np.setdiff1d(against, past.items)[:4]
        before = history(bad, np.full(len(bad), low, np.float32), np.zeros(len(bad), np.int64))
        found.append(replace(query, history=before.then(past)))
    return found


def _judged(task: _Task, found: Sequence[Linked]) -> tuple[dict[str, int], list[list[int]]]:
    """Return how many titles are of each kind, and each list with every title in its place."""
    kinds = dict.fromkeys(("catalogue", "discovery", "hallucination", "repeated"), 0)
    lists = []
    for answer, given in zip(found, task.asked.seen, strict=True):
        line: list[int] = []
        for at, (title, link) in enumerate(answer.named):
            kind = kind_of(link, task.outside.link(title), given)
            kinds[kind] += 1
            fresh = kind == "catalogue" and link.row not in line
            # what is no item of the catalogue holds its place and is never right
            line.append(link.row if fresh else len(task.catalog) + at)
        lists.append(line)
    return kinds, lists


def kind_of(link: Link, outside: Link, given: Rows) -> str:
    """Say what a named title is: an item, one that was given, a real title outside, or invented.

    A real title outside stands before a doubtful link into the catalogue.
    """
    if link.how not in _SURE and outside.how in _SURE:
        return "discovery"
    if link.row < 0:
        return "hallucination"
    return "repeated" if link.row in given else "catalogue"
