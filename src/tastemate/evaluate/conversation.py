"""The conversation protocol: what was said so far in, the whole catalogue ranked, out of ReDial.

Asked are the turns in which a recommender named items that the catalogue has and nobody had named
before. A model is given a query as any other: items named so far are the history, the seeker's
words the text. Canonical: the files' own marks say what was named. Raw: titles stand in the text
without mark and year, and only what our own reader finds there counts as named, so a model may
waste places on items it failed to see named.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.chat.titles import Titles
from tastemate.errors import DataError
from tastemate.evaluate import record
from tastemate.evaluate.baselines import Popular
from tastemate.evaluate.bootstrap import Interval, resampled_means
from tastemate.evaluate.heard import DEPTH, Asked, ask
from tastemate.evaluate.scoring import Factory, best_lists
from tastemate.evaluate.turns import Places, Turn, halves
from tastemate.interactions import Interactions
from tastemate.metrics import Values, judge, measure
from tastemate.protocols import Progress, Scorer
from tastemate.types import Rows

METRICS = ("recall@1", "recall@10", "recall@50", "mrr@50", "ndcg@10")
TIMED = 200
"""Turns asked one by one for the time an answer takes."""


def measured(lists: Sequence[Rows] | NDArray[np.integer], asked: Asked) -> dict[str, Values]:
    """Return "name@k" → one value a turn.

    Recall is the share of the turn's own truths that is in the first k places, so that a turn with
    several truths counts as one.
    """
    judged = judge(lists, [list(turn.truths) for turn in asked.turns], DEPTH)
    found = {}
    for metric in METRICS:
        name, _, k = metric.partition("@")
        found[metric] = measure(judged, [name], [int(k)])[metric]
    return found


def clustered(
    values: Mapping[str, Values], groups: NDArray[np.int64], *, seed: int = 0
) -> dict[str, Interval]:
    """Return the mean over turns of each metric, dialogues drawn again for the interval.

    Turns of one dialogue are not independent, so a dialogue comes or stays away whole; the mean is
    the ratio of two sums over the dialogues drawn.
    """
    if not len(groups):
        return dict.fromkeys(values, Interval(0.0, 0.0, 0.0))
    size = int(groups.max()) + 1
    columns = [np.bincount(groups, one, minlength=size) for one in values.values()]
    counts = np.bincount(groups, minlength=size).astype(np.float64)
    drawn = resampled_means(np.column_stack([*columns, counts]), seed=seed)
    with np.errstate(invalid="ignore"):
        means = drawn[:, :-1] / drawn[:, -1:]
    low, high = np.nanquantile(means, [0.025, 0.975], axis=0)
    return {
        name: Interval(float(one.mean()), float(low[at]), float(high[at]))
        for at, (name, one) in enumerate(values.items())
    }


@dataclass(frozen=True, slots=True)
class Talked:
    """The figures of the protocol."""

    rows: list[dict[str, Any]]
    counts: dict[str, int]
    """How many turns and truths there are, and what became of those not asked for."""
    fingerprint: str
    seed: int
    seconds: float
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; the first row's figures also under `metrics`."""
        return {
            "protocol": "conversation",
            "model": self.rows[0]["model"],
            "metrics": self.rows[0]["metrics"],
            "rows": self.rows,
            "counts": self.counts,
            "users": self.counts["turns asked"],
            "items": self.counts["items"],
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


def conversation(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    turns: Sequence[Turn],
    *,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Talked:
    """Ask each model for a ranked list at every turn, canonical and raw.

    Models learn from all interactions; the dialogues are other people's. Each variant is reported
    over all turns, over those of the development half of the workers (where weights may be chosen)
    and over those of the other half (`turns.halves`), each beside popularity, paired. Raises
    `DataError` when no turn names anything of the catalogue.
    """
    start = time.perf_counter()
    first = ask(turns, interactions.scale)
    if not first.turns:
        raise DataError(
            "No turn recommends an item of the catalogue that was not named before. Give a data "
            "set whose titles the dialogues name: ml-latest-small or films."
        )
    find = Titles(catalog, interactions.over(catalog).counts.astype(np.float32))
    lots = {"canonical": first, "raw": ask(turns, interactions.scale, "raw", find)}
    everyone = {**factories, **({} if "popularity" in factories else {"popularity": Popular})}
    found = _answers(everyone, catalog, interactions, lots, keep, fresh, progress)
    parts = _parts(turns)
    rows = [
        _row(model, variant, part, places, found, lots[variant], seed)
        for part, places in parts.items()
        for variant in lots
        for model in everyone
        if len(places)
    ]
    notes = (
        "Recall counts the share of a turn's own truths, the mean is over turns; intervals draw "
        "whole dialogues again.",
        "Items named before are out of truth and ranking; in raw rows, those our reader found.",
        f"Raw text: {_caught(first, lots['raw'])}",
        "Development and held are disjoint halves of the workers; dialogues between are in "
        "neither.",
    )
    return Talked(
        rows,
        {**_counts(turns), "items": len(catalog)},
        f"{catalog.fingerprint}-{interactions.fingerprint}",
        seed,
        time.perf_counter() - start,
        notes,
    )


def _answers(
    factories: Mapping[str, Factory],
    catalog: Catalog,
    interactions: Interactions,
    lots: Mapping[str, Asked],
    keep: Path | None,
    fresh: bool,
    progress: Progress | None,
) -> dict[tuple[str, str], dict[str, Values]]:
    """Return (model, variant) → metric → one value a turn, and "ms" over the turns timed."""
    table: dict[tuple[str, str], dict[str, Values]] = {}
    key = {
        "data": f"{catalog.fingerprint}-{interactions.fingerprint}",
        "asked": {variant: _fingerprint(lot) for variant, lot in lots.items()},
    }
    with record.stoppable(keep):
        for at, (name, factory) in enumerate(factories.items()):
            if progress is not None:
                progress(f"fitting {name}", at / len(factories))

            def make(factory: Factory = factory) -> dict[str, Values]:
                scorer = factory(catalog, interactions)
                made: dict[str, Values] = {}
                for variant, lot in lots.items():
                    lists = best_lists(scorer, lot.queries, lot.given, DEPTH)
                    made |= {f"{variant} {m}": v for m, v in measured(lists, lot).items()}
                    made[f"{variant} ms"] = _timed(scorer, lot, variant)
                return made

            values = record.cell(keep, fresh, {"model": name, **key}, make)
            for variant in lots:
                names = (*METRICS, "ms")
                table[name, variant] = {m: np.asarray(values[f"{variant} {m}"]) for m in names}
    return table


def _fingerprint(lot: Asked) -> str:
    from tastemate.evaluate.held import Questions

    truths = [np.array(turn.truths, dtype=np.int32) for turn in lot.turns]
    return Questions(lot.queries, lot.given, truths).fingerprint()


def _timed(scorer: Scorer, lot: Asked, mark: str) -> Values:
    """Return the milliseconds that scoring the whole catalogue takes, turn by turn.

    `mark` is added to each text, so that an encoder which remembers texts reads it anew.
    """
    step = max(1, len(lot.queries) // TIMED)
    taken = []
    for query in lot.queries[::step][:TIMED]:
        query = replace(query, text=f"{query.text} {mark}" if query.text else "")
        start = time.perf_counter()
        scorer.scores([query])
        taken.append((time.perf_counter() - start) * 1000)
    return np.array(taken)


def _parts(turns: Sequence[Turn]) -> dict[str, Places]:
    """Return which of the turns asked belong to which part."""
    asked = np.flatnonzero([bool(turn.truths) for turn in turns])
    development, held = halves(turns)
    return {
        "all": np.arange(len(asked), dtype=np.int64),
        "development": np.flatnonzero(np.isin(asked, development)).astype(np.int64),
        "held": np.flatnonzero(np.isin(asked, held)).astype(np.int64),
    }


def _row(
    model: str,
    variant: str,
    part: str,
    places: Places,
    found: Mapping[tuple[str, str], Mapping[str, Values]],
    lot: Asked,
    seed: int,
) -> dict[str, Any]:
    """Return one line of the table as JSON values."""
    own, base = found[model, variant], found["popularity", variant]
    groups = np.unique(lot.dialogues()[places], return_inverse=True)[1].astype(np.int64)
    values = {metric: own[metric][places] for metric in METRICS}
    row: dict[str, Any] = {
        "model": model,
        "slice": f"{variant}, {part}",
        "users": len(places),
        "dialogues": int(groups.max()) + 1,
        "metrics": {n: one.as_json() for n, one in clustered(values, groups, seed=seed).items()},
    }
    if model != "popularity":
        apart = {metric: values[metric] - base[metric][places] for metric in METRICS}
        against = clustered(apart, groups, seed=seed)
        row["against"] = {"popularity": {n: one.as_json() for n, one in against.items()}}
    if part == "all":
        p50, p99 = np.percentile(own["ms"], [50, 99])
        row["ms"] = {"p50": float(p50), "p99": float(p99)}
    return row


def _caught(marked: Asked, heard: Asked) -> str:
    """Say how well the reader of titles found what the marks say was named."""
    both = sum(len(np.intersect1d(a, b)) for a, b in zip(marked.given, heard.given, strict=True))
    said = sum(len(given) for given in marked.given)
    seen = sum(len(given) for given in heard.given)
    return (
        f"of {said} marked titles of the catalogue {both / max(said, 1):.1%} were found; of {seen} "
        f"found {both / max(seen, 1):.1%} were marked."
    )


def _counts(turns: Sequence[Turn]) -> dict[str, int]:
    """Return what there is, and why some of it is not asked for."""
    asked = [turn for turn in turns if turn.truths]
    return {
        "turns": len(turns),
        "turns asked": len(asked),
        "truths": sum(len(turn.truths) for turn in turns),
        "repeated": sum(turn.repeated for turn in turns),
        "unlinked": sum(len(turn.unlinked) for turn in turns),
        "turns without mention": sum(not turn.mentions for turn in asked),
        "dialogues": len({turn.dialogue for turn in turns}),
        "workers": len({name for turn in turns for name in (turn.seeker, turn.recommender)}),
    }


def read_from(
    folder_of: Callable[[str], Path | None],
    dialogues: Path | None,
    catalog: Catalog,
    interactions: Interactions,
) -> list[Turn]:
    """Read the turns of `dialogues`, else of ReDial's validation file among the data sets.

    Beside the file are looked for: NAME_turns.jsonl (which messages recommend what) and
    movies.json, which links by IMDb number through the links.csv of ml-latest-small. Raises
    `DataError` where there is no file.
    """
    from tastemate.evaluate.titles import Titles as Named
    from tastemate.evaluate.titles import imdb_rows
    from tastemate.evaluate.turns import read_turns
    from tastemate.text.link import Linker

    folder = folder_of("redial")
    path = dialogues or (None if folder is None else folder / "valid.jsonl")
    if path is None:
        raise DataError(
            "There are no dialogues: give a file of ReDial's with --dialogues, or put the folder "
            "redial into TASTEMATE_DATA."
        )
    linker = Linker(catalog, popularity=interactions.over(catalog).counts)
    films, numbers = path.parent / "movies.json", folder_of("ml-latest-small")
    links = None if numbers is None else numbers / "links.csv"
    known = links is not None and links.is_file() and films.is_file()
    rows = imdb_rows(films, links, linker) if known and links is not None else {}
    beside = path.with_name(f"{path.stem}_turns.jsonl")
    return read_turns(path, Named(linker, rows), turns=beside if beside.is_file() else None)
