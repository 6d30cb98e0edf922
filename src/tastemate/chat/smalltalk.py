"""A joke or a story about somebody's taste, made of what they like: each sentence is true.

Templates only, whether there is a model or not: what a model says freely cannot be held against
the data.
"""

import math
from collections.abc import Sequence

from tastemate.catalog import Catalog
from tastemate.chat.jests import Likes, jokes, speakable, traits, year_of
from tastemate.text.phrases import predicate
from tastemate.traits import split_year
from tastemate.types import Item

CHAPTERS = 5
"""Items that a story goes through."""
_BEGIN = (
    "It begins with {title}{year}.",
    "First there was {title}{year}.",
    "Once there was {title}{year}, and you liked it.",
)
_SHARED = (
    "From there it is not far to {title}: both {what}.",
    "Then comes {title}; both {what}.",
    "{title} is next door: both {what}.",
)
_APART = (
    "{title} shares nothing with it that I know of, so you must have turned a corner.",
    "How you came from there to {title}, nobody has written down.",
)
_END = (
    "That is as far as the story goes; the next page is yours.",
    "To be continued by you.",
    "What comes next, you have not told me yet.",
)


def joke(
    catalog: Catalog,
    liked: Sequence[str],
    disliked: Sequence[str] = (),
    *,
    turn: int = 0,
    before: Sequence[str] = (),
) -> str:
    """Return a joke that is true of these likes (ids); another one each turn while there are some.

    `before` are replies given earlier; a joke told in one of them comes last.
    """
    found = list(jokes(_likes(catalog, liked, disliked)))
    fresh = [text for text in found if not any(text in reply for reply in before)]
    chosen = fresh or found
    return chosen[turn % len(chosen)]


def story(catalog: Catalog, liked: Sequence[str], *, turn: int = 0) -> str:
    """Return a short story that goes from one liked item (ids) to the next by what they share."""
    known = _likes(catalog, liked, ())
    items = known.liked
    if not items:
        return "There is no story of your taste yet. Name something you liked, and it begins."
    path = _path(items[:CHAPTERS], known)
    year = year_of(path[0])
    dated = split_year(path[0].title)[1] is not None
    told = [
        _BEGIN[turn % len(_BEGIN)].format(
            title=path[0].title, year="" if year is None or dated else f", in {year}"
        )
    ]
    for at, (one, then) in enumerate(zip(path, path[1:], strict=False), start=turn):
        both = _both(one, then, known)
        wordings = _SHARED if both else _APART
        what = predicate(both[0], [both[1]]) if both else ""
        told.append(wordings[at % len(wordings)].format(title=then.title, what=what))
    told.append(_END[turn % len(_END)])
    return " ".join(told)


def _likes(catalog: Catalog, liked: Sequence[str], disliked: Sequence[str]) -> Likes:
    return Likes(
        catalog,
        tuple(catalog[one] for one in dict.fromkeys(liked) if one in catalog),
        tuple(catalog[one] for one in dict.fromkeys(disliked) if one in catalog),
    )


def _path(items: Sequence[Item], known: Likes) -> list[Item]:
    """Return items so that each shares what is rarest with the one before, from the first on."""
    left = list(items[1:])
    path = list(items[:1])
    while left:
        rare = [_rarest(path[-1], one, known) for one in left]
        path.append(left.pop(rare.index(min(rare))))
    return path


def _both(one: Item, other: Item, known: Likes) -> tuple[str, str] | None:
    """Return the rarest that two items share and that may be spoken of."""
    pairs = _shared(one, other)
    return min(pairs, key=lambda pair: known.carriers(*pair)) if pairs else None


def _rarest(one: Item, other: Item, known: Likes) -> float:
    return min((known.carriers(*pair) for pair in _shared(one, other)), default=math.inf)


def _shared(one: Item, other: Item) -> list[tuple[str, str]]:
    mine = set(traits(one))
    return [pair for pair in traits(other) if pair in mine and speakable(*pair)]
