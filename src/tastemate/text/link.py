"""A title somebody wrote, to the catalogue's row: so that nothing outside the catalogue is shown.

Four ways, strictest first: the same text; the same words after folding (case, accents, marks,
"&", a moved or missing article, an other name in brackets, a subtitle left out); a small edit
distance; a near embedding, when there is an encoder. A year picks among films of one title, and
one that is far off means another film.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import UnknownItem
from tastemate.text.words import words
from tastemate.traits import split_year
from tastemate.types import Floats

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

How: TypeAlias = Literal["exact", "normalised", "edit distance", "embedding", ""]
LONGEST = 300
"""Characters of a written title that are read."""

_ARTICLES = frozenset(
    "the a an le la les l un une el los las der die das il lo gli i det den de het".split()
)
_BARE_YEAR = re.compile(r"(?<=\S)[\s,]+(1[89]\d\d|20\d\d)\s*$")
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_OTHER_NAME = re.compile(r"^\s*a\.?\s?k\.?\s?a\.?[\s:]+", re.IGNORECASE)
_SUBTITLE = re.compile(r"\s*(?::\s|\s[-\u2013\u2014]\s)")


@dataclass(frozen=True, slots=True)
class Link:
    """What a written title means: its row (-1: nothing), how sure (0 to 1), how it was found."""

    row: int
    score: float
    how: How


NOTHING = Link(-1, 0.0, "")


class _Keys(NamedTuple):
    """The folded forms of a title, strictest first."""

    full: str
    bare: str
    """Without a leading article."""
    others: tuple[str, ...]
    """Other names in brackets."""
    short: str
    """Without the subtitle; empty when there is none."""


class Linker:
    """Links written titles to a catalogue.

    `popularity`, one number an item, picks among titles that fit alike; without it the latest
    one is taken. `edits` is the least share of letters that must agree (three quarters do when
    the year agrees), `nearness` the least cosine of an embedding link; above `years` of
    difference a film is another one.
    """

    def __init__(
        self,
        catalog: Catalog,
        encoder: "Encoder | None" = None,
        *,
        popularity: "NDArray[np.generic] | None" = None,
        edits: float = 0.85,
        nearness: float = 0.8,
        years: int = 3,
    ) -> None:
        self.catalog = catalog
        self.encoder = encoder
        self.popularity = popularity
        self.edits = edits
        self.nearness = nearness
        self.years = years
        attribute = "year" in catalog.attributes and catalog.is_numeric("year")
        known = catalog.numbers("year") if attribute else np.full(len(catalog), np.nan)
        self._vectors: Floats | None = None
        self._years: list[int] = []
        self._exact: dict[str, list[int]] = {}
        self._tables: tuple[dict[str, list[int]], ...] = ({}, {}, {}, {})
        for row, title in enumerate(catalog.titles):
            name, year = split_year(title[:LONGEST])
            self._years.append(int(known[row]) if np.isfinite(known[row]) else year or 0)
            self._exact.setdefault(title.strip()[:LONGEST], []).append(row)
            keys = _keys(name)
            self._add(0, keys.full, row)
            self._add(1, keys.bare, row)
            for other in keys.others:
                self._add(2, other, row)
            self._add(3, keys.short, row)

    def _add(self, table: int, key: str, row: int) -> None:
        if key:
            self._tables[table].setdefault(key, []).append(row)

    def link(self, title: str, year: int | None = None) -> Link:
        """Return the row that a title means, or row -1 when nothing fits well enough."""
        title = title[: 4 * LONGEST].strip()[:LONGEST]
        name, written = split_year(title)
        wanted = year if year is not None else written
        found = self._same(title, name, wanted)
        if found.row < 0 and written is None and (bare := _BARE_YEAR.search(name)):
            # "Heat 1995", unless the year is the title's own, as in "Blade Runner 2049".
            shorter = name[: bare.start()]
            wanted = year if year is not None else int(bare.group(1))
            found = self._same(shorter, shorter, wanted)
            name = shorter if found.row >= 0 else name
        if found.row < 0:
            found = self._edited(name, wanted)
        if found.row < 0 and (short := _keys(name).short):
            row = self._pick(self._tables[0].get(short, ()), wanted)
            found = Link(row[0], round(0.8 * row[1], 4), "normalised") if row else NOTHING
        if found.row < 0 and self.encoder is not None:
            found = self._embedded(name, wanted, self.encoder)
        return found

    def find(self, written: str, where: str = "the catalogue") -> int:
        """Return the row that a title means; raise `UnknownItem` when nothing fits."""
        row = self.link(written).row
        if row < 0:
            raise UnknownItem(
                f"No item with id or title {written[:80]!r} in {where}. "
                f"Look for it with: tastemate search {written[:40]!r}"
            )
        return row

    def _same(self, title: str, name: str, year: int | None) -> Link:
        if row := self._pick(self._exact.get(title, ()), year):
            return Link(row[0], row[1], "exact")
        keys = _keys(name)
        full, bare, others, short = self._tables
        tries: list[tuple[dict[str, list[int]], str, float]] = [
            (full, keys.full, 0.98),
            (bare, keys.bare, 0.95),
            (others, keys.full, 0.93),
            (others, keys.bare, 0.93),
            *((full, other, 0.92) for other in keys.others),
            *((others, other, 0.92) for other in keys.others),
            (short, keys.full, 0.85),
        ]
        for table, key, score in tries:
            if key and (row := self._pick(table.get(key, ()), year)):
                return Link(row[0], round(score * row[1], 4), "normalised")
        return NOTHING

    def _pick(self, rows: Sequence[int], year: int | None) -> tuple[int, float] | tuple[()]:
        """Return the best row by year, then popularity or lateness, and how well the year fits."""
        fits = [(row, self._agreement(row, year)) for row in rows]
        fits = [fit for fit in fits if fit[1] > 0]
        if not fits:
            return ()
        return max(fits, key=lambda fit: (fit[1], self._rank(fit[0]), -fit[0]))

    def _agreement(self, row: int, year: int | None) -> float:
        known = self._years[row]
        if year is None:
            return 1.0
        if not known:
            return 0.95
        apart = abs(known - year)
        if apart > self.years:
            return 0.0
        return (1.0, 0.97)[apart] if apart < 2 else 0.85

    def _rank(self, row: int) -> float:
        return float(self._years[row] if self.popularity is None else self.popularity[row])

    @cached_property
    def _spellings(self) -> tuple[list[str], list[list[int]]]:
        joined: dict[str, list[int]] = {}
        for table in self._tables[:3]:
            for key, rows in table.items():
                if len(key) >= 4:
                    joined.setdefault(key, []).extend(rows)
        return list(joined), list(joined.values())

    def _edited(self, name: str, year: int | None) -> Link:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        spellings, rows = self._spellings
        best = NOTHING
        keys = _keys(name)
        for key in dict.fromkeys((keys.full, keys.bare)):
            if len(key) < 4:
                continue
            near = process.extract(
                key,
                spellings,
                scorer=OSA.normalized_similarity,
                score_cutoff=self.edits if year is None else min(self.edits, 0.74),
                limit=20,
            )
            for spelling, likeness, at in near:
                # "Toy Story 2" is one letter from "Toy Story 3" and another film.
                if _numbers(spelling) != _numbers(key):
                    continue
                row = self._pick(rows[at], year)
                if row and likeness < self.edits and row[1] < 1.0:
                    continue
                if row and likeness * row[1] * 0.95 > best.score:
                    best = Link(row[0], round(likeness * row[1] * 0.95, 4), "edit distance")
        return best

    @cached_property
    def _names(self) -> list[str]:
        return [split_year(title[:LONGEST])[0] for title in self.catalog.titles]

    def _embedded(self, name: str, year: int | None, encoder: "Encoder") -> Link:
        if not words(name) or not len(self.catalog):
            return NOTHING
        if self._vectors is None:
            self._vectors = encoder.encode(self._names)
        cosines = self._vectors @ encoder.encode([name])[0]
        best = NOTHING
        for near in np.argsort(-cosines, kind="stable")[:10]:
            cosine = float(cosines[near])
            row = self._pick([int(near)], year)
            if row and cosine >= self.nearness and cosine * row[1] * 0.9 > best.score:
                best = Link(row[0], round(min(cosine, 1.0) * row[1] * 0.9, 4), "embedding")
        return best


def _keys(name: str) -> _Keys:
    """Return the folded forms of a title that has no year any more."""
    base = _BRACKETS.sub(" ", name)
    others = [_OTHER_NAME.sub("", inside) for inside in _BRACKETS.findall(name)]
    forms = [key for other in others for key in (_key(other), _bare(_key(other))) if key]
    full = _key(base)
    start = _SUBTITLE.split(base.strip(), maxsplit=1)
    short = _key(start[0]) if len(start) > 1 else ""
    return _Keys(full, _bare(full), tuple(dict.fromkeys(forms)), short)


def _key(name: str) -> str:
    """Return the folded words with a moved article back in front: "Heat, The" -> "the heat"."""
    found = words(name)
    if len(found) > 1 and found[-1] in _ARTICLES and re.search(r",\s*\S+\s*$", name):
        found = [found[-1], *found[:-1]]
    return " ".join(found)


def _bare(key: str) -> str:
    """Return a key without its leading article, unless it is all there is."""
    first, _, rest = key.partition(" ")
    return rest if first in _ARTICLES and rest else key


_ROMAN = frozenset("ii iii iv v vi vii viii ix x xi xii".split())


def _numbers(key: str) -> list[str]:
    """Return the words that count: digits and Roman numerals from II on."""
    return [word for word in key.split() if word in _ROMAN or any(c.isdigit() for c in word)]
