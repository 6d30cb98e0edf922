"""A question in plain words, taken apart: titles named as examples, what is wished away, the rest.

A small grammar for one question: "something tense but not violent, like Heat". What it does not
understand stays in the text that is searched for, or is named as not understood; nothing is
guessed.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from tastemate.catalog import Catalog
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words
from tastemate.traits import is_year
from tastemate.types import Filter

LONGEST = 2_000
"""Characters of a question that are read."""

_EXAMPLE = re.compile(
    r"(?P<negated>\b(?:not|nothing|isn['\u2019]?t|don['\u2019]?t|un)\s*)?"
    r"\b(?:like|similar to|such as|in the (?:style|vein|spirit) of|reminds? me of|as good as)\s+"
    r"(?P<titles>[^;!?\n]+)",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|without|never|avoid(?:ing)?|except|less|nothing|isn['\u2019]?t|"
    r"don['\u2019]?t (?:want|like)|hate|dislike)\b\s*"
    r"(?P<what>[^,.;:!?\n]*?)(?=[,.;:!?\n]|\b(?:but|like|with|similar|for|from|in|about|set|than|"
    r"that|which|who|where|before|after|since|until|between|by|please)\b|$)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:before|until|up to|older than|pre)[\s-]+(?:the\s+)?(\d{4})(?!\d|s)", re.I
)
_AFTER = re.compile(r"\b(?:after|since|newer than|post)[\s-]+(?:the\s+)?(\d{4})(?!\d|s)", re.I)
_BETWEEN = re.compile(r"\b(?:between|from)\s+(\d{4})\s+(?:and|to|until|-)\s+(\d{4})\b", re.I)
_IN_YEAR = re.compile(r"\b(?:in|from|of)\s+(\d{4})(?!\d|s)\b", re.I)
_DECADE = re.compile(
    r"(?:\b(?:from|of|in)\s+)?(?:\bthe\s+)?(?<!\w)['\u2019]?((?:1[89]|20)?\d0)['\u2019]?s\b", re.I
)
_PARTS = re.compile(r"\s*(?:,|\band\b|\bor\b|\bbut\b|&)\s*", re.IGNORECASE)
_DEGREES = frozenset("too very overly any a an the so much really anything nothing".split())
MOST_EXAMPLES = 5
"""Cues that are followed, and titles after each: a link may cost milliseconds."""
_LONGEST_TITLE = 200
_CAPITAL = re.compile(r"[^\W\d_a-z]")
_QUOTED = re.compile(r"[\"\u201c\u201e\u00ab]([^\"\u201c\u201d\u00bb]+)[\"\u201c\u201d\u00bb]")
_DATED = re.compile(r"\S[^,;()]*\((?:1[89]|20)\d\d\)")
_WISHING = re.compile(r"\b(?:would|i|i['\u2019]d|you|we|they)\s*$", re.IGNORECASE)
"""Before "like" these make it a verb."""
_CUE = re.compile(r"\s(?:like|similar to|such as)\s", re.IGNORECASE)
_FURTHER = re.compile(r"\s*(?:,|\band\b|\bor\b|&)\s*", re.IGNORECASE)
_SMALL = frozenset("a an the of and in on at to for from with by la le el der die das".split())
_PREFIX = 5
"""Letters in common that make "violent" and "violence" one word."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a question asks for."""

    text: str
    """What is left to search for."""
    likes: tuple[int, ...] = ()
    """Catalogue rows named as examples."""
    excluded: tuple[int, ...] = ()
    """Catalogue rows named as what it must not be."""
    filters: tuple[Filter, ...] = ()
    """What is wished away and can be decided from attributes."""
    undecided: tuple[str, ...] = ()
    """What is wished away and nothing in the catalogue tells about."""
    unknown: tuple[str, ...] = ()
    """Examples that are written like titles and that the catalogue does not have."""
    unread: bool = False
    """Whether there were more examples than are followed."""


def read(question: str, catalog: Catalog, link: Callable[[str], int]) -> Wishes:
    """Take a question apart; `link(title)` gives a row, -1 for what is no title.

    An example is the longest run of the comma-separated words after its cue that is a title.
    What is wished away may be a title, too, where it is written with a capital.
    """
    found = _examples(question[:LONGEST], link)
    filters: list[Filter] = []
    found.text, years = _years(found.text, catalog)
    filters += years
    undecided: list[str] = []
    links = MOST_EXAMPLES

    def drop(away: "re.Match[str]") -> str:
        nonlocal links
        left: list[str] = []
        # "Not violent animated films" wishes away violence; "no slow films" both words.
        adjective = away[0][:3].casefold() in ("not", "les")
        for part in _parts_of(away["what"]):
            told = [(word, _decidable(word, catalog)) for word in _wished_away(part)]
            titled = _CAPITAL.match(part) and not (len(told) == 1 and told[0][1])
            if titled and links:
                links -= 1
                if (row := link(part)) >= 0:
                    found.excluded.append(row)
                    continue
            if adjective and told and told[0][1]:
                left += [word for word, _ in told[1:]]
                told = told[:1]
            for word, wish in told:
                filters.extend(wish)
                if not wish:
                    undecided.append(word)
        return f" {' '.join(left)} "

    text = " ".join(_NEGATION.sub(drop, found.text).split()).strip(" ,.;:")
    text = re.sub(r"[\s,]+(?:but|and|or|with)$", "", text, flags=re.IGNORECASE)
    sentences = re.split(r"(?<=[.!?])\s+", text)
    text = " ".join(one for one in sentences if re.sub(r"\bI\b|[\s.,!?]+", "", one))
    if text and all(word in STOP_WORDS | ASKING_WORDS | {"but"} for word in words(text)):
        text = ""
    return Wishes(
        text,
        tuple(dict.fromkeys(found.likes)),
        tuple(dict.fromkeys(found.excluded)),
        tuple(dict.fromkeys(filters)),
        tuple(dict.fromkeys(undecided)),
        tuple(dict.fromkeys(found.unknown)),
        found.unread,
    )


@dataclass(slots=True)
class _Examples:
    """What was named as examples, and the question without them."""

    likes: list[int] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    text: str = ""
    unread: bool = False


def _examples(question: str, link: Callable[[str], int]) -> _Examples:
    """Follow the first few cues; what is no title stays in the text."""
    told = _Examples()
    at = 0
    for _ in range(MOST_EXAMPLES):
        found = _EXAMPLE.search(question, at)
        if found is None:
            break
        rows, end = _titles(found["titles"], link)
        if not rows and (cue := _CUE.search(found["titles"])):
            rows, end = _titles(found["titles"][: cue.start()], link)
        told.text += question[at : found.start()]
        if rows:
            (told.excluded if found["negated"] else told.likes).extend(rows)
            at = found.start("titles") + end
            further = _FURTHER.match(found["titles"], end)
            if further and (title := _title_like(found["titles"][further.end() :])):
                told.unknown.append(title)
        else:
            wishing = _WISHING.search(question[max(found.start() - 20, 0) : found.start()])
            if not found["negated"] and not wishing and (title := _title_like(found["titles"])):
                told.unknown.append(title)
            told.text += found[0][: found.start("titles") - found.start()]
            at = found.start("titles")
    told.unread = _EXAMPLE.search(question, at) is not None
    told.text += question[at:]
    return told


def _title_like(span: str) -> str:
    """Return what a span begins with if it is written like a title, else nothing.

    That is in quotation marks, with a year in brackets, or capital in every word that says
    something.
    """
    span = span[:_LONGEST_TITLE].strip()
    if quoted := _QUOTED.match(span):
        return quoted[1].strip()
    if dated := _DATED.match(span):
        return dated[0]
    first = _PARTS.split(span)[0].split(".")[0].strip()
    said = [word for word in first.split() if word.casefold() not in _SMALL]
    return first if said and all(word[0].isupper() for word in said) else ""


def _parts_of(span: str) -> list[str]:
    return [
        part for part in (part.strip(" \"'\u201c\u201d") for part in _PARTS.split(span)) if part
    ]


def _titles(span: str, link: Callable[[str], int]) -> tuple[list[int], int]:
    """Return the titles a span begins with, longest first, and where they end."""
    cuts = [0, *(end for found in _PARTS.finditer(span) for end in found.span()), len(span)]
    starts, ends = cuts[0::2], cuts[1::2]
    rows: list[int] = []
    at = reached = 0
    while at < len(starts):
        for last in range(min(len(ends), at + MOST_EXAMPLES) - 1, at - 1, -1):
            written = span[starts[at] : ends[last]].strip(" .\"'\u201c\u201d")
            row = link(written) if written and len(written) <= 120 else -1
            if row >= 0:
                rows.append(row)
                reached, at = ends[last], last + 1
                break
        else:
            break
    return rows, reached


def _wished_away(span: str) -> Iterable[str]:
    """Return the words of a negated span that say what is not wanted."""
    for word in words(span)[:6]:
        if word not in STOP_WORDS | ASKING_WORDS | _DEGREES:
            yield word


def _decidable(word: str, catalog: Catalog) -> list[Filter]:
    """Return filters that leave out what a word names: a measured attribute, else a value."""
    for name in catalog.attributes:
        if catalog.is_numeric(name) and _akin(word, name):
            values = catalog.numbers(name)
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            return [Filter(name, "at most", low + (high - low) / 3)]
    wanted = stem(word)
    return [
        Filter(name, "none of", same, hard=False)
        for name in catalog.attributes
        if not catalog.is_numeric(name)
        if (same := _same(wanted, catalog.incidence(name).values))
    ]


def _same(wanted: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that are the word, or its near kin ("comedies" and "Comedy").

    A value of several words ("Gore Verbinski") is no word; one of a hyphen ("horror-fiction") is
    its first.
    """
    return tuple(
        value
        for value in values
        if " " not in value.strip() and wanted in {stem(word) for word in words(value)[:1]}
    )


def _years(text: str, catalog: Catalog) -> tuple[str, list[Filter]]:
    """Return a question without its years, and the filters they make; as it is without years."""
    name = next((n for n in catalog.attributes if is_year(n) and catalog.is_numeric(n)), "")
    if not name:
        return text, []
    filters: list[Filter] = []

    def least(year: int) -> None:
        filters.append(Filter(name, "at least", year))

    def most(year: int) -> None:
        filters.append(Filter(name, "at most", year))

    def between(found: "re.Match[str]") -> str:
        first, last = sorted((int(found[1]), int(found[2])))
        least(first)
        most(last)
        return " "

    def decade(found: "re.Match[str]") -> str:
        said = found[1]
        first = int(said) if len(said) == 4 else int(said) + (2000 if said < "30" else 1900)
        least(first)
        most(first + 9)
        return " "

    def before(found: "re.Match[str]") -> str:
        most(int(found[1]) - 1)
        return " "

    def after(found: "re.Match[str]") -> str:
        least(int(found[1]) + ("since" not in found[0].casefold()))
        return " "

    def within(found: "re.Match[str]") -> str:
        least(int(found[1]))
        most(int(found[1]))
        return " "

    for pattern, read_ in (
        (_BETWEEN, between),
        (_DECADE, decade),
        (_BEFORE, before),
        (_AFTER, after),
        (_IN_YEAR, within),
    ):
        text = pattern.sub(read_, text)
    return text, filters


def _akin(word: str, other: str) -> bool:
    """Whether two words have the same root, told by their first letters."""
    n = min(_PREFIX, len(other))
    return len(word) >= _PREFIX and len(other) >= 4 and word[:n] == other.casefold()[:n]
