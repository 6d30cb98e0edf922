"""Which titles a message means: those its words alone make sure, and those put where titles go."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from tastemate.chat.grammar import acts
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.scopes import Cue, Stance, cues
from tastemate.chat.grammar.text import TITLE, blanked, everyday
from tastemate.chat.titles import Found
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words

if TYPE_CHECKING:
    from tastemate.chat.lexicon import Sense

TITLED = frozenset(("like", "dislike", "seen", "unseen", "similar", "unlike", "except"))
"""Cues after which a title may stand."""
_FILL = (
    r"(?:[\s,:\"'(-]|\b(?:the|films?|movies?|books?|novels?|a|an|of|out|already|also|both|really|is|"
    r"in|called|just|only|again|on|finally|all|how|much|watching|reading|that|for|most|recently|"
    r"one|very|so|too|with|to|it|titled|named|yesterday|last|night|week|day|such as)\b)*"
)
_FILLED = re.compile(rf"{_FILL}$")
_JOINED = re.compile(
    rf"{TITLE}\"?'?(?:\s*(?:,|\band\b|\bor\b|&|\bplus\b|\bas well as\b|\bthen\b|/|\bwith\b|\bvs\.?|\bversus\b|\bthan\b|"
    r"\balso\b|\bnor\b|\bto\b|\bfrom\b))+\s*(?:\bthe\b\s*)?[\"']?$"
)
_PREDICATE = re.compile(
    r"^[\"']?(?:\s*,)?\s*(?:was|is|were|wasn'?t|isn'?t|did ?n'?t|did|bored|made|left|put|blew|let|really|deserves|"
    r"never|which|that i|sucked|rocks|rules|i (?:already|did|have|loved|hated|liked|didn'?t|don'?t|know|saw|"
    r"really|just|can|could|gave|never)|i'?ve|already|on the other hand|just|bores|leaves|feels|felt|"
    r"seemed|turned out|ruined|changed|has|had|already)\b|^[\"']?\s*[?,:!.-]+(?:\s|$)"
)
_VERDICTS = frozenset(("good", "bad", "like-it", "like", "dislike", "seen", "unseen", "resign"))
_ASKED = re.compile(
    r"\b(?:about|is|was|of|between|compare|and|why|did you (?:pick|suggest|recommend|show|choose|list)"
    r"(?: me)?|you (?:pick|suggest|recommend|show|choose)(?:ed|ned)?(?: me)?|in|directed|wrote|starred|stars|made|"
    r"than|with|or|watch|watching|read|reading|see|does|has|show(?:ing|n)?(?: me)?|recommend(?:ing|ed)?(?: me)?|"
    r"on|for|what's|whats|do|know|to|are|from|plays?|played|composed|long|old|violent|scary|funny|good|"
    r"suggest(?:ing|ed)?(?: me)?|give(?:n)? me|would|will|happens|by|explain|if|that|heard|should|picks?|chose)\s+"
    r"(?:the (?:film|movie|book|novel) |the |this |film |movie |book )?[\"']?$|"
    r"^[\"']?$|[,:?!-] ?[\"']?$"
)
_PRONOUNS = frozenset(
    "it her him them us you they she he this that these those all both everything one once none "
    "more most when what go we who how others ones anything something nothing me i up out".split()
)
_QUOTED = re.compile(r"\"([^\"]{2,100})\"|(?<![\w])'([A-Z][^']{1,80})'(?!\w)")
MOST_LINKS = 6
"""Misspelt titles looked for in one message."""


def titles(draft: Draft, link: "Callable[[str], int] | None") -> None:
    """Find the titles of a message: set stances for them, blank them out, note unknown ones."""
    letters = [sign for sign in draft.text if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters)
    shouted = len(letters) > 4 and capitals > 0.6 * len(letters)
    free = [
        one
        for one in draft.lexicon.titles.found(draft.tokens, shouted)
        if not draft.overlaps(one.start, one.end)
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
    spans += _misspelt(draft, low, shouted, link, quoted)
    for start, end, row in sorted(spans):
        draft.take(start, end)
        if row >= 0:
            draft.stances.append(Stance(start, end, "title", row))
    draft.low = blanked(draft.low, [span[:2] for span in spans], TITLE)


def explores(draft: Draft, low: str) -> "acts.Act":
    """Return what a question about items asks for; nothing where there is none."""
    titled = TITLE in low
    if not titled and any(acts.says(act, low) for act in ("joke", "self", "taste")):
        return ""
    pointed = bool(draft.picked)
    for act in ("explain", "compare", "detail"):
        one = acts.says(act, low)
        if one is None:
            continue
        asked = titled or pointed or _may_name(draft, low, one.end(), act)
        if act == "compare" and not re.search(
            r"\?|^\W*(?:is|which|are|what|how|compar|does|who)|compar|differ|\bvs\b|versus", low
        ):
            continue
        if asked and not _wishing(low, one.start(), act):
            return act  # type: ignore[return-value]
    return ""


def _may_name(draft: Draft, low: str, at: int, act: str) -> bool:
    """Whether what a question goes on with could be a title that is still to be found."""
    rest = low[at:].strip(" ?!.,")
    if act == "detail" and not rest:
        rest = re.sub(r"^\W*what'?s?\b", "", low).strip(" ?!.,")
    if act != "compare" and (not rest or len(rest) > 90):
        return act == "explain" and draft.shown > 0 and not rest
    free = draft.lexicon.titles.found(draft.tokens, False)
    if any((act == "compare" or one.start >= at - 1) and _bare(draft, one) for one in free):
        return True
    unknown = [
        word
        for word in words(rest)
        if word not in everyday()
        and word not in STOP_WORDS
        and not draft.lexicon.phrases.get((stem(word),))
    ]
    return act == "detail" and bool(unknown)


def _bare(draft: Draft, one: Found) -> bool:
    part = draft.tokens[one.first : one.last]
    return not all(token.word in _PRONOUNS or token.word in STOP_WORDS for token in part) and not (
        _value(draft, one)
    )


def _wishing(low: str, at: int, act: str) -> bool:
    """Whether what looks like a question about items is a wish after all."""
    if act == "explain":
        return False
    return bool(
        re.search(
            r"\b(?:i'?d like|i want|i need|looking for|recommend|suggest(?:ion)?s?|give me an?|show me an?|"
            r"something|find me|fancy|in the mood|which other|another|anything|similar to|more like)\b",
            low,
        )
    ) and not re.search(r"tell (?:me|us) (?:something |anything )?(?:more )?about|why|compare", low)


_CLOSED = re.compile(
    r"[\"'.,!?;:)]|\s*$|\s+(?:and|but|or|is|was|so|because|please|yesterday|again|already|with|for|"
    r"which|already|too|as well|only|though|to death|ever|last|tonight|in|if|when|now|a lot|very|"
    r"so much|from|were|isn'?t|wasn'?t|did|bored|vs|versus|better)\b|\s*[,(&-]"
)


def _longest(found: Sequence[Found]) -> list[Found]:
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _value(draft: Draft, one: Found, *, strict: bool = False) -> bool:
    """Whether the words of a title are a value's own spelling, too; `strict`: no mere topic."""
    loose = ("series", "topic", "other") if strict else ("series",)
    return any(s.own and not s.part and s.kind not in loose for s in _senses(draft, one))


def _series(draft: Draft, one: Found) -> bool:
    """Whether the words of a title are the name of a series of several items, too."""
    return any(s.kind == "series" and s.items > 1 and not s.part for s in _senses(draft, one))


def _senses(draft: Draft, one: Found) -> "tuple[Sense, ...]":
    phrase = tuple(token.stem for token in draft.tokens[one.first : one.last])
    return draft.lexicon.phrases.get(phrase, ())


def _runs_on(draft: Draft, one: Found) -> bool:
    """Whether common words in lower case go on, so that they are a phrase and no title."""
    part = draft.tokens[one.first : one.last]
    named = [t for t in part if t.word not in STOP_WORDS | ASKING_WORDS]
    if not one.capital and len(named) < len(part) and all(
        draft.lexicon.phrases.get((t.stem,)) for t in named
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
    if any(sense.kind == "series" for sense in senses) and one.capital:
        return in_series(draft.low[: one.start], draft.low[one.end :])
    return not one.capital


_SERIES_BEFORE = re.compile(
    r"\b(?:an?|another|any|no|without|more|every|not|whole|only|all|some|old|new|good|from|of|which|the other|"
    r"first|last|besides|except|early)\s+(?:the |any |old |new |early |of |more )*$"
)
_SERIES_AFTER = re.compile(
    r"^(?:'s)?\s+(?:films?|movies?|books?|novels?|ones?|series|franchise|universe|trilogy|saga|instal\w+|sequels?|"
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
    if all(token.word in _PRONOUNS for token in part) and not one.capital:
        return False
    before, after = low[: one.start], low[one.end :]
    value = _value(draft, one)
    slot = _slot(before, cues(before + "\x03"))
    closed = bool(_CLOSED.match(after))
    series = _series(draft, one)
    if series and not slot and in_series(before, after):
        return False
    if slot:
        if value and not one.capital and (len(part) == 1 or _value(draft, one, strict=True)):
            return False
        if not shouted and _part_of_name(draft, one, after):
            return False
        if not common or one.capital or (closed and len(part) > 1):
            return closed or one.capital or not common
        return closed and not all(token.word in STOP_WORDS for token in part)
    if _JOINED.search(before) and not value:
        return closed and (one.capital or not common or len(part) > 1 or part[0].word not in STOP_WORDS)
    strict = _value(draft, one, strict=True)
    if one.capital and not strict and not _is_word(draft, one):
        return not _part_of_name(draft, one, after)
    if draft.explores and _ASKED.search(before) and not value:
        return not all(token.word in STOP_WORDS | _PRONOUNS for token in part) and (
            closed or one.capital or part[0].capital or not common or bool(_PREDICATE.search(after))
            or draft.explores == "detail"
        )  # fmt: skip
    if part[0].first and part[0].capital | (not common) and _PREDICATE.search(after):
        return _judged(low, one) and not (value and common)
    clause = re.search(r"(?:^|[.,;!?] ?|\b(?:but|and|while|meh|nah|wow|now|as for|what about|,) )$", before)
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
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june "
    "july august september october november december christmas halloween easter i ok tv uk us usa".split()
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
            return bool(re.fullmatch(_FILL, before[cue.end :]))
        if not re.fullmatch(_FILL, before[cue.end :]):
            return False
    return False


def _judged(low: str, one: Found) -> bool:
    """Whether a verdict follows in this sentence or the next."""
    rest = low[one.end :]
    marks = [mark.end() for mark in re.finditer(r"[.!?;](?:\s|$)", rest)]
    near = rest[: marks[1]] if len(marks) > 1 else rest
    return any(cue.name in _VERDICTS for cue in cues(" " + near))


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


@cache
def _subject() -> "re.Pattern[str]":
    return re.compile(r"^\s*((?:[\w':&-]+ ){0,5}[\w':&-]+?) (?:was|is|were|wasn'?t|isn'?t|bored|sucked)\b")


def _misspelt(
    draft: Draft,
    low: str,
    shouted: bool,
    link: "Callable[[str], int] | None",
    quoted: Sequence[tuple[int, int, str]],
) -> list[tuple[int, int, int]]:
    """Return places that are nearly titles, with their rows; -1 for one that is unknown."""
    found: list[tuple[int, int, int]] = []
    links = MOST_LINKS
    for start, end, written in quoted:
        row = draft.lexicon.titles.near(written) if links else -1
        links -= 1
        found.append((start, end, row))
        if row < 0:
            draft.unknown.append(written.casefold())
    for start, end, name in _pieces(draft, low):
        if links <= 0 or any(start < span[1] and span[0] < end for span in found):
            continue
        got = _looked_up(draft, start, end, name, link, shouted)
        if got is not None:
            links -= 1
            found.append(got)
    return found


def _pieces(draft: Draft, low: str) -> list[tuple[int, int, str]]:
    """Return places where a title should stand and none was found, with the cue before them."""
    pieces: list[tuple[int, int, str]] = []
    found = cues(low)
    slots = [(cue.end, cue.name) for cue in found if cue.name in TITLED]
    if draft.explores in ("detail", "explain", "compare"):
        for one in re.finditer(
            r"\b(?:about|is|of|between|compare|why did you (?:pick|suggest|recommend|show)(?: me)?|"
            r"long is|directed|wrote|stars in|'s in|what's|than|recommend(?:ed)?|suggest(?:ed)?|does|starred in|made)\b",
            low,
        ):
            slots.append((one.end(), "about"))
    for one in re.finditer(
        r"\b(?:with|by|starring|featuring|directed by|written by|have you got|do you have|got any)\s+(?=[a-z])", low
    ):
        slots.append((one.end(), "person"))
    if not found and len(draft.tokens) <= 5 and not draft.spans and TITLE not in low:
        slots.append((0, "subject"))
    if (subject := _subject().match(low)) and any(cue.name in ("good", "bad") for cue in found):
        slots.append((subject.start(1), "subject"))
    for at, name in slots:
        stop = re.compile(r"[.,!?;:()\n\x01\x02]|\s-\s|\b(?:but|because|which|though|although|please|with|that|who|if|when|was|were|"
                          r"is|so|only|except|without|set|from|where|while|ideally|preferably|maybe|since|until|"
                          r"already|yesterday|recently|again|too|for me|to me|scary|about|and i|any good|worth)\b")
        begin = re.compile(_FILL).match(low, at)
        start = begin.end() if begin else at
        while start < len(low):
            end = stop.search(low, start)
            piece = low[start : end.start() if end else len(low)]
            offset = start
            for one in re.finditer(r"(?:(?!\band\b|\bor\b|&).)+", piece):
                s, e = offset + one.start(), offset + one.end()
                part = low[s:e]
                s += len(part) - len(part.lstrip(" \"'"))
                e = s + len(part.strip(" \"'"))
                if e > s:
                    pieces.append((s, e, name))
            if end is None or low[end.start()] != TITLE:
                break
            follow = re.compile(rf"{TITLE}+[\"']?\s*(?:,|and|or|&)+\s*(?:the )?").match(low, end.start())
            if follow is None:
                break
            start = follow.end()
    return pieces


_TAIL = re.compile(r"\s+(?:films?|movies?|books?|novels?|a lot|very much|so much|too|either|ever|one|again)$")


def _looked_up(
    draft: Draft,
    start: int,
    end: int,
    name: str,
    link: "Callable[[str], int] | None",
    shouted: bool,
) -> tuple[int, int, int] | None:
    """Return the place of a title that is nearly written, or of an unknown one; else None."""
    inside = [t for t in draft.tokens if start <= t.start and t.end <= end]
    if not inside or len(inside) > 8 or any(draft.overlaps(t.start, t.end) for t in inside):
        return None
    rare = [t for t in inside if t.word not in everyday() and t.word not in STOP_WORDS]
    telling = [t for t in inside if t.word not in STOP_WORDS]
    capital = not shouted and bool(telling) and all(t.capital or t.word.isdigit() for t in telling)
    if not telling or not (rare or (capital and not inside[0].first)):
        return None
    known = draft.lexicon.phrases
    stems = tuple(t.stem for t in inside)
    bare = stems[1:] if inside[0].word in ("the", "a", "an") else stems
    if known.get(stems) or known.get(bare):
        senses = known.get(stems) or known.get(bare) or ()
        if all(sense.kind == "series" for sense in senses) and name in ("similar", "unlike", "about"):
            row = draft.lexicon.titles.begun(draft.text[start:end])
            return (start, end, row) if row >= 0 else None
        return None
    if name == "person":
        if draft.lexicon.named(inside, [False] * len(inside)):
            return None
        return _strange(draft, inside, rare, capital, name)
    for size in range(len(inside), 0, -1):
        part = inside[:size]
        if not any(t in rare for t in part) and not capital:
            break
        if known.get(tuple(t.stem for t in part)):
            return None
        row = draft.lexicon.titles.near(draft.text[part[0].start : part[-1].end])
        if row >= 0:
            return part[0].start, part[-1].end, row
        if size < len(inside) - 3:
            break
    written = draft.text[start:end]
    if link is not None and capital and (row := link(written)) >= 0:
        return start, end, row
    if (row := draft.lexicon.titles.begun(written)) >= 0 and name != "subject":
        return start, end, row
    return _strange(draft, inside, rare, capital, name)


def _strange(
    draft: Draft, inside: Sequence["acts.object"], rare: Sequence[object], capital: bool, name: str
) -> tuple[int, int, int] | None:
    """Note what is written like a title and is none of the catalogue."""
    part = list(inside)
    if not capital:
        run = []
        for token in part:
            if not (token.capital or (run and token.word in STOP_WORDS)):
                break
            run.append(token)
        while run and run[-1].word in STOP_WORDS:
            run.pop()
        if run and any(t.word not in everyday() for t in run) and len(run) > 1:
            part, capital = run, True
    known = draft.lexicon
    if any(known.phrases.get((stem(t.word),)) for t in part) and not (capital and len(part) > 1):
        return None
    mended = [known.spelled(t) for t in part]
    if any(known.phrases.get((one,)) for one in mended) and not capital:
        return None
    told = name in ("similar", "unlike") and (
        len(part) > 1 or bool(re.search(r"\w (?:like|to|of|as|lines)\s+$", draft.text[: part[0].start].lower()[-24:]))
    )
    if name == "person" and not (capital and (len(part) > 1 or "got" in draft.low or "have" in draft.low)):
        return None
    if all(t.word.isdigit() for t in part):
        return None
    likely = capital or (told and len(part) <= 5 and len(rare) * 2 >= len(part))
    if not likely or name in ("subject", "except"):
        return None
    start, end = part[0].start, part[-1].end
    ahead = re.search(r"\b(?:The|A|An) $", draft.text[:start])
    start = ahead.start() if ahead else start
    draft.unknown.append(draft.text[start:end].casefold())
    draft.unknown_similar = draft.unknown_similar or name in ("similar", "unlike", "person")
    return start, end, -1
