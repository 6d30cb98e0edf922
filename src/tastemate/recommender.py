"""The path: retrieve, blend, rank, arrange, explain; one plain function, read top to bottom.

Every stage may fail; a failed stage is skipped and recorded in the trace. Filters, exclusions and
the cut to k hold on every path, the degraded one included.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tastemate.blend import Blend, appended, moments, then
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, StageError
from tastemate.filters import allowed
from tastemate.protocols import Arranger, Explainer, Ranker, Retriever
from tastemate.scope import Trace, opened
from tastemate.types import (
    AS_IS,
    Candidate,
    Floats,
    Mask,
    Query,
    Reason,
    Recommendation,
    Rows,
    Slate,
)

Pools = list[list[Candidate]]

BATCH = 256
"""Queries answered together: bounds memory at BATCH × items scores."""


class Recommender:
    """Retrievers, a blend, and what comes after them, composed.

    `fallback` orders what no retriever has an opinion on (popularity); without one, or when it
    fails too, that is catalogue order. `cold` (items,) marks what nobody has met;
    `pool` is how many candidates reach the ranker; `seconds` how long the language models that
    stages ask may take together for an answer (None: as long as they do); answers of a batch
    share the time of all of them.
    """

    def __init__(
        self,
        catalog: Catalog,
        retrievers: Sequence[Retriever],
        blend: Blend,
        *,
        fallback: Retriever | None = None,
        ranker: Ranker | None = None,
        arranger: Arranger | None = None,
        explainer: Explainer | None = None,
        cold: Mask | None = None,
        pool: int = 100,
        seconds: float | None = None,
    ) -> None:
        if pool < 1:
            raise ConfigError(f"pool is {pool}; it must be at least 1.")
        self.catalog = catalog
        self.retrievers = tuple(retrievers)
        self.blend = blend
        self.fallback = fallback
        self.ranker = ranker
        self.arranger = arranger
        self.explainer = explainer
        self.cold = cold
        self.pool = pool
        self.seconds = seconds

    def recommend(self, query: Query) -> Slate:
        """Answer one query: a batch of one."""
        return self.recommend_all([query])[0]

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        """Answer every query with a full list, as far as the catalogue and the filters allow.

        Raises `ConfigError` for a filter or control that makes no sense.
        """
        slates: list[Slate] = []
        for start in range(0, len(queries), BATCH):
            part = queries[start : start + BATCH]
            limit = None if self.seconds is None else self.seconds * len(part)
            with opened(limit, (part[0].user or "") if len(part) == 1 else ""):
                slates += self._answer(part)
        return slates

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score the whole catalogue for each query, (queries, items): the blend, nothing masked.

        Raises what a retriever raises, and `StageError` for a failure it got over: scores of half
        a mix would be taken for those of the mix.
        """
        trace = Trace(strict=True)
        with opened() as account:
            scores = self._blend(queries, self._retrieve(queries, trace), trace)
        if account.errors:
            raise StageError(account.errors[0])
        return scores

    def explain_items(self, query: Query, rows: Sequence[int]) -> list[Recommendation]:
        """Return where items stand for a query, and why; ranks are among what is allowed.

        Raises what a stage raises. A language model that fails leaves the offline words, and the
        open scope is told.
        """
        trace = Trace(strict=True)
        with opened(self.seconds, query.user or ""):
            may, _ = self._allow([query])
            may[0, list(rows)] = True
            found = self._retrieve([query], trace)
            scores = np.where(may[0], self._blend([query], found, trace)[0], -np.inf)
            pool = [
                Candidate(row, float(scores[row]), "blend", int((scores > scores[row]).sum()) + 1)
                for row in rows
            ]
            lines = self._explain([query], [self._lines(0, pool, found, may)], found, trace)[0]
        return [
            replace(line, rank=candidate.rank) for line, candidate in zip(lines, pool, strict=True)
        ]

    def _answer(self, queries: Sequence[Query]) -> list[Slate]:
        trace = Trace()
        _check(queries, len(self.catalog))
        may, unknown = self._allow(queries)
        found = self._retrieve(queries, trace)
        blended = self._blend(queries, found, trace)
        pools = [
            _best(np.where(mask, row, -np.inf), self._deep(query))
            for mask, row, query in zip(may, blended, queries, strict=True)
        ]
        if self.ranker is not None:
            ranker = self.ranker
            drawn = [_with_parts(pool, at, found) for at, pool in enumerate(pools)]
            pools = trace.run(ranker.name, lambda: ranker.rank(queries, drawn), drawn, _total)
        if self.arranger is not None and any(_turned(query) for query in queries):
            arranger, ranked = self.arranger, pools
            pools = trace.run(
                "arrange",
                lambda: [
                    arranger.arrange(query, pool)
                    for query, pool in zip(queries, ranked, strict=True)
                ],
                ranked,
                _total,
            )
        cut = [
            self._lines(at, pool[: query.k], found, may)
            for at, (query, pool) in enumerate(zip(queries, pools, strict=True))
        ]
        explained = self._explain(queries, cut, found, trace)
        steps = tuple(trace.steps)
        return [
            Slate(tuple(lines), steps, missing)
            for lines, missing in zip(explained, unknown, strict=True)
        ]

    def _deep(self, query: Query) -> int:
        """Return how many candidates go on: no more than k where nothing reorders them."""
        reordered = self.ranker is not None or _turned(query)
        return max(self.pool, query.k) if reordered else query.k

    def _allow(self, queries: Sequence[Query]) -> tuple[Mask, list[int]]:
        """Return what may be shown, (queries, items), and how many were left out as unknown."""
        may = np.ones((len(queries), len(self.catalog)), dtype=bool)
        unknown: list[int] = []
        for row, query in zip(may, queries, strict=True):
            if query.filters:
                mask, missing = allowed(self.catalog, query.filters)
                row &= mask
                unknown.append(missing)
            else:
                unknown.append(0)
            if query.exclude_seen:
                row[query.history.items] = False
            if query.exclude:
                row[list(query.exclude)] = False
        return may, unknown

    def _retrieve(self, queries: Sequence[Query], trace: Trace) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        nothing = np.empty((0, 0), dtype=np.float32)
        for part in self.retrievers:
            scores = trace.run(part.name, partial(part.scores, queries), nothing, _opinions)
            if scores.size:
                found[part.name] = scores
        return found

    def _blend(self, queries: Sequence[Query], found: Mapping[str, Floats], trace: Trace) -> Floats:
        """Combine what was found; what nobody has an opinion on comes after, by the fallback."""
        shape = (len(queries), len(self.catalog))
        blended = np.full(shape, -np.inf, dtype=np.float32)
        if found:
            blended = trace.run(
                "blend", lambda: self.blend.combine(found, self.cold), blended, _opinions
            )
        blank = ~np.isfinite(blended)
        if not blank.any():
            return blended
        order = np.broadcast_to(-np.arange(shape[1], dtype=np.float32), shape)
        if self.fallback is not None:
            fallback = self.fallback
            liked = trace.run(
                f"fallback {fallback.name}", lambda: fallback.scores(queries), order, _opinions
            )
            order = then(liked, order)
        return appended(blended, blank, order)

    def _lines(
        self,
        at: int,
        pool: Sequence[Candidate],
        found: Mapping[str, Floats],
        may: Mask,
    ) -> list[Recommendation]:
        """Turn the cut of one query into lines, each with every retriever's score and rank."""
        rows = np.array([candidate.row for candidate in pool], dtype=np.int32)
        sources: list[list[Candidate]] = [[] for _ in pool]
        for name, scores in found.items():
            mine, ranks = _ranked(scores[at], may[at], rows)
            for line, row, score, rank in zip(sources, rows.tolist(), mine, ranks, strict=True):
                if math.isfinite(score):
                    line.append(Candidate(row, score, name, rank))
        return [
            Recommendation(
                rank,
                self.catalog.item(candidate.row),
                candidate.score,
                tuple(sources[rank - 1]) or (candidate,),
                propensity=candidate.propensity,
            )
            for rank, candidate in enumerate(pool, start=1)
        ]

    def _explain(
        self,
        queries: Sequence[Query],
        cut: list[list[Recommendation]],
        found: Mapping[str, Floats],
        trace: Trace,
    ) -> list[list[Recommendation]]:
        if self.explainer is None:
            return cut
        explainer = self.explainer
        blank: list[list[Reason]] = [[Reason()] * len(lines) for lines in cut]
        reasons = trace.run(
            "explain",
            lambda: [
                explainer.explain(query, lines, _spreads(found, at))
                for at, (query, lines) in enumerate(zip(queries, cut, strict=True))
            ],
            blank,
            _total,
        )
        return [
            [_because(line, why) for line, why in zip(lines, whys, strict=True)]
            for lines, whys in zip(cut, reasons, strict=True)
        ]


def _ranked(scores: Floats, may: Mask, rows: Rows) -> tuple[list[float], list[int]]:
    """Return the scores of some rows, -inf where one may not be shown, and their ranks.

    A rank is 1 and how many of what may be shown score higher; only those are sorted.
    """
    if not len(rows):
        return [], []
    mine = np.where(may[rows], scores[rows], -np.inf)
    ahead = np.sort(scores[np.flatnonzero(may & (scores > np.fmin.reduce(mine)))])
    ranks = len(ahead) + 1 - np.searchsorted(ahead, mine, side="right")
    return mine.tolist(), ranks.tolist()


def _because(line: Recommendation, why: Reason) -> Recommendation:
    """Return a line with its reason; written out: it is done for every line."""
    return Recommendation(line.rank, line.item, line.score, line.sources, why, line.propensity)


def _with_parts(pool: Sequence[Candidate], at: int, found: Mapping[str, Floats]) -> list[Candidate]:
    """Return the pool of one query with every retriever's score of each candidate."""
    rows = np.array([candidate.row for candidate in pool], dtype=np.int32)
    scores = [found[name][at, rows].tolist() for name in found]
    return [
        replace(candidate, parts=tuple(zip(found, parts, strict=True)))
        for candidate, *parts in zip(pool, *scores, strict=True)
    ]


def _spreads(found: Mapping[str, Floats], at: int) -> dict[str, float]:
    """Return the standard deviation of each retriever's scores for one query, where it has one."""
    spreads: dict[str, float] = {}
    for name, scores in found.items():
        row = scores[at]
        known = np.isfinite(row)
        opinions = row if known.all() else row[np.flatnonzero(known)]
        spreads[name] = float(moments(opinions)[1]) if len(opinions) else 1.0
    return spreads


def _check(queries: Sequence[Query], items: int) -> None:
    for query in queries:
        if not isinstance(query.k, int | np.integer) or query.k < 1:
            raise ConfigError(f"k is {query.k}; ask for a whole number of items, at least 1.")
        named = [*query.history.items[:1], *query.exclude]
        if len(query.history):
            named += [query.history.items.min(), query.history.items.max()]
        if named and not 0 <= min(named) <= max(named) < items:
            raise ConfigError(
                f"A query names a row outside 0..{items - 1}. Rows come from Catalog.row(id)."
            )
        for name in ("diversity", "novelty", "explore", "fair"):
            value = getattr(query.controls, name)
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} is {value}; it must lie between 0 and 1.")


def _turned(query: Query) -> bool:
    return query.controls != AS_IS


def _opinions(scores: Floats) -> int:
    return int(np.count_nonzero(np.isfinite(scores)))


def _total(lists: Sequence[Sequence[object]]) -> int:
    return sum(len(inner) for inner in lists)


def _best(scores: Floats, n: int) -> list[Candidate]:
    """Return the best n finite scores of a row, ties in catalogue order."""
    n = min(n, len(scores))
    if n == 0:
        return []
    threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
    pool = np.flatnonzero((scores >= threshold) & (scores > -np.inf))
    order = pool[np.argsort(-scores[pool], kind="stable")][:n]
    return [
        Candidate(int(row), float(scores[row]), "blend", rank)
        for rank, row in enumerate(order, start=1)
    ]
