"""What the words around a mention do to it: who wants it, whether at all, how firmly.

One pass from left to right over cues, marks and mentions. A cue holds until a mark or another cue
ends it; a comma ends a negation unless a list goes on behind it ("no gore, violence or ghosts").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, TypeAlias

from tastemate.chat.grammar.text import table

Mode: TypeAlias = Literal[
    "", "liked", "disliked", "seen", "unseen", "similar", "unlike", "except"
]
Away: TypeAlias = Literal["", "no", "degree", "neutral", "everyone"]
What: TypeAlias = Literal["title", "value", "level", "person", "reference"]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that do something to others."""

    start: int
    end: int
    name: str


@dataclass(slots=True)
class Stance:
    """A mention, and what its message says of it."""

    start: int
    end: int
    what: What
    about: object
    """What is mentioned: an item's row, a value, a level."""
    mode: Mode = ""
    away: Away = ""
    soft: bool = False
    other: str = ""
    """Who says so, where it is not the speaker."""
    told: bool = False
    """Whether it only belongs to what is told of a title."""
    flipped: bool = False
    """Whether a later sentence took it back."""
    sentence: int = 0
    segment: int = 0


@dataclass(slots=True)
class _Now:
    mode: Mode = ""
    away: Away = ""
    soft: bool = False
    other: str = ""
    said: bool = False
    """Whether a mention followed the negation."""
    adverb: bool = False
    """Whether what negates is "not", and not "no"."""
    spoken: bool = False
    """Whether a mention followed what softens."""
    titled: bool = False
    """Whether a title followed the verdict."""
    sentence: int = 0
    segment: int = 0
    since: int = 0
    """How many stances there were when a double negation began."""
    stances: list[Stance] = field(default_factory=list)


_MARK = re.compile(
    r"(?P<stop>[!?;\n]+|\.(?!\d)+)|(?P<but>(?<![\w'])(?:but|however|though|although|yet|except that|"
    r"on the other hand)(?![\w'-])(?!\s*(?:not|no|nothing|never|without|isn'?t|don'?t)\b))|"
    r"(?P<butnot>(?<![\w'])(?:but|though|although|however)(?![\w'-]))|(?P<comma>,|:|\s-+\s|[()\[\]]|"
    r"(?<![\w'])(?:because|since i|so that|which|while|whereas)(?![\w'-]))"
)
_VERB_BEFORE = re.compile(
    r"(?:\b(?:i|we|you|they|she|he|also|really|do|did|don'?t|didn'?t|would|i'?d|we'?d|to|people|kids?|who|"
    r"might|will|that|always|never|quite|absolutely|both|doesn'?t|still|just|not|particularly|much|even)\s+)$"
)
_WISHED_LIKE = re.compile(r"(?:would|'d|d)(?: really| also| very much| just)? $|\bid $")
_OTHER = re.compile(
    r"\b(?:she|he|they|her|his|(?:my|our|the) (?:\w+ )?(?:boy ?friend|girl ?friend|wife|husband|partner|"
    r"mum|mom|dad|mother|father|friend|mate|sister|brother|son|daughter|kids?|children|one|other|"
    r"flatmate|roommate|aunt|uncle|cousin|gran|grandma|grandpa|colleague|parents|better half|"
    r"niece|nephew|lady|best friend)|mum|dad|mom|best friend(?:'s)?|one(?= (?:of us )?(?:wants|insists|"
    r"asks|likes|loves))|the other(?: one)?|[a-z]+(?= (?:wants|insists on|asks for|hates|loves|fancies)))\b"
)
_WOW = re.compile(
    r"\W*(?:oh|ah|wow|great|fantastic|brilliant|lovely|yay|super|wonderful|perfect|yeah|sure|right|"
    r"marvellous|terrific|how|excellent|amazing|hooray|splendid|fabulous)\b"
)
_FIRST = re.compile(r"\b(?:i|i'm|i'd|i'll|i've|me|we|we're|we'd|im|id)\b")
_BARE = re.compile(r"[\s,]*(?:\b(?:and|or|nor|any|even|&|a|an|the|of|too|much|very|films?|movies?|books?|stuff|things?|please|stories)\b[\s,]*)*")
_CONJ = re.compile(r"\b(?:or|nor|and)\b|&")


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
    return list(_MARK.finditer(low))


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
    now = _Now()
    for _, _, part in sorted(parts, key=lambda one: one[:2]):
        if isinstance(part, Cue):
            _cued(low, now, part, asks)
        elif isinstance(part, Stance):
            _mentioned(low, now, part)
        else:
            assert isinstance(part, re.Match)
            _marked(low, now, part, mentions)
    return now.stances


def _mentioned(low: str, now: _Now, one: Stance) -> None:
    if now.said and now.away in ("degree", "no") and now.stances and one.what != "title":
        last = now.stances[-1]
        near = not low[last.end : one.start].strip() and _kind(one) == "genre"
        if near and (now.away == "degree" or (now.adverb and _kind(last) in ("mood", "level"))):
            now.away = ""  # "not too violent action": it is action that is wished
    one.mode, one.away, one.soft = now.mode, now.away, now.soft
    one.other, one.sentence, one.segment = now.other, now.sentence, now.segment
    if one.what == "title":
        now.titled = True
    else:
        now.said = now.spoken = True
        one.told = (
            now.titled and now.mode in ("liked", "disliked", "seen", "") and not now.soft
        )
    now.stances.append(one)


def _kind(one: Stance) -> str:
    if one.what == "value" and isinstance(one.about, tuple):
        return str(getattr(one.about[0], "kind", ""))
    return one.what


def _marked(low: str, now: _Now, mark: "re.Match[str]", mentions: Sequence[Stance]) -> None:
    now.segment += 1
    if mark.lastgroup == "stop":
        now.mode, now.away, now.soft, now.other = "", "", False, ""
        now.titled = False
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
    """Whether a list of bare mentions goes on from here, and has an "or" or "and" before its end."""
    joined = False
    while True:
        end = _MARK.search(low, at)
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


def _cued(low: str, now: _Now, cue: Cue, asks: bool) -> None:
    """Change what holds from here on, or what was said before."""
    name = cue.name
    if name in ("like", "dislike", "want", "neg", "similar", "seen"):
        _spoken(low, now, cue)
    copula = name == "neg" and re.match(r"(?:was|were|is|are)", low[cue.start :])
    if name not in ("good", "bad", "like-it", "resign") and now.mode == "" and not copula:
        now.titled = False
    if name in ("good", "bad", "like-it"):
        if not asks:
            _judged(now, name, low[max(cue.start - 14, 0) : cue.start])
        if name == "bad":
            _unfit(now)
    elif name == "resign":
        sarcastic = not low[cue.start :].startswith("just what") or _WOW.match(low)
        if sarcastic:
            _resigned(now)
    elif name == "soft-post":
        _softened(low, now, cue)
    elif name == "neg":
        double = now.away == "no" and not now.said and re.search(
            r"(?:that|which|who)\s*$", low[max(cue.start - 7, 0) : cue.start]
        )
        now.away, now.said = ("" if double else "no"), False
        now.adverb = low[cue.start : cue.end].endswith(("not", "n't"))
        if now.mode not in ("similar",):
            now.mode = ""
    elif name == "degree-less":
        now.away, now.said, now.mode = "degree", False, ""
    elif name in ("soft", "soft-positive"):
        now.soft, now.spoken = True, False
        now.away = "" if name == "soft-positive" else now.away
    else:
        _turned(low, now, cue)


def _softened(low: str, now: _Now, cue: Cue) -> None:
    """Soften what stands before "if possible": all of its clause, or what follows its "with"."""
    here = [one for one in now.stances if one.segment == now.segment]
    if any(one.soft for one in here):
        return
    wishful = low[cue.start : cue.end].startswith("would be")
    if wishful and not any(
        one.segment < now.segment and one.what != "title" for one in now.stances
    ):
        return  # "dramas would be lovely" is the wish itself
    behind = max((low.rfind(" with ", one.end, cue.start) for one in here[:1]), default=-1)
    for one in here:
        one.soft = one.soft or one.start > behind


def _turned(low: str, now: _Now, cue: Cue) -> None:
    name = cue.name
    if name == "want":
        contiguous = now.away in ("no", "neutral") and not now.said
        if not contiguous or low[cue.start : cue.end].startswith("please"):
            now.away = ""
        now.mode, now.titled = "", False
        if not contiguous and now.spoken:
            now.soft = False
    elif name == "like":
        if now.away == "no" and not now.said:
            now.mode = "disliked"
        else:
            now.mode, now.away = "liked", ""
        now.titled = False
    elif name == "dislike":
        if now.away == "everyone":
            for one in now.stances[now.since :]:
                one.away = ""
            now.away, now.mode = "", "liked"
        else:
            now.mode, now.away, now.said = "disliked", "no", False
            if re.search(r"(?:for (?:me|us)|my \w+(?: of tea)?|for me|it for me|appeal|click)$", low[cue.start : cue.end]):
                _unfit(now)
        _behind(now, "disliked")
        _object(low, now, cue)
        now.titled = False
    elif name in ("seen", "unseen"):
        now.mode = "seen" if name == "seen" else "unseen"
        now.away = ""
        _behind(now, now.mode)
        _object(low, now, cue)
        now.titled = False
    elif name in ("similar", "unlike"):
        away = name == "unlike" or (now.away in ("no", "degree") and not now.said)
        now.mode, now.away, now.said = ("unlike" if away else "similar"), "no" if away else "", False
        now.titled = False
    elif name == "except":
        now.mode, now.away, now.said = "except", "no", False
    elif name in ("neutral", "everyone", "notthat"):
        now.away = "no" if name == "notthat" else name  # type: ignore[assignment]
        now.mode, now.said, now.since = "", False, len(now.stances)
    elif name == "only":
        now.away, now.mode, now.said = "", "", False


def _spoken(low: str, now: _Now, cue: Cue) -> None:
    """Note who says so, by the last person named before the cue's end."""
    part = low[: cue.end]
    clause = part[max(part.rfind(mark) for mark in (".", "!", "?", ";", ",", ":", "\n")) + 1 :]
    clause = re.split(r"\b(?:and|but)\b", clause)[-1]
    first = [one.start() for one in _FIRST.finditer(clause)]
    other = list(_OTHER.finditer(clause))
    if first or other:
        theirs = bool(other) and (not first or first[-1] < other[-1].start())
        now.other = other[-1][0] if theirs else ""


def _behind(now: _Now, mode: Mode) -> None:
    """Let a verdict reach back to titles of its sentence that have none: "Heat I didn't like"."""
    open_ = [
        one
        for one in now.stances
        if one.what == "title" and one.sentence == now.sentence and one.mode in ("", "except")
        and not (one.mode == "" and one.away == "no")
    ]  # fmt: skip
    if now.other and any(one.mode == "liked" for one in open_):
        return
    for one in open_:
        one.mode = mode


_IT = re.compile(r"\s*(?:already |all |really )*(?:it|them|that(?: one)?|both|those|these|him|her)\b")


def _object(low: str, now: _Now, cue: Cue) -> None:
    """Let a verdict on "it" reach back to the titles named last in an earlier sentence."""
    if not _IT.match(low, cue.end):
        return
    titles = [one for one in now.stances if one.what == "title"]
    values = [one for one in now.stances if one.what in ("value", "person") and not one.away]
    if cue.name == "dislike" and values and not titles:
        last = [one for one in values if one.sentence == values[-1].sentence]
        for one in last:
            if one.other != now.other:
                now.stances.append(replace(one, start=cue.start, away="no", other=now.other))
        return
    if not titles or any(one.sentence == now.sentence for one in titles):
        return
    if now.sentence - titles[-1].sentence <= 2 and _IT.match(low, cue.end):
        for one in titles:
            if one.sentence == titles[-1].sentence and one.mode in ("", "unseen", "except"):
                one.mode = now.mode


def _judged(now: _Now, name: str, before: str) -> None:
    """Give the titles named last the verdict that follows them."""
    bad = name == "bad" or (name == "good" and bool(re.search(r"(?:n'?t|not)[\w ]{0,8}$", before)))
    titles = [one for one in now.stances if one.what == "title"]
    here = [one for one in titles if one.sentence == now.sentence]
    if here:
        group = [one for one in here if one.mode in ("", "seen", "except")]
        if name == "like-it" and not group:
            group = [one for one in here if one.mode == "similar"][-1:]
        if bad:
            near = [one for one in here if one.segment >= now.segment - 1]
            group = group or [one for one in near if one.mode == "liked"]
    else:
        last = max((one.sentence for one in titles), default=-1)
        near = last >= 0 and now.sentence - last <= 2
        group = [one for one in titles if one.sentence == last] if near else []
        if not bad:
            group = [one for one in group if one.mode in ("", "seen")]
        elif any(one.mode == "disliked" for one in group):
            group = []
    if group and not (now.other and name == "bad"):
        if name != "like-it":
            last_start = max(one.segment for one in group)
            if any(one.mode == "" for one in group):
                group = [one for one in group if one.segment == last_start or one.mode == ""]
        for one in group:
            one.mode = "disliked" if bad else "liked"
    for one in now.stances:
        if name != "like-it" and one.what != "title" and one.segment == now.segment and here:
            one.told = True


def _unfit(now: _Now) -> None:
    """Wish away what a verdict follows: "musicals are not for me"."""
    if any(one.what == "title" and one.segment == now.segment for one in now.stances):
        return
    for one in now.stances:
        if one.what in ("value", "person") and one.segment == now.segment and not one.mode:
            one.away, one.told = "no", False


def _resigned(now: _Now) -> None:
    """Take back the last things that were said to be wished."""
    said = [one for one in now.stances if one.what in ("value", "level", "person")]
    titles = [one for one in now.stances if one.what == "title"]
    if titles and (not said or said[-1].start < titles[-1].start):
        if titles[-1].mode in ("", "liked"):
            titles[-1].mode = "disliked"
        return
    if not said:
        return
    last = max(one.sentence for one in said)
    for one in said:
        if one.sentence == last:
            one.away, one.mode, one.flipped, one.told, one.soft = "no", "", True, False, False
