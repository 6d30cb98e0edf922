"""Whether a text in another language than English gives orders, by the words of its lexicon.

Words are looked up by their beginnings in one table for all languages, so that a language more
costs nothing; scripts without spaces are searched, where a text has any of them.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from tastemate.llm.screening.lexicon import TONGUES, Tongue
from tastemate.llm.screening.phrases import ALWAYS
from tastemate.llm.screening.tongues import FURTHER

_ROLES = ("rank", "top", "ignore", "instructions", "model", "must")
ORDERING = frozenset(("rank", "ignore", "instructions", "model"))
"""What the words of an order do; the top of a list and "must" are in any text."""
_BEGUN = 4
"""Letters from which an entry is the beginning of words; a shorter one is a whole word."""
_WORD = re.compile(r"\w+")
_PLAIN = str.maketrans({"ı": "i", "ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "ð": "d",
                        "þ": "th", "ς": "σ"})  # fmt: skip
_SHARED = re.compile(
    r"\b(?:ignor|abaik|игнор|negeer|negli)\w*\b.*\b(?:instru[kc]|инструкц|prompt)\w*"
)
_SHORT = 60
"""Characters of a text that may be little but "always first"."""


def bare(text: str) -> str:
    """Return a text without the marks on its letters."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    kept = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
    return unicodedata.normalize("NFC", kept).translate(_PLAIN)


def orders(folded: str) -> bool:
    """Whether a text, folded by case, ranks for the top or sets instructions aside."""
    text = bare(folded)
    if _SHARED.search(text) or _for_ever(text):
        return True
    return any(_order(said) for said in roles(text).values())


def sets_aside(folded: str) -> bool:
    """Whether a text, folded by case, tells a reader to ignore its instructions."""
    text = bare(folded)
    return bool(_SHARED.search(text)) or any(
        {"ignore", "instructions"} <= said for said in roles(text).values()
    )


def roles(text: str) -> Mapping[str, set[str]]:
    """Return what the words of a text do, by the language they do it in."""
    found: dict[str, set[str]] = {}
    table, longest = _table()
    words = _WORD.findall(text)
    for word in (*words, *map("_".join, zip(words, words[1:], strict=False))):
        for end in range(_BEGUN, min(len(word), longest) + 1):
            for tongue, role in table.get(word[:end], ()):
                found.setdefault(tongue, set()).add(role)
        if len(word) < _BEGUN:
            for tongue, role in table.get(word, ()):
                found.setdefault(tongue, set()).add(role)
    if _far(text):
        for tongue, patterns in _unspaced().items():
            said = {role for role, pattern in patterns.items() if pattern.search(text)}
            if said:
                found.setdefault(tongue, set()).update(said)
    return found


def _order(said: set[str]) -> bool:
    if "top" in said and said & {"rank", "must"} or {"rank", "must"} <= said:
        return True
    if {"ignore", "instructions"} <= said:
        return True
    return "model" in said and bool(said & {"rank", "ignore"})


def _for_ever(text: str) -> bool:
    """Whether a short text is little but "always first", in any of the languages."""
    if len(text) > _SHORT:
        return False
    left = ALWAYS.sub(" ", text)
    return left != text and any("top" in said for said in roles(left).values())


def _far(text: str) -> bool:
    """Whether a text has letters of a script that is searched, from Hebrew on."""
    return not text.isascii() and any("\u0530" <= sign for sign in text)


@cache
def _tongues() -> Mapping[str, Tongue]:
    return {**TONGUES, **FURTHER}


@cache
def _table() -> tuple[Mapping[str, tuple[tuple[str, str], ...]], int]:
    """Return beginnings of words with the languages and roles they have, and the longest."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, tongue in _tongues().items():
        if not tongue.spaced:
            continue
        for role in _ROLES:
            for stem in getattr(tongue, role).split():
                key = bare(stem)
                found[key] = (*found.get(key, ()), (name, role))
    return found, max(map(len, found))


@cache
def _unspaced() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    return {
        name: {role: re.compile("|".join(map(re.escape, _stems(tongue, role)))) for role in _ROLES}
        for name, tongue in _tongues().items()
        if not tongue.spaced
    }


def _stems(tongue: Tongue, role: str) -> list[str]:
    return sorted(bare(stem).replace("_", " ") for stem in getattr(tongue, role).split())
