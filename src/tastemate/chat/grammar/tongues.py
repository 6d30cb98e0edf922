"""Other languages, glossed word by word into English, so that one grammar reads them all.

Which language a message is in is told by its words alone; titles stay as they are written.
"""

import re
from collections.abc import Mapping
from functools import cache

from tastemate.chat.grammar.text import everyday, table, tokens
from tastemate.chat.titles import Titles
from tastemate.text.words import STOP_WORDS, fold

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 6
"""Words of a phrase that are compared."""
_LEAST = 2
"""Foreign words that make a message foreign."""


def in_english(text: str, titles: Titles) -> str:
    """Return a message glossed into English where it is in one of the known languages."""
    found = [(one.start(), one.end(), _folded(one[0])) for one in _WORD.finditer(text)]
    if not found or len(found) > 120:
        return text
    tongue = _tongue([word for _, _, word in found])
    return _glossed(text, found, tongue, _kept(text, titles)) if tongue else text


def _folded(word: str) -> str:
    return fold(word).replace("ß", "ss") if not word.isascii() else word.lower()


def _tongue(words: "list[str]") -> str:
    """Return the language that most words are of; nothing for English."""
    english = sum(word in STOP_WORDS or word in everyday() for word in words)
    best, most = "", 0.0
    for tongue, known in _telling().items():
        said = {word for word in words if word in known}
        count = sum(word in known for word in words)
        if len(said) >= _LEAST and count > most:
            best, most = tongue, count
    shared = sum(word in _glosses(best)[1] for word in words) if best else 0
    return best if best and (most >= 0.25 * len(words)) and shared >= english - most / 2 else ""


@cache
def _glosses(tongue: str) -> tuple[Mapping[tuple[str, ...], str], frozenset[str]]:
    """Return phrase → English, and every word of a phrase."""
    phrases: dict[tuple[str, ...], str] = {}
    for line in table("tongues")[tongue].splitlines():
        ways, _, english = line.partition("=")
        for way in ways.split("|"):
            phrase = tuple(_WORD.findall(way))
            if phrase and english.strip():
                phrases.setdefault(phrase, english.strip())
    return phrases, frozenset(word for phrase in phrases for word in phrase)


@cache
def _telling() -> Mapping[str, frozenset[str]]:
    """Return the words of each language that are no English words."""
    return {
        tongue: frozenset(
            word
            for word in _glosses(tongue)[1]
            if word not in everyday() and word not in STOP_WORDS and not word.isdigit()
            and word not in _ENGLISH
        )
        for tongue in table("tongues")
    }  # fmt: skip


_ENGLISH = frozenset(
    "horror film films western westerns musical drama dramas romance thriller documentary "
    "animation "
    "comedy fantasy science fiction suspense crime mystery violence violent triste musicals "
    "detective "
    "anime dragons super brutal roman sf romance adventure minutes weekend solo animal mal la le "
    "de "
    "minute detective noir e d l j u argentina terror".split()
)


def _kept(text: str, titles: Titles) -> list[tuple[int, int]]:
    """Return the places of titles, which no gloss may touch."""
    found = titles.found(tokens(text), False)
    return [
        (one.start, one.end)
        for one in found
        if (one.sure and (one.capital or one.last - one.first > 2))
        or (one.capital and one.last - one.first == 1)
    ]


def _glossed(
    text: str, found: "list[tuple[int, int, str]]", tongue: str, kept: "list[tuple[int, int]]"
) -> str:
    phrases = _glosses(tongue)[0]
    parts: list[str] = []
    at = last = 0
    while at < len(found):
        start = found[at][0]
        if any(left <= start < right for left, right in kept):
            at += 1
            continue
        for size in range(min(_LONGEST, len(found) - at), 0, -1):
            english = phrases.get(tuple(word for _, _, word in found[at : at + size]))
            gap = text[start : found[at + size - 1][1]]
            if english is not None and not re.search(r"[,.;!?]", gap):
                parts += [text[last:start].rstrip("'"), english]
                last = found[at + size - 1][1]
                at += size
                break
        else:
            at += 1
    out = " ".join((*parts, text[last:]))
    out = re.sub(r"\bfrom the (?:years )?((?:1[89]|20)?\d0)\b(?!s)", r"from the \1s", out)
    return re.sub(r"\s+([,.;!?])", r"\1", re.sub(r"(?<=\s)'+", " ", " ".join(out.split())))
