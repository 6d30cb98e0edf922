"""How many items a message asks for: "three comedies", "make that two", "just one"."""

import re
from collections.abc import Sequence
from functools import cache

from tastemate.chat.grammar.numbers import NUMBERS, WORDS

_COUNT = (
    r"(?P<n>\d{1,2}|" + "|".join(WORDS[1:]) + r"|(?:a|half a) dozen|a couple(?: of)?|a pair of)"
)


_NOUNS = (
    r"(?:films?|movies?|books?|novels?|titles?|suggestions?|recommendations?|recs|ideas|picks|"
    r"options|ones|things|stories|reads|flicks|choices|pictures|items|more(?! [a-z])|others|of "
    r"them|"
    r"of those|examples|tips|songs|albums|games|shows|candidates|proposals)"
)


_NO_COUNT = (
    r"(?:kids?|children|friends?|hours?|hrs?|minutes?|mins?|years?|days?|weeks?|months?|times?|"
    r"sisters?|brothers?|adults?|stars?|girls?|boys?|mates?|people|of us|hundred|thousand|o'?clock|"
    r"am|pm|percent|%|daughters?|sons?|nights?|episodes?|seasons?|in the|world|century|pages?|"
    r"nephews?|nieces?|cats?|dogs?|women|men|or older|and|points?|out of|parents?|colleagues?|"
    r"evenings?|flatmates?|students|euros?|dollars|pounds|person|side|another|half|of you|part)\b"
)


@cache
def _counts() -> "tuple[re.Pattern[str], ...]":
    given = (
        r"(?:give|show|recommend|suggest|pick|find|get|send|name|list|want|need|make (?:that|"
        r"it)|with|offer|like|have|only|just|exactly|top|best|choose|be|tell)(?: (?:me|us|"
        r"please|just|only|about|up|out))*"
    )
    before = (
        r"(?<![\w\x01#.,'-])(?<!the )(?<!that )(?<!this )(?<!any )(?<!no )(?<!every "
        r")(?<!each )(?<!which )(?<!number )(?<!part )(?<!vol )(?<!other )(?<!not )(?<!last "
        r")(?<!first )"
    )
    words = (
        r"(?: (?!i |that |who |which |with |from |by |and |or |to |please |of |is |are |was |"
        r"in |on |at |for )[\w'-]+){0,4}?"
    )
    return tuple(
        re.compile(source)
        for source in (
            rf"{before}{_COUNT}(?! ?[-/:]| ?{_NO_COUNT}){words} {_NOUNS}(?! (?:i|that i|we) )\b",
            rf"\b{given} {_COUNT}(?! ?[-/:.]\d| ?-| ?{_NO_COUNT}| [a-z]+ (?:hours?|people))(?= "
            rf"*(?:$|[,.!?;)]|please|for|that|of|from|by|to|would|will|is|are|max|only|if|with|"
            rf"and|but|tonight|this|which|then|more|so|or|at|as|[a-z-]+s\b))",
            rf"(?:^|[,.!?;(] ?){_COUNT}(?: of (?:them|those|these))?,? (?:please|would (?:be|do)|"
            rf"will do|is (?:plenty|enough|fine)|are (?:plenty|enough|fine)|should do|max|at most|"
            rf"tops|thanks|only)\b",
            rf"(?<![\w\x01#.'-]){_COUNT}(?: (?:films?|movies?|books?|of them))? (?:would (?:be "
            rf"(?:plenty|enough|fine|grand|great|nice|perfect|good)|do|suffice)|will do|is "
            rf"(?:plenty|enough)|are (?:plenty|enough)|should (?:do|be enough))\b",
            r"\ba single (?P<one>film|movie|book|novel|title|suggestion|recommendation|one|thing|"
            r"pick)\b",
        )
    )  # fmt: skip


def count(low: str, names: Sequence[tuple[int, int]] = ()) -> tuple[int, tuple[int, int]] | None:
    """Return how many are asked for and where it says so; the last one said, None for none.

    `names` are the places of words that name kinds of items: "three comedies" says how many, too.
    """
    best: tuple[int, tuple[int, int]] | None = None
    matches = [one for pattern in _counts() for one in pattern.finditer(low)]
    for one in sorted(matches, key=lambda one: one.end()):
        if (number := _counted(one)) and not _pronoun(low, one):
            best = number, one.span()
    if best is None:
        for start, end in names:
            ahead = re.search(
                rf"(?<![\w\x01#.'-])(?<!the )(?<!no ){_COUNT}(?! ?{_NO_COUNT}) (?:[\w-]+ ){{0,2}}$",
                low[:start],
            )
            number = _counted(ahead) if ahead else 0
            only = ahead is not None and re.search(
                r"\b(?:just|only|exactly) $", low[: ahead.start()]
            )
            if ahead is not None and (
                number > 1 and low[end - 1 : end] == "s" or number == 1 and only
            ):
                best = number, (ahead.start("n"), ahead.end("n"))
    return best


def _counted(one: "re.Match[str]") -> int:
    if "one" in one.groupdict() and one.groupdict().get("one"):
        return 1
    said = one["n"]
    if said in NUMBERS:
        return NUMBERS[said]
    if said.endswith("dozen"):
        return 12 if said.startswith("a ") else 6
    if said.startswith(("a couple", "a pair")):
        return 2
    return int(said) if 0 < int(said) <= 50 else 0


def _pronoun(low: str, one: "re.Match[str]") -> bool:
    """Whether "one" stands for an item, as in "give me one with ghosts"."""
    if one.groupdict().get("n") != "one":
        return False
    said = low[max(one.start() - 1, 0) : one.end()]
    if re.search(r"\b(?:if|that|when|because|whether|in|as) $", low[: one.start()]):
        return True  # "happy if one film has both"
    if re.search(rf"one (?:{_NOUNS}|single|good|great|nice)", said):
        return bool(re.search(r"one (?:more )?(?:ones|of those)", said))
    return not re.search(r"\b(?:just|only|exactly|make (?:that|it)|about) one\b", low[: one.end()])
