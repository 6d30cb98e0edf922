"""Questions about items: details, comparisons, reasons; and what only looks like one."""

import re
from typing import TYPE_CHECKING

from tastemate.chat.grammar import acts
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.text import TITLE, everyday
from tastemate.chat.intent import Act
from tastemate.chat.titles import Found
from tastemate.text.words import STOP_WORDS, stem, words

if TYPE_CHECKING:
    from tastemate.chat.vocabulary import Sense

PRONOUNS = frozenset(
    "it her him them us you they she he this that these those all both everything one once none "
    "more most when what go we who how others ones anything something nothing me i up out".split()
)


def explores(draft: Draft, low: str) -> Act:
    """Return what a question about items asks for; nothing where there is none."""
    titled = TITLE in low
    if not titled and any(acts.says(act, low) for act in ("joke", "self", "taste")):
        return ""
    pointed = bool(draft.picked)
    for act in ("explain", "compare", "detail"):
        one = acts.says(act, low)
        if one is None:
            continue
        if act == "detail" and _told(low, one):
            continue
        asked = titled or pointed or _may_name(draft, low, one.end(), act)
        if act == "compare" and not re.search(
            r"\?|^\W*(?:is|which|are|what|how|compar|does|who)|compar|differ|\bvs\b|versus", low
        ):
            continue
        if asked and not _wishing(low, one.start(), act):
            return act
    return ""


def _told(low: str, one: "re.Match[str]") -> bool:
    """Whether "are ..." goes on with a statement and asks nothing."""
    if "?" in low or not re.match(
        r"(?:is|was|are|were|do|does|has|did|would|will|can|could)\b", one[0]
    ):
        return False
    before = low[: one.start()].strip()
    return bool(before) and not re.search(
        r"(?:[,.;:!]|\b(?:so|and|but|hey|hi|hello|ok|okay))$", before
    )


def _may_name(draft: Draft, low: str, at: int, act: str) -> bool:
    """Whether what a question goes on with could be a title that is still to be found."""
    rest = low[at:].strip(" ?!.,")
    if act == "detail" and not rest:
        rest = re.sub(r"^\W*what'?s?\b", "", low).strip(" ?!.,")
    if act != "compare" and (not rest or len(rest) > 90):
        return act == "explain" and draft.shown > 0 and not rest
    free = draft.lexicon.titles.found(draft.tokens, False)
    if any((act == "compare" or one.start >= at - 1) and _bare(draft, one) for one in free):
        return True
    unknown = [
        word
        for word in words(rest)
        if word not in everyday()
        and word not in STOP_WORDS
        and not draft.lexicon.phrases.get((stem(word),))
    ]
    return act == "detail" and bool(unknown)


def _bare(draft: Draft, one: Found) -> bool:
    part = draft.tokens[one.first : one.last]
    return not all(token.word in PRONOUNS or token.word in STOP_WORDS for token in part) and not (
        is_value(draft, one)
    )


def _wishing(low: str, at: int, act: str) -> bool:
    """Whether what looks like a question about items is a wish after all."""
    if act == "explain":
        return False
    return bool(
        re.search(
            r"\b(?:i'?d like|i want|i need|looking for|recommend|suggest(?:ion)?s?|give me an?|"
            r"show me an?|"
            r"something|find me|fancy|in the mood|which other|another|anything|similar to|more "
            r"like)\b",
            low,
        )
    ) and not re.search(r"tell (?:me|us) (?:something |anything )?(?:more )?about|why|compare", low)


def is_value(draft: Draft, one: Found, *, strict: bool = False) -> bool:
    """Whether the words of a title are a value's own spelling, too; `strict`: no mere topic."""
    loose = ("series", "topic", "other") if strict else ("series",)
    return any(s.own and not s.part and s.kind not in loose for s in senses_of(draft, one))


def is_series(draft: Draft, one: Found) -> bool:
    """Whether the words of a title are the name of a series of several items, too."""
    return any(s.kind == "series" and s.items > 1 and not s.part for s in senses_of(draft, one))


def senses_of(draft: Draft, one: Found) -> "tuple[Sense, ...]":
    """Return what the words of a title mean as values."""
    phrase = tuple(token.stem for token in draft.tokens[one.first : one.last])
    return draft.lexicon.phrases.get(phrase, ())
