"""What of a message no slot holds: free text for a search, and what is wished away in vain."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tastemate.chat.grammar.cueing import Cue, marks
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
_FILLING = frozenset(
    "am agree agreed him her them thing things stuff picture pictures cinema flick flicks well "
    "start started starts set based made make makes come comes came go gone goes happen happens "
    "turn turns mostly mainly exactly hardly around along away still then there".split()
)
"""Words that say nothing of an item between others that were understood."""
_NAMED = re.compile(rf"[{TITLE}{SPENT}]")
_JOIN = re.compile(r"(?: (?:and|&)|-)? ?")
_LINK = re.compile(r"\b(?:by|from|with|without|about|in|for|of)\s+(?:(?:the|an?|some)\s+)?$")


def leftover(draft: "Draft") -> tuple[str, tuple[str, ...]]:
    """Return what is left to search for, and phrases that nothing in the catalogue tells about.

    Of a clause that wishes for something, what no slot holds is kept as it is written. The phrases
    are what is wished away, and what "only" asks for where no part of it is understood.
    """
    if draft.explores:
        return "", ()
    kept: list[str] = []
    away: list[str] = []
    read = [(one.start, one.end) for one in draft.stances] + draft.spans
    held = read + [(one.start, one.end) for one in draft.cues]
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
        cues = [one for one in draft.cues if start <= one.start < end]
        negated = [one.end for one in cues if one.name in ("neg", "degree-less", "dislike")]
        if negated:
            near = [
                one
                for one in left
                if 0 <= one.start - negated[0] < 40
                and not _NAMED.search(draft.low, negated[0], one.start)
            ]
            away += _phrases(draft, near)[:3]
            continue
        wishes = any(one.name in _WISHED for one in cues) or _ABOUT.search(draft.low, start, end)
        verdict = any(one.name in ("like", "seen", "good", "bad", "like-it") for one in cues)
        if (wishes or _bare(draft, left)) and not verdict and not _told(draft, start, end):
            kept += _pieces(draft, start, end, read)
            away += _only(draft, cues, left, end)
    text = ", ".join(kept)[:_LONGEST]
    return text, tuple(dict.fromkeys(away))


def _phrases(draft: "Draft", left: Sequence[Token]) -> list[str]:
    """Return words as the phrases they make: "black and white" is one."""
    found: list[str] = []
    last = -1
    for one in left:
        joined = last >= 0 and _JOIN.fullmatch(draft.low, last, one.start)
        if joined:
            found[-1] += draft.low[last : one.end]
        else:
            found.append(draft.low[one.start : one.end])
        last = one.end
    return found


def _only(draft: "Draft", cues: Sequence[Cue], left: Sequence[Token], end: int) -> Sequence[str]:
    """Return what nothing else than is wanted, where nothing of that is understood."""
    at = next((one.end for one in cues if one.name == "only"), -1)
    behind = [one for one in left if 0 <= at <= one.start]
    if not behind or any(at <= one.start < end for one in draft.stances):
        return ()
    if _NAMED.search(draft.low, at, end) or any(at <= one < end for one, _ in draft.spans):
        return ()
    first = _LINK.search(draft.low, at, behind[0].start)
    return (draft.text[first.start() if first else behind[0].start : behind[-1].end],)


def _pieces(draft: "Draft", start: int, end: int, read: Sequence[tuple[int, int]]) -> list[str]:
    """Return a clause as it is written, cut where a slot holds its words already."""
    part = [one for one in draft.tokens if start <= one.start < end]
    if not _trimmed(draft, part):
        return []
    runs: list[list[Token]] = [[]]
    for token in part:
        if not any(one < token.end and token.start < other for one, other in read):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    # what is left between what is understood tells something only by words of its own
    if sum(map(len, runs)) < len(part):
        runs = [run for run in runs if any(_telling(one) for one in run)]
    joined = " ".join(one for run in runs if (one := _trimmed(draft, run)))
    return [joined] if joined else []


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


def _telling(token: Token) -> bool:
    return token.word not in _EMPTY and token.word not in _FILLING


def _trimmed(draft: "Draft", part: Sequence[Token]) -> str:
    """Return words as written, without those at their ends that only ask; nothing for a title."""
    words = list(part)
    while words and words[0].word in _EMPTY and not _ABOUT.fullmatch(words[0].word):
        words.pop(0)
    while words and (words[-1].word in _EMPTY or _ABOUT.fullmatch(words[-1].word)):
        words.pop()
    if not words or any(sign in draft.low[words[0].start : words[-1].end] for sign in TITLE):
        return ""
    return draft.text[words[0].start : words[-1].end]
