"""Positions in the list shown last: "the second one", "all of them", "number 3"."""

import re
from functools import cache

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
)
_NOUN = (
    r"(?:one|ones|film|films|movie|movies|book|books|novel|suggestion|suggestions|title|titles|"
    r"pick|picks|recommendation|recommendations|item|thing|story|option|choice|entry|result|"
    r"picture|on the list|of them|of those|in the list|you (?:showed|suggested|listed|named))"
)
_ORDINAL = r"(?:" + "|".join(_ORDINALS) + r"|1st|2nd|3rd|\d{1,2}th|last|final|middle|bottom|top)"
_CARDINAL = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})"


@cache
def _patterns() -> tuple["re.Pattern[str]", ...]:
    listed = rf"{_ORDINAL}(?:(?: {_NOUN})?(?:,| and| or| &|, and| and the|, the| or the| vs\.?|" \
             rf" to the| with the| than the| versus the)+ (?:the )?{_ORDINAL})*"  # fmt: skip
    return (
        re.compile(rf"\b(?:the|that|your|my|this) (?:very )?({listed})(?: {_NOUN})?\b(?! (?:time|"
                   rf"day|"
                   r"week|month|year|date|night|thing i|minute|half|part|act|chapter|season|world|"
                   r"name|few|rest|person|couple of))"),
        re.compile(rf"(?:^|[,.;!?] ?|\b(?:loved?|liked?|hated|seen|read|watched|and|about|more "
                   rf"like|not|"
                   rf"like|is|was|why|compare|enjoyed|take|try|but) )({listed}) {_NOUN}\b"),
        re.compile(rf"(?:\b(?:number|numbers|no\.?|nr\.?|nos?\.?|option|item|film|movie|book|"
                   rf"title|pick)"
                   rf" ?|#)({_CARDINAL}(?:(?:,| and| or| &| vs| with)+ (?:number |#|no\.? )?"
                   rf"{_CARDINAL})*)\b(?! (?:stars?|minutes?|hours?|books?|films?|movies?))"),
        re.compile(rf"\b(?:loved|liked|hated|seen|read|watched|enjoyed|know|compare|about|why) "
                   rf"({_CARDINAL}(?:(?:,| and| or| &)+ {_CARDINAL})*)\b(?= *(?:[.,!?]|$|but|"
                   rf"already|please))"),
        re.compile(rf"^({listed})(?=[ ,:.!?]|$)(?! (?:time|day|week|date|thing|of all|i |we |"
                   rf"timer))"),
    )  # fmt: skip


_ALL = re.compile(
    r"\b(?:all (?:of )?(?:them|these|those|three|four|five|the (?:films|movies|books|ones))|"
    r"every (?:one|single one)(?: of (?:them|these|those))?|each of (?:them|these|those)|"
    r"everything (?:you (?:showed|suggested|listed)|on (?:the|that|this|your) list|there)|"
    r"the (?:whole|entire) (?:lot|list)|the lot|none of (?:them|these|those)|them all|these all|"
    r"all (?:the )?(?:films|movies|books|ones|titles)(?: (?:here|there|shown|on (?:the )?list))?|"
    r"(?:these|those|them)(?= (?:all|films|movies|books|ones))|any of (?:them|these|those)|"
    r"(?:why|about|which of) (?:these|those|them)|"
    r"(?:seen|read|watched|know|liked|loved|hated) (?:them|"
    r"these|"
    r"those)\b)"
)
_BOTH = re.compile(
    r"\b(?:both(?: of (?:them|these|those))?|the two(?: of them)?|these two|those two)\b"
)
_PAIR = re.compile(r"\bthe (former|latter)\b")
_FIRST = re.compile(r"\bthe (?:first|top|last) (two|three|four|2|3|4)\b")
_THAT = re.compile(
    r"\b(?:that|this) (?:one|film|movie|book|novel|title|suggestion|recommendation|pick)\b|"
    r"\b(?:about|is|why|does|was|loved|liked|hated|seen|read|like|enjoyed|watched) (?:it|that|"
    r"this)\b"
)
_BUT = re.compile(r"\b(?:except|but|apart from|other than|besides|not)\b(?: for)?\s*$")


_REFUSED = re.compile(
    r"\b(?:not|don'?t want|do not want|anything but|anything except|except|other than|apart from|"
    r"rather than|instead of)(?: for)? (?:the |number )(?:first|second|third|fourth|fifth|sixth|"
    r"last|top|bottom|middle|\d)|\bnone of (?:them|these|those)\b"
)
"""A place of the list that is refused: "not the second one"."""


def refuses(low: str) -> bool:
    """Whether lower-case text refuses a place of the list."""
    return _REFUSED.search(low) is not None


def picked(low: str, shown: int) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Return the positions, from 1, that lower-case text refers to, and where it does so."""
    if not shown:
        return (), []
    found: dict[int, None] = {}
    spans: list[tuple[int, int]] = []
    left_out: set[int] = set()
    for one in _FIRST.finditer(low):
        n = {"two": 2, "three": 3, "four": 4}.get(one[1]) or int(one[1])
        places = range(1, n + 1) if "last" not in one[0] else range(shown - n + 1, shown + 1)
        found.update(dict.fromkeys(places))
        spans.append(one.span())
    for pattern in _patterns():
        for one in pattern.finditer(low):
            if any(start < one.end() and one.start() < end for start, end in spans):
                continue
            said = re.findall(r"[\w]+", one[1])
            # "the ninth" of five is still a place: that there is none has to be said
            places_ = [
                place
                for word in said
                if 1 <= (place := _place(word, shown)) <= (12 if word in _ORDINALS else shown)
            ]
            if places_:
                before = low[: one.start()]
                (left_out.update if _BUT.search(before) else lambda _: None)(places_)
                found.update(dict.fromkeys(places_))
                spans.append(one.span())
    everything = _ALL.search(low) or (_BOTH.search(low) if shown == 2 else None)
    if everything:
        spans.append(everything.span())
        return tuple(n for n in range(1, shown + 1) if n not in left_out), spans
    for one in _PAIR.finditer(low):
        found[1 if one[1] == "former" else min(shown, 2)] = None
        spans.append(one.span())
    if not found and shown == 1 and (that := _THAT.search(low)):
        return (1,), [that.span()]
    return tuple(sorted(found)), spans


def _place(word: str, shown: int) -> int:
    """Return the position that a word names; 0 where it names none."""
    if word in _ORDINALS:
        return _ORDINALS.index(word) + 1
    if word in ("last", "final", "bottom"):
        return shown
    if word == "top":
        return 1
    if word == "middle":
        return (shown + 1) // 2
    digits = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word)
    if digits:
        return int(digits[1])
    cardinals = "one two three four five six seven eight nine ten".split()
    return cardinals.index(word) + 1 if word in cardinals else 0
