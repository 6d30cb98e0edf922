"""What the words around a mention do to it: who wants it, whether at all, how firmly.

One pass from left to right over cues, marks and mentions. A cue holds until a mark or another cue
ends it; a comma ends a negation unless a list goes on behind it ("no gore, violence or ghosts").
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from tastemate.chat.grammar.cueing import MARK, Cue, marks
from tastemate.chat.grammar.stance import (
    IT,
    PREDICATE,
    WOW,
    Away,
    Now,
    Stance,
    affirmed,
    behind,
    judged,
    object_of,
    resigned,
    softened,
    unfit,
)

_OTHER = re.compile(
    r"\b(?:she|he|they|her|his|(?:my|our|the) (?:\w+ )?(?:boy ?friend|girl ?friend|wife|husband|"
    r"partner|"
    r"mum|mom|dad|mother|father|friend|mate|sister|brother|son|daughter|kids?|children|one|other|"
    r"flatmate|roommate|aunt|uncle|cousin|gran|grandma|grandpa|colleague|parents|better half|"
    r"niece|nephew|lady|best friend)|mum|dad|mom|best friend(?:'s)?|one(?= (?:of us )?(?:wants|"
    r"insists|"
    r"asks|likes|loves))|the other(?: one)?|[a-z]+(?= (?:wants|insists on|asks for|hates|loves|"
    r"fancies|(?:will |would )?only\b|won'?t|will not|will only|can'?t stand|refuses)))\b"
)
_FIRST = re.compile(r"\b(?:i|i'm|i'd|i'll|i've|me|we|we're|we'd|im|id)\b")
_BARE = re.compile(
    r"[\s,]*(?:\b(?:and|or|nor|any|even|&|a|an|the|of|too|much|very|films?|movies?|books?|stuff|"
    r"things?|please|stories)\b[\s,]*)*"
)
_TWICE = re.compile(  # "there is no way I am not", "I never don't"
    r"\s*(?:(?:way|chance|time|day|reason|world|(?:in|on) (?:earth|hell))\s+)?(?:(?:that|"
    r"in which|when|"
    r"where)\s+)?(?:i|we|i'm|we're|i am|we are|you|she|he|they|am|is|are|to|just)?\s*"
    r"(?:am|are|is|will|would|can|could|want to|going to)?\s*"
)
_CONJ = re.compile(r"\b(?:or|nor|and)\b|&")


def stances(
    low: str, found: Sequence[Cue], mentions: Sequence[Stance], *, asks: bool
) -> list[Stance]:
    """Return mentions with what is said of them; `asks` says that verdicts are questions.

    The stances are the mentions themselves, changed in place.
    """
    mentions = sorted(mentions, key=lambda one: (one.start, -one.end))
    parts: list[tuple[int, int, object]] = [
        *((one.start, 0, one) for one in found),
        *(
            (one.start(), 1, one)
            for one in marks(low)
            if not any(cue.start <= one.start() < cue.end for cue in found)
        ),
        *((one.start, 2, one) for one in mentions),
    ]
    now = Now()
    for _, _, part in sorted(parts, key=lambda one: one[:2]):
        if isinstance(part, Cue):
            _cued(low, now, part, asks)
        elif isinstance(part, Stance):
            _mentioned(low, now, part)
        else:
            assert isinstance(part, re.Match)
            _marked(low, now, part, mentions)
    return now.stances


def _mentioned(low: str, now: Now, one: Stance) -> None:
    if now.said and now.away in ("degree", "no") and now.stances and one.what != "title":
        last = now.stances[-1]
        near = not low[last.end : one.start].strip() and _kind(one) == "genre"
        thing = (
            now.away == "no"
            and last.what == "level"
            and _THING.fullmatch(low[last.start : last.end])
        )
        if thing and not low[last.end : one.start].strip() and one.what == "value":
            now.away = ""  # "no violence Japanese drama"
        if near and (now.away == "degree" or (now.adverb and _kind(last) in ("mood", "level"))):
            now.away = ""  # "not too violent action": it is action that is wished
    one.mode, one.away, one.soft = now.mode, now.away, now.soft
    one.other, one.sentence, one.segment = now.other, now.sentence, now.segment
    one.only, one.twice = now.only, now.twice
    if one.what == "title" and _STYLE.match(low, one.end):
        one.mode = "similar"
    elif one.what == "title":
        now.titled = True
    else:
        now.said = now.spoken = True
        one.told = now.titled and now.mode in ("liked", "disliked", "seen", "") and not now.soft
    now.stances.append(one)


_THING = re.compile(r"violence|gore|blood(?:shed)?|brutality|killings?|torture|fighting|shooting")
_STYLE = re.compile(r"[- ](?:style|like|esque|type|vibes?|ish)\b(?! (?:it|that))")


def _kind(one: Stance) -> str:
    if one.what == "value" and isinstance(one.about, tuple):
        return str(getattr(one.about[0], "kind", ""))
    return one.what


def _marked(low: str, now: Now, mark: "re.Match[str]", mentions: Sequence[Stance]) -> None:
    now.segment += 1
    now.only = False
    if mark.lastgroup == "stop":
        now.mode, now.away, now.soft, now.other = "", "", False, ""
        now.titled = now.twice = False
        now.sentence += 1
        return
    if mark.lastgroup in ("but", "butnot"):
        now.mode, now.away, now.soft, now.titled = "", "", False, False
        return
    if now.away and not _listed(low, mark.end(), mentions):
        now.away = ""
        if now.mode in ("disliked", "unlike") and not now.titled:
            now.mode = ""
    if now.soft and not _listed(low, mark.end(), mentions):
        now.soft = False
    if now.mode in ("similar", "liked", "seen", "disliked") and now.titled:
        following = min((one.start for one in mentions if one.start >= mark.end()), default=-1)
        near = following >= 0 and not _BARE.sub("", low[mark.end() : following], count=1).strip()
        title = near and any(one.start == following and one.what == "title" for one in mentions)
        if not title:
            now.mode, now.titled = "", False


def _listed(low: str, at: int, mentions: Sequence[Stance]) -> bool:
    """Whether a list of bare mentions goes on from here, and has a conjunction."""
    joined = False
    while True:
        end = MARK.search(low, at)
        stop = end.start() if end else len(low)
        part = low[at:stop]
        inside = [one for one in mentions if at <= one.start < stop]
        rest = part
        for one in inside:
            rest = rest.replace(low[one.start : one.end], " ", 1)
        if not inside or _BARE.sub("", rest).strip():
            return False
        joined = joined or bool(_CONJ.search(part))
        if joined:
            return True
        if end is None or end.lastgroup != "comma":
            return False
        at = end.end()


def _cued(low: str, now: Now, cue: Cue, asks: bool) -> None:
    """Change what holds from here on, or what was said before."""
    name = cue.name
    if name in ("like", "dislike", "want", "neg", "similar", "seen", "only"):
        now.only = now.only or "only" in low[cue.start : cue.end]
        _spoken(low, now, cue)
    copula = name == "neg" and re.match(r"(?:was|were|is|are)", low[cue.start :])
    if name not in ("good", "bad", "like-it", "resign") and now.mode == "" and not copula:
        now.titled = False
    if name in ("good", "bad", "like-it"):
        if not asks:
            judged(now, name, low[max(cue.start - 18, 0) : cue.start])
        if name == "bad":
            unfit(now)
    elif name == "resign":
        sarcastic = not low[cue.start :].startswith("just what") or WOW.match(low)
        if sarcastic:
            resigned(now)
    elif name in ("affirm", "soft-post"):
        affirmed(now) if name == "affirm" else softened(low, now, cue)
    elif name == "neg":
        _negated(low, now, cue)
    elif name == "degree-less":
        now.away, now.said, now.mode = "degree", False, ""
    elif name in ("soft", "soft-positive"):
        now.soft, now.spoken = True, False
        now.away = "" if name == "soft-positive" else now.away
    else:
        _turned(low, now, cue)


def _negated(low: str, now: Now, cue: Cue) -> None:
    gap = low[max(now.negated, 0) : cue.start]
    double = (
        now.away == "no"
        and not now.said
        and (re.search(r"(?:that|which|who)\s*$", gap) or _twice(low, now.negated, cue))
    )
    now.negated = cue.end
    now.away, now.said = ("" if double else "no"), False
    now.adverb = low[cue.start : cue.end].endswith(("not", "n't"))
    if now.mode not in ("similar",):
        now.mode = ""


def _twice(low: str, negated: int, cue: Cue) -> bool:
    """Whether a negation negates the one before it: "I can't not watch", "I never don't"."""
    gap = low[max(negated, 0) : cue.start]
    if negated < 0 or not low[cue.start : cue.end].endswith(("not", "n't", "dont", "cant", "wont")):
        return False
    verbal = low[:negated].endswith(("n't", "never", "cannot", "cant", "dont"))
    return bool(_TWICE.fullmatch(gap)) and (verbal or bool(gap.strip()))


def _turned(low: str, now: Now, cue: Cue) -> None:
    """Change what holds from here on, for the cues that turn a verdict or a wish."""
    name = cue.name
    if name in _TURNS:
        _TURNS[name](low, now, cue)
    elif name == "except":
        now.mode, now.away, now.said = "except", "no", False
    elif name == "only":
        now.away, now.mode, now.said = "", "", False
    else:
        away = {"neutral": "neutral", "everyone": "everyone"}.get(name, "no")
        now.away = cast(Away, away)
        now.twice = True
        now.mode, now.said, now.since = "", False, len(now.stances)


def _wanted(low: str, now: Now, cue: Cue) -> None:
    contiguous = now.away in ("no", "neutral") and not now.said
    if not contiguous or low[cue.start : cue.end].startswith("please"):
        now.away = ""
    now.mode, now.titled = "", False
    if not contiguous and now.spoken:
        now.soft = False


def _liked(low: str, now: Now, cue: Cue) -> None:
    if now.away == "no" and not now.said:
        now.mode = "disliked"
    else:
        now.mode, now.away = "liked", ""
        if IT.match(low, cue.end):
            behind(now, "liked")
            object_of(low, now, cue)
    now.titled = False


def _disliked(low: str, now: Now, cue: Cue) -> None:
    if now.away == "everyone":
        for one in now.stances[now.since :]:
            one.away = ""
        now.away, now.mode = "", "liked"
    else:
        now.mode, now.away, now.said = "disliked", "no", False
        if PREDICATE.search(low[cue.start : cue.end]):
            unfit(now)
    behind(now, "disliked")
    object_of(low, now, cue)
    now.titled = False


def _met(low: str, now: Now, cue: Cue) -> None:
    now.mode = "seen" if cue.name == "seen" else "unseen"
    now.away = ""
    behind(now, now.mode)
    object_of(low, now, cue)
    now.titled = False


def _compared(_low: str, now: Now, cue: Cue) -> None:
    away = cue.name == "unlike" or (now.away in ("no", "degree") and not now.said)
    now.mode, now.away, now.said = ("unlike" if away else "similar"), "no" if away else "", False
    now.titled = False


_TURNS: Mapping[str, Callable[[str, Now, Cue], None]] = {
    "want": _wanted,
    "like": _liked,
    "dislike": _disliked,
    "seen": _met,
    "unseen": _met,
    "similar": _compared,
    "unlike": _compared,
}


def _spoken(low: str, now: Now, cue: Cue) -> None:
    """Note who says so, by the last person named before the cue's end."""
    part = low[: cue.end]
    clause = part[max(part.rfind(mark) for mark in (".", "!", "?", ";", ",", ":", "\n")) + 1 :]
    clause = re.split(r"\b(?:and|but)\b", clause)[-1]
    first = [one.start() for one in _FIRST.finditer(clause)]
    other = list(_OTHER.finditer(clause))
    if first or other:
        theirs = bool(other) and (not first or first[-1] < other[-1].start())
        now.other = other[-1][0] if theirs else ""
