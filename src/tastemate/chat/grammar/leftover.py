"""What of a message no slot holds: free text for a search, and what is wished away in vain."""

import re
from typing import TYPE_CHECKING

from tastemate.chat.grammar.cueing import marks
from tastemate.chat.grammar.text import SPENT, TITLE, Token, everyday
from tastemate.text.words import ASKING_WORDS, STOP_WORDS

if TYPE_CHECKING:
    from tastemate.chat.grammar.draft import Draft

_EMPTY = STOP_WORDS | ASKING_WORDS | frozenset(
    "please pls thanks hi hey hello ok okay yes yeah no nothing never without want wants need "
    "fancy "
    "film films movie movies book books novel novels story stories one ones something anything "
    "ideally preferably maybe perhaps possible rather little bit lot lots kind sort type really "
    "quite "
    "pretty two three four five six ten couple few another other time today tonight tomorrow now "
    "watching reading looking mood feel like up us let lets else only even though but however dont "
    "cant isnt im ive id made year years got know knows actually mean meant tell says goes taste "
    "thoughts "
    "second make start style undo bye sure preference genre genres hour hours idea ideas whats "
    "get gets "
    "third mind care matter thing going come comes put back last next new old good great nice best "
    "featuring starring directed suggestions options version half round job pick work hurts "
    "queasy fun "
    "set during take takes taking place "
    "thats theres heres whos whats lets id ill youd youll wed lol haha hehe hmm wow omg ugh "
    "meh yay "
    "oops um uh erm yep yup nope nah aha oh ah lmao rofl tbh imo btw idk whatever mate dude bro "
    "decent proper cracking buddy folks lads must way anyway honestly pls plz btw fine "
    "perfect deal sold "
        "help picking choosing find finding movie entertain hand asleep everyones minutes mins "
    "already myself someone somebody people person everyone together instead right".split()
)  # fmt: skip
_WISHED = ("want", "similar", "soft", "only")
_ABOUT = re.compile(r"\b(?:about|where|who|whose|with|set|featuring|involving|in which)\b")
_LONGEST = 300


def leftover(draft: "Draft") -> tuple[str, tuple[str, ...]]:
    """Return what is left to search for, and words wished away that nothing tells about.

    Clauses that wish for something are kept whole where one of their telling words is in no slot.
    """
    if draft.explores:
        return "", ()
    kept: list[str] = []
    away: list[str] = []
    held = [(one.start, one.end) for one in draft.stances] + draft.spans
    held += [(one.start, one.end) for one in draft.cues]
    for start, end in _clauses(draft):
        left = [
            token
            for token in draft.tokens
            if start <= token.start < end
            and token.word not in _EMPTY
            and not any(one <= token.start < other for one, other in held)
        ]
        if not left:
            continue
        clause = draft.low[start:end]
        cues = [one for one in draft.cues if start <= one.start < end]
        negated = [one.end for one in cues if one.name in ("neg", "degree-less", "dislike")]
        if negated:
            away += [
                one.word for one in left
                if one.start >= negated[0] and one.start - negated[0] < 40
                and not re.search(rf"[{TITLE}{SPENT}]", clause)
            ][:3]  # fmt: skip
            continue
        wishes = any(one.name in _WISHED for one in cues) or _ABOUT.search(clause)
        verdict = any(one.name in ("like", "seen", "good", "bad", "like-it") for one in cues)
        if (wishes or _bare(draft, left)) and not verdict and not _told(draft, start, end):
            kept.append(_trimmed(draft, start, end))
    text = ", ".join(one for one in kept if one)[:_LONGEST]
    return text, tuple(dict.fromkeys(away))


def _clauses(draft: "Draft") -> list[tuple[int, int]]:
    cuts = [0]
    for mark in marks(draft.low):
        cuts += [mark.start(), mark.end()]
    cuts.append(len(draft.low))
    return [(one, other) for one, other in zip(cuts[::2], cuts[1::2], strict=True) if other > one]


def _bare(draft: "Draft", left: list[Token]) -> bool:
    """Whether a short message without cues is a search itself, such as "samurai"."""
    return len(draft.tokens) <= 4 and not draft.cues and any(
        one.word not in everyday() for one in left
    )  # fmt: skip


def _told(draft: "Draft", start: int, end: int) -> bool:
    """Whether a clause tells of the moment or of what was seen, and wishes for nothing."""
    wished = any(one.name == "want" and start <= one.start < end for one in draft.cues)
    return not wished and any(start <= one < end for one, _ in draft.moments)


def _trimmed(draft: "Draft", start: int, end: int) -> str:
    """Return a clause as written, without the words at its ends that only ask."""
    part = [one for one in draft.tokens if start <= one.start < end]
    words = list(part)
    while words and words[0].word in _EMPTY and not _ABOUT.fullmatch(words[0].word):
        words.pop(0)
    while words and words[-1].word in _EMPTY:
        words.pop()
    if not words or any(sign in draft.low[words[0].start : words[-1].end] for sign in TITLE):
        return ""
    return draft.text[words[0].start : words[-1].end]
