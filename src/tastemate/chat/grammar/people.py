"""People by name or surname, in the role that the words give them."""

import re
from dataclasses import replace

from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.naming import in_series
from tastemate.chat.grammar.placing import NOUNS, alone
from tastemate.chat.grammar.stance import Stance
from tastemate.chat.grammar.text import everyday
from tastemate.chat.lexicon import Named
from tastemate.chat.vocabulary import Sense, key

_BY = re.compile(
    r"\b(?:by|directed by|directed|written by|wrote|from|of|helmed by|made by|director|author|"
    r"directs|"
    r"writer|anything|nothing|another|filmmaker)\s+(?:the |either |good old |old )?$|\b(?:by|"
    r"directed by)\b[^.;!?]{0,40}(?:\band|\bor|,)\s+$"
)


_WITH = re.compile(
    r"\b(?:with|starring|featuring|stars|star|stars|played by|acted by|actor|actress|performance "
    r"by|"
    r"has|have|cast|having|opposite|in which)\s+(?:the |a young |young |either |good old |old |"
    r"both )?$|"
    r"\b(?:with|starring)\b[^.;!?]{0,40}(?:\band|\bor|,)\s+$"
)


_IN_IT = re.compile(
    r"^(?:'s)?\s*(?:in (?:it|them|the (?:lead|cast|main role))|as the (?:lead|star)|stars?\b|in "
    r"there|plays|acting|in the lead)"
)


_PERSON_FILM = re.compile(rf"^(?:'s?)?\s+(?:\w+\s+)?{NOUNS}\b|^'s?\b|^s\b")


def brothers(draft: Draft, found: list[Stance]) -> None:
    """Take "the Coen brothers" for everybody of that surname."""
    for at, token in enumerate(draft.tokens):
        following = draft.tokens[at + 1].word if at + 1 < len(draft.tokens) else ""
        people = draft.lexicon.brothers.get(token.stem, ())
        plural = (
            token.word.endswith("s")
            and token.word != token.stem
            and at
            and (draft.tokens[at - 1].word == "the")
        )
        if (
            draft.taken[at]
            or following not in ("brothers", "bros", "sisters", "brother")
            and not plural
        ):
            continue
        makers = [sense for sense in people if sense.kind == "maker"]
        several = makers if len(makers) > 1 else [s for s in people if s.kind == "player"]
        if len(several) > 1 and len(several) <= 4:
            end = draft.tokens[at + 1].end if not plural else token.end
            found.append(Stance(token.start, end, "person", tuple(several)))
            draft.take(token.start, end)


def person(
    draft: Draft, one: "Named", before: str, after: str, accepted: list[tuple[int, int]]
) -> "Sense | None":
    """Return who is meant, in the role that the words say; else in the one of most items."""
    part = one.senses[0].part
    token = draft.tokens[one.first]
    capital = token.capital and not token.first
    cue = (
        _BY.search(before)
        or _WITH.search(before)
        or _IN_IT.match(after)
        or _PERSON_FILM.match(after)
    )
    if (
        accepted
        and re.fullmatch(r"\s*(?:,|and|or|&|, and)\s*", draft.low[accepted[-1][1] : one.start])
        or draft.text[token.start : token.end].endswith(("'s", "s'"))
    ):
        cue = cue or re.match("", after)
    rare = token.word not in everyday() and token.stem not in everyday()
    by_itself = alone(draft, one)
    if part and one.senses[0].kind == "series":
        series = one.senses[0]
        if _neighbours(draft, one):
            return None
        return series if rare and (capital or by_itself or in_series(before, after)) else None
    if part and not (capital or (cue and rare) or (by_itself and rare) or (rare and token.capital)):
        return None
    if part and _neighbours(draft, one):
        return None
    senses = [sense for sense in one.senses if sense.kind in ("maker", "player")]
    if not senses:
        return one.senses[0]
    if _WITH.search(before) or _IN_IT.match(after):
        senses = [sense for sense in senses if sense.kind == "player"] or senses
    elif _BY.search(before):
        senses = [sense for sense in senses if sense.kind == "maker"] or senses
    return max(senses, key=lambda sense: sense.items)


_ROLE = re.compile(
    r"\b(?:he|she|they)(?:'s|'d| has| have| also| himself| herself| themselves| only| both|"
    r" ever|'ve)* "
    r"(?P<role>directed|wrote|made|shot|penned|helmed|(?:star|act|play|appear)(?:s|ed|"
    r"red)?(?: in)?|"
    r"is in|are in|was in|were in|plays|stars)\b"
)


def other_role(draft: Draft) -> None:
    """Read "not one he directed" of the person named before, in the role that the verb says."""
    for one in _ROLE.finditer(draft.low):
        named = [s for s in draft.stances if s.what == "person" and s.end <= one.start()]
        if not named or not isinstance(named[-1].about, tuple):
            continue
        lead = re.search(
            r"\b(?P<not>not|nothing|no|none|never|without|n't|except)?(?: (?:any|anything|one|ones|"
            r"something|a|an|the|those|of|that|which|where|films?|movies?|books?|in))*\s*$",
            draft.low[: one.start()],
        )
        made = one["role"][0] in "dwmh" or one["role"] in ("shot", "penned")
        kind = "maker" if made else "player"
        who = named[-1].about[0]
        same = [
            sense
            for sense in draft.lexicon.phrases.get(key(who.value), ())
            if sense.kind == kind and sense.value == who.value and sense.kind != who.kind
        ]
        if lead and lead["not"] and same:
            draft.stances.append(
                replace(named[-1], start=one.start(), end=one.end(), about=(same[0],), away="no")
            )


def _neighbours(draft: Draft, one: "Named") -> bool:
    """Whether a surname is a part of a longer name that nobody here has: "Harry Ford"."""
    around = []
    if one.first:
        around.append((draft.tokens[one.first - 1], draft.tokens[one.first]))
    if one.last < len(draft.tokens):
        around.append((draft.tokens[one.last - 1], draft.tokens[one.last]))
    for left, right in around:
        near = draft.text[left.end : right.start] == " "
        other = left if right is draft.tokens[one.first] else right
        strange = other.word not in everyday() and not draft.lexicon.phrases.get((other.stem,))
        if (
            near
            and other.capital
            and not other.first
            and strange
            and other.word not in ("film", "films")
        ):
            return True
    return False
