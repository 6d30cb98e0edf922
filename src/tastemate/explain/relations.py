"""Who did what to whom in a clause: what plain words make of titles, values and "you".

A clause is read as tokens in which marks stand for names (`marks`).
"""

from collections.abc import Sequence

from tastemate.explain import vocabulary as words
from tastemate.explain.marks import ITEM, THIS, TITLE, VALUE

MODALS = frozenset("may might could should would".split())
AFTER_YOU = frozenset("have also really both previously once already had 've too clearly".split())
_OPINIONS = (words.LIKING | words.STRONG | words.RATING | words.MET) - {"like", "stars", "star"}
_PAST = words.LIKING | words.STRONG | words.RATING | words.MET
_GOES_ON = frozenset(
    """is are was has have shares share belongs comes fits suits brings looks matches stands
    may might could should would works goes falls draws follows features feels also speaks
    connects resembles echoes explains which that who""".split()
)
_DERIVED = frozenset("follow follows following followed continue continues continuing by".split())
_MADE = frozenset(
    """comes came come drawn taken takes built builds runs rests form forms piece extends source
    part entry""".split()
)


def addressed(tokens: Sequence[str]) -> str:
    """Nothing may say that the person has liked, met or rated the item that is shown."""
    for at, token in enumerate(tokens):
        if token == "you" and _claims_item(tokens, at + 1):
            return "it says that you have met this item"
        if token in ("your", "own") and _near(tokens[at + 1 : at + 4], THIS, without=TITLE):
            return "it says that you have met this item"
        if token == "by" and tokens[at + 1 : at + 2] == ("you",) and TITLE not in tokens[:at]:
            return "it says that you have met this item"
        lists = ("list", "lists", "likes", "ratings", "past", "picks", "choice")
        if token in THIS and (
            _near(tokens[at + 1 : at + 3], frozenset(("is", "was", "among", "on", "in")), TITLE)
            and "your" in tokens[at + 1 : at + 6]
            and _near(tokens[at + 1 : at + 8], frozenset(lists), TITLE)
        ):
            return "it says that you have met this item"
    return ""


def _claims_item(tokens: Sequence[str], at: int) -> bool:
    """Whether "you" is followed by a past verb whose object is the item itself."""
    while at < len(tokens) and (
        tokens[at] in AFTER_YOU or (tokens[at] in MODALS and "have" in tokens[at + 1 : at + 2])
    ):
        at += 1
    if at >= len(tokens) or tokens[at] not in _PAST:
        return False
    at += 1
    while at < len(tokens):
        token = tokens[at]
        if token == "it" and TITLE in tokens[:at] and tokens[at - 1] not in ("and", "both"):
            return False  # the title just named
        if token in THIS:
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            if token == "this" and following in ("film", "movie", "title", "book", "one", "item"):
                following = tokens[at + 2] if at + 2 < len(tokens) else ""
            return following not in _GOES_ON
        if token in (",", ";", ".", ":", "so", "which", "that", "because", "since"):
            return False
        at += 1
    return False


def related(tokens: Sequence[str], *, people: bool) -> str:
    """Say what is wrong with who did what to whom: values do not like, this is not that."""
    for at, (one, then) in enumerate(zip(tokens, tokens[1:], strict=False)):
        third = tokens[at + 2] if at + 2 < len(tokens) else ""
        if then == VALUE and (one in _OPINIONS or (one == "like" and tokens[at - 1] == "you")):
            return "it says what you like without a liked item"
        if text := _worded(tokens, at) or _liking(tokens, at, people=people):
            return text
        if (one in THIS or one == "one") and then in ("is", "was") and third == TITLE:
            return "it takes one title for another"
        if one == TITLE and then in ("is", "was") and third in THIS:
            return "it takes one title for another"
        if then == TITLE and one in _DERIVED:
            return "it says what it was made after"
        if third == TITLE and one in _MADE and then in ("from", "on", "of", "upon"):
            return "it says what it was made after"
        if (one, then) in (("as", "if"), ("part", "of")):
            return "it turns its evidence round"
    return ""


def _liking(tokens: Sequence[str], at: int, *, people: bool) -> str:
    """Return what is wrong where a title or a value is said to like something."""
    one, then = tokens[at], tokens[at + 1]
    third = tokens[at + 2] if at + 2 < len(tokens) else ""
    if then in _OPINIONS and one in (VALUE, ITEM) and not people:
        return "it says what somebody else liked"
    if then in _OPINIONS and one == TITLE and third in THIS and not people:
        return "it says what a title liked"
    if one == VALUE and then in ("recommend", "recommends", "recommended", "picks", "suggests"):
        return "it says what somebody else liked"
    if one in (TITLE, ITEM, VALUE) and then in MODALS and third in _OPINIONS | {"like"}:
        return "it says what somebody else liked"
    return ""


def _worded(tokens: Sequence[str], at: int) -> str:
    """Return what is wrong with praise, promises and values that are said to be each other."""
    one, then = tokens[at], tokens[at + 1]
    third = tokens[at + 2] if at + 2 < len(tokens) else ""
    if one == VALUE and then in ("is", "was", "are", "plays", "as") and third == VALUE:
        return "it takes one value for another"
    if one in words.PRAISE and then not in words.MATCH:
        return f"it praises: {one!r}"
    if one in ("will", "you'll") and not (_OPINIONS | {"like"}).isdisjoint(tokens[at : at + 5]):
        return "it promises what nobody knows"
    return ""


def _near(tokens: Sequence[str], some: frozenset[str], without: str) -> bool:
    """Whether one of some words comes, with no `without` mark among the tokens before it."""
    for token in tokens:
        if token == without:
            return False
        if token in some:
            return True
    return False
