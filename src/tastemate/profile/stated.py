"""What a taste may state: values that the cited items bear out, and sentences made of those alone.

A statement's value is the catalogue's own or words of an item's screened text; a sentence is read
as values and titles of kept statements and a few words that join them, and nothing else passes.
"""

import re
from collections.abc import Iterator, Sequence

from tastemate.llm.screening import screen
from tastemate.profile.protected import traits
from tastemate.text.named import TOKEN
from tastemate.text.words import fold, stem
from tastemate.traits import split_year
from tastemate.types import Item, Statement

THEME_WORDS = 3
"""Words of a theme or mood."""
_SHAPE = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*(?: [^\W\d_]+(?:['\u2019-][^\W\d_]+)*)*")
_SMALL = frozenset("a an the and in of on".split())
"""Words of a theme that need not be found."""
_CLAIMING = frozenset(
    """not no never without hardly neither nor only just but except rather instead or
    for as like likes liked loves loved hate hates hated dislike dislikes disliked want wants
    wanted need needs prefer prefers enjoy enjoys avoid avoids is are was were be being been has
    have had do does did can could may might must should will would who whom whose that which
    you your he she they them his her hers their its it i we my our this these those more most
    less least best better worst worse all every everybody nobody any some many much few dozen
    dozens hundred hundreds thousand thousands one two three four five six seven eight nine ten
    award awards winner winners oscar oscars famous popular abused abuses abuse kill
    kills killed""".split()
)
"""Words that make a value a claim of its own: verbs, negations, quantities, people."""
_LIKES = frozenset("like likes enjoy enjoys favour favours favor favors love loves".split())
_DISLIKES = frozenset(("dislike", "dislikes"))
_LESS = re.compile(r"\b(?:care|cares) less for\b|\b(?:do not|does not|don't|doesn't) like\b")
_JOINING = frozenset(
    """you the a an and also both too with from of about on that feel films film movies movie
    titles title stories story books book works genre genres mood moods theme themes such as like
    likes here""".split()
)
_PIECE = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_HALF = re.compile(r"[,;] (?:and |but )?(?=(?:you )?(?:care less|dislike))|\bbut (?=you )")


def bears(item: Item, value: str) -> bool:
    """Whether an item bears a theme or mood out: as an attribute's value, or in its words.

    Words that are not one value must stand in its screened text or values, small words aside.
    """
    wanted = fold(value)
    values = [one for one in _values(item) if screen.value(one)]
    if wanted in {fold(one) for one in values}:
        return True
    content = _content(value)
    known = {stem(word) for text in (*values, *screen.held(item.text)) for word in _tokens(text)}
    return bool(content) and content <= known


def claims(value: str) -> str:
    """Return why free words cannot be a theme or mood whatever the items say, or an empty text."""
    words = _tokens(value)
    if not _SHAPE.fullmatch(value) or len(words) > THEME_WORDS:
        return "not in the items"
    if traits(f"is {value}") or traits(f"has {value}"):
        return "protected"
    if any(word in _CLAIMING for word in words):
        return "not in the items"
    return ""


def stands(sentence: str, statements: Sequence[Statement], titles: dict[str, str]) -> bool:
    """Whether a sentence says what statements say, with their sign, and nothing else.

    `titles` maps the titles that may be named to the ids of their items; a title named must
    support every value named with it.
    """
    return all(_half(part, statements, titles) for part in _HALF.split(sentence))


def _half(text: str, statements: Sequence[Statement], titles: dict[str, str]) -> bool:
    """Whether a part of a sentence with one sign stands."""
    ids: set[str] = set()
    for title in sorted(titles, key=lambda one: (-len(one), one)):
        text, found = re.subn(rf"(?<!\w){re.escape(title)}(?!\w)", " \u2022 ", text)
        if found:
            ids.add(titles[title])
    text = text.casefold()
    negative = bool(_LESS.search(text))
    tokens = _PIECE.findall(_LESS.sub("dislike", text).replace("-", " "))
    negative = negative or bool(_DISLIKES & set(tokens))
    signed = [one for one in statements if one.likes is not negative]
    said, rest = _taken(tokens, {_key(str(one.value)): one for one in signed})
    verbs = _DISLIKES if negative else _LIKES
    if not said or sum(word in verbs for word in rest) < 1 or not _joined(rest, verbs):
        return False
    return all(ids <= set(one.items) for one in said)


def _taken(
    tokens: Sequence[str], values: dict[tuple[str, ...], Statement]
) -> tuple[list[Statement], list[str]]:
    """Return the statements whose values a sentence names, and its tokens with marks for them."""
    longest = max((len(one) for one in values), default=0)
    plain = tuple(_word(token) for token in tokens)
    said: list[Statement] = []
    rest: list[str] = []
    at = 0
    while at < len(tokens):
        sizes = (n for n in range(longest, 0, -1) if plain[at : at + n] in values)
        size = next(sizes, 0)
        if size:
            said.append(values[plain[at : at + size]])
        rest.append("\u00a7" if size else tokens[at])
        at += max(size, 1)
    return said, rest


def _joined(rest: Sequence[str], verbs: frozenset[str]) -> bool:
    """Whether what is left joins values and titles: "such as" and "like" before titles only."""
    for at, token in enumerate(rest):
        before = rest[at - 1] if at else ""
        after = rest[at + 1] if at + 1 < len(rest) else ""
        if token == "as" and not (before == "such" and after == "\u2022"):
            return False
        if token == "you" and after not in (*verbs, "also"):
            return False
        if token == "\u2022" and before not in ("as", "like", ",", "and", "both"):
            return False
        if token not in verbs | _JOINING and token not in "\u00a7\u2022,.;!":
            return False
    return True


def names(item: Item) -> tuple[str, str]:
    """Return an item's title with and without its year."""
    return item.title, split_year(item.title)[0]


def _values(item: Item) -> Iterator[str]:
    for value in item.attributes.values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str):
                yield one


def _content(value: str) -> set[str]:
    return {stem(word) for word in _tokens(value) if word not in _SMALL}


def _tokens(text: str) -> list[str]:
    return [fold(word) for word in TOKEN.findall(text.replace("-", " "))]


def _key(value: str) -> tuple[str, ...]:
    return tuple(_word(word) for word in _PIECE.findall(value.casefold().replace("-", " ")))


def _word(word: str) -> str:
    return word if any(sign.isdigit() for sign in word) else stem(fold(word))
