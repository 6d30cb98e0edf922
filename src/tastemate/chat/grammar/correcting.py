"""Corrections inside one message: "with Tom Hanks, no, scratch that, with Bill Murray"."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tastemate.chat.grammar.numbers import Bounds

if TYPE_CHECKING:
    from tastemate.chat.grammar.draft import Draft
    from tastemate.chat.grammar.stance import Stance

_LEAD = (
    r"(?:(?:no|wait|sorry|oops|actually|hang on|hold on|erm?|um+|hmm+|nah|ah|oh|well|"
    r"argh|ugh)[\s,.!-]*)"
)
_CORRECTS = re.compile(
    rf"(?<![\w'])(?:{_LEAD}*(?:scratch that|strike that|forget that|i mean(?:t)?|make (?:that|it)|"
    rf"correction|or rather|change that|typo|(?:my )?fingers slipped|my mistake|"
    rf"not that|on second thoughts?|rather)|{_LEAD}{{2,}}|(?:[-,.!] ?)(?:wait|oops|sorry|"
    rf"no wait|wait no)"
    rf"(?= ?[,-])|(?<=- )(?:actually|rather)(?=[ ,]))(?![\w'])"
)
_NEAR = 60


def corrected(draft: "Draft") -> None:
    """Drop what a message takes back itself, where something of its kind takes its place."""
    for one in _CORRECTS.finditer(draft.low):
        new = next(
            (s for s in draft.stances if one.end() <= s.start <= one.end() + _NEAR and _sort(s)),
            None,
        )
        if new is None:
            continue
        old = [s for s in draft.stances if s.end <= one.start() and _sort(s) == _sort(new)]
        if not old or one.start() - old[-1].end > _NEAR or (old[-1].away and not new.away):
            continue
        between = re.sub(r"\.+", ".", draft.low[old[-1].end : one.start()])
        if between.count(".") > 1 or _same(old[-1], new):
            continue
        draft.stances.remove(old[-1])
        if new.what == "title" and not new.mode:
            new.mode = old[-1].mode


def _sort(one: "Stance") -> str:
    """Return what sort of thing a mention is: values of one attribute are of one sort."""
    if one.what == "title":
        return "title"
    if one.what in ("value", "person") and isinstance(one.about, tuple):
        return "person" if one.what == "person" else str(one.about[0].attribute)
    return ""


def _same(old: "Stance", new: "Stance") -> bool:
    return bool(old.about == new.about)


def replaced(low: str, found: Sequence[Bounds]) -> list[Bounds]:
    """Return bounds without those that a later one of their measure corrects."""
    kept: list[Bounds] = []
    for one in found:
        last = kept[-1] if kept else None
        if last is not None and last.measure == one.measure:
            between = low[last.end : one.start]
            if _CORRECTS.search(between) and len(between) <= _NEAR:
                kept.pop()
            elif re.fullmatch(r"[,;.]? *(?:but )?(?:and )?not (?:the |from )?", between):
                continue  # "the 60s, not the 2000s"
            elif re.search(r"\bnot (?:the |from |in )*$", low[: last.start]) and re.fullmatch(
                r"[,;.]? *(?:but |rather )?(?:the |from |in )*", between
            ):
                kept.pop()  # "not the 2000s, the 60s"
        kept.append(one)
    return kept
