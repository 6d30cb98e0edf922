"""Words about a number without a number, told from the same words about a day or a friend."""

import re
from functools import cache

from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.placing import NOUNS, value_next
from tastemate.chat.grammar.stance import Stance
from tastemate.chat.grammar.text import either, table
from tastemate.text.words import stem

_NEXT_LEVEL = re.compile(
    rf"^(?:\s*(?:$|[,.!?;:)(-])|\s+(?:{NOUNS}|please|and|or|but|with|from|about|though|either|"
    rf"because|that|by|too|"
    r"as|if|enough for|for (?:the|a|my)|set|starring|directed|which|who|then|ideally|maybe|also|"
    r"in|on|would|is ok|is fine|"
    r"horror|comed|thriller|drama|to go|at all|nor|i'm|im|i)\b)"
)


_NO_LEVEL = re.compile(
    r"(?:\b(?:how|as|long|for|in|my|our|her|his|enormous|the good|good|brand|years?|your|"
    r"friend'?s|day was|an?|so|"
    r"getting|growing|grow|get|feel|feeling|i'?m|we'?re|am|till|until|before|very|the) )$"
)


_NOT_WITH = re.compile(
    r"^\s+(?:day|days|week|weeks|time|times|flight|journey|drive|ride|friend|friends|television|"
    r"tv|job|year|years|"
    r"york|zealand|ago|haul|weekend|night|nights|evening|car|phone|house|here|lady|man|woman|age|"
    r"enough to|mum|dad|"
    r"laptop|tablet|boyfriend|girlfriend|baby|month|town|people|trip|wait|train|bus|way|on time|"
    r"of|boss|flat|testament|"
    r"wave|school|yorker|orleans|jersey|delhi|adult|england|moon|and short of it|list|message|"
    r"shift|story short|break|"
    r"walk|than (?!my|the)|to me|cousin|uncle|aunt|couple|dog|cat)\b"
)


@cache
def _level_words() -> "tuple[tuple[str, str, re.Pattern[str]], ...]":
    return tuple(
        (family, side, re.compile(either(words)))
        for family, sides in table("levels").items()
        for side, words in sides.items()
        if side in ("low", "high", "thing") and words
    )


def levels(draft: Draft) -> list[Stance]:
    """Return words about a number without a number."""
    found: list[Stance] = []
    longer = [
        (one.start, one.end)
        for one in draft.lexicon.named(draft.tokens, draft.taken)
        if one.last - one.first > 1 and not one.senses[0].part
    ]
    for family, side, pattern in _level_words():
        names = tuple(table("levels")[family]["names"])
        if not draft.lexicon.numeric(names):
            continue
        for one in pattern.finditer(draft.low):
            if any(
                start <= one.start() < end and end - start > len(one[0]) for start, end in longer
            ):
                continue  # "a modern city"
            if draft.overlaps(*one.span()) or not _leveled(draft, family, side, one):
                continue
            found.append(
                Stance(
                    one.start(), one.end(), "level", (family, "low" if side == "low" else "high")
                )
            )
            draft.take(*one.span())
    return found


def _leveled(draft: Draft, family: str, side: str, one: "re.Match[str]") -> bool:
    """Whether a word such as "long" is about items here, not about a day or a friend."""
    before, after = draft.low[max(one.start() - 30, 0) : one.start()], draft.low[one.end() :]
    if family == "violence":
        return True
    if family == "rating":
        return True
    if _genre_there(draft, one):
        return False
    if _NOT_WITH.match(after) or re.search(
        r"\b(?:how|as|years?|hours?|minutes?|pages?|so|for|my|our|her|his|enormous|grow(?:ing)?|"
        r"get(?:ting)?) $",
        before,
    ):
        return False
    return bool(_NEXT_LEVEL.match(after)) or value_next(draft, one.end())


def _genre_there(draft: Draft, one: "re.Match[str]") -> bool:
    """Whether the word is a kind of item in this catalogue, such as "classics"."""
    senses = draft.lexicon.phrases.get((stem(one[0]),), ())
    return any(sense.kind == "genre" and sense.own for sense in senses)
