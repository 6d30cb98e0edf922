"""Jokes about what somebody likes, each a template with the condition under which it is true.

A template counts over the liked items and returns nothing where its count does not hold. What
could speak of who somebody is (faith, origin, health and the like) is never counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.chat.asked import technical
from tastemate.llm.screening import screen
from tastemate.profile import protected
from tastemate.text.phrases import label, listing, modifier, predicate
from tastemate.text.words import words
from tastemate.traits import decade, is_year, split_year
from tastemate.types import Item

_ELSEWHERE = frozenset(
    "country countrie nationality language origin religion faith gender age".split()
)
"""Attributes that say where or who; a joke about them may be one about a person."""
_COMMON = 0.5
"""Share of the catalogue from which on a value is no news."""
_SMALL = (
    "no one two three four five six seven eight nine ten eleven twelve".split()
)  # fmt: skip


@dataclass(frozen=True)
class Likes:
    """What somebody likes and dislikes, most telling first, as a joke may count it."""

    catalog: Catalog
    liked: tuple[Item, ...]
    disliked: tuple[Item, ...] = ()

    @property
    def n(self) -> int:
        """How many likes there are."""
        return len(self.liked)

    @cached_property
    def counts(self) -> Mapping[str, Counter[str]]:
        """Attribute → value → how many likes carry it; what is common or private is left out."""
        found: dict[str, Counter[str]] = {}
        for item in self.liked:
            for name, value in traits(item):
                if self.telling(name, value):
                    found.setdefault(name, Counter())[value] += 1
        return found

    def telling(self, name: str, value: str) -> bool:
        """Whether a value may be spoken of, and fewer than half of all items carry it."""
        return speakable(name, value) and self.carriers(name, value) < _COMMON * len(self.catalog)

    def carriers(self, name: str, value: str) -> int:
        """Return how many items of the catalogue carry a value."""
        if name not in self._carriers:
            matrix = self.catalog.incidence(name).matrix
            self._carriers[name] = np.asarray(matrix.sum(axis=0), dtype=np.float32).ravel()
        code = self.catalog.incidence(name).codes.get(value)
        return 0 if code is None else int(self._carriers[name][code])

    @cached_property
    def _carriers(self) -> dict[str, NDArray[np.float32]]:
        return {}

    @cached_property
    def years(self) -> tuple[tuple[int, Item], ...]:
        """The years of the likes that have one, ascending."""
        found = [(year, item) for item in self.liked if (year := year_of(item)) is not None]
        return tuple(sorted(found, key=lambda one: one[0]))


def jokes(likes: Likes) -> Iterator[str]:
    """Yield every joke that is true of these likes, the more particular first."""
    for tell in JOKES:
        if text := tell(likes):
            yield text


def traits(item: Item) -> Iterator[tuple[str, str]]:
    """Yield the values of the text and list attributes of an item, each once."""
    for name, value in item.attributes.items():
        if technical(name):
            continue
        if isinstance(value, str) and value:
            yield name, value
        elif isinstance(value, tuple):
            yield from ((name, one) for one in dict.fromkeys(value) if one)


def speakable(name: str, value: str) -> bool:
    """Whether a value claims nothing of a person and may be shown."""
    kind = label(name).lower().split(" ")[-1].removesuffix("s")
    if kind in _ELSEWHERE or protected.trait_of_value(kind, value) or protected.traits(value):
        return False
    return bool(screen.value(value))


def year_of(item: Item) -> int | None:
    """Return the year of an item, from its attributes or its title."""
    for name, value in item.attributes.items():
        if is_year(name) and isinstance(value, int | float):
            return int(value)
    return split_year(item.title)[1]


def count(n: int) -> str:
    """Write a small number as a word: 7 → "seven"."""
    return _SMALL[n] if 0 <= n < len(_SMALL) else f"{n:,}"


def _made_by_few(likes: Likes) -> str:
    for name, made in likes.counts.items():
        if not modifier(name, ["x"]).startswith("by "):
            continue
        for few in (1, 2, 3):
            top = [value for value, times in made.most_common(few) if times > 1]
            theirs = sum(_has(one, name, top) for one in likes.liked)
            if len(top) < few or theirs < max(3, 2 * few) or 2 * theirs <= likes.n:
                continue
            whom = "any of them" if few > 1 else "the two of you"
            return (
                f"{_upper(count(theirs))} of your {count(likes.n)} likes are by {listing(top)}. "
                f"I would not play cards with {whom}."
            )
    return ""


def _has(item: Item, name: str, values: Sequence[str]) -> bool:
    return any(attribute == name and value in values for attribute, value in traits(item))


def _everywhere(likes: Likes) -> str:
    for name, shown in likes.counts.items():
        if not modifier(name, ["x"]).startswith("with "):
            continue
        value, times = shown.most_common(1)[0]
        if times >= 3 and predicate(name, ["x"]).startswith("feature"):
            return (
                f"{value} is in {count(times)} of your {count(likes.n)} likes. "
                "One of you should say hello first."
            )
    return ""


def _torn(likes: Likes) -> str:
    for one in likes.liked:
        mine = set(traits(one))
        for other in likes.disliked:
            both = [pair for pair in traits(other) if pair in mine and likes.telling(*pair)]
            if both:
                name, value = both[0]
                return (
                    f"You like {one.title} and not {other.title}, and both "
                    f"{predicate(name, [value])}. I drew a chart of that; it crossed itself out."
                )
    return ""


def _all_alike(likes: Likes) -> str:
    if likes.n < 3:
        return ""
    for name, shown in likes.counts.items():
        value, times = shown.most_common(1)[0]
        if times == likes.n:
            return (
                f"All {count(likes.n)} of your likes {predicate(name, [value])}. "
                "Variety rang; I said you were busy."
            )
    return ""


def _far_apart(likes: Likes) -> str:
    if len(likes.years) < 2:
        return ""
    (first, old), (last, new) = likes.years[0], likes.years[-1]
    if last - first < 30:
        return ""
    return f"Between {old.title} and {new.title} lie {last - first} years. I have to sit down."


def _one_decade(likes: Likes) -> str:
    tens = {decade(year) for year, _ in likes.years}
    if likes.n < 4 or len(likes.years) < likes.n or len(tens) != 1:
        return ""
    return (
        f"All {count(likes.n)} of your likes are from the {tens.pop()}. "
        "I looked for something from another decade and was sent back for my papers."
    )


def _begin_alike(likes: Likes) -> str:
    named = [one for one in likes.liked if one.title.startswith("The ")]
    if len(named) < 3:
        return ""
    return (
        f"{_upper(count(len(named)))} of your {count(likes.n)} likes begin with \u201cThe\u201d. "
        "The taste, one might say."
    )


def _one_word(likes: Likes) -> str:
    brief = [one for one in likes.liked if len(words(split_year(one.title)[0])) == 1]
    if len(brief) < 3:
        return ""
    return (
        f"{_upper(count(len(brief)))} of your {count(likes.n)} likes have a title of one word. "
        "I admire people who know when to stop."
    )


def _long_title(likes: Likes) -> str:
    for one in likes.liked:
        name = split_year(one.title)[0]
        if (letters := sum(sign.isalpha() for sign in name)) >= 35:
            return (
                f"The title {name} has {letters} letters. "
                "By the end of it I had nearly forgotten who asked."
            )
    return ""


def _numbered(likes: Likes) -> str:
    for one in likes.liked:
        for word in split_year(one.title)[0].split():
            if word.isdecimal() and 1 < int(word) <= 20:
                return (
                    f"You like {one.title}. A title with a {word} in it; "
                    "I have counted it twice to be sure, and it is still one title."
                )
    return ""


def _nothing_shared(likes: Likes) -> str:
    if likes.n < 4 or not likes.counts:
        return ""
    pairs = [set(traits(one)) for one in likes.liked]
    if any(one & other for at, one in enumerate(pairs) for other in pairs[:at]):
        return ""
    return (
        f"No two of your {count(likes.n)} likes have a thing in common that I know of. "
        "I tried to draw your taste and ran out of corners."
    )


def _only_one(likes: Likes) -> str:
    if likes.n != 1:
        return ""
    return (
        f"You have told me of one thing you like, {likes.liked[0].title}. "
        "As statistics go, that is a soliloquy."
    )


def _only_dislikes(likes: Likes) -> str:
    if likes.n or not likes.disliked:
        return ""
    return (
        f"All I know of your taste is that it is not {likes.disliked[0].title}. "
        f"That leaves {len(likes.catalog) - len(likes.disliked):,} others. We are getting close."
    )


def _long_way(likes: Likes) -> str:
    left = len(likes.catalog) - likes.n - len(likes.disliked)
    if likes.n < 2 or left <= likes.n:
        return ""
    return (
        f"You told me of {count(likes.n)} likes; {left:,} titles here are still without a word "
        "from you. Take your time, they are not going anywhere."
    )


def _nothing_known(likes: Likes) -> str:
    if likes.n or likes.disliked:
        return ""
    return "I would joke about your taste, but you have not told me of it. That was the joke."


JOKES: Sequence[Callable[[Likes], str]] = (
    _made_by_few, _everywhere, _torn, _all_alike, _one_decade, _far_apart, _begin_alike,
    _one_word, _long_title, _numbered, _nothing_shared, _only_one, _only_dislikes, _long_way,
    _nothing_known,
)  # fmt: skip
"""Every joke there is."""


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
