"""Everything a message mentions, found and read in order: the middle of the grammar."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from tastemate.chat.grammar import acts, moment, numbers, positions
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.naming import in_series, titles
from tastemate.chat.grammar.scopes import Stance, What, cues, stances
from tastemate.chat.grammar.text import SPENT, blanked, either, everyday, table
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem

if TYPE_CHECKING:
    from tastemate.chat.lexicon import Named, Sense

_NOUNS = (
    r"(?:films?|movies?|books?|novels?|stor(?:y|ies)|ones?|pictures?|flicks?|titles?|reads?|stuff|"
    r"things?|classics?|series|tales?|epics?|cinema|feature|shows?|games?|songs?|albums?|vibes?|"
    r"elements?|themes?|content|scenes?|bits?|setting|genre|kind|type|element|suggestions?|"
    r"recommendations?|picks?|side|material|fare|literature|fiction|writing|author|writer|director)"
)
_BEFORE_VALUE = re.compile(
    r"(?:\b(?:about|with|involving|featuring|some|more|less|no|without|nothing|something|anything|any|"
    r"not|too|very|really|quite|bit|little|lots|much|touch|dash|hint|pinch|rather|so|pretty|super|be|it|make|"
    r"feels?|and|or|but|ideally|preferably|maybe|perhaps|on|of|around|set|in|at|than|prefer|love|like|likes|loves|want|"
    r"wants|need|fancy|for|has|have|having|called|a|an|the|is|was|genuinely|properly|truly|extremely|incredibly|"
    r"themes?|topics?|add|hate|hates|dislike|only|just|mostly|most|all|other|another|good|great|nice|decent|proper|"
    r"sort of|kind of|isn'?t|that'?s|it'?s|anything|deals? with|explores?|concerning|touching|watch|read|reads|nor|insists on)\s+(?:a |an |the |some |any |really |very |)?|[,/&+.!?;:-]\s*|^)$"
)
_ABOUT = re.compile(
    r"\b(?:about|involving|dealing with|deals? with|explor(?:es?|ing)|theme of|themes of|topic of|subject of|"
    r"themes? (?:is|are)|concerning|centred on|centered on|revolv\w+ around)\s+"
    r"(?:the |a |an |some |lots of |plenty of |any |themes? of |(?:\w+ )(?:and|or) |\w+, (?:\w+,? )?(?:and|or )?)*$"
)
_SET = re.compile(
    r"\b(?:set|takes? place|taking place|happen(?:s|ing)|located|based|play(?:s|ing)|in|at|on|inside|during)\s+"
    r"(?:(?:in|on|at|during|around|inside)\s+)?(?:the |a |an |some |old |big |small )*$"
)
_BY = re.compile(
    r"\b(?:by|directed by|directed|written by|wrote|from|of|helmed by|made by|director|author|directs|"
    r"writer|anything|nothing|another|filmmaker)\s+(?:the |either |good old |old )?$|\b(?:by|directed by)\b[^.;!?]{0,40}(?:\band|\bor|,)\s+$"
)
_WITH = re.compile(
    r"\b(?:with|starring|featuring|stars|star|stars|played by|acted by|actor|actress|performance by|"
    r"has|have|cast|having|opposite|in which)\s+(?:the |a young |young |either |good old |old |both )?$|"
    r"\b(?:with|starring)\b[^.;!?]{0,40}(?:\band|\bor|,)\s+$"
)
_IN_IT = re.compile(r"^(?:'s)?\s*(?:in (?:it|them|the (?:lead|cast|main role))|as the (?:lead|star)|stars?\b|in there|plays|acting|in the lead)")
_PERSON_FILM = re.compile(rf"^(?:'s?)?\s+(?:\w+\s+)?{_NOUNS}\b|^'s?\b|^s\b")
_NEXT_LEVEL = re.compile(
    rf"^(?:\s*(?:$|[,.!?;:)(-])|\s+(?:{_NOUNS}|please|and|or|but|with|from|about|though|either|because|that|by|too|"
    r"as|if|enough for|for (?:the|a|my)|set|starring|directed|which|who|then|ideally|maybe|also|in|on|would|is ok|is fine|"
    r"horror|comed|thriller|drama|to go|at all|nor|i'm|im|i)\b)"
)
_NO_LEVEL = re.compile(
    r"(?:\b(?:how|as|long|for|in|my|our|her|his|enormous|the good|good|brand|years?|your|friend'?s|day was|an?|so|"
    r"getting|growing|grow|get|feel|feeling|i'?m|we'?re|am|till|until|before|very|the) )$"
)
_NOT_WITH = re.compile(
    r"^\s+(?:day|days|week|weeks|time|times|flight|journey|drive|ride|friend|friends|television|tv|job|year|years|"
    r"york|zealand|ago|haul|weekend|night|nights|evening|car|phone|house|here|lady|man|woman|age|enough to|mum|dad|"
    r"laptop|tablet|boyfriend|girlfriend|baby|month|town|people|trip|wait|train|bus|way|on time|of|boss|flat|testament|"
    r"wave|school|yorker|orleans|jersey|delhi|adult|england|moon|and short of it|list|message|shift|story short|break|"
    r"walk|than (?!my|the)|to me|cousin|uncle|aunt|couple|dog|cat)\b"
)


def read(draft: Draft, link: "Callable[[str], int] | None") -> None:
    """Fill a draft: positions, titles, moments, numbers, levels, values, and what is said of them."""
    _picked(draft)
    titles(draft, link)
    _counted(draft)
    _spend(draft, _moment(draft))
    _novel(draft)
    draft.cues = cues(draft.low)
    mentions = [*draft.stances, *_levels(draft), *_values(draft)]
    spots = [(one.start, one.end) for one in mentions if one.what in ("person",)]
    draft.low = blanked(draft.low, spots, SPENT)
    draft.cues = cues(draft.low)
    draft.stances = stances(draft.low, draft.cues, mentions, asks=bool(draft.explores))
    _rest(draft)


def _picked(draft: Draft) -> None:
    draft.picked, spans = positions.picked(draft.low, draft.shown)
    for start, end in spans:
        draft.take(start, end)
        draft.stances.append(Stance(start, end, "reference", draft.picked))


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
    for one in draft.bounds:
        draft.take(one.start, one.end)
    draft.low = blanked(draft.low, [(one.start, one.end) for one in draft.bounds], SPENT)
    kinds = [
        (one.start, one.end)
        for one in draft.lexicon.named(draft.tokens, draft.taken)
        if one.senses[0].kind in ("genre", "mood", "topic")
    ]
    counted = None if draft.explores else numbers.count(draft.low, kinds)
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
            draft.novelty = name  # type: ignore[assignment]
            draft.take(*one.span())
            draft.low = blanked(draft.low, [one.span()], SPENT)


@cache
def _level_words() -> "tuple[tuple[str, str, re.Pattern[str]], ...]":
    return tuple(
        (family, side, re.compile(either(words)))
        for family, sides in table("levels").items()
        for side, words in sides.items()
        if side in ("low", "high", "thing") and words
    )


def _levels(draft: Draft) -> list[Stance]:
    """Return words about a number without a number."""
    found: list[Stance] = []
    for family, side, pattern in _level_words():
        names = tuple(table("levels")[family]["names"])
        if not draft.lexicon.numeric(names):
            continue
        for one in pattern.finditer(draft.low):
            if draft.overlaps(*one.span()) or not _leveled(draft, family, side, one):
                continue
            found.append(
                Stance(one.start(), one.end(), "level", (family, "low" if side == "low" else "high"))
            )
            draft.take(*one.span())
    return found


def _leveled(draft: Draft, family: str, side: str, one: "re.Match[str]") -> bool:
    """Whether a word such as "long" is about items here, not about a day or a friend."""
    before, after = draft.low[max(one.start() - 30, 0) : one.start()], draft.low[one.end() :]
    if family == "violence":
        return True
    if family == "rating":
        return True
    if _genre_there(draft, one):
        return False
    if _NOT_WITH.match(after) or re.search(r"\b(?:how|as|years?|hours?|minutes?|pages?|so|for|my|our|her|his|enormous|grow(?:ing)?|get(?:ting)?) $", before):
        return False
    return bool(_NEXT_LEVEL.match(after)) or _value_next(draft, one.end())


def _value_next(draft: Draft, at: int) -> bool:
    """Whether a value, or an adjective before one, follows."""
    following = [number for number, token in enumerate(draft.tokens) if token.start >= at][:3]
    for number in following:
        token = draft.tokens[number]
        if draft.lexicon.phrases.get((draft.lexicon.spelled(token),)):
            return True
        pair = tuple(draft.lexicon.spelled(one) for one in draft.tokens[number : number + 2])
        if draft.lexicon.phrases.get(pair):
            return True
        if re.match(rf"{_NOUNS}$", token.word):
            return True
        if token.word in STOP_WORDS:
            return False
    return False


def _genre_there(draft: Draft, one: "re.Match[str]") -> bool:
    """Whether the word is a kind of item in this catalogue, such as "classics"."""
    senses = draft.lexicon.phrases.get((stem(one[0]),), ())
    return any(sense.kind == "genre" and sense.own for sense in senses)


def _values(draft: Draft) -> list[Stance]:
    """Return the values and people that a message names."""
    found: list[Stance] = []
    _brothers(draft, found)
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


def _brothers(draft: Draft, found: list[Stance]) -> None:
    """Take "the Coen brothers" for everybody of that surname."""
    for at, token in enumerate(draft.tokens):
        following = draft.tokens[at + 1].word if at + 1 < len(draft.tokens) else ""
        people = draft.lexicon.brothers.get(token.stem, ())
        plural = token.word.endswith("s") and token.word != token.stem and at and (
            draft.tokens[at - 1].word == "the"
        )
        if draft.taken[at] or following not in ("brothers", "bros", "sisters", "brother") and not plural:
            continue
        makers = [sense for sense in people if sense.kind == "maker"]
        several = makers if len(makers) > 1 else [s for s in people if s.kind == "player"]
        if len(several) > 1 and len(several) <= 4:
            end = draft.tokens[at + 1].end if not plural else token.end
            found.append(Stance(token.start, end, "person", tuple(several)))
            draft.take(token.start, end)


def _meant(draft: Draft, one: "Named", accepted: list[tuple[int, int]]) -> "Sense | None":
    """Return the value that words mean where they stand; None where they mean none."""
    before, after = draft.low[: one.start], draft.low[one.end :]
    senses = one.senses
    if re.search(r"\b(?:dressed (?:up )?as|disguised as|costumes? of)\s+(?:a |an |the )?$", before):
        return None
    if senses[0].kind in ("maker", "player") or senses[0].part:
        return _person(draft, one, before, after, accepted)
    sense = senses[0]
    if _SET.search(before) and re.search(r"\b(?:set|place|in|at|on|based|during|plays)\b", before[-25:]):
        sense = next((s for s in senses if s.kind == "place"), sense)
        if sense.kind != "place" and sense.kind == "country" and re.search(r"\bset in (?:the )?$", before):
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
    return sense if not sense.placed or _placed(draft, one, before, after, accepted) else None


def _serial(draft: Draft, one: "Named", before: str, after: str) -> bool:
    """Whether the name of a series is meant as one."""
    part = draft.tokens[one.first : one.last]
    capital = all(token.capital or token.word in STOP_WORDS for token in part)
    common = all(token.word in everyday() or token.word in STOP_WORDS for token in part)
    if in_series(before, after):
        return capital or not common or len(part) > 1
    return (capital and len(part) > 1) or (_alone(draft, one) and not common)


def _tongue(senses: "tuple[Sense, ...]", before: str, after: str) -> "Sense | None":
    """Tell "in French" from "a French film" where the catalogue has both."""
    speaks = re.search(r"\b(?:in|speaks?|speaking|language)\s+$", before) or re.match(r"[- ](?:language|speaking|spoken)", after)
    kinds = {sense.kind: sense for sense in reversed(senses)}
    if speaks and "language" in kinds:
        return kinds["language"]
    return kinds.get("country") or senses[0]


def _placed(
    draft: Draft, one: "Named", before: str, after: str, accepted: list[tuple[int, int]]
) -> bool:
    """Whether everyday words stand where a wish is put."""
    if re.match(rf"\s+(?:\w+\s+)?{_NOUNS}\b", after) and not re.match(r"\s+(?:and|or|but|in|to|of|the|i|is|my|that)\s", after):
        return True
    if draft.corrects:
        return True
    if any(
        0 <= one.start - span[1] <= 1 for span in draft.spans if span not in draft.moments
    ):
        return True
    kind = one.senses[0].kind
    if kind in ("genre", "mood") and one.senses[0].own and _BEFORE_VALUE.search(before):
        if _value_next(draft, one.end):
            return True
        following = re.match(r"\s+([\w']+)", after)
        ends = following is None or re.match(r"\s*[,.!?;:()\x01\x02-]", after) or (
            following[1] in _GOES_ON or re.match(rf"{_NOUNS}$", following[1]) is not None
        )
        return bool(ends) and not re.search(r"\b(?:my|your|her|his|our|their) $", before)
    if re.search(r"\b(?:about|involving|featuring|with|set (?:in|on|at)|themes? of|something|anything|nothing|more|some|less|no|without|lots of|deals? with|exploring|explores)\s+(?:the |a |an |some |any |real |lots of |too much |much )*$", before):
        if re.search(r"\b(?:there'?s|there is|there was|got|had) no $", before):
            return False
        return not re.search(r"\b(?:something|anything|nothing)\s+(?:the|a|an)\s*$", before) and not re.match(r"\s+(?:my|me|i|you|us)\b", after)
    if accepted and not draft.low[accepted[-1][1] : one.start].strip():
        return True
    wants = [cue.end for cue in draft.cues if cue.name in ("want", "only", "soft", "neg")]
    if any(re.fullmatch(r"\s*(?:to |the |a |an |some |any |good |nice |)*", before[at:]) for at in wants if at <= one.start):
        return not re.search(r"\b(?:there'?s|there is|there was|have|'ve|got|had) (?:got )?no $", before)
    joined = re.search(r"(?:,|\band|\bor|&|/)\s*(?:the |a |an |some )?$", before)
    if joined and accepted and not draft.low[accepted[-1][1] : joined.start()].strip():
        return True
    return _alone(draft, one)


_GOES_ON = STOP_WORDS | frozenset(
    "please tonight today now tomorrow pls set rated made released starring directed written though "
    "either instead like without featuring before after since under over ideally preferably maybe this "
    "enough thanks then based around kind too".split()
)
_EMPTY = ASKING_WORDS | frozenset(
    "a an the some any and or of with about i we me us in is be it just then ok please pls stuff time "
    "maybe also but id want wanna not no so that thats for now today more really very ideally".split()
)


def _alone(draft: Draft, one: "Named") -> bool:
    """Whether a clause is nothing but values and empty words: "food, travel and love"."""
    start = max((draft.low.rfind(mark, 0, one.start) for mark in ".,!?;:\n"), default=-1) + 1
    ends = [at for mark in ".,!?;:\n" if (at := draft.low.find(mark, one.end)) >= 0]
    end = min(ends, default=len(draft.low))
    if "?" in draft.low[end : end + 1] and start > 0:
        return False
    for token in draft.tokens:
        if start <= token.start < end and not one.start <= token.start < one.end:
            if token.word in _EMPTY:
                continue
            if any(
                span[0] <= token.start < span[1]
                for span in draft.spans
                if span not in draft.moments
            ):
                continue
            if draft.lexicon.phrases.get((draft.lexicon.spelled(token),)):
                continue
            return False
    return True


def _person(
    draft: Draft, one: "Named", before: str, after: str, accepted: list[tuple[int, int]]
) -> "Sense | None":
    """Return who is meant, in the role that the words say; else in the one of most items."""
    part = one.senses[0].part
    token = draft.tokens[one.first]
    capital = token.capital and not token.first
    cue = _BY.search(before) or _WITH.search(before) or _IN_IT.match(after) or _PERSON_FILM.match(after)
    if accepted and re.fullmatch(
        r"\s*(?:,|and|or|&|, and)\s*", draft.low[accepted[-1][1] : one.start]
    ) or draft.text[token.start : token.end].endswith(("'s", "s'")):
        cue = cue or re.match("", after)
    rare = token.word not in everyday() and token.stem not in everyday()
    alone = _alone(draft, one)
    if part and one.senses[0].kind == "series":
        series = one.senses[0]
        return series if rare and (capital or cue or _BEFORE_VALUE.search(before) or alone) else None
    if part and not (capital or (cue and rare) or (alone and rare) or (rare and token.capital)):
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
        if near and other.capital and not other.first and strange and other.word not in ("film", "films"):
            return True
    return False


def _rest(draft: Draft) -> None:
    """Note what no slot holds and a search can use, and what is wished away undecidedly."""
    from tastemate.chat.grammar.leftover import leftover

    draft.text_left, draft.undecided = leftover(draft)
