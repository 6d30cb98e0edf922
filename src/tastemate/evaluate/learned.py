"""Asking a model of dialogues about dialogues whose two people it has not heard.

Almost every worker holds many dialogues and repeats themselves, so a model that learned from one of
them knows the others. Here two things are kept apart: the counts that answer a turn leave out every
dialogue of its two people; the weights come from dialogues without anybody of their two groups of
workers, weighed by signals that had not heard those groups either.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate.turns import Turn
from tastemate.interactions import Interactions
from tastemate.retrieve.dialogue_corpus import Corpus, Dialogue, Line
from tastemate.retrieve.dialogues import Dialogues
from tastemate.types import Floats, Mask, Query

GROUPS = 10
"""Groups of workers; each pair of them is left out in turn."""


def dialogues_of(turns: Sequence[Turn]) -> dict[str, Dialogue]:
    """Return name → dialogue, from the last recommendation of each with all that came before."""
    last: dict[str, Turn] = {}
    for turn in turns:
        if turn.dialogue not in last or turn.number > last[turn.dialogue].number:
            last[turn.dialogue] = turn
    return {name: _dialogue(turn) for name, turn in last.items()}


def _dialogue(turn: Turn) -> Dialogue:
    named: dict[int, list[int]] = {}
    for mention in turn.mentions:
        named.setdefault(mention.message, []).append(mention.row)
    lines = [
        Line(said.who == "seeker", said.text, tuple(named.get(at, ())))
        for at, said in enumerate(turn.plain)
    ]
    lines.append(Line(False, "", turn.truths))
    return Dialogue(turn.seeker, turn.recommender, tuple(lines))


class Crossed:
    """A scorer of turns that answers each without what its own two people said elsewhere.

    A query says by `user` which dialogue it is of. `model` gives encoder and settings and stays as
    it is.
    """

    def __init__(
        self, model: Dialogues, turns: Sequence[Turn], *, groups: int = GROUPS, seed: int = 0
    ) -> None:
        """Take the dialogues of `turns`; raise `DataError` for fewer than two groups."""
        if groups < 2:
            raise DataError(f"Cross-validation needs at least 2 groups of workers, not {groups}.")
        found = dialogues_of(turns)
        self.model = model
        self.corpus = Corpus.of(list(found.values()))
        self.groups = groups
        self._at = {name: at for at, name in enumerate(found)}
        self._own: Mask = np.zeros((0, 0), dtype=np.bool_)
        self._weights: dict[tuple[int, ...], Floats] = {}
        people = int(self.corpus.people.max(initial=-1)) + 1
        dealt = np.random.default_rng(seed).permutation(people) % groups
        self._sides: NDArray[np.int64] = np.sort(dealt[self.corpus.people], axis=1)

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn the weights of each pair of groups that talked with each other."""
        self.model.remember(catalog, interactions, self.corpus)
        own = self.corpus.strangers(self.corpus.people)
        wide = self.model.grounds(self.corpus.asks)
        for pair in np.unique(self._sides, axis=0):
            free: Mask = np.ones(len(self._sides), dtype=np.bool_)
            for group in pair:
                free &= (self._sides != group).all(axis=1)
            self._weights[tuple(pair.tolist())] = self.model.weighed(
                self.corpus, free, own & free[None, :], wide
            )
        self._own = own
        return self

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item for every query, (queries, items); raise `DataError` for strangers."""
        lost = [query.user for query in queries if query.user not in self._at]
        if lost:
            raise DataError(
                f"No dialogue {lost[0]!r} among those cross-validated: give queries of these turns."
            )
        at = np.array([self._at[str(query.user)] for query in queries], dtype=np.int64)
        weights = [self._weights[tuple(self._sides[one].tolist())] for one in at]
        return self.model.answers(queries, weights, self._own[at])
