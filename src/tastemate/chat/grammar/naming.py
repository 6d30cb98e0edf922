"""Which titles a message means: those its words alone make sure, and those put where titles go."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tastemate.chat.grammar.accepting import offered
from tastemate.chat.grammar.cueing import Cue, cues
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.misspelt import FILL, TITLED, misspelt
from tastemate.chat.grammar.questions import PRONOUNS, explores, is_series, is_value
from tastemate.chat.grammar.stance import Stance
from tastemate.chat.grammar.text import TITLE, blanked, everyday
from tastemate.chat.titles import Found
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, words

if TYPE_CHECKING:
    pass

_FILLED = re.compile(rf"{FILL}$")
_JOINED = re.compile(
    rf"{TITLE}\"?'?(?:\s*(?:,|\band\b|\bor\b|&|\bplus\b|\bas well as\b|\bthen\b|/|\bwith\b|"
    rf"\bvs\.?|\bversus\b|\bthan\b|"
    r"\balso\b|\bnor\b|\bto\b|\bfrom\b))+\s*(?:\bthe\b\s*)?[\"']?$"
)
_PREDICATE = re.compile(
    r"^[\"']?(?:\s*,)?\s*(?:was|is|were|wasn'?t|isn'?t|did ?n'?t|did|bored|made|left|put|blew|let|"
    r"really|deserves|"
    r"never|which|that i|sucked|rocks|rules|i (?:already|did|have|loved|hated|liked|didn'?t|"
    r"don'?t|know|saw|"
    r"really|just|can|could|gave|never)|i'?ve|already|on the other hand|just|bores|leaves|feels|"
    r"felt|"
    r"seemed|turned out|ruined|changed|has|had|already)\b|^[\"']?\s*[?,:!.-]+(?:\s|$)"
)
_VERDICTS = frozenset(("good", "bad", "like-it", "like", "dislike", "seen", "unseen", "resign"))
_ASKED = re.compile(
    r"\b(?:about|is|was|of|between|compare|and|why|did you (?:pick|suggest|recommend|show|choose|"
    r"list)"
    r"(?: me)?|you (?:pick|suggest|recommend|show|choose)(?:ed|ned)?(?: me)?|in|directed|wrote|"
    r"starred|stars|made|"
    r"than|with|or|watch|watching|read|reading|see|does|has|show(?:ing|n)?(?: me)?|"
    r"recommend(?:ing|ed)?(?: me)?|"
    r"on|for|what's|whats|do|know|to|are|from|plays?|played|composed|long|old|violent|scary|funny|"
    r"good|"
    r"suggest(?:ing|ed)?(?: me)?|give(?:n)? me|would|will|happens|by|explain|if|that|heard|should|"
    r"picks?|chose)\s+"
    r"(?:the (?:film|movie|book|novel) |the |this |film |movie |book )?[\"']?$|"
    r"^[\"']?$|[,:?!-] ?[\"']?$"
)
_QUOTED = re.compile(r"\"([^\"]{2,100})\"|(?<![\w])'([A-Z][^']{1,80})'(?!\w)")


def titles(draft: Draft, link: "Callable[[str], int] | None") -> None:
    """Find the titles of a message: set stances for them, blank them out, note unknown ones."""
    letters = [sign for sign in draft.text if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters)
    shouted = len(letters) > 4 and capitals > 0.6 * len(letters)
    free = [
        one
        for one in draft.lexicon.titles.found(draft.tokens, shouted)
        if not draft.overlaps(one.start, one.end) and not _slight(draft, one)
    ]
    found = _longest(
        [one for one in free if one.sure and not _valued(draft, one) and not _runs_on(draft, one)]
    )
    quoted = _quoted(draft, found)
    low = blanked(draft.low, [(one.start, one.end) for one in found], TITLE)
    draft.explores = explores(draft, low)
    for one in sorted(free, key=lambda one: (one.start, -one.end)):
        if any(one.start < other.end and other.start < one.end for other in found):
            continue
        if _meant(draft, one, low, shouted):
            found.append(one)
            low = blanked(low, [(one.start, one.end)], TITLE)
    found = _longest(found)
    draft.explores = explores(draft, low) or draft.explores
    spans = [(one.start, one.end, one.row) for one in found]
    spans += misspelt(draft, low, shouted, link, quoted)
    for start, end, row in sorted(spans):
        draft.take(start, end)
        if row >= 0:
            draft.stances.append(Stance(start, end, "title", row))
    draft.low = blanked(draft.low, [span[:2] for span in spans], TITLE)


_CLOSED = re.compile(
    r"[\"'.,!?;:)]|\s*$|\s+(?:and|but|or|is|was|so|because|please|yesterday|again|already|with|for|"
    r"which|already|too|as well|only|though|to death|ever|last|tonight|in|if|when|now|a lot|very|"
    r"so much|from|were|isn'?t|wasn'?t|did|bored|vs|versus|better|differ|compare)\b|\s*[,(&-]"
)


_YEAR_BEFORE = re.compile(r"\b(?:than|since|before|after|in|from|until|till|by|of|and|to|or) $")


def _slight(draft: Draft, one: Found) -> bool:
    """Whether a letter or a year is no title here: "Robin S. Sharma", "older than 2010"."""
    written = draft.text[one.start : one.end]
    if one.last - one.first > 1:
        return False
    if len(written) == 1 and written.isalpha():
        return draft.low.strip(" .!?\"'") != written.lower()
    year = len(written) == 4 and written.isdigit() and written[:2] in ("18", "19", "20")
    return year and bool(_YEAR_BEFORE.search(draft.low[: one.start]))


def _longest(found: Sequence[Found]) -> list[Found]:
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _runs_on(draft: Draft, one: Found) -> bool:
    """Whether common words in lower case go on, so that they are a phrase and no title."""
    part = draft.tokens[one.first : one.last]
    named = [t for t in part if t.word not in STOP_WORDS | ASKING_WORDS]
    if (
        not one.capital
        and named
        and any(t.word in ASKING_WORDS for t in part)
        and all(draft.lexicon.phrases.get((t.stem,)) for t in named)
    ):
        return True  # "a superhero movie"
    if one.capital or any(t.word not in everyday() | STOP_WORDS for t in part):
        return False
    return not _CLOSED.match(draft.low[one.end :])


def _valued(draft: Draft, one: Found) -> bool:
    """Whether a sure title is rather the name of a series, a person or a kind here."""
    phrase = tuple(token.stem for token in draft.tokens[one.first : one.last])
    senses = draft.lexicon.phrases.get(phrase, ())
    if not any(not sense.part and (sense.own or sense.kind == "country") for sense in senses):
        return False
    if any(sense.kind in ("maker", "player") for sense in senses):
        return True
    if any(sense.kind == "series" for sense in senses) and (
        one.capital or one.last - one.first > 2
    ):
        return in_series(draft.low[: one.start], draft.low[one.end :])
    return not one.capital


_SERIES_BEFORE = re.compile(
    r"\b(?:an?|another|any|no|without|more|every|not|whole|only|all|some|old|new|good|from|of|"
    r"which|the other|"
    r"first|last|besides|except|early)\s+(?:the |any |old |new |early |of |more )*$"
)
_SERIES_AFTER = re.compile(
    r"^(?:'s)?\s+(?:films?|movies?|books?|novels?|ones?|series|franchise|universe|trilogy|saga|"
    r"instal\w+|sequels?|"
    r"stor(?:y|ies)|entry|entries|stuff|part|adventures?|myster(?:y|ies))\b"
)


def in_series(before: str, after: str) -> bool:
    """Whether a name stands for all of a series where it stands, not for one title."""
    return bool(_SERIES_AFTER.search(after)) or bool(
        _SERIES_BEFORE.search(before) and not re.search(r"\b(?:like|of|from|than) $", before)
    )


def _meant(draft: Draft, one: Found, low: str, shouted: bool) -> bool:
    """Whether words that could be a title stand where a title does."""
    part = draft.tokens[one.first : one.last]
    common = all(token.word in everyday() or token.word in STOP_WORDS for token in part)
    if all(token.word in PRONOUNS for token in part) and not one.capital:
        return False
    before, after = low[: one.start], low[one.end :]
    value = is_value(draft, one)
    slot = _slot(before, cues(before + "\x03")) or offered(draft.shown, before, after)
    closed = bool(_CLOSED.match(after))
    series = is_series(draft, one)
    if series and not slot and in_series(before, after):
        return False
    if slot:
        return _slotted(
            draft, one, after, closed=closed, common=common, value=value, shouted=shouted
        )
    if _JOINED.search(before) and not value:
        return (
            one.capital
            or closed
            and (one.capital or not common or len(part) > 1 or part[0].word not in STOP_WORDS)
        )
    strict = is_value(draft, one, strict=True)
    if one.capital and not strict and not _is_word(draft, one):
        return not _part_of_name(draft, one, after)
    asked = bool(draft.explores and _ASKED.search(before) and not value)
    return (
        _asked_about(draft, one, after, closed=closed)
        if asked
        else _subject_of(draft, one, low, value=value, common=common, series=series)
    )


def _slotted(
    draft: Draft,
    one: Found,
    after: str,
    *,
    closed: bool,
    common: bool,
    value: bool,
    shouted: bool,
) -> bool:
    """Whether words behind a verdict or a comparison are a title."""
    part = draft.tokens[one.first : one.last]
    if value and not one.capital and (len(part) == 1 or is_value(draft, one, strict=True)):
        return False
    if not shouted and _part_of_name(draft, one, after):
        return False
    if not common or one.capital or (closed and len(part) > 1):
        return closed or one.capital or not common
    return closed and not all(token.word in STOP_WORDS for token in part)


def _asked_about(draft: Draft, one: Found, after: str, *, closed: bool) -> bool:
    """Whether words that a question leads to are a title."""
    part = draft.tokens[one.first : one.last]
    common = all(token.word in everyday() or token.word in STOP_WORDS for token in part)
    likely = closed or one.capital or part[0].capital or not common
    likely = likely or bool(_PREDICATE.search(after)) or draft.explores == "detail"
    return likely and not all(token.word in STOP_WORDS | PRONOUNS for token in part)


def _subject_of(
    draft: Draft, one: Found, low: str, *, value: bool, common: bool, series: bool
) -> bool:
    """Whether words are a title because a verdict follows them, or because they stand alone."""
    part = draft.tokens[one.first : one.last]
    before, after = low[: one.start], low[one.end :]
    if part[0].first and part[0].capital | (not common) and _PREDICATE.search(after):
        return _judged(low, one) and not (value and common)
    clause = re.search(
        r"(?:^|[.,;!?] ?|\b(?:but|and|while|meh|nah|wow|now|as for|what about|,) )$", before
    )
    if clause and re.match(r"\s*(?:was|is|were|wasn'?t|bored|left|didn'?t)\b", after):
        return (not common or one.capital or len(part) > 1 or part[0].word not in STOP_WORDS) and (
            _judged(low, one) and not value
        )
    if clause and re.match(r"\s+but\b", after) and not value:
        return True
    if not low[: one.start].strip(" \"'") and not after.strip(" \"'.!?"):
        return not value and not series and (not common or part[0].capital)
    return bool(re.search(r"(?:except|not|without|besides) $", before)) and not common and not value


def _is_word(draft: Draft, one: Found) -> bool:
    """Whether a capital word is a value of any spelling, such as a country or a day."""
    phrase = tuple(token.stem for token in draft.tokens[one.first : one.last])
    if any(s.kind not in ("series", "topic") for s in draft.lexicon.phrases.get(phrase, ())):
        return True
    return len(phrase) == 1 and draft.tokens[one.first].word in _DATES


_DATES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december christmas halloween easter i ok tv uk us "
    "usa".split()
)


def _part_of_name(draft: Draft, one: Found, after: str) -> bool:
    """Whether capital words go on behind, so that the words are only a part of another name."""
    following = draft.tokens[one.last : one.last + 1]
    near = following and draft.text[one.end : following[0].start].strip() in ("", ":")
    return bool(near and following[0].capital and draft.tokens[one.last - 1].capital)


def _slot(before: str, found: Sequence[Cue]) -> bool:
    """Whether a text ends where a title may stand: behind a verdict or a comparison."""
    for cue in reversed(found):
        if cue.name in TITLED:
            return bool(re.fullmatch(FILL, before[cue.end :]))
        if not re.fullmatch(FILL, before[cue.end :]):
            return False
    return False


def _judged(low: str, one: Found) -> bool:
    """Whether a verdict follows in this sentence or the next."""
    rest = low[one.end :]
    marks = [mark.end() for mark in re.finditer(r"[.!?;](?:\s|$)", rest)]
    near = rest[: marks[1]] if len(marks) > 1 else rest
    return any(cue.name in _VERDICTS for cue in cues(TITLE + near))


def _quoted(draft: Draft, found: list[Found]) -> list[tuple[int, int, str]]:
    """Take quoted titles; return quoted spans that are no titles."""
    strange: list[tuple[int, int, str]] = []
    for one in _QUOTED.finditer(draft.text):
        group = 1 if one[1] else 2
        start, end = one.span(group)
        if any(start < other.end and other.start < end for other in found):
            continue
        row = draft.lexicon.titles.row(" ".join(words(one[group])))
        inside = [at for at, t in enumerate(draft.tokens) if start <= t.start < end]
        if row >= 0 and inside:
            found.append(Found(start, end, row, inside[0], inside[-1] + 1, True, True))
        elif inside:
            strange.append((start, end, one[group]))
    return strange
