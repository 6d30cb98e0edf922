"""Recommendation turns as queries: what was named is the history, the seeker's words the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.chat.grammar.text import plain, tokens
from tastemate.chat.titles import Titles
from tastemate.errors import DataError
from tastemate.evaluate.turns import Turn, turned_down
from tastemate.interactions import Scale
from tastemate.types import Query, Rows, history

Variant: TypeAlias = Literal["canonical", "raw"]
DEPTH = 50
"""Length of the lists asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Turns with something to find, as queries; `given` is masked out of the ranking."""

    turns: list[Turn]
    queries: list[Query]
    given: list[Rows]

    def dialogues(self) -> NDArray[np.int64]:
        """Return the code of each turn's dialogue, (turns,): what intervals draw."""
        names = {name: at for at, name in enumerate(dict.fromkeys(t.dialogue for t in self.turns))}
        return np.array([names[turn.dialogue] for turn in self.turns], dtype=np.int64)


def ask(
    turns: Sequence[Turn], scale: Scale, variant: Variant = "canonical", find: Titles | None = None
) -> Asked:
    """Return the queries of turns with a truth; "raw" needs `find`, the reader of titles."""
    kept = [turn for turn in turns if turn.truths]
    queries, given = [], []
    for turn in kept:
        if variant == "raw":
            if find is None:
                raise DataError("Raw text needs a reader of titles: give find=Titles(catalog).")
            rows, against, text = _heard(turn, find)
        else:
            rows = [mention.row for mention in turn.mentions]
            against = [mention.against for mention in turn.mentions]
            text = " ".join(said.text for said in turn.plain if said.who == "seeker")
        values = [scale.worst if bad else scale.high for bad in against]
        past = history(rows, values)
        queries.append(Query(turn.dialogue, past, text, k=DEPTH))
        given.append(np.array(rows, dtype=np.int32))
    return Asked(kept, queries, given)


def _heard(turn: Turn, find: Titles) -> tuple[list[int], list[bool], str]:
    """Return what the raw text names, what of it was turned down, and the rest of the words."""
    rows: dict[int, bool] = {}
    rest: list[str] = []
    for said in turn.raw:
        text = plain(said.text)
        letters = [sign for sign in text if sign.isalpha()]
        shouted = bool(letters) and sum(sign.isupper() for sign in letters) > len(letters) / 2
        at = 0
        left = ""
        for found in find.found(tokens(text), shouted):
            if found.start >= at and (found.sure or found.capital):
                rows.setdefault(found.row, turned_down(text[: found.start]))
                left += text[at : found.start]
                at = found.end
        if said.who == "seeker":
            rest.append(left + text[at:])
    return list(rows), list(rows.values()), " ".join(" ".join(rest).split())
