"""What a draft comes to: titles by verdict, wishes, the act, and the state of the conversation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from tastemate.chat.grammar import acts
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.positions import refuses
from tastemate.chat.grammar.stance import Mode, Stance
from tastemate.chat.grammar.text import table
from tastemate.chat.intent import Act, Intent, State, Wish
from tastemate.chat.levels import Level, wish_of
from tastemate.chat.vocabulary import kind_of
from tastemate.types import Operator

if TYPE_CHECKING:
    from tastemate.chat.vocabulary import Sense

Verdict = Literal["", "liked", "disliked", "seen", "unlike"]
_VERDICTS = ("liked", "disliked", "seen", "similar", "unlike")


def intent(draft: Draft) -> Intent:
    """Return what a draft comes to."""
    named = _titles(draft)
    wishes = tuple(_wishes(draft))
    act = _act(draft, named, wishes)
    if act in ("detail", "explain", "compare"):
        asked = [*named["similar"], *named["liked"]] if not named["about"] else []
        if asked and not wishes and act != "detail":
            named = {**named, "similar": [], "liked": [], "about": asked}
    state = _state(draft, named, wishes, act)
    if state == "exploration":
        wishes = ()
    elif state == "recommendation" and act in ("detail", "explain", "compare", "self", "story"):
        act = ""
    elif act in ("thanks", "goodbye", "self", "joke", "story") and state not in (
        "greeting", "exploration"
    ):  # fmt: skip
        act = ""
    ids = draft.lexicon.catalog.ids
    rows = {name: tuple(ids[row] for row in dict.fromkeys(found)) for name, found in named.items()}
    return Intent(
        state=state,
        act=act,
        liked=rows["liked"],
        disliked=rows["disliked"],
        seen=rows["seen"],
        similar=rows["similar"],
        unlike=rows["unlike"],
        about=rows["about"],
        picked=draft.picked,
        wishes=wishes,
        withdrawn=tuple(dict.fromkeys(draft.withdrawn)),
        context=dict(draft.context),
        k=draft.k,
        novelty=draft.novelty,
        text=draft.text_left if state in ("recommendation", "elicitation") and not act else "",
        unknown=tuple(dict.fromkeys(draft.unknown)),
        taken=draft.takes and state == "feedback",
        undecided=() if act in ("undo", "forget") else draft.undecided,
    )


def verdict(draft: Draft, read: Intent) -> Verdict:
    """Return what is said of the positions that were picked."""
    if not read.picked or read.state in ("exploration",):
        return ""
    told = [one for one in draft.stances if one.what == "reference"]
    mode: Mode = next((one.mode for one in reversed(told) if one.mode), "")
    if mode == "liked" or mode == "disliked" or mode == "seen":  # spelled out: it narrows the type
        return mode
    return "unlike" if refuses(draft.low) else ""


def _titles(draft: Draft) -> dict[str, list[int]]:
    """Return rows by what is said of them."""
    named: dict[str, list[int]] = {
        name: [] for name in ("liked", "disliked", "seen", "similar", "unlike", "about")
    }
    unsaid: list[int] = []
    unseen = {one.about for one in draft.stances if one.what == "title" and one.mode == "unseen"}
    for one in draft.stances:
        if one.what != "title" or one.about in unseen:
            continue
        if one.other and one.mode in ("liked", "disliked", "seen"):
            continue  # somebody else's verdict
        row = int(one.about)
        if draft.explores and one.mode in ("", "seen", "except"):
            named["about"].append(row)
        elif one.mode in _VERDICTS:
            named[one.mode].append(row)
        elif one.mode == "except" or one.away == "no":
            if _series(draft, one) is None:
                named["unlike"].append(row)
        elif one.mode == "":
            unsaid.append(row)
    if unsaid:
        said = {row for found in named.values() for row in found}
        told = any(one.told for one in draft.stances)
        name = "about" if draft.explores else "seen" if told else "similar"
        named[name] += [row for row in unsaid if row not in said]
    judged = {*named["liked"], *named["disliked"], *named["similar"], *named["unlike"]}
    named["seen"] = [row for row in named["seen"] if row not in judged]
    named["liked"] = [row for row in named["liked"] if row not in named["disliked"]]
    _again(draft, named)
    return named


def _series(draft: Draft, one: Stance) -> "Sense | None":
    """Return the series of several items that a title is the name of, too."""
    phrase = tuple(t.stem for t in draft.tokens if one.start <= t.start < one.end)
    senses = draft.lexicon.phrases.get(phrase, ())
    return next((s for s in senses if s.kind == "series" and s.items > 1), None)


def _again(draft: Draft, named: dict[str, list[int]]) -> None:
    """Let "something like it" mean what was named last, where nothing else is named for it."""
    if named["similar"] or draft.unknown_similar:
        return
    last = named["liked"] or named["seen"]
    for cue in draft.cues:
        if cue.name == "similar" and last:
            titled = [
                one.about
                for one in draft.stances
                if one.what == "title" and one.start < cue.start and one.about in last
            ]
            after = draft.low[cue.end : cue.end + 12].strip()
            words = draft.low[cue.start : cue.end]
            anaphor = (
                not after
                or after[0] in ",.!?;)-:"
                or after.startswith(("it", "that", "this", "them", "those", "please", "but", "with",
                                     "for", "and", "ideally", "then", "maybe", "these", "in "))
                or words.endswith(("vein", "lines", "similar", " it", "that", "this"))
            )  # fmt: skip
            if titled and anaphor:
                group = [
                    row for row in titled if _sentence(draft, row) == _sentence(draft, titled[-1])
                ]
                named["similar"].extend(int(row) for row in group)
                return


def _sentence(draft: Draft, row: object) -> int:
    return next(one.sentence for one in draft.stances if one.what == "title" and one.about == row)


def _wishes(draft: Draft) -> Iterator[Wish]:
    """Yield the wishes of a draft: texts, then numbers."""
    yield from _valued(draft)
    seen: set[tuple[str, str]] = set()
    for one in draft.bounds:
        name = draft.lexicon.numeric(tuple(table("levels")[one.measure]["names"]))
        if not name:
            continue
        limits: dict[Operator, float | None] = {"at least": one.least, "at most": one.most}
        for operator, number in limits.items():
            if number is not None and (name, operator) not in seen:
                seen.add((name, operator))
                value = int(number) if float(number).is_integer() else number
                yield Wish(name, operator, value)
    for stance in draft.stances:
        if (
            stance.what == "level"
            and stance.away not in ("neutral", "everyone")
            and not stance.told
        ):
            family, side = cast(tuple[str, str], stance.about)
            name = draft.lexicon.numeric(tuple(table("levels")[family]["names"]))
            level = _level(family, side, stance)
            wish = (
                wish_of(draft.lexicon.catalog, name, level, firm=not stance.soft) if name else None
            )
            if wish is not None and (name, wish.operator) not in seen:
                seen.add((name, wish.operator))
                yield wish


def _level(family: str, side: str, stance: Stance) -> Level:
    if stance.away == "":
        return "high" if side == "high" else "low"
    if stance.away == "no" and family == "violence" and side == "high":
        return "low"
    return "not high" if side == "high" else "not low"


def _valued(draft: Draft) -> Iterator[Wish]:
    """Yield wishes about texts; what two people want differently is soft on both sides."""
    said: dict[tuple[str, str], list[Stance]] = {}
    for one in draft.stances:
        if (
            one.what == "title"
            and not draft.explores
            and (one.mode == "except" or one.away == "no")
        ):
            if one.mode in ("", "except") and (series := _series(draft, one)) is not None:
                said[series.attribute, series.value] = [replace(one, away="no", mode="")]
        if one.what not in ("value", "person") or one.told:
            continue
        if one.away in ("neutral", "everyone") or one.mode in ("seen", "unseen"):
            continue
        for sense in one.about:
            said.setdefault((sense.attribute, sense.value), []).append(one)
    clashing = _clashing(said)
    for (attribute, value), stances in said.items():
        for one, firm in _agreed(stances):
            operator: Operator = "is not" if one.away else "is"
            if (attribute, value) in draft.withdrawn:
                continue
            yield Wish(attribute, operator, value, firm and attribute not in clashing)


def _clashing(said: Mapping[tuple[str, str], list[Stance]]) -> set[str]:
    """Return attributes of one value each that two people want differently."""
    wanting: dict[str, dict[str, str]] = {}
    for (attribute, value), stances in said.items():
        last = stances[-1]
        kind = kind_of(attribute)
        if not last.away and kind in ("country", "language") and last.only:
            wanting.setdefault(attribute, {})[value] = last.other
    return {
        name for name, by in wanting.items() if len(by) > 1 and len(set(by.values())) == len(by)
    }


def _agreed(stances: list[Stance]) -> list[tuple[Stance, bool]]:
    away = [one for one in stances if one.away]
    towards = [one for one in stances if not one.away]
    if away and towards and away[-1].other != towards[-1].other:
        return [(towards[-1], False), (away[-1], False)]
    last = stances[-1]
    firm = not (last.soft or last.away == "degree")
    if not firm and any(
        not one.soft and one.away in ("", "no") and one.away == last.away for one in stances
    ):
        firm = True
    return [(last, firm)]


def _act(draft: Draft, named: dict[str, list[int]], wishes: tuple[Wish, ...]) -> Act:
    """Return what is to be done, where the state alone does not say it."""
    low = acts.opened(draft.low.strip())
    if draft.forgets:
        return "forget"
    if not wishes and acts.says("undo", low) and not draft.picked:
        return "undo"
    if draft.explores:
        return draft.explores
    names = any(named.values()) or bool(draft.unknown)
    if acts.says("taste", low) and not names:
        return "taste"
    if draft.withdrawn and not draft.forgets:
        return ""
    if not names and not wishes and _pages(draft, low):
        return "more"
    for act in ("joke", "self"):
        if not wishes and not names and acts.says(act, low):
            return act
    bare = not wishes and not names and not draft.context
    if bare and acts.says("story", low) and not _MORE.search(low):
        return "story"
    if acts.says("goodbye", draft.low):
        return "goodbye"
    return "thanks" if acts.says("thanks", draft.low) else ""


def _pages(draft: Draft, low: str) -> bool:
    """Whether other items than those shown are asked for, and nothing else is."""
    if draft.shown and acts.says("more", draft.low.strip()):
        return True
    more = not draft.k or re.search(r"\b(?:more|others?|further)\b", low)
    return bool(more and acts.says("more", low))


def _state(draft: Draft, named: dict[str, list[int]], wishes: tuple[Wish, ...], act: Act) -> State:
    """Return what a message calls for: the latest of the states that apply."""
    wanted = bool(wishes or named["similar"])
    if draft.takes and not wanted:
        return "feedback"
    if act in ("undo", "forget"):
        return "recommendation" if wanted else "clarification"
    if draft.explores or act == "taste":
        return "exploration"
    asks = any(one.name == "want" for one in draft.cues) or bool(acts.says("request", draft.low))
    verdicts = bool(named["liked"] or named["disliked"] or named["seen"])
    strange = draft.unknown and (draft.unknown_similar or (not verdicts and asks))
    if wanted or named["unlike"] or draft.withdrawn or act == "more" or strange or _alike(draft):
        return "recommendation"
    if acts.says("clarify", draft.low.strip()):
        return "clarification"
    if verdicts or draft.picked or draft.unknown or (_judges(draft, act) and not asks):
        if asks and (_wants_more(draft) or (draft.context and not verdicts)):
            return "recommendation"
        return "feedback"
    return _unspecific(draft, act, asks=asks)


def _alike(draft: Draft) -> bool:
    """Whether something like a position of the list is asked for."""
    return bool(draft.picked) and any(
        one.what == "reference" and one.mode in ("similar", "unlike") for one in draft.stances
    )


def _judges(draft: Draft, act: Act) -> bool:
    """Whether a verdict is given on what the message does not name."""
    verdicts = (
        "seen",
        "dislike",
        "like-it",
        "unseen",
        *(() if act or draft.context else ("good", "bad")),
    )
    return any(one.name in verdicts for one in draft.cues)


def _unspecific(draft: Draft, act: Act, *, asks: bool) -> State:
    """Return the state of a message that names no item and no wish."""
    if act in ("joke", "self", "story"):
        return "greeting"
    greets = bool(acts.says("greeting", draft.low))
    if draft.context and (asks or not greets):
        return "recommendation"
    if draft.text_left and not act and not draft.ordered and not greets:
        if asks or len(draft.tokens) > 1:
            return "recommendation"
    if draft.novelty:
        return "recommendation" if draft.novelty == "known" else "elicitation"
    if draft.k is not None or draft.ordered:
        return "elicitation"
    if act in ("thanks", "goodbye") or (greets and not asks):
        return "greeting"
    return "elicitation"


_MORE = re.compile(
    r"(?<!for )\b(?:recommend|suggest)\b|what (?:should|next|else|to|can i|could i|would)\b|next\?|"
    r"(?:find|give|show) me|looking for|another|pick |i (?:want|need)|now what|any ideas|more"
)


def _wants_more(draft: Draft) -> bool:
    """Whether something is asked for beside verdicts: a request in words, or how many."""
    if draft.k is not None or draft.novelty:
        return True
    return bool(_MORE.search(draft.low))
