"""Cues: words that do something to the words beside them; and the marks that end a clause."""

import re
from dataclasses import dataclass
from functools import cache

from tastemate.chat.grammar.text import table


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that do something to others."""

    start: int
    end: int
    name: str


MARK = re.compile(
    r"(?P<stop>[!?;\n]+|\.(?!\d)+)|(?P<but>(?<![\w'])(?:but|however|though|although|yet|except "
    r"that|"
    r"on the other hand)(?![\w'-])(?!\s*(?:not|no|nothing|never|without|isn'?t|don'?t)\b))|"
    r"(?P<butnot>(?<![\w'])(?:but|though|although|however)(?![\w'-]))|(?P<comma>,|:|\s-+\s|"
    r"[()\[\]]|"
    r"(?<![\w'])(?:because|since i|so that|which|while|whereas)(?![\w'-]))"
)


_VERB_BEFORE = re.compile(
    r"(?:\b(?:i|we|you|they|she|he|also|really|do|did|don'?t|didn'?t|would|i'?d|we'?d|to|people|"
    r"kids?|who|"
    r"might|will|that|always|never|quite|absolutely|both|doesn'?t|still|just|not|particularly|"
    r"much|even)\s+)$"
)


_WISHED_LIKE = re.compile(r"(?:would|'d|d)(?: really| also| very much| just)? $|\bid $")


@cache
def _cues() -> "tuple[re.Pattern[str], tuple[str, ...]]":
    names: list[str] = []
    parts: list[str] = []
    for at, cue in enumerate(table("cues")["cue"]):
        names.append(cue["name"])
        parts.append(f"(?P<c{at}>{'|'.join(cue['patterns'])})")
    return re.compile(rf"(?<![\w'])(?:{'|'.join(parts)})(?![\w])"), tuple(names)


def cues(low: str) -> list[Cue]:
    """Return the cues of lower-case text, in order, none over another."""
    pattern, names = _cues()
    found: list[Cue] = []
    for one in pattern.finditer(low):
        name = names[int((one.lastgroup or "c0")[1:])]
        if name == "neg" and low[: one.start()].endswith(("if ", "why ")):
            continue
        if name == "plain-like":
            name = _liking(low, one.start())
        if name:
            found.append(Cue(one.start(), one.end(), name))
    return found


def _liking(low: str, at: int) -> str:
    """Say what a bare "like" is: a verdict, a wish, or a comparison."""
    before = low[max(at - 25, 0) : at]
    if _WISHED_LIKE.search(before):
        return "want"
    if _VERB_BEFORE.search(before):
        return "like"
    return "similar"


def marks(low: str) -> "list[re.Match[str]]":
    """Return the marks and words that end a clause, in order."""
    return list(MARK.finditer(low))
