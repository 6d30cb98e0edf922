"""Titles that are nearly written, and names that the catalogue does not have."""

import re
from collections.abc import Callable, Sequence
from functools import cache

from tastemate.chat.grammar.cueing import cues
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.text import TITLE, Token, everyday
from tastemate.text.words import STOP_WORDS, stem

TITLED = frozenset(("like", "dislike", "seen", "unseen", "similar", "unlike", "except"))
"""Cues after which a title may stand."""


FILL = (
    r"(?:[\s,:\"'(-]|\b(?:the|films?|movies?|books?|novels?|a|an|of|out|already|also|both|really|"
    r"is|"
    r"in|called|just|only|again|on|finally|all|how|much|watching|reading|that|for|most|recently|"
    r"one|very|so|too|with|to|it|titled|named|yesterday|last|night|week|day|such as)\b)*"
)


MOST_LINKS = 6
"""Misspelt titles looked for in one message."""


@cache
def _subject() -> "re.Pattern[str]":
    return re.compile(
        r"^\s*((?:[\w':&-]+ ){0,5}[\w':&-]+?) (?:was|is|were|wasn'?t|isn'?t|bored|sucked)\b"
    )


def misspelt(
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


_MENTIONED = re.compile(
    r"\b(?:rav(?:es?|ed|ing) about|go(?:es|ing)? on about|talk(?:s|ed|ing)? about|"
    r"told (?:me|us) "
    r"about|hear(?:d|ing)? (?:of|about)|recommended(?: me)?|mentioned|finished|"
    r"swears? by|lent me|"
    r"gave me|devoured)\s+"
)


def _pieces(draft: Draft, low: str) -> list[tuple[int, int, str]]:
    """Return places where a title should stand and none was found, with the cue before them."""
    pieces: list[tuple[int, int, str]] = []
    found = cues(low)
    slots = [(cue.end, cue.name) for cue in found if cue.name in TITLED]
    slots += [(one.end(), "mentioned") for one in _MENTIONED.finditer(low)]
    if draft.explores in ("detail", "explain", "compare"):
        for one in re.finditer(
            r"\b(?:about|is|of|between|compare|why did you (?:pick|suggest|recommend|show)(?: me)?|"
            r"long is|directed|wrote|stars in|'s in|what's|than|recommend(?:ed)?|suggest(?:ed)?|"
            r"does|starred in|made)\b",
            low,
        ):
            slots.append((one.end(), "about"))
    for one in re.finditer(
        r"\b(?:with|by|starring|featuring|directed by|written by|have you got|do you have|got "
        r"any)\s+(?=[a-z])",
        low,
    ):
        slots.append((one.end(), "person"))
    if not found and len(draft.tokens) <= 5 and not draft.spans and TITLE not in low:
        slots.append((0, "subject"))
    if (subject := _subject().match(low)) and any(cue.name in ("good", "bad") for cue in found):
        slots.append((subject.start(1), "subject"))
    for at, name in slots:
        stop = re.compile(
            r"[.,!?;:()\n\x01\x02]|\s-\s|\b(?:but|because|which|though|although|please|with|that|"
            r"who|if|when|was|were|"
            r"is|so|only|except|without|set|from|where|while|ideally|preferably|maybe|since|until|"
            r"already|yesterday|recently|again|too|for me|to me|scary|about|and i|any good|worth)\b"
        )
        begin = re.compile(FILL).match(low, at)
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
            follow = re.compile(rf"{TITLE}+[\"']?\s*(?:,|and|or|&)+\s*(?:the )?").match(
                low, end.start()
            )
            if follow is None:
                break
            start = follow.end()
    return pieces


_TAIL = re.compile(
    r"\s+(?:films?|movies?|books?|novels?|a lot|very much|so much|too|either|ever|one|again)$"
)


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
    if senses := known.get(stems) or known.get(bare):
        series = all(sense.kind == "series" for sense in senses)
        row = draft.lexicon.titles.begun(draft.text[start:end]) if series else -1
        alike = name in ("similar", "unlike", "about")
        return (start, end, row) if row >= 0 and alike else None
    if name == "person":
        if draft.lexicon.named(inside, [False] * len(inside)):
            return None
        return _strange(draft, inside, rare, capital, name)
    for size in range(len(inside), max(len(inside) - 5, 0), -1):
        part = inside[:size]
        if not capital and not any(t in rare for t in part):
            break
        if known.get(tuple(t.stem for t in part)):
            return None
        row = draft.lexicon.titles.near(draft.text[part[0].start : part[-1].end])
        if row >= 0:
            return part[0].start, part[-1].end, row
    return _strange_or_linked(draft, inside, (rare, capital, name), link)


def _strange_or_linked(
    draft: Draft,
    inside: Sequence[Token],
    told: tuple[Sequence[Token], bool, str],
    link: "Callable[[str], int] | None",
) -> tuple[int, int, int] | None:
    """Ask whoever knows more titles, then take what begins one; else it may be unknown."""
    rare, capital, name = told
    start, end = inside[0].start, inside[-1].end
    written = draft.text[start:end]
    if link is not None and capital and (row := link(written)) >= 0:
        return start, end, row
    if (row := draft.lexicon.titles.begun(written)) >= 0 and name != "subject":
        return start, end, row
    return _strange(draft, inside, rare, capital, name)


def _strange(
    draft: Draft, inside: Sequence[Token], rare: Sequence[Token], capital: bool, name: str
) -> tuple[int, int, int] | None:
    """Note what is written like a title and is none of the catalogue."""
    part = list(inside)
    if not capital:
        run: list[Token] = []
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
        len(part) > 1
        or bool(
            re.search(r"\w (?:like|to|of|as|lines)\s+$", draft.text[: part[0].start].lower()[-24:])
        )
    )
    if name == "person" and not (
        capital and (len(part) > 1 or "got" in draft.low or "have" in draft.low)
    ):
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
