"""What a message says of the moment: time, place, company, mood, occasion."""

import re
from functools import cache

from tastemate.chat.grammar.text import either, table

_REPORTED = re.compile(
    r"\b(?:told|recommended|says|said|suggested|lent|gave|given|born|mentioned|swears|"
    r"told me|wrote|reads? to me|got me|bought|works? at|used to)\b"
)
_TOGETHER = re.compile(
    r"\b(?:with|and i|and me|we|we're|us|together|coming|over|visiting|here|watching|for (?:my|"
    r"the|our)|joining|"
    r"sitting|wants?|asks?|insists?|tonight|both)\b"
)
_NOT = re.compile(
    r"\b(?:not|no|nothing|none|without|isn't|aren't|never|away from|minus) "
    r"(?:(?:for|with|my|the|any|in|at|on) )*$"
)
_LAST = re.compile(r"\b(?:last|that|one|previous|every other|years ago) $")
_WHEN = re.compile(
    r"\b(?:last (?:summer|winter|spring|autumn|year|week|month|time|night|christmas|holiday|"
    r"weekend)|"
    r"(?:years?|months?|weeks?|days?) ago|yesterday|back then|once upon)\b"
)


def _then(low: str, one: "re.Match[str]") -> bool:
    """Whether a time or a place belongs to what is told of another day."""
    before = low[max(one.start() - 40, 0) : one.start()]
    clause = before[max(before.rfind(mark) for mark in ".!?;,:\n") + 1 :]
    return bool(_LAST.search(before) or _WHEN.search(clause))


_ORDER = {"time": ("night", "evening", "morning", "afternoon")}


@cache
def _patterns() -> "tuple[tuple[str, str, re.Pattern[str]], ...]":
    return tuple(
        (axis, value, re.compile(either(patterns)))
        for axis, values in table("moment").items()
        for value, patterns in values.items()
    )


def moment(low: str) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """Return axis → value of lower-case text, and where it says so; the first said wins.

    Of company that is only reported of ("a friend told me") nothing is taken.
    """
    best: dict[str, tuple[int, int, str]] = {}
    spans: list[tuple[int, int]] = []
    for axis, value, pattern in _patterns():
        for one in pattern.finditer(low):
            if _NOT.search(low[max(one.start() - 20, 0) : one.start()]):
                continue
            if axis != "mood" and axis != "company" and _then(low, one):
                continue
            if axis == "company" and not _present(low, one):
                continue
            ranked = _ORDER.get(axis, ())
            rank = ranked.index(value) if value in ranked else 0
            place = (rank, one.start(), value)
            best[axis] = min(best.get(axis, place), place)
            spans.append(one.span())
    found = {axis: value for axis, (_, _, value) in best.items()}
    if found.get("company") == "alone" and "just me and" in low:
        del found["company"]
    return found, spans


_PAST = (
    r"(?:ate|gave|put|made|sent|chose|picked|took|got|had|was|were|did|went|came|kept|left|lost|said|"
    r"told|thought|found|broke|bought|brought|showed|used|shoved|saw|knew|felt|stole|fell|wrote|ran|"
    r"won|drove|hid|drank|sang|slept|paid|sold|spoke|taught|wore|threw|hit|hurt|bit|blew|built|caught|"
    r"drew|flew|forgot|grew|held|led|lent|meant|met|rang|sat|shook|spent|swore|tore|woke|became|began|"
    r"keeps?|kept|(?!need|wanted|tired|bored|old|red)[a-z]{3,}ed)"
)
_SUBJECT = re.compile(
    rf"\s*(?:who |that |just |once |also |always |recently |has |have |had |"
    rf"'s )*(?:{_PAST}\b|(?:is|are) "
    r"(?:all |so |really |very |always |just |completely |no )*(?:useless|hopeless|great|"
    r"right|wrong|no "
    r"help|crazy|mad|awful|annoying|away|out|late|busy|called|named|a|an|the|dead|gone|abroad)\b|"
    r"(?:raves?|swears?|talks?|recommends?|says?|thinks?|knows?|calls?|never|lives?|works?|owns?)\b)"
)
_OBJECT = re.compile(
    rf"\b(?:{_PAST}|asking|telling|reminds? me of|because of|about|from|of|by|than|unlike|like) "
    r"(?:even |also |only |all )?$"
)
_GATHERED = re.compile(
    r"\b(?:with|and i|and me|me and|i and|us|together|tonight|joining|coming|visiting|over for)\b"
)


def _told(low: str, one: "re.Match[str]", clause: str) -> bool:
    """Whether somebody is only told of: "my sister keeps saying", "it scared my brother"."""
    before, after = low[: one.start()], low[one.end() :]
    last = max(clause.rfind(",", 0, clause.find(one[0])), -1)
    following = clause.find(",", clause.find(one[0]))
    clause = clause[last + 1 : following if following >= 0 else len(clause)]
    if re.search(r"\b(?:with|for|and|plus|take|taking|bring|bringing|join|joining) $", before):
        return False
    near = before[-40:]
    if re.match(r"\s*(?:and (?:i|me)|&|wants?|will|won't|can't|is here|are here|, )", after):
        return bool(_OBJECT.search(near))
    if _SUBJECT.match(after):
        return not _GATHERED.search(clause)
    return bool(_OBJECT.search(near))


def _present(low: str, one: "re.Match[str]") -> bool:
    """Whether somebody is there, and not only spoken of."""
    start = max(low.rfind(mark, 0, one.start()) for mark in ".!?;\n")
    ends = [at for mark in ".!?;\n" if (at := low.find(mark, one.end())) >= 0]
    clause = low[start + 1 : min(ends, default=len(low))]
    near = low[one.end() : min(ends, default=len(low))]
    if _told(low, one, clause):
        return False
    if re.match(
        rf"\s*(?:who |that |has |had |have |just |once |also |always |'s |always "
        rf")*{_REPORTED.pattern}",
        near,
    ):
        return False
    if "," in clause:  # what is reported elsewhere in a long sentence says nothing of this
        return True
    return not _REPORTED.search(clause) or bool(_TOGETHER.search(clause))
