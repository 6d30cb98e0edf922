"""Whether a reading of a text speaks to a model: the rules over the words of `lexicon`."""

import re
from dataclasses import dataclass
from functools import cache

from tastemate.llm.screening import foreign, lexicon, nudges, phrases

_PIECE = re.compile(r"[#№]?\s?\d+(?:st|nd)?\b|[^\W_]+(?:['’][^\W_]+)?")
_BREAK = re.compile(r"[.,;:!?()\[\]{}\-–—\"“”|/<>\n*=…。！？，：]")
_FILLERS = frozenset(
    "please always must should to and then now just you only so kindly never dont don't do be "
    "will shall also therefore hence instead simply immediately i we not first finally either or "
    "sure the ai assistant model system".split()
)


@dataclass(frozen=True, slots=True)
class _Words:
    """The English lists as sets."""

    rank: frozenset[str]
    place: frozenset[str]
    top: frozenset[str]
    low: frozenset[str]
    others: frozenset[str]
    these: frozenset[str]
    list: frozenset[str]
    must: frozenset[str]
    ignore: frozenset[str]
    instructions: frozenset[str]
    model: frozenset[str]
    people: frozenset[str]
    loves: frozenset[str]


_NAMES = (
    "rank", "place", "top", "low", "others", "these", "list", "must", "ignore", "instructions",
    "model", "people", "loves",
)  # fmt: skip


@cache
def _english() -> _Words:
    return _Words(
        *(
            frozenset(listed.split())
            for listed in (
                lexicon.RANK, lexicon.PLACE, lexicon.TOP, lexicon.LOW, lexicon.OTHERS,
                lexicon.THESE, lexicon.LIST, lexicon.MUST, lexicon.IGNORE, lexicon.INSTRUCTIONS,
                lexicon.MODEL, lexicon.PEOPLE, lexicon.LOVES,
            )
        )
    )  # fmt: skip


@cache
def _jumbled() -> dict[tuple[str, str, str], str]:
    """Words of five letters and more by their ends and sorted middle, for letters swapped."""
    english = _english()
    known = english.rank | english.ignore | english.instructions | {"first", "always", "highest"}
    return {_mixed(word): word for word in known if len(word) >= 4}


def _mixed(word: str) -> tuple[str, str, str]:
    return word[:1], word[-1:], "".join(sorted(word[1:-1]))


def mutters(text: str) -> bool:
    """Whether a reading that nobody wrote down as such, as one backwards, gives orders."""
    folded = text.casefold()
    return bool(phrases.JOINED.search(folded.replace(" ", ""))) or _orders(folded)


def speaks(text: str) -> bool:
    """Whether a text gives orders to a model, plays a role, or claims its place in a list."""
    text = phrases.SERIES.sub(")", text)
    if phrases.ROLE.search(text) or phrases.MARKUP.search(text) or phrases.HANDLES.search(text):
        return True
    if phrases.says(text) or phrases.ORDERED.search(text) or nudges.pushes(text):
        return True
    folded = text.casefold()
    if phrases.JOINED.search("".join(word for word in folded.split() if len(word) >= 9)):
        return True
    return _orders(folded) or foreign.orders(folded)


def is_order_word(word: str) -> bool:
    """Whether a single word could be part of an order in any of the languages."""
    english, folded = _english(), foreign.bare(word.casefold())
    if any(folded in listed for listed in (getattr(english, name) for name in _NAMES)):
        return True
    return any(roles & foreign.ORDERING for roles in foreign.roles(folded).values())


def _orders(folded: str) -> bool:
    """Whether an English sentence orders, going by its words."""
    english = _english()
    words, first = _clauses(folded)
    said = set(words)
    if len(said) < 2:
        return False
    rank = said & english.rank
    place = {word for word in first if word in english.place}
    top, these = said & english.top, said & english.these
    low, others = said & english.low, said & english.others
    must, listed = said & english.must, said & english.list - rank
    ignore, model = said & english.ignore, said & english.model
    told = said & english.instructions - ignore
    plain = said & english.place
    return bool(
        (rank and (top or low or model or told or (these and must) or these & _DIRECT))
        or (place and top - place and (these & _DIRECT or listed - place or must or others))
        or (first & english.ignore and told - {"ratings", "history", "system", "context"})
        or (ignore and told & _TOLD)
        or (must and top - must and listed and plain)
        or (others and low - others and (plain or listed or these & _DIRECT))
        or (model and (place - model or (must and plain)) and (top or these & _DIRECT or told))
        or (first & {"ignore", "disregard", "override", "disobey"} and (others or told))
    )


_DIRECT = frozenset(
    "this it me us item movie film book title candidate option product entry handle mine".split()
)
_TOLD = frozenset(
    "instruction instructions prompt prompts rule rules directive directives guideline guidelines "
    "constraint constraints previous prior preceding criteria preferences".split()
)


def _clauses(folded: str) -> tuple[list[str], set[str]]:
    """Return the words of a text, and those that stand first in a clause."""
    words: list[str] = []
    first: set[str] = set()
    jumbled, end, opens = _jumbled(), 0, True
    for piece in _PIECE.finditer(folded):
        word = piece[0].replace(" ", "").replace("№", "#").replace("’", "'")
        word = jumbled.get(_mixed(word), word) if len(word) >= 4 else word
        if opens or _BREAK.search(folded, end, piece.start()):
            first.add(word)
            opens = True
        opens = word in _FILLERS
        words.append(word)
        end = piece.end()
    return words, first
