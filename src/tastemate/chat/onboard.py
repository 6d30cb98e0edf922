"""Getting to know somebody in at most five steps: each a pick among items, or one sentence.

What to show is the question. Items many know get an answer, items about which tastes differ tell
something (Rashid et al. 2002, "Getting to know you"), and what tells most depends on what was
answered before (Golbandi et al. 2011, "Adaptive bootstrapping"). Here: earlier people stand for
what a newcomer may be like; answers make some of them likelier; each page holds the items that
most of the likely ones would pick, every next item chosen as if those before were not picked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.traits import Traits
from tastemate.types import AttributeValue, Floats, Query, Rows, history

STEPS = 5
PAGE = 8
_PEOPLE = 4_000
"""Earlier people that are asked at most: every so many-th of more."""
_LIKED_OF_ALL = 0.1
"""Share of the pool that a taste centre likes, where nobody has met anything."""
_NUMBERS = re.compile(r"\s*\d+(?:[\s,;]+\d+)*[\s,;]*")
LONGEST = 500
"""Characters of a sentence that are kept."""


@dataclass(frozen=True, slots=True)
class Onboarding:
    """What a newcomer has told so far; every answer gives the next one."""

    pages: tuple[tuple[int, ...], ...] = ()
    """What was shown, catalogue rows, a tuple a step; empty for a step spent on a sentence."""
    liked: tuple[int, ...] = ()
    sentence: str = ""
    about: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What the person said about themselves, never asked for."""
    ended: bool = False

    @property
    def shown(self) -> frozenset[int]:
        """Everything shown or liked: never shown again."""
        return frozenset(row for page in self.pages for row in page) | frozenset(self.liked)

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.pages)

    @property
    def done(self) -> bool:
        """Whether nothing is left to ask."""
        return self.ended or self.steps >= STEPS

    def picked(self, page: Sequence[int], rows: Sequence[int]) -> "Onboarding":
        """Return the state after a page; `rows` are liked, none of them is fine too.

        Raises `ConfigError` once all is done.
        """
        self._open()
        liked = tuple(dict.fromkeys((*self.liked, *(int(row) for row in rows))))
        return replace(self, pages=(*self.pages, tuple(int(row) for row in page)), liked=liked)

    def said(self, sentence: str) -> "Onboarding":
        """Return the state after a step of words; raise `ConfigError` once all is done."""
        self._open()
        kept = " ".join(sentence.split())[:LONGEST]
        joined = f"{self.sentence} {kept}".strip()[:LONGEST]
        return replace(self, pages=(*self.pages, ()), sentence=joined)

    def declared(self, about: Mapping[str, AttributeValue]) -> "Onboarding":
        """Return the state with what somebody said about themselves; it takes no step."""
        return replace(self, about={**self.about, **about})

    def end(self) -> "Onboarding":
        """Return the state of somebody who wants no more questions."""
        return replace(self, ended=True)

    def answered(self, page: Sequence[int], text: str) -> "Onboarding":
        """Read an answer as typed: numbers from 1 pick, words are a sentence, nothing is none.

        Raises `ConfigError` for a number that is not on the page.
        """
        if not text.strip():
            return self.picked(page, ())
        if not _NUMBERS.fullmatch(text):
            return self.said(text)
        numbers = [int(number) for number in re.findall(r"\d+", text[:LONGEST])]
        wrong = next((number for number in numbers if not 1 <= number <= len(page)), None)
        if wrong is not None:
            raise ConfigError(f"There is no {wrong} on the page. Pick from 1 to {len(page)}.")
        return self.picked(page, [page[number - 1] for number in numbers])

    def query(self, k: int = 10, value: float = 1.0) -> Query:
        """Return what to recommend from; a pick counts as a like of `value`."""
        return Query(
            history=history(list(self.liked), [value] * len(self.liked)),
            text=self.sentence,
            k=k,
            about=self.about,
        )

    def _open(self) -> None:
        if self.done:
            raise ConfigError(
                f"Onboarding has at most {STEPS} steps. Recommend from what is known."
            )


@dataclass(frozen=True)
class Guide:
    """Knows which items to show next.

    `likes` (people, pool) says who would pick what, 0 or 1; `pool` are catalogue rows, the best
    known first; `prior` (people,) is how likely a newcomer is like each of them; `people` what
    they declared, by name, a value each. `slip` is how often a pick or none misleads, `silence`
    how much not picking something tells against liking it.
    """

    likes: Floats
    pool: Rows
    prior: Floats
    people: Mapping[str, Sequence[AttributeValue | None]] = field(default_factory=dict)
    slip: float = 0.05
    silence: float = 0.3

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        interactions: Interactions,
        vectors: Floats | None = None,
        *,
        pool: int = 400,
    ) -> Self:
        """Learn from earlier people's likes; without any, from the catalogue alone.

        Then each of the first `pool` items is a taste, liking the tenth of the others that is
        most like it: by `vectors` (items, dimensions) where given, else by attributes. Items that
        come early in the catalogue are taken for better known.
        """
        if pool < 1:
            raise ConfigError(f"pool is {pool}; there must be at least 1 item to show.")
        liked = interactions.scale.likes(interactions.value) if len(interactions) else None
        if liked is None or not liked.any():
            return cls(*_centres(catalog, vectors, pool))
        kept = interactions.where(liked)
        order = np.argsort(-kept.counts, kind="stable")[:pool]
        rows = order[kept.counts[order] > 0].astype(np.int32)
        who = np.unique(kept.user)
        who = who[:: max(1, len(who) // _PEOPLE)][:_PEOPLE]
        matrix = kept.matrix()[who][:, rows]
        likes = (matrix.toarray() > 0).astype(np.float32)
        people = {}
        if interactions.people is not None:
            chosen = interactions.people[who.tolist()]
            people = {name: chosen[name].to_list() for name in chosen.columns}
        prior = np.full(len(who), 1 / max(len(who), 1), dtype=np.float32)
        return cls(likes, rows, prior, people)

    def next(self, state: Onboarding, n: int = PAGE, fits: Floats | None = None) -> tuple[int, ...]:
        """Return the rows of the next page; empty when all is asked or everything was shown.

        `fits` (items,), higher is better, is how well items fit what was said in words.
        """
        if state.done:
            return ()
        weights = self.likely(state).astype(np.float64)
        free = ~np.isin(self.pool, list(state.shown))
        boost = np.ones(len(self.pool))
        if fits is not None and len(self.pool):
            mine = np.where(np.isfinite(fits[self.pool]), fits[self.pool], np.nan)
            if np.isfinite(mine).any() and (spread := float(np.nanstd(mine))) > 0:
                boost = np.exp(np.nan_to_num((mine - np.nanmean(mine)) / spread, nan=-3.0))
        page: list[int] = []
        for _ in range(min(n, int(free.sum()))):
            worth = np.where(free, (weights @ self.likes) * boost, -1.0)
            best = int(worth.argmax())
            free[best] = False
            page.append(int(self.pool[best]))
            weights = weights * (1.0 - (1.0 - self.slip) * self.likes[:, best])
        return tuple(page)

    def likely(self, state: Onboarding) -> Floats:
        """Return how likely a newcomer is like each earlier person, (people,), summing to 1."""
        logs = np.log(np.maximum(self.prior.astype(np.float64), 1e-12))
        place = {int(row): at for at, row in enumerate(self.pool)}
        liked = [place[row] for row in state.liked if row in place]
        passed = [
            place[row]
            for page in state.pages
            for row in page
            if row in place and row not in state.liked
        ]
        sure = np.log((1.0 - self.slip) / self.slip)
        logs += sure * self.likes[:, liked].sum(axis=1)
        logs += np.log(1.0 - self.silence) * self.likes[:, passed].sum(axis=1)
        logs += np.log(2.0) * self._alike(state.about)
        weights = np.exp(logs - logs.max(initial=-np.inf)) if len(logs) else logs
        return np.asarray(weights / max(weights.sum(), 1e-12), dtype=np.float32)

    def _alike(self, about: Mapping[str, AttributeValue]) -> Floats:
        """Return how many declared values each earlier person shares with a newcomer."""
        shared = np.zeros(len(self.prior), dtype=np.float32)
        for name, value in about.items():
            if name in self.people:
                shared += np.array([one == value for one in self.people[name]], dtype=np.float32)
        return shared


def _centres(catalog: Catalog, vectors: Floats | None, pool: int) -> tuple[Floats, Rows, Floats]:
    """Return likes, pool and prior of tastes made of the first items themselves."""
    rows = np.arange(min(pool, len(catalog)), dtype=np.int32)
    if vectors is not None:
        near = vectors[rows] @ vectors[rows].T
    else:
        traits = Traits.of(catalog)
        weighted = traits.matrix[rows] @ sparse.diags(traits.rarity)
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        near = np.asarray((weighted @ weighted.T).todense())
        near = near / np.maximum(np.outer(lengths, lengths), 1e-12)
    likes = np.zeros((len(rows), len(rows)), dtype=np.float32)
    wanted = max(1, round(_LIKED_OF_ALL * len(rows)))
    for row, line in zip(likes, near, strict=True):
        best = np.argsort(-line, kind="stable")[:wanted]
        row[best[line[best] > 0]] = 1.0
    np.fill_diagonal(likes, 1.0)
    prior = 1.0 / np.sqrt(20.0 + np.arange(len(rows)))
    return likes, rows, (prior / max(prior.sum(), 1e-12)).astype(np.float32)
