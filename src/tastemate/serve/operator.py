"""One list, stage by stage: what every part of the path was given and what it made of it.

The path is the one that serves. Its parts are wrapped so that what passes through them is kept,
and nothing else about it changes. Prompts are written by the same code and never sent.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import Unavailable
from tastemate.language import Language, open_language
from tastemate.llm.wrappers.around import Around
from tastemate.llm.wrappers.shown import Shown
from tastemate.messages import Completion, Prompt
from tastemate.recommender import Recommender
from tastemate.scope import opened
from tastemate.serve import cards, listing
from tastemate.types import Candidate, Floats, Mask, Query, Slate

if TYPE_CHECKING:
    from tastemate.project import Tastemate

DEPTH = 20
"""Candidates shown of each stage."""
UNSENT = "this is a look at the prompt; it was not sent"


@dataclass(slots=True)
class Passed:
    """What passed through the parts of a path for one query."""

    found: dict[str, Floats] = field(default_factory=dict)
    """Every retriever's scores of the whole catalogue, (items,)."""
    blended: list[Candidate] = field(default_factory=list)
    ranked: list[Candidate] = field(default_factory=list)
    arranged: list[Candidate] = field(default_factory=list)


class _Retriever:
    """A retriever whose scores are kept."""

    def __init__(self, inner: Any, passed: Passed) -> None:
        self.inner, self.name, self.passed = inner, inner.name, passed

    def scores(self, queries: Sequence[Query]) -> Floats:
        scores = cast(Floats, self.inner.scores(queries))
        self.passed.found[self.name] = scores[0]
        return scores


class _Ranker:
    """A ranker whose pool is kept before and after; without one inside, the order stays."""

    def __init__(self, inner: Any, passed: Passed) -> None:
        self.inner, self.passed = inner, passed
        self.name = inner.name if inner is not None else "no ranker"

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        self.passed.blended = list(pools[0])
        self.passed.ranked = list(pools[0])
        if self.inner is None:
            return [list(pool) for pool in pools]
        ranked = cast(list[list[Candidate]], self.inner.rank(queries, pools))
        self.passed.ranked = list(ranked[0])
        return ranked


class _Arranger:
    """An arranger whose pool is kept after it."""

    def __init__(self, inner: Any, passed: Passed) -> None:
        self.inner, self.passed = inner, passed

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        pool = cast(list[Candidate], self.inner.arrange(query, candidates))
        self.passed.arranged = list(pool)
        return pool


def stage_by_stage(path: Recommender, query: Query, *, depth: int = DEPTH) -> dict[str, Any]:
    """Answer a query down a path and return what every stage made, as plain JSON values.

    Keys: `history`, `retrieved` (a table a retriever), `blended`, `ranked`, `arranged` (each with
    where an item `was` in the stage before), `items` (as they are sent), `trace`, `tokens`,
    `cost`, `degraded`. Raises `ConfigError` for a query that makes no sense.
    """
    passed = Passed()
    watched = Recommender(
        path.catalog,
        [cast(Any, _Retriever(part, passed)) for part in path.retrievers],
        path.blend,
        fallback=path.fallback,
        ranker=_Ranker(path.ranker, passed),
        arranger=_Arranger(path.arranger, passed) if path.arranger is not None else None,
        explainer=path.explainer,
        cold=path.cold,
        pool=path.pool,
        seconds=path.seconds,
    )
    with opened() as account:
        slate = watched.recommend(query)
    catalog = path.catalog
    may, _ = listing.open_to(catalog, query)
    last = passed.arranged or passed.ranked
    return {
        "query": _asked(query, catalog),
        "retrieved": [
            _retrieved(name, scores, may, path, depth) for name, scores in passed.found.items()
        ],
        "blended": _staged(passed.blended, (), passed, may, catalog, depth),
        "ranked": _staged(passed.ranked, passed.blended, passed, may, catalog, depth),
        "arranged": _staged(last, passed.ranked, passed, may, catalog, depth),
        "items": [cards.card(line) for line in slate.items],
        "trace": _trace(slate),
        "calls": account.calls,
        "tokens": account.tokens,
        "cost": account.cost,
        "degraded": list(slate.degraded),
        "unknown": slate.unknown,
        "has_ranker": path.ranker is not None,
    }


class Unsent(Around):
    """Stands for a model with all its abilities, and answers no prompt."""

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return for each prompt that it was not sent."""
        return [Completion(model=self.name, error=UNSENT, fault="unsent") for _ in prompts]

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Raise `Unavailable`: nothing is sent."""
        del prompt
        yield from ()
        raise Unavailable(UNSENT)


class Prompts:
    """Writes the prompts of a list without sending any.

    What writes them is held as long as its project is, and no longer: projects are heavy.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._languages: WeakKeyDictionary[Tastemate, Language] = WeakKeyDictionary()
        self._seen: list[Prompt] = []

    def of(self, tm: "Tastemate", query: Query) -> dict[str, Any]:
        """Return every prompt that a model would get for this list, as plain JSON values.

        As if it were asked to rank and to word reasons, past the gate that may spare it. Where no
        model is configured they are those of one that scores labels.
        """
        extras = tm.dispatch.extras(query)
        with self._lock:
            language = self._languages.get(tm)
            if language is None:
                language = self._languages[tm] = _unsent(tm, self._seen.append)
            pool = tm.settings.recommend.pool
            path = tm.work.recommender(tm.profile, extras=extras, pool=pool, language=language)
            self._seen.clear()
            with opened():
                path.recommend(query)
            written = list(self._seen)
        return {
            "model": tm.language.model.name if tm.language is not None else "",
            "prompts": [_prompt(one, language) for one in written],
        }


def _unsent(tm: "Tastemate", show: Callable[[Prompt], None]) -> Language:
    """Return the project's model, or none, asked to rank and word, that sends nothing."""
    said = tm.settings
    wants = replace(said.llm, gate=False, explain=True, seconds=60.0)
    if wants.rank == "none":
        wants = replace(wants, rank="auto")
    if tm.language is not None:
        model = Shown(Unsent(tm.language.model), show)
        return replace(tm.language, model=model, settings=replace(said, llm=wants))
    none = replace(said, llm=replace(wants, model=""))
    made = open_language(none, tm.work.folder / "llm", show)
    if made is None:  # cannot be: something to show to always opens one
        raise Unavailable("There is no way to write prompts here.")
    return made


def _prompt(prompt: Prompt, language: Language) -> dict[str, Any]:
    tokens = sum(language.model.count(turn.text) for turn in prompt.messages)
    told: dict[str, Any] = {
        "name": prompt.name,
        "messages": [{"role": turn.role, "text": turn.text} for turn in prompt.messages],
        "tokens": tokens,
        "max_tokens": prompt.generation.max_tokens,
        "temperature": prompt.generation.temperature,
        "labels": list(prompt.labels),
    }
    price = language.price()
    if price is not None:
        told["cost"] = tokens * price[0] / 1e6
    return told


def _asked(query: Query, catalog: Catalog) -> dict[str, Any]:
    latest = query.history.last(DEPTH)
    controls = query.controls
    return {
        "text": query.text,
        "k": query.k,
        "events": len(query.history),
        "has_vector": query.vector is not None,
        "excluded": len(query.exclude),
        "controls": {
            "diversity": controls.diversity,
            "novelty": controls.novelty,
            "explore": controls.explore,
            "fair": controls.fair,
        },
        "filters": [f"{one.attribute} {one.operator} {one.value}" for one in query.filters],
        "leanings": [
            {
                "text": f"{one.attribute} {one.operator} {one.value}",
                "weight": cards.number(one.weight),
                "because": one.because,
            }
            for one in query.leanings
        ],
        "history": [
            {
                "item_id": catalog.ids[row],
                "title": catalog.item(row).title,
                "value": cards.number(value),
                "timestamp": int(when),
            }
            for row, value, when in zip(
                latest.items[::-1].tolist(),
                latest.values[::-1].tolist(),
                latest.timestamps[::-1].tolist(),
                strict=True,
            )
        ],
    }


def _retrieved(
    name: str, scores: Floats, may: Mask, path: Recommender, depth: int
) -> dict[str, Any]:
    open_to = np.where(may, scores, -np.inf)
    best = np.argsort(-open_to, kind="stable")[:depth]
    best = best[np.isfinite(open_to[best])]
    return {
        "name": name,
        "weight": cards.number(path.blend.weights.get(name, 0.0)),
        "opinions": int(np.isfinite(open_to).sum()),
        "items": [
            {
                "rank": rank,
                "item_id": path.catalog.ids[row],
                "title": path.catalog.item(row).title,
                "score": cards.number(float(open_to[row])),
            }
            for rank, row in enumerate(best.tolist(), start=1)
        ],
    }


def _staged(
    pool: Sequence[Candidate],
    before: Sequence[Candidate],
    passed: Passed,
    may: Mask,
    catalog: Catalog,
    depth: int,
) -> list[dict[str, Any]]:
    """Return the head of a pool: each item with every retriever's score and rank of it."""
    was = {one.row: at for at, one in enumerate(before, start=1)}
    eligible = {name: np.where(may, scores, -np.inf) for name, scores in passed.found.items()}
    lines = []
    for rank, one in enumerate(pool[:depth], start=1):
        line: dict[str, Any] = {
            "rank": rank,
            "item_id": catalog.ids[one.row],
            "title": catalog.item(one.row).title,
            "score": cards.number(one.score),
            "propensity": cards.number(one.propensity),
            "sources": [
                {
                    "name": name,
                    "score": cards.number(float(scores[one.row])),
                    "rank": int((scores > scores[one.row]).sum()) + 1,
                }
                for name, scores in eligible.items()
                if np.isfinite(scores[one.row])
            ],
        }
        if one.row in was:
            line["was"] = was[one.row]
        lines.append(line)
    return lines


def _trace(slate: Slate) -> list[dict[str, Any]]:
    return [
        {
            "stage": step.name,
            "size": step.size,
            "ms": round(step.seconds * 1000, 3),
            "tokens": step.tokens,
            "error": step.error,
            "note": step.note,
        }
        for step in slate.trace
        if step.name != "no ranker"
    ]
