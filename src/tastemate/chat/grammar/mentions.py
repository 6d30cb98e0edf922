"""Everything a message mentions, found and read in order: the middle of the grammar."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tastemate.chat.grammar import acts, moment, numbers, positions
from tastemate.chat.grammar.accepting import taken
from tastemate.chat.grammar.correcting import corrected, replaced
from tastemate.chat.grammar.counts import count
from tastemate.chat.grammar.cueing import cues
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.measures import levels
from tastemate.chat.grammar.naming import in_series, titles
from tastemate.chat.grammar.people import brothers, other_role, person
from tastemate.chat.grammar.placing import alone, placed
from tastemate.chat.grammar.scopes import stances
from tastemate.chat.grammar.stance import Stance, What
from tastemate.chat.grammar.text import SPENT, blanked, everyday
from tastemate.text.words import STOP_WORDS

if TYPE_CHECKING:
    from tastemate.chat.lexicon import Named
    from tastemate.chat.vocabulary import Sense

_ABOUT = re.compile(
    r"\b(?:about|involving|dealing with|deals? with|explor(?:es?|ing)|theme of|themes of|topic of|"
    r"subject of|"
    r"themes? (?:is|are)|concerning|centred on|centered on|revolv\w+ around)\s+"
    r"(?:the |a |an |some |lots of |plenty of |any |themes? of |(?:\w+ )(?:and|or) |\w+, (?:\w+,? "
    r")?(?:and|or )?)*$"
)
_SET = re.compile(
    r"\b(?:set|takes? place|taking place|happen(?:s|ing)|located|based|play(?:s|ing)|in|at|on|"
    r"inside|during)\s+"
    r"(?:(?:in|on|at|during|around|inside)\s+)?(?:the |a |an |some |old |big |small )*$"
)


def read(draft: Draft, link: "Callable[[str], int] | None") -> None:
    """Fill a draft: titles, numbers, levels, values, moments, and what is said of them."""
    _picked(draft)
    titles(draft, link)
    _of_us(draft)
    _counted(draft)
    _spend(draft, _moment(draft))
    _novel(draft)
    draft.cues = cues(draft.low)
    mentions = [*draft.stances, *levels(draft), *_values(draft)]
    spots = [(one.start, one.end) for one in mentions if one.what in ("person",)]
    draft.low = blanked(draft.low, spots, SPENT)
    draft.cues = cues(draft.low)
    draft.stances = stances(draft.low, draft.cues, mentions, asks=bool(draft.explores))
    corrected(draft)
    other_role(draft)
    draft.takes = taken(draft)
    _rest(draft)


def _picked(draft: Draft) -> None:
    draft.picked, spans = positions.picked(draft.low, draft.shown)
    for start, end in spans:
        draft.take(start, end)
        draft.stances.append(Stance(start, end, "reference", draft.picked))


def _of_us(draft: Draft) -> None:
    """Spend what is asked of the system itself, so that no wish is read in it."""
    low = draft.low
    for act in ("self", "joke", "taste", "story"):
        for one in acts.every(act, low):
            end = next((at for at in range(one.end(), len(low)) if low[at] in ".!?;\n"), len(low))
            wishing = re.search(r"\b(?:i want|i need|i'?d like|recommend|suggest|looking for|fancy|"
                                r"something|but|find me)\b", low[one.start() : end])  # fmt: skip
            if not wishing and act != "story":
                draft.take(one.start(), end)
            elif act == "story" and "stor" in one[0] + low[one.end() - 6 : one.end()]:
                draft.take(one.start(), end)


def _moment(draft: Draft) -> list[tuple[int, int]]:
    draft.context, spans = moment.moment(draft.low)
    draft.moments = spans
    return spans


def _spend(draft: Draft, spans: list[tuple[int, int]]) -> None:
    for start, end in spans:
        draft.take(start, end)


def _counted(draft: Draft) -> None:
    draft.bounds = [
        one for one in numbers.read(draft.low) if not draft.overlaps(one.start, one.end)
    ]
    draft.bounds = replaced(draft.low, draft.bounds)
    for one in draft.bounds:
        draft.take(one.start, one.end)
    draft.low = blanked(draft.low, [(one.start, one.end) for one in draft.bounds], SPENT)
    kinds = [
        (one.start, one.end)
        for one in draft.lexicon.named(draft.tokens, draft.taken)
        if one.senses[0].kind == "genre"
        or (one.senses[0].kind in ("series", "maker", "player") and draft.tokens[one.first].capital)
    ]
    counted = None if draft.explores else count(draft.low, kinds)
    if counted is not None:
        draft.k, (start, end) = counted
        number = re.compile(r"\d+|" + "|".join(numbers.NUMBERS)).search(draft.low, start, end)
        if number:
            draft.take(*number.span())


def _novel(draft: Draft) -> None:
    for name in ("new", "known"):
        one = acts.says(name, draft.low)
        if one is None or draft.novelty:
            continue
        overlap = any(one.start() < span[1] and span[0] < one.end() for span in draft.spans)
        if not overlap and not draft.explores:
            draft.novelty = name
            draft.take(*one.span())
            draft.low = blanked(draft.low, [one.span()], SPENT)


def _values(draft: Draft) -> list[Stance]:
    """Return the values and people that a message names."""
    found: list[Stance] = []
    brothers(draft, found)
    named = draft.lexicon.named(draft.tokens, draft.taken)
    accepted: list[tuple[int, int]] = []
    for one in named:
        sense = _meant(draft, one, accepted)
        if sense is None:
            continue
        accepted.append((one.start, one.end))
        what: What = "person" if sense.kind in ("maker", "player") else "value"
        meant = tuple(s for s in one.senses if s.joint) if sense.joint else (sense,)
        found.append(Stance(one.start, one.end, what, meant))
        draft.take(one.start, one.end)
    return found


_WAS = re.compile(  # "my brother picked last time and it was war"
    r"\b(?:last time|yesterday|before that|last (?:week|night|month|"
    r"year))\b[^.;!?]{0,40}\b(?:it was|"
    r"that was|they were|chose|picked|watched|saw|read|had)\s+(?:an? |some |the )*$"
)


def _meant(draft: Draft, one: "Named", accepted: list[tuple[int, int]]) -> "Sense | None":
    """Return the value that words mean where they stand; None where they mean none."""
    before, after = draft.low[: one.start], draft.low[one.end :]
    senses = one.senses
    if _WAS.search(before):
        return None
    if re.search(r"\b(?:dressed (?:up )?as|disguised as|costumes? of)\s+(?:a |an |the )?$", before):
        return None
    if senses[0].kind in ("maker", "player") or senses[0].part:
        return person(draft, one, before, after, accepted)
    sense = senses[0]
    if _SET.search(before) and re.search(
        r"\b(?:set|place|in|at|on|based|during|plays)\b", before[-25:]
    ):
        sense = next((s for s in senses if s.kind == "place"), sense)
        if (
            sense.kind != "place"
            and sense.kind == "country"
            and re.search(r"\bset in (?:the )?$", before)
        ):
            return None
    elif _ABOUT.search(before):
        own = [s for s in senses if s.kind == "topic" and s.own == sense.own]
        sense = own[0] if own else sense
    if sense.kind in ("country", "language"):
        return _tongue(senses, before, after)
    if sense.kind == "series":
        others = [other for other in senses if other.kind != "series"]
        if others and not draft.tokens[one.first].capital:
            sense = others[0]
        elif not _serial(draft, one, before, after):
            return None
    if len(senses) > 1 and re.match(r"\s+(?:setting|backdrop)", after):
        sense = next((s for s in senses if s.kind == "place"), sense)
    return sense if not sense.placed or placed(draft, one, before, after, accepted) else None


def _serial(draft: Draft, one: "Named", before: str, after: str) -> bool:
    """Whether the name of a series is meant as one."""
    part = draft.tokens[one.first : one.last]
    capital = all(token.capital or token.word in STOP_WORDS for token in part)
    common = all(token.word in everyday() or token.word in STOP_WORDS for token in part)
    if in_series(before, after):
        return capital or not common or len(part) > 1
    return (capital and len(part) > 1) or (alone(draft, one) and not common)


def _tongue(senses: "tuple[Sense, ...]", before: str, after: str) -> "Sense | None":
    """Tell "in French" from "a French film" where the catalogue has both."""
    speaks = re.search(r"\b(?:in|speaks?|speaking|language)\s+$", before) or re.match(
        r"[- ](?:language|speaking|spoken)", after
    )
    kinds = {sense.kind: sense for sense in reversed(senses)}
    if speaks and "language" in kinds:
        return kinds["language"]
    return kinds.get("country") or senses[0]


def _rest(draft: Draft) -> None:
    """Note what no slot holds and a search can use, and what is wished away undecidedly."""
    from tastemate.chat.grammar.leftover import leftover

    draft.text_left, draft.undecided = leftover(draft)
