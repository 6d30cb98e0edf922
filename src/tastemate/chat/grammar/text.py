"""A message made plain before anything reads it: bounded, on one footing, cut into words."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tastemate.text.words import fold, stem

LONGEST = 2_000
"""Characters of a message that are read."""
TITLE = "\x01"
"""Stands for each letter of what is a title, so that no rule reads inside it."""
SPENT = "\x02"
"""Stands for each letter that a rule has taken for itself."""

_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'", "\u00b4": "'",
                         "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"',
                         "\u00bb": '"', "\u2013": "-", "\u2014": "-", "\u2026": "."})  # fmt: skip
_HIDDEN = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "So", "Sk", "Zl", "Zp"))
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Token:
    """One word: where it stands, its folded form, the stem that is compared."""

    start: int
    end: int
    word: str
    stem: str
    capital: bool
    """Whether it is written with a capital."""
    first: bool
    """Whether it begins a sentence."""


_INITIALS = re.compile(r"(?<=\s)(?:[A-Z]\.){1,4}(?=\s?[A-Z][a-z])")


def plain(text: str) -> str:
    """Return a message of at most `LONGEST` characters, composed, with plain quotes and spaces.

    What a reader does not see, and pictures, become spaces; letters keep their case and accents.
    """
    text = unicodedata.normalize("NFC", text[: 4 * LONGEST])[:LONGEST].translate(_QUOTES)
    # the dots of initials end no sentence: "George R.R. Martin"
    text = _INITIALS.sub(lambda one: one[0].replace(".", " "), text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        sign if sign == "\n" or unicodedata.category(sign) not in _HIDDEN else " " for sign in text
    )


def lowered(text: str) -> str:
    """Return lower case of the same length, so that places in one are places in the other."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)


def tokens(text: str) -> tuple[Token, ...]:
    """Return the words of a plain message, in order."""
    found: list[Token] = []
    last = 0
    for one in _WORD.finditer(text):
        written = one[0]
        word = written.lower().replace("'", "") if written.isascii() else fold(written)
        between = text[last : one.start()]
        first = not found or any(mark in between for mark in '.!?\n;:"(')
        contracted = written.lower().endswith(("'ll", "'d", "'ve", "'re", "'m"))
        stemmed = "'" if contracted else stem(word)  # "she'll" is no shell
        found.append(Token(one.start(), one.end(), word, stemmed, written[:1].isupper(), first))
        last = one.end()
    return tuple(found)


def blanked(text: str, spans: Iterable[tuple[int, int]], sign: str) -> str:
    """Return a text of the same length in which spans are filled with one sign."""
    letters = list(text)
    for start, end in spans:
        letters[start:end] = sign * (end - start)
    return "".join(letters)


@cache
def table(name: str) -> dict[str, Any]:
    """Return a word list of this package by the name of its file."""
    folder = files("tastemate.chat.grammar")
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def everyday() -> frozenset[str]:
    """Return common English words, folded: never taken for a misspelling or a name alone."""
    folder = files("tastemate.chat.grammar")
    return frozenset((folder / "everyday.txt").read_text(encoding="utf-8").split())


def either(patterns: Iterable[str]) -> str:
    """Return one expression for whole words of any of these."""
    return rf"(?<![\w'])(?:{'|'.join(patterns)})(?![\w])"
