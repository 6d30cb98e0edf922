"""Item text, names and wishes are data: cleaned before a prompt holds them, withheld if they talk.

Cleaning takes away what a reader would not see or a prompt would mistake for its own marks.
`suspicious` finds texts that speak to a model, whatever they ask it for. A suspicious title is
withheld, a suspicious value or sentence is dropped. Where a ranking is asked for, a description
is shown as a few of its words in alphabetical order, so that no sentence of it survives.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from tastemate.llm.screening import nudges, speech, wish
from tastemate.llm.screening.hidden import LOOKED, hidden, revealed, turned, unseen

TITLE = 100
"""Characters of a title."""
VALUE = 40
"""Characters of an attribute value."""
REQUEST = 500
"""Characters of a wish."""
WORD = 30
"""Characters of a word."""
WITHHELD = "(title withheld)"
KEYWORDS = 6
_READ = 3_000
"""Characters of a text that are read."""

_NEUTRAL = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "[": "(", "]": ")", "|": "/",
                          "`": "'", "\\": "/"})  # fmt: skip
_FENCE = re.compile(r"([#=*_~\"'$%+-])\1{2,}")
_ROLE = re.compile(r"(?i)\b(system|assistant|user|developer|human|ai|tool|answer)\s*:")
_LONG = re.compile(rf"(\S{{{WORD}}})\S+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；।])|[\r\n\u2028\u2029]+")
_KEYWORD = re.compile(r"[a-zà-öø-ÿа-яёα-ω]{4,14}")
_COMMON = frozenset(
    "about after again against also american among another around away back based became because "
    "become becomes been before begins being between both british cast character characters come "
    "comes could created debut directed director during each edited eight even ever every finds "
    "five four from gets goes have having help himself herself into itself just known later like "
    "little made main many more most much named novel only other over part play played plays "
    "plot produced producer released role same screenplay script second seven several since some "
    "soon star starring stars still story such tells than that their them themselves then there "
    "these they third this those three through time together toward trying under until upon very "
    "were what when where which while whose will with within without world would written year "
    "years young your film films movie movies book books series season".split()
)
_TRAIT = re.compile(
    r"(?i)\b(?:i am|i'm|i’m|im|as an?|being an?|we are|we're)\b[^,.;!?]*?"
    r"(?:\byears?[- ]old\b|\baged\b|"
    r"\b(?:wo)?m[ae]n\b|\bgirls?\b|\bboys?\b|\b(?:fe)?male\b|\bmuslim|\bchristian|\bcatholic|\bjew|"
    r"\bhindu|\bbuddhist|\batheist|\bblack\b|\bwhite\b|\basian\b|\blatin|\bgay\b|\blesbian|\bqueer|"
    r"\btrans(?:gender)?\b|\bdisab|\bautis|\bpregnant|\bdiabet|\bdepress|\bimmigrant|\brefugee)"
    r"[^,.;!?]*[,.;!?]?\s*"
)


def cleaned(text: str, cap: int) -> str:
    """Return a text on one line of at most `cap` characters, without hidden or prompt-like marks.

    NFKC; control, zero-width, bidi, tag and picture characters go; brackets and fences become
    harmless ones; words are cut at 30 characters.
    """
    plain = unseen(unicodedata.normalize("NFKC", text[:_READ]))
    plain = " ".join(_FENCE.sub(r"\1", plain.translate(_NEUTRAL)).split())
    plain = _LONG.sub(r"\1", _ROLE.sub(r"\1 -", plain))
    return plain if len(plain) <= cap else plain[: cap - 1].rstrip() + "…"


@lru_cache(maxsize=65_536)
def suspicious(text: str) -> bool:
    """Whether a text speaks to a model: gives it orders, plays a role, hides what it says."""
    if not text:
        return False
    if len(text) < 10 and text.isascii() and text.isalpha():
        return nudges.pushes(text)
    text = text[:_READ]
    if hidden(text) or any(speech.speaks(view) for view in revealed(text)):
        return True
    return any(speech.mutters(view) for view in turned(text[:LOOKED]))


def title(text: str, cap: int = TITLE) -> str:
    """Return a title as it may be shown: cleaned, or "(title withheld)".

    A subtitle that turns to its reader is left out.
    """
    shown = _shown(text, cap)
    if shown and (head := nudges.head(text)) != text:
        return cleaned(head, cap) or WITHHELD
    return shown or WITHHELD


def value(text: str, cap: int = VALUE) -> str:
    """Return an attribute value or a name as it may be shown; empty where it may not be."""
    return "" if nudges.no_value(text[:_READ]) else _shown(text, cap)


@lru_cache(maxsize=65_536)
def _shown(text: str, cap: int) -> str:
    return "" if suspicious(text) else cleaned(text, cap)


@lru_cache(maxsize=4_096)
def request(text: str, cap: int = REQUEST) -> str:
    """Return a wish in somebody's own words: cleaned, without what it says of private traits.

    Sentences that ask for kinds of things stay; one that speaks of handles, places of an item, the
    reply or the rules of a model goes, and so do two neighbours that do so together.
    """
    kept = _apart(_TRAIT.sub("", text[:_READ]), _no_wish)
    return cleaned(" ".join(kept), cap)


def _no_wish(text: str) -> bool:
    return hidden(text) or any(wish.directs(view) for view in (text, *revealed(text)))


def held(text: str) -> Iterator[str]:
    """Yield the sentences of a text that are not suspicious, as they stand."""
    yield from _apart(text[:_READ], suspicious)


def _apart(text: str, refused: Callable[[str], bool]) -> list[str]:
    """Return the sentences of a text that are refused neither alone nor with the one before."""
    kept: list[str] = []
    before = ""
    for part in _SENTENCE.split(text):
        part = part.strip()[:LOOKED]
        if not part or refused(part):
            before = ""
        elif before and refused(f"{before} {part}"):
            kept.pop()
            before = ""
        else:
            kept.append(part)
            before = part
    return kept


def sentences(text: str, cap: int) -> str:
    """Return the sentences of a text that may be shown, cleaned, in order.

    One that is suspicious is dropped, and so are two neighbours that are so together.
    """
    kept: list[str] = []
    before = ""
    for part in _SENTENCE.split(text[:_READ]):
        part = part.strip()[:LOOKED]
        if not part or suspicious(part):
            before = ""
        elif before and suspicious(f"{before} {part}"):
            kept.pop()
            before = ""
        else:
            kept.append(part)
            before = part
        if sum(map(len, kept)) > cap:
            break
    return cleaned(" ".join(kept), cap)


def keywords(text: str, n: int = KEYWORDS) -> tuple[str, ...]:
    """Return at most n telling words of a text: long ones first met, none that gives orders.

    Names and words in capitals are left out. The order is that of the text; whoever shows them
    sorts them.
    """
    plain = unseen(unicodedata.normalize("NFKC", text[:_READ]))
    found: dict[str, None] = {}
    for word in re.findall(r"[^\W\d_]+", plain):
        if len(found) == n:
            break
        if _KEYWORD.fullmatch(word) and word not in _COMMON and not speech.is_order_word(word):
            found.setdefault(word)
    return tuple(found)
