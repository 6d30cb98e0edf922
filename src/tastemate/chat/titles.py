"""Titles in free text: without marks, in lower case, misspelt, without their year.

Every title is known by the words of its folded forms, so that finding all titles in a message is
one pass over its words. Which of them are meant is for the grammar to say.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.grammar.text import Token, everyday
from tastemate.text.link import Linker
from tastemate.text.words import STOP_WORDS, words
from tastemate.traits import split_year

LONGEST_TITLE = 14
"""Words of a title that are compared."""
_ARTICLES = frozenset("the a an".split())
_COUNTS = ("count", "popularity", "votes", "ratings", "readers", "views")


@dataclass(frozen=True, slots=True)
class Found:
    """Words of a message that are a title."""

    start: int
    end: int
    row: int
    first: int
    """The first of its tokens, and `last` the one after it."""
    last: int
    sure: bool
    """Whether the words alone say that it is a title, whatever stands around them."""
    capital: bool
    """Whether it is written as titles are, and not only because a sentence begins."""


class Titles:
    """The titles of a catalogue, to be found in messages.

    `popularity`, one number an item, picks among titles alike; without it a column of counts does,
    else the first in the catalogue is taken.
    """

    def __init__(
        self,
        catalog: Catalog,
        popularity: "np.ndarray[tuple[int], np.dtype[np.generic]] | None" = None,
    ) -> None:
        self.catalog = catalog
        self.popularity = _popularity(catalog) if popularity is None else popularity
        self.linker = Linker(catalog, popularity=self.popularity)
        self._rows: dict[str, int] = {}
        self._starts: dict[str, int] = {}
        tables = self.linker._tables
        for strict, one in enumerate(tables):
            for spelled, rows in one.items():
                if strict and len(spelled) < 3 and spelled not in tables[0]:
                    continue
                if spelled not in self._rows:
                    self._rows[spelled] = self._best(rows)
                    self._note(spelled)

        for row, title in enumerate(catalog.titles):
            parts = re.split(r":\s|\s-\s", split_year(title[:300])[0])
            spelled = " ".join(words(parts[-1])) if len(parts) > 1 else ""
            if " " in spelled and len(spelled) > 8 and spelled not in self._rows:
                self._rows[spelled] = row
                self._note(spelled)

    def _note(self, spelled: str) -> None:
        first, *rest = spelled.split()
        self._starts[first] = max(self._starts.get(first, 0), len(rest) + 1)

    def _best(self, rows: Sequence[int]) -> int:
        return max(rows, key=lambda row: (float(self.popularity[row]), -row))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of every title."""
        return frozenset(word for title in self.catalog.titles for word in words(title))

    def row(self, spelled: str) -> int:
        """Return the item of a folded title, -1 where there is none."""
        return self._rows.get(spelled, -1)

    def found(self, tokens: Sequence[Token], shouted: bool) -> list[Found]:
        """Return every title that the tokens spell, the longest at each place, left to right.

        Places may overlap. `shouted` says that capitals mean nothing in this message.
        """
        found: list[Found] = []
        for at, token in enumerate(tokens):
            longest = min(self._starts.get(token.word, 0), LONGEST_TITLE, len(tokens) - at)
            for size in range(longest, 0, -1):
                row = self.row(" ".join(one.word for one in tokens[at : at + size]))
                if row >= 0:
                    found.append(self._judged(tokens, at, size, row, shouted))
                    break
        return found

    def _judged(
        self, tokens: Sequence[Token], at: int, size: int, row: int, shouted: bool
    ) -> Found:
        part = tokens[at : at + size]
        telling = [one for one in part if one.word not in STOP_WORDS] or part
        rare = any(one.word not in everyday() and not one.word.isdigit() for one in telling)
        capital = not shouted and all(one.capital or one.word.isdigit() for one in telling)
        if capital and all(one.first or not one.capital for one in telling):
            capital = False  # a capital that begins a sentence says nothing
        capital = capital and any(one.capital for one in telling)
        sure = size > 1 and (
            (capital and len([one for one in part if one.capital]) > 1)
            or (rare and len(telling) > 1)
            or size > 4
            or (rare and capital)
        )
        return Found(part[0].start, part[-1].end, row, at, at + size, sure, capital)

    def near(self, written: str, least: float = 0.8) -> int:
        """Return the item whose title is nearly what was written, -1 where none is near."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        spelled = " ".join(words(written))
        if len(spelled) < 4:
            return -1
        bare = spelled.split(" ", 1)[1] if spelled.split(" ", 1)[0] in _ARTICLES else spelled
        best, score = -1, 0.0
        for one in dict.fromkeys((spelled, bare)):
            if len(one) < 4:
                continue
            near = process.extract(
                one,
                self._about_as_long(len(one), least),
                scorer=OSA.normalized_similarity,
                score_cutoff=least if len(one) > 6 else max(least, 0.8),
                limit=5,
            )
            for spelling, likeness, _ in near:
                same = _digits(spelling) == _digits(one)
                weight = likeness + 1e-6 * float(self.popularity[self._rows[spelling]] > 0)
                if same and weight > score:
                    best, score = self._rows[spelling], weight
        return best

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for spelled in self._rows:
            found.setdefault(len(spelled), []).append(spelled)
        return found

    def _about_as_long(self, letters: int, least: float) -> list[str]:
        """Return spellings whose length alone does not make them too unlike."""
        fewest = max(int(letters * least), 4)
        return [
            spelled
            for length in range(fewest, int(letters / least) + 2)
            for spelled in self._by_length.get(length, ())
        ]

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._rows)

    def begun(self, written: str) -> int:
        """Return the best known item whose title begins with two words or more, -1 for none."""
        spelled = " ".join(words(written))
        if " " not in spelled:
            return -1
        first = bisect_left(self._sorted, f"{spelled} ")
        rows: list[int] = []
        for one in self._sorted[first : first + 200]:
            if not one.startswith(f"{spelled} "):
                break
            rows.append(self._rows[one])
        return self._best(rows) if rows else -1


def _digits(spelled: str) -> list[str]:
    return [
        word
        for word in spelled.split()
        if word.isdigit() or word in ("ii", "iii", "iv", "vi", "vii", "viii", "ix")
    ]


def _popularity(catalog: Catalog) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    for name in catalog.attributes:
        if catalog.is_numeric(name) and name.casefold().endswith(_COUNTS):
            return np.nan_to_num(catalog.numbers(name))
    return np.zeros(len(catalog), dtype=np.float32)


def name_of(catalog: Catalog, row: int) -> str:
    """Return a title without its year."""
    return split_year(catalog.titles[row])[0]
