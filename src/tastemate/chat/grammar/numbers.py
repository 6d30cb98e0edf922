"""Numbers in a message: eras, lengths, ratings, and how many are asked for.

Every pattern swallows the words that turn it ("nothing over two hours"), so that no negation is
left over for what stands beside it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

Measure: TypeAlias = Literal["age", "length", "rating"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """A stretch of numbers that some words name; None where it is open."""

    start: int
    end: int
    measure: Measure
    least: float | None
    most: float | None


WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
).split()
NUMBERS = {word: at for at, word in enumerate(WORDS)}
_DECADES = {
    "twenties": 1920, "thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960,
    "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000, "aughts": 2000,
    "two thousands": 2000, "twenty-tens": 2010,
}  # fmt: skip
_NOT = (
    r"(?:(?:nothing|not|none|no(?: (?:films?|movies?|books?|novels?|titles?|stories|ones?|"
    r"stuff|release))?|never|without anything|(?:do|does|wo|would|should|must|"
    r"ca|could|did|is|are)(?:n'?t)(?: \w+){0,3}?|(?:must|should|can|will|do|does|would) not"
    r"(?: \w+){0,3}?|mustnt(?: \w+)?|refuses? to \w+|avoid)(?: (?:anything|something|be|films?|"
    r"movies?|books?|one|ones|that'?s|that is|which is|any|at all|made|released|written|published|"
    r"please|that are|that were|it|it to be|to be|from|is))*\s+)"
)
_MADE = r"(?:(?:from|made|released|shot|written|published|set|that came out|out|produced|dating) )"
_YEAR = r"(?P<{0}>(?:1[89]|20)\d\d)(?!\d|'?s\b| (?:kids|people|minutes))"
_DECADE = (
    r"(?:the )?(?:early |mid |late |mid-|late-|early-)?(?:19|20)?'?(?P<{0}>(?<!\d)(?:1[89]|20)?\d0"
    r"(?='?s\b)|" + "|".join(_DECADES) + r")(?:'?s)?"
)
_OLDER = (
    r"(?:(?:older|earlier|before|prior) (?:than|to)|before|pre|prior to|earlier than|not "
    r"later than)"
)
_NEWER = r"(?:(?:newer|later|more recent|younger) than|after|post|later than|beyond|past)"
_FROM = (
    r"(?:since|from|starting (?:in|from|with)|no (?:older|earlier) than|not (?:older|earlier) than|"
    r"not before|at least from)"
)
_UNTIL = r"(?:up to|until|till|by|to|no later than|no newer than|not after|not newer than)"
_GAP = r"[\s-]+(?:the (?:year )?|about )?"


def read(low: str) -> Iterator[Bounds]:
    """Yield the stretches that lower-case text names, in order, none over another."""
    taken: list[tuple[int, int]] = []
    found: list[Bounds] = []
    for pattern, made in (*_eras(), *_lengths(), *_ratings()):
        for one in pattern.finditer(low):
            if any(start < one.end() and one.start() < end for start, end in taken):
                continue
            bounds = made(one)
            if bounds is not None:
                taken.append(one.span())
                found.append(bounds)
    yield from sorted(found, key=lambda one: one.start)


Ends: TypeAlias = Callable[["re.Match[str]"], tuple[float | None, float | None]]
Rule: TypeAlias = tuple["re.Pattern[str]", Callable[["re.Match[str]"], "Bounds | None"]]


@cache
def _eras() -> tuple[Rule, ...]:
    """Return patterns of years and decades, the more telling first."""
    year, decade = _YEAR.format("y"), _DECADE.format("d")
    when = rf"(?:{year}|{decade})"
    two = rf"(?:{_YEAR.format('y2')}|{_DECADE.format('d2')})"
    rules: list[tuple[str, Ends]] = [
        (rf"(?:between|from|of) {when}\s*(?:and|to|until|till|-|through)\s*{two}", _span),
        (rf"{year}\s*-\s*{_YEAR.format('y2')}", _span),
        *_instead(when, two),
        (rf"{_NOT}{_MADE}*{_OLDER}{_GAP}{when}", lambda m: (_least(m), None)),
        (rf"{_NOT}{_MADE}*{_NEWER}{_GAP}{when}", lambda m: (None, _most(m))),
        (rf"{_NOT}{_MADE}*since {when}", lambda m: (None, _least(m) - 1)),
        (rf"{_MADE}*(?:in |from )?{when} (?:or|and|&) (?:later|newer|after(?:wards?)?|younger|up|"
         r"onwards?|more recent|above|beyond)", lambda m: (_least(m), None)),
        (rf"{_MADE}*(?:in |from )?{when} (?:or|and|&) (?:earlier|older|before|below)",
         lambda m: (None, _most(m))),
        (rf"{_MADE}*(?:from |since )?{when},? (?:onwards?|on\b|and on|forward|to (?:now|today|the "
         r"present)|at the earliest)", lambda m: (_least(m), None)),
        (rf"{when},? (?:at the latest|tops)", lambda m: (None, _most(m))),
        (rf"{_MADE}*{_UNTIL}{_GAP}{when}", lambda m: (None, _most(m))),
        (rf"{_MADE}*{_OLDER}{_GAP}{when}", lambda m: (None, _least(m) - 1)),
        (rf"{_MADE}*{_NEWER}{_GAP}{when}", lambda m: (_most(m) + 1, None)),
        (rf"{_MADE}*(?:since|no (?:older|earlier) than|not before){_GAP}{when}",
         lambda m: (_least(m), None)),
        (rf"{_MADE}*(?:in|of|from|during|and|or|&|in the)?\s*{decade}\s*(?:,|and|or|&|to|/|-|until)"
         rf"\s*{_DECADE.format('d2')}", _span),
        (rf"{_MADE}*(?:(?:in|of|from|during) )?{decade}", lambda m: (_least(m), _most(m))),
        (rf"(?:nothing|not) .{{0,30}}\bborn in {year}", lambda m: (_least(m), None)),
        (rf"{_MADE}*(?:(?:in|of|from|the year) )+{year}", lambda m: (_least(m), _most(m))),
        (rf"(?<![#\w]){year}(?= (?:\w+ )?(?:film|movie|book|novel|release|picture))",
         lambda m: (_least(m), _most(m))),
        (r"(?:(?:from|of|in|written in|made in)(?: the)? )?(?P<c>1[89]|20|21)(?:th|st)[ -]century",
         lambda m: (int(m["c"]) * 100 - 100, min(int(m["c"]) * 100 - 1, 2099))),
        (r"(?:older|newer) than .{0,60}?\bborn in (?P<y>(?:19|20)\d\d)", _born),
    ]  # fmt: skip

    def rule(
        source: str, bounds: Callable[[re.Match[str]], tuple[float | None, float | None]]
    ) -> Rule:
        def made(one: re.Match[str]) -> Bounds | None:
            least, most = bounds(one)
            return Bounds(*one.span(), "age", least, most)

        return re.compile(rf"(?<![\w\x01]){source}(?!\w)"), made

    born = re.compile(
        r"(?:(?:must|should|can|may|does|do|is|be)(?:n'?t| not)|not|nothing|no)\b.{0,20}?older "
        r"than "
        r".{0,60}?\b(?:born|from) (?:in )?(?P<y>(?:19|20)\d\d)(?!\d)"
    )

    def since_birth(one: re.Match[str]) -> Bounds:
        return Bounds(*one.span(), "age", float(one["y"]), None)

    return ((born, since_birth), *(rule(source, bounds) for source, bounds in rules))


def _instead(when: str, two: str) -> "list[tuple[str, Ends]]":
    """Return patterns of eras named in place of others: "not the 2000s, the 60s"."""
    return [
        (rf"{_MADE}*{_OLDER}{_GAP}{when},? (?:and |but )?not {_OLDER}{_GAP}{two}",
         lambda m: (None, _least(m) - 1)),
        (rf"not {_OLDER}{_GAP}{two},? (?:but )?{_OLDER}{_GAP}{when}",
         lambda m: (None, _least(m) - 1)),
        (rf"{_MADE}*(?:since|after|from){_GAP}{when},? (?:and |but )?not "
         rf"(?:since|after|from){_GAP}{two}", lambda m: (_least(m) + ("after" in m[0][:9]), None)),
        (rf"not (?:from |in )?(?:the )?{two}[,;]? (?:but |rather )?(?:from |in )?(?:the )?{when}",
         lambda m: (_least(m), _most(m))),
        (rf"(?:from |in )?(?:the )?{when}[,;]? (?:and |but )?not (?:from |in )?(?:the )?{two}",
         lambda m: (_least(m), _most(m))),
    ]  # fmt: skip


def _born(one: "re.Match[str]") -> tuple[float | None, float | None]:
    year = float(one["y"])
    return (None, year - 1) if one[0].startswith("older") else (year + 1, None)


def _least(one: "re.Match[str]", second: str = "") -> float:
    groups = one.groupdict()
    if groups.get(f"y{second}"):
        return float(groups[f"y{second}"])
    return float(_decade(groups[f"d{second}"]))


def _most(one: "re.Match[str]", second: str = "") -> float:
    groups = one.groupdict()
    if groups.get(f"y{second}"):
        return float(groups[f"y{second}"])
    return float(_decade(groups[f"d{second}"]) + 9)


def _span(one: "re.Match[str]") -> tuple[float | None, float | None]:
    ends = [_least(one), _most(one), _least(one, "2"), _most(one, "2")]
    return min(ends), max(ends)


def _decade(said: str) -> int:
    if said in _DECADES:
        return _DECADES[said]
    if len(said) == 4:
        return int(said)
    return int(said) + (2000 if int(said) < 20 else 1900)


_NUMBER = rf"(?:\d+(?:[.,]\d+)?|{'|'.join(WORDS[1:])}|an?|half an?|a couple of)"
_AMOUNT = (
    rf"(?P<{{0}}>(?:{_NUMBER}(?: and a half)?[\s-]?(?:hours?|hrs?|h\b)(?:(?: and)? ?(?:a half|"
    rf"(?:\d+|{'|'.join(WORDS[1:])}|a quarter)(?: ?(?:minutes?|mins?|m\b))?))?|"
    rf"(?:\d+|{'|'.join(WORDS[5:])}|ninety|sixty|eighty|seventy|a hundred(?: and twenty)?|one "
    rf"hundred|hundred)"
    rf"[\s-]?(?:minutes?|mins?|min\b|')|\d+h\d*|\d:\d\d(?: hours?)?))"
)  # fmt: skip
_UP_TO = (
    r"(?:(?:(?:of |for )?(?:sub-?|under|less than|below|at most|no more than|not more than|"
    r"max(?:imum)?"
    r"(?: of)?|up to|within|shorter than|no longer than|not longer than|(?:is|are)n'?t longer than|"
    r"not over|under about|short of|in under|inside)))"
)
_OVER = r"(?:over|more than|longer than|above|beyond|exceeding|past|in excess of|upwards of)"


@cache
def _lengths() -> tuple[Rule, ...]:
    """Return patterns of running times, in minutes."""
    amount = _AMOUNT.format("a")

    def at_most(one: re.Match[str]) -> Bounds | None:
        minutes = _minutes(one["a"])
        return Bounds(*one.span(), "length", None, minutes) if minutes else None

    def at_least(one: re.Match[str]) -> Bounds | None:
        minutes = _minutes(one["a"])
        return Bounds(*one.span(), "length", minutes, None) if minutes else None

    def between(one: re.Match[str]) -> Bounds | None:
        ends = sorted((_minutes(one["a"]), _minutes(one["b"])))
        return Bounds(*one.span(), "length", ends[0], ends[1]) if ends[0] else None

    def minutes_between(one: re.Match[str]) -> Bounds | None:
        ends = sorted((float(one["a"]), float(one["b"])))
        return Bounds(*one.span(), "length", ends[0], ends[1])

    about = r"(?:about|around|roughly|approximately|some|circa|ca\.?|like|maybe|nearly|almost) "
    sources: list[tuple[str, Callable[[re.Match[str]], Bounds | None]]] = [
        (rf"between {amount} and {_AMOUNT.format('b')}", between),
        (r"between (?P<a>\d+) (?:and|to) (?P<b>\d+) ?(?:minutes|mins?)", minutes_between),
        (rf"{_NOT}(?:that(?:'s| is| runs| goes| lasts)? |(?:runs?|going|lasting|goes) )?"
         rf"(?:much )?{_OVER} {amount}", at_most),
        (rf"{_NOT}(?:that(?:'s| is) )?(?:shorter than|under|less than|below) {amount}", at_least),
        (rf"{_UP_TO} {amount}", at_most),
        (rf"{amount}(?: long)?,? (?:at (?:the )?(?:most|very most)|max(?:imum)?|tops|or (?:less|"
         r"shorter|under|below)|at the outside|limit)", at_most),
        (rf"(?:(?:have|'ve|ve|got|have got|is|'s|s) (?:only |just )(?:got )?|(?:only|just) "
         rf"(?:have|got|had) (?:got )?|before .{{0,30}} in |i'?ve got |we'?ve got |i have |"
         rf"we have |there'?s |there is |(?:is|be) (?:over|done|finished) in |fits? (?:in|into) )"
         rf"(?!{about}){amount}(?! (?:flight|drive|journey|ride|trip|train|wait|layover|film|"
         rf"movie))"
         rf"(?!-)", at_most),
        (rf"{_OVER} {amount}", at_least),
        (rf"(?:at least|a minimum of|minimum|no (?:shorter|less) than|not (?:under|less than)|"
         rf"min) {amount}", at_least),
        (rf"{amount}(?: long)? (?:or (?:more|longer|over)|at least|plus|minimum|and (?:up|more))",
         at_least),
    ]  # fmt: skip
    return tuple((re.compile(rf"(?<![\w\x01]){source}(?!\w)"), made) for source, made in sources)


def _minutes(said: str) -> float:
    """Return an amount of time in minutes; 0 where it is none."""
    clock = re.fullmatch(r"(\d):(\d\d)(?: hours?)?|(\d+)h(\d*)", said)
    if clock:
        hours, rest = clock[1] or clock[3], clock[2] or clock[4]
        return float(int(hours) * 60 + int(rest or 0))
    hour = re.match(rf"({_NUMBER})( and a half)?[\s-]?(?:hours?|hrs?|h\b)(.*)", said)
    if hour:
        minutes = _number(hour[1]) * 60 + (30 if hour[2] else 0)
        rest = hour[3]
        if "half" in rest:
            return minutes + 30
        if "quarter" in rest:
            return minutes + 15
        more = re.search(rf"\d+|{'|'.join(WORDS[1:])}", rest)
        return minutes + (_number(more[0]) if more else 0)
    found = re.match(r"(\d+|[a-z ]+?)[\s-]?(?:min|')", said)
    return _number(found[1].strip()) if found else 0.0


_TENS = {"sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "a hundred": 100,
         "one hundred": 100, "hundred": 100, "a hundred and twenty": 120}  # fmt: skip


def _number(said: str) -> float:
    said = said.strip()
    if said in NUMBERS:
        return float(NUMBERS[said])
    if said in _TENS:
        return float(_TENS[said])
    if said in ("a", "an"):
        return 1.0
    if said.startswith("half"):
        return 0.5
    if said.startswith("a couple"):
        return 2.0
    try:
        return float(said.replace(",", "."))
    except ValueError:
        return 0.0


@cache
def _ratings() -> tuple[Rule, ...]:
    """Return patterns of ratings in stars or points."""
    score = r"(?P<r>\d(?:[.,]\d+)?|one|two|three|four|five)"
    unit = r"(?:[\s-]?(?:stars?|points?|out of (?:5|five|10|ten)|/ ?(?:5|10)|\*))"
    about = r"(?:rat(?:ed|ings?)|scor(?:e[sd]?|ing)|stars?|average|reviewed|reviews?)"
    more = (
        r"(?:at least|over|above|more than|better than|higher than|minimum(?: of)?|no less "
        r"than|not (?:below|under|less than)|north of|nothing (?:under|below|less than)|"
        r"exceeding|no lower than)"
    )
    less = r"(?:under|below|less than|at most|worse than|lower than|no more than)"

    def number(one: re.Match[str]) -> float:
        said = one["r"]
        return float(NUMBERS[said]) if said in NUMBERS else float(said.replace(",", "."))

    def at_least(one: re.Match[str]) -> Bounds | None:
        return Bounds(*one.span(), "rating", number(one), None)

    def at_most(one: re.Match[str]) -> Bounds | None:
        return Bounds(*one.span(), "rating", None, number(one))

    sources: list[tuple[str, Callable[[re.Match[str]], Bounds | None]]] = [
        (rf"{about}(?: \w+){{0,3}}? {more} {score}{unit}?", at_least),
        (rf"{about}(?: \w+){{0,3}}? {less} {score}{unit}?", at_most),
        (rf"{about}(?: (?:of|is|at|with))* {score}{unit}? ?(?:\+|plus|or (?:more|higher|better|"
         rf"above|up)|and (?:up|above|over|higher))", at_least),
        (rf"{more} (?:an? )?(?:average )?(?:rating of |score of )?{score}{unit}", at_least),
        (rf"(?:rating|score)s? {more} {score}", at_least),
        (rf"{less} {score}{unit}", at_most),
        (rf"{score} ?(?:\+|plus){unit}", at_least),
        (rf"{score}{unit} ?(?:\+|plus|or (?:more|higher|better|above|up)|and (?:up|above|over|"
         rf"higher)|at least|minimum)", at_least),
        (rf"(?:rating|score)s? (?:>|>=|=>) ?{score}", at_least),
    ]  # fmt: skip
    return tuple((re.compile(rf"(?<![\w\x01.]){source}(?![\w])"), made) for source, made in sources)


_NOT_FROM = re.compile(
    r"\b(?:but )?(?:not|nothing|none|no (?:ones|films|books)) (?:from|of|in) (?:the )?"
    r"('?(?:(?:1[89]|20)?\d0s|(?:1[89]|20)\d\d)|"
    + "|".join(_DECADES)
    + r")\b(?!\s*(?:,|but)\s*(?:the )?'?\d)",
    re.IGNORECASE,
)


def without_eras(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a message without the eras it refuses, and these: no wish leaves a range out."""
    refused = tuple(one[1] for one in _NOT_FROM.finditer(text))
    return (_NOT_FROM.sub(" ", text) if refused else text), refused
