"""Sends each query down the path it calls for: with words, with leanings, with a model, or held."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from tastemate import build
from tastemate.blend import Blend
from tastemate.language import Language
from tastemate.precomputed import Precomputed
from tastemate.rank.learned import serves
from tastemate.recommender import Recommender
from tastemate.types import Query, Slate, Step
from tastemate.workspace import Workspace

FEW = 10  # events; a longer history speaks for itself


class Dispatch:
    """The paths of one project: its mix, and what queries call for beside it."""

    def __init__(
        self,
        work: Workspace,
        mix: Blend,
        pool: int,
        language: Callable[[], Language | None],
    ) -> None:
        self.work = work
        self.mix = mix
        self.pool = pool
        self._language = language

    def recommend_all(
        self, queries: Sequence[Query], model: str | None, *, llm: bool
    ) -> list[Slate]:
        """Answer many queries at once, alike ones together: a batch answers as each alone."""
        found: dict[int, Slate] = {}
        asked = [self.extras(query, model) for query in queries]
        for extras in dict.fromkeys(asked):
            mine = [at for at, one in enumerate(asked) if one == extras]
            slates = self._answered([queries[at] for at in mine], extras, model, llm)
            found.update(zip(mine, slates, strict=True))
        return [found[at] for at in range(len(queries))]

    def extras(self, query: Query, model: str | None = None) -> tuple[str, ...]:
        """Return which of `build.EXTRAS` a query calls for, beside the mix or one model."""
        return asked_for(query, self.mix if model is None else None)

    def path(self, model: str | None, extras: tuple[str, ...], *, llm: bool) -> Recommender:
        """Return the composed path of a profile or a retriever, the project's mix by default."""
        mix = build.profile(model) if model else self.mix
        language = self._language() if llm else None
        return self.work.recommender(mix, extras=extras, pool=self.pool, language=language)

    @cached_property
    def answers(self) -> Precomputed:
        """The default path behind the answers that were made ahead of time."""
        return self.work.answers(self.mix, self.pool)

    def _answered(
        self, queries: Sequence[Query], extras: tuple[str, ...], model: str | None, llm: bool
    ) -> list[Slate]:
        """Answer queries that call for the same extras."""
        language = self._language() if llm else None
        if model is None and not extras and not (language and language.joins):
            return self.answers.recommend_all(queries)
        slates = self.path(model, extras, llm=llm).recommend_all(queries)
        stand_in = self.work.resources.stand_in() if "search" in extras else ""
        if stand_in:
            step = Step("encoder", 0, 0.0, error=stand_in)
            slates = [replace(slate, trace=(*slate.trace, step)) for slate in slates]
        return slates


def asked_for(query: Query, mix: Blend | None = None) -> tuple[str, ...]:
    """Return which of `build.EXTRAS` a query calls for beside a mix.

    No prior where one model is asked (no mix), or where a ranker that was taught on short
    histories, too, will put the mix in order.
    """
    worded, leaning = bool(query.text), bool(query.leanings)
    few = mix is not None and len(query.history) <= FEW and not (mix.ranker and serves(query))
    few = few and (worded or leaning or len(query.history) > 0)
    said = {"search": worded, "vector": not worded and query.vector is not None}
    said |= {"leanings": leaning, "newcomer": few, "opening": few and worded}
    return tuple(name for name, asked in said.items() if asked)
