"""A mention and what is said of it; and the words that reach back to what was said before."""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from tastemate.chat.grammar.cueing import Cue

Mode: TypeAlias = Literal["", "liked", "disliked", "seen", "unseen", "similar", "unlike", "except"]


Away: TypeAlias = Literal["", "no", "degree", "neutral", "everyone"]


What: TypeAlias = Literal["title", "value", "level", "person", "reference"]


@dataclass(slots=True)
class Stance:
    """A mention, and what its message says of it."""

    start: int
    end: int
    what: What
    about: Any
    """What is mentioned: an item's row, a value, a level."""
    mode: Mode = ""
    away: Away = ""
    soft: bool = False
    other: str = ""
    """Who says so, where it is not the speaker."""
    told: bool = False
    """Whether it only belongs to what is told of a title."""
    twice: bool = False
    """Whether it is wished away only as far as "not that I don't" says."""
    only: bool = False
    """Whether nothing else would do."""
    flipped: bool = False
    """Whether a later sentence took it back."""
    sentence: int = 0
    segment: int = 0


@dataclass(slots=True)
class Now:
    """What holds at a place of a message: the cues in force there."""

    mode: Mode = ""
    away: Away = ""
    soft: bool = False
    other: str = ""
    said: bool = False
    """Whether a mention followed the negation."""
    only: bool = False
    adverb: bool = False
    """Whether what negates is "not", and not "no"."""
    spoken: bool = False
    """Whether a mention followed what softens."""
    titled: bool = False
    """Whether a title followed the verdict."""
    sentence: int = 0
    segment: int = 0
    twice: bool = False
    negated: int = -1
    """Where the last negation ended."""
    since: int = 0
    """How many stances there were when a double negation began."""
    stances: list[Stance] = field(default_factory=list)


WOW = re.compile(
    r"\W*(?:oh|ah|wow|great|fantastic|brilliant|lovely|yay|super|wonderful|perfect|yeah|sure|right|"
    r"marvellous|terrific|how|excellent|amazing|hooray|splendid|fabulous)\b"
)


def softened(low: str, now: Now, cue: Cue) -> None:
    """Soften what stands before "if possible": all of its clause, or what follows its "with"."""
    here = [one for one in now.stances if one.segment == now.segment]
    adverb = low[cue.start : cue.end].endswith(("ly", "maybe", "perhaps"))
    if not here and adverb and low[: cue.start].rstrip().endswith(","):
        # "something French, possibly"
        here = [one for one in now.stances if one.segment == now.segment - 1]
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


def behind(now: Now, mode: Mode) -> None:
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


PREDICATE = re.compile(r"(?:my \w+(?: of tea)?|me|us|cold|appeal|click)$")


_OPEN = (("", "unseen", "except"), ("", "unseen", "except", "liked", "seen"))


IT = re.compile(
    r"\s*(?:already |all |really )*(?:every (?:minute|second|page|bit)|the whole thing|it|them|"
    r"that(?: one)?|both|those|these|him|her)\b"
)


def object_of(low: str, now: Now, cue: Cue) -> None:
    """Let a verdict on "it" reach back to the titles named last in an earlier sentence."""
    if not IT.match(low, cue.end):
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
    if now.sentence - titles[-1].sentence <= 2 and IT.match(low, cue.end):
        for one in titles:
            if one.sentence == titles[-1].sentence and one.mode in _OPEN[now.mode == "disliked"]:
                one.mode = now.mode


def judged(now: Now, name: str, before: str) -> None:
    """Give the titles named last the verdict that follows them."""
    turned = bool(
        re.search(r"(?:n'?t|not|never|far from|way from|anything but|hardly)[\w ]{0,8}$", before)
    )
    bad = (name == "bad") != (turned and name != "like-it")
    titles = [one for one in now.stances if one.what == "title"]
    here = [one for one in titles if one.sentence == now.sentence]
    if not titles and bad:
        now.mode = "disliked"  # "what a waste of time, Avatar"
    if here:
        group = [one for one in here if one.mode in ("", "seen", "except")]
        if name == "like-it" and not group:
            group = [one for one in here if one.mode == "similar"][-1:]
        if bad:
            near = [one for one in here if one.segment >= now.segment - 1]
            group = group or [one for one in near if one.mode == "liked"]
    else:
        group = _earlier(now, titles, bad=bad)
    if group and not (now.other and name == "bad"):
        if name != "like-it":
            last_start = max(one.segment for one in group)
            if any(one.mode == "" for one in group):
                group = [one for one in group if one.segment == last_start or one.mode == ""]
        for one in group:
            one.mode = "disliked" if bad else "liked"
        if here:
            now.mode, now.titled = group[0].mode, True
    for one in now.stances:
        if name != "like-it" and one.what != "title" and one.segment == now.segment and here:
            one.told = True


def _earlier(now: Now, titles: list[Stance], *, bad: bool) -> list[Stance]:
    """Return the titles of an earlier sentence that a verdict is on."""
    last = max((one.sentence for one in titles), default=-1)
    group = [one for one in titles if one.sentence == last and now.sentence - last <= 2]
    if not bad:
        return [one for one in group if one.mode in ("", "seen")]
    return [] if any(one.mode == "disliked" for one in group) else group


def affirmed(now: Now) -> None:
    """Wish for what was said last to be wished away neither way: "I do want one"."""
    last = max((one.sentence for one in now.stances if one.what != "reference"), default=-1)
    for one in now.stances:
        if one.sentence == last and one.what in ("value", "person", "level") and one.twice:
            one.away, one.mode, one.told = "", "", False


def unfit(now: Now) -> None:
    """Wish away what a verdict follows: "musicals are not for me"."""
    if any(one.what == "title" and one.segment == now.segment for one in now.stances):
        return
    for one in now.stances:
        if one.what in ("value", "person") and one.segment == now.segment and not one.mode:
            one.away, one.told = "no", False


def resigned(now: Now) -> None:
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
