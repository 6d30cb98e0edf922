"""Words mended before anything reads them: shorthand, slips in everyday words, names nearly right.

A slip in an everyday word never becomes a value of the catalogue: "soemthing" is "something". What
the catalogue knows, and what is written as a name, stays as it is written.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from tastemate.chat.grammar.text import Token, everyday, table, tokens
from tastemate.text.words import ASKING_WORDS, STOP_WORDS

if TYPE_CHECKING:
    from tastemate.chat.lexicon import Lexicon

_NAMED = re.compile(
    r"\b(?:by|with|starring|staring|featuring|directed|written|from|of|like|and|or|meant|not|got|"
    r"want|actor|actress|director|author|anything|something)\s+(?=[\w])",
    re.IGNORECASE,
)
_REAL = (  # slips that are words themselves
    (re.compile(r"\bstaring(?= [A-Z])"), "starring"),
    (re.compile(r"\bform(?= (?:the )?(?:early |late |mid )?'?\d)", re.IGNORECASE), "from"),
    (re.compile(r"\bform(?= the (?:\w+ties|nineties|\w+ century))", re.IGNORECASE), "from"),
    (
        re.compile(
            r"\bnot to(?= (?:long|short|old|new|scary|violent|dark|sad|bloody|gory|"
            r"serious|heavy|"
            r"slow|recent|weird|funny|romantic)\b)",
            re.IGNORECASE,
        ),
        "not too",
    ),
)
_LONG = re.compile(r"([a-zA-Z])\1\1")
_DRAWN = re.compile(r"[A-Za-z]*([A-Za-z])\1\1[A-Za-z]*")
_MOST = 12
"""Words and names that are mended in one message."""


def mended(text: str, lexicon: "Lexicon") -> str:
    """Return a message with shorthand written out, and slips in words and names mended."""
    text = re.sub(r" ?(?<![<>=!])=(?!=) ?", " is ", text) if " = " in text else text
    if _LONG.search(text):
        text = _DRAWN.sub(lambda one: _drawn(one[0], lexicon), text)
    text = _shorthand().sub(_written_out, text)
    for slip, right in _REAL:
        text = slip.sub(right, text)
    found = tokens(text)
    strange = [at for at, one in enumerate(found) if _strange(one, lexicon)]
    if not strange or len(found) > 200 or 2 * len(strange) > len(found) + 2:
        return text
    changes = _names(text, found, strange, lexicon)
    named = [span[:2] for span in changes]
    for at in strange[:_MOST]:
        one = found[at]
        inside = any(start <= one.start < end for start, end in named)
        cased = one.capital and not one.first
        if inside or cased or (word := nearest(one.word)) == "":
            continue
        changes.append((one.start, one.end, word.capitalize() if one.capital else word))
    for start, end, word in sorted(changes, reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _drawn(word: str, lexicon: "Lexicon") -> str:
    """Return a drawn-out word as it is spelled: "sooo" is "so", "loooove" is "love"."""
    once = re.sub(r"([A-Za-z])\1{2,}", r"\1", word)
    twice = re.sub(r"([A-Za-z])\1{2,}", r"\1\1", word)
    for one in (once, twice):
        if one.lower() in everyday() or one.lower() in STOP_WORDS:
            return one
    known = [one for one in (twice, once) if one.lower() in lexicon.vocabulary]
    return known[0] if known else word


@cache
def _shorthand() -> "re.Pattern[str]":
    words = "|".join(re.escape(one) for one in sorted(table("spelling")["shorthand"], key=len))
    return re.compile(rf"(?<![\w'/.-])(?:{words})(?![\w'/-])", re.IGNORECASE)


def _written_out(one: "re.Match[str]") -> str:
    if one[0].isupper() and len(one[0]) > 1:
        return one[0]
    return str(table("spelling")["shorthand"][one[0].lower()])


def _strange(one: Token, lexicon: "Lexicon") -> bool:
    """Whether a word is neither English that is known here nor a word of the catalogue."""
    word = one.word
    return (
        len(word) >= 3
        and word.isalpha()
        and word.isascii()
        and word not in lexicon.vocabulary
        and one.stem not in lexicon.vocabulary
        and one.stem != "'"
        and word not in _telling()
        and word not in _read()
    )


@cache
def _read() -> frozenset[str]:
    """Return every word that the rules of the grammar are written with."""
    lists = ("acts", "cues", "moment", "families", "levels")
    return frozenset(re.findall(r"[a-z]{4,}", " ".join(str(table(one)) for one in lists)))


@cache
def _telling() -> frozenset[str]:
    return frozenset(table("spelling")["telling"].split())


@cache
def _common() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of the grammar, then other everyday ones, each in order."""
    telling = _telling() | {one for one in STOP_WORDS | ASKING_WORDS if len(one) > 3}
    return tuple(sorted(telling)), tuple(sorted(one for one in everyday() if len(one) > 3))


@lru_cache(maxsize=10_000)
def nearest(word: str) -> str:
    """Return the everyday word that a word is a slip of; nothing where it is of none."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = 2 if len(word) > 7 else 1
    for tier, known in enumerate(_common()):
        near = process.extract(word, known, scorer=OSA.distance, score_cutoff=most, limit=6)
        good = sorted(
            (distance, sorted(one) != sorted(word), one[0] != word[0], one[-1] != word[-1], one)
            for one, distance, _ in near
            if (len(word) > 3 or len(one) > 3)
            and (one[0] == word[0] or sorted(one) == sorted(word) or one[1:] == word)
            and not _inflected(word, one)
            and (not tier or _slipped(word, one))
        )
        if good:
            return good[0][-1]
    return ""


def _inflected(word: str, other: str) -> bool:
    """Whether words differ only in how they end, so that both may be meant."""
    longer = word.startswith(other) and word != other + other[-1]
    return longer or (len(word) == len(other) and word[:-1] == other[:-1])


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _slipped(word: str, other: str) -> bool:
    """Whether words differ by swapped or doubled letters, or by a key beside the right one."""
    if sorted(word) == sorted(other) or _once(word) == _once(other):
        return True
    wrong = [pair for pair in zip(word, other, strict=False) if pair[0] != pair[1]]
    return (
        len(word) == len(other)
        and len(wrong) == 1
        and any(abs(row.find(wrong[0][0]) - row.find(wrong[0][1])) == 1
                for row in _ROWS if wrong[0][0] in row and wrong[0][1] in row)
    )  # fmt: skip


def _once(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)


def _names(
    text: str, found: Sequence[Token], strange: Sequence[int], lexicon: "Lexicon"
) -> list[tuple[int, int, str]]:
    """Return names that are one or two letters off a person's, with the right spelling."""
    starts = {one.end() for one in _NAMED.finditer(text)}
    changes: list[tuple[int, int, str]] = []
    for at in strange[:_MOST]:
        if any(start <= found[at].start < end for start, end, _ in changes):
            continue
        for first in range(max(at - 3, 0), at + 1):
            led = found[first].start in starts or (found[first].capital and not found[first].first)
            if not led:
                continue
            for size in (4, 3, 2):
                part = found[first : first + size]
                if len(part) < size or first + size <= at:
                    continue
                gap = text[part[0].start : part[-1].end]
                if re.search(r"[,;:!?\n]|\. ", gap):
                    continue
                name = lexicon.near_person(" ".join(one.word for one in part))
                if name:
                    changes.append((part[0].start, part[-1].end, name))
                    break
            else:
                continue
            break
    return changes
