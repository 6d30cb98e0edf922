"""A question in plain words, taken apart: titles named as examples, what is wished away, the rest.

A small grammar for one question: "something tense but not violent, like Heat". What it does not
understand stays in the text that is searched for, or is named as not understood; nothing is
guessed.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tastemate.catalog import Catalog
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words
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
    r"(?P<what>[^,.;:!?\n]*?)(?=[,.;:!?\n]|\bbut\b|\blike\b|\bwith\b|\bsimilar\b|$)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?:,|\band\b|\bor\b|\bbut\b|&)\s*", re.IGNORECASE)
_DEGREES = frozenset("too very overly any a an the so much really anything nothing".split())
_MOST_EXAMPLES = 5
"""Cues that are followed, and titles after each: a link may cost milliseconds."""
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


def read(question: str, catalog: Catalog, link: Callable[[str], int]) -> Wishes:
    """Take a question apart; `link(title)` gives a row, -1 for what is no title.

    An example is the longest run of the comma-separated words after its cue that is a title.
    """
    question = question[:LONGEST]
    likes, excluded, text = _examples(question, link)
    filters: list[Filter] = []
    undecided: list[str] = []

    def drop(found: "re.Match[str]") -> str:
        for word in _wished_away(found["what"]):
            wish = _decidable(word, catalog)
            filters.extend(wish)
            if not wish:
                undecided.append(word)
        return " "

    text = " ".join(_NEGATION.sub(drop, text).split()).strip(" ,.;:")
    text = re.sub(r"[\s,]+(?:but|and|or|with)$", "", text, flags=re.IGNORECASE)
    if text and all(word in STOP_WORDS | ASKING_WORDS | {"but"} for word in words(text)):
        text = ""
    return Wishes(
        text,
        tuple(dict.fromkeys(likes)),
        tuple(dict.fromkeys(excluded)),
        tuple(dict.fromkeys(filters)),
        tuple(dict.fromkeys(undecided)),
    )


def _examples(question: str, link: Callable[[str], int]) -> tuple[list[int], list[int], str]:
    """Return liked rows, excluded rows, and the question without those titles."""
    likes: list[int] = []
    excluded: list[int] = []
    text, at = "", 0
    for _ in range(_MOST_EXAMPLES):
        found = _EXAMPLE.search(question, at)
        if found is None:
            break
        rows, end = _titles(found["titles"], link)
        text += question[at : found.start()]
        if rows:
            (excluded if found["negated"] else likes).extend(rows)
            at = found.start("titles") + end
        else:
            text += found[0][: found.start("titles") - found.start()]
            at = found.start("titles")
    return likes, excluded, text + question[at:]


def _titles(span: str, link: Callable[[str], int]) -> tuple[list[int], int]:
    """Return the titles a span begins with, longest first, and where they end."""
    cuts = [0, *(end for found in _PARTS.finditer(span) for end in found.span()), len(span)]
    starts, ends = cuts[0::2], cuts[1::2]
    rows: list[int] = []
    at = reached = 0
    while at < len(starts):
        for last in range(min(len(ends), at + _MOST_EXAMPLES) - 1, at - 1, -1):
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
    """Return the values that are the word, or its near kin ("comedies" and "Comedy")."""
    return tuple(value for value in values if wanted in {stem(w) for w in words(value)[:1]})


def _akin(word: str, other: str) -> bool:
    """Whether two words have the same root, told by their first letters."""
    n = min(_PREFIX, len(other))
    return len(word) >= _PREFIX and len(other) >= 4 and word[:n] == other.casefold()[:n]
