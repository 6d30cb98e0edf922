"""People made up for trying out a conversation: what they want, and how they talk.

Each has one item in mind and wants what is true of it, so that everybody can be served. What they
want is decided by the catalogue alone and with three values, so that nobody has to judge: an item
fulfils a goal if every wish is true of it. No language model is asked.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError
from tastemate.evaluate.wants import Want, fulfils, holds, phrases
from tastemate.filters import TRUE
from tastemate.traits import split_year

Way: TypeAlias = Literal[
    "terse", "chatty", "misspelling", "one by one", "asked", "feedback", "relaxing", "asides",
    "two at once", "changing", "correcting", "vague",
]  # fmt: skip
"""How somebody talks: in few words, in many, with typing errors, one wish a turn, when asked, by
verdicts on what is shown, with a wish too many that is given up, with questions and small talk in
between, two wishes at once, changing their mind, correcting themselves, vague at first."""
WAYS: Final[tuple[Way, ...]] = get_args(Way)
PATIENCE: Final = {"hurried": 6, "ordinary": 9, "patient": 14}
"""Turns that somebody takes before they leave."""

FEWEST = 3
"""Items that must carry a value for somebody to ask for it (2 for a name)."""
_SIZES = ((1, 0.12), (2, 0.36), (3, 0.36), (4, 0.16))
"""How many wishes a goal has, and how often."""
_TRIES = 200
_AWAY = 0.35
"""How often a goal of two or more wishes has one that wishes something away."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a goal that one item at least fulfils."""

    number: int
    way: Way
    temper: str
    """Key of `PATIENCE`."""
    target: int
    """Row of the item in mind."""
    goal: tuple[Want, ...]
    met: frozenset[int]
    """Rows of what they know already; never the item in mind."""
    decoy: Want | None = None
    """A wish said at first and taken back later; the item in mind does not fulfil it."""
    instead: int = -1
    """Which wish of the goal the decoy stands for until then; -1 for none."""
    likes: tuple[int, ...] = ()
    """Rows of what they name as examples of what they like."""
    soft: str = ""
    """Something they would rather have, in one word, and do not insist on."""

    @property
    def patience(self) -> int:
        """Turns they take before they leave."""
        return PATIENCE[self.temper]


def people(catalog: Catalog, n: int, seed: int = 0) -> list[Person]:
    """Make up n people, each way of talking and each patience in turn.

    Raises `ConfigError` for less than one, and `DataError` for a catalogue with nothing to wish.
    """
    if n < 1:
        raise ConfigError(f"The number of people is {n}; ask for at least 1.")
    maker = _Maker(catalog)
    found: list[Person] = []
    for number in range(n):
        rng = np.random.default_rng((seed, number))
        way = WAYS[number % len(WAYS)]
        temper = list(PATIENCE)[(number // len(WAYS)) % len(PATIENCE)]
        found.append(maker.person(number, way, temper, rng))
    return found


def somebody(catalog: Catalog, target: int, number: int, seed: int = 0) -> Person:
    """Make up one person with this item in mind, who says everything at once."""
    rng = np.random.default_rng((seed, number))
    return _Maker(catalog).somebody(number, "two at once", "ordinary", rng, target)


class _Maker:
    """What can be wished for in a catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        say = phrases()["say"]
        self.listed = [
            name
            for name in catalog.attributes
            if name in say and not catalog.is_numeric(name) and self.values(name)
        ]
        if not self.listed:
            raise DataError(
                "Nobody can be made up who wants something here: the catalogue has none of the "
                f"attributes {', '.join(name for name in say if 'weight' in say[name])}."
            )

    def values(self, name: str) -> dict[str, int]:
        """Return the values of an attribute that somebody would ask for, and who carries them."""
        if name not in self._values:
            self._values[name] = dict(self._askable(name))
        return self._values[name]

    @cached_property
    def _values(self) -> dict[str, dict[str, int]]:
        return {}

    def _askable(self, name: str) -> Iterator[tuple[str, int]]:
        say, never = phrases()["say"][name], phrases()["never"].get(name, ())
        incidence = self.catalog.incidence(name)
        counts = np.asarray(incidence.matrix.sum(axis=0)).ravel().astype(int).tolist()
        named = say.get("name", False)
        fewest = 2 if named else FEWEST if len(self.catalog) < 2000 else 12
        most = say.get("most", 1.0) * len(self.catalog)
        for value, count in zip(incidence.values, counts, strict=True):
            plain = re.fullmatch(r"[A-Za-z][\w.'’ -]*", value) is not None
            short = len(value) < (6 if named else 3) or len(value) > 30
            shelved = "-" in value and value.casefold() not in phrases()["joined"]["values"]
            if fewest <= count <= most and plain and not short and value not in never:
                if named or (len(value.split()) <= 2 and not shelved):
                    yield value, count

    def person(self, number: int, way: Way, temper: str, rng: np.random.Generator) -> Person:
        """Make up one person; tries other items where one has too little to wish for."""
        for _ in range(_TRIES):
            target = int(rng.integers(len(self.catalog)))
            if [*self._offers(target, rng)]:
                return self.somebody(number, way, temper, rng, target)
        raise DataError("Nobody can be made up: hardly any item has an attribute to wish for.")

    def somebody(
        self, number: int, way: Way, temper: str, rng: np.random.Generator, target: int
    ) -> Person:
        """Make up one person with this item in mind; raise `DataError` where it has nothing."""
        for _ in range(_TRIES):
            if goal := self._goal(target, rng):
                break
        else:
            raise DataError(f"Nobody can wish for {self.catalog.titles[target]!r}.")
        fits = fulfils(self.catalog, goal)
        share = 0.5 if way == "feedback" else 0.3
        met = {int(row) for row in np.flatnonzero(fits) if rng.random() < share}
        decoy, instead = self._decoy(way, target, goal, rng)
        likes: tuple[int, ...] = ()
        if way in ("chatty", "vague", "feedback") and rng.random() < 0.5:
            likes = self._likes(goal, target, rng)
        met |= set(likes)
        said = {want.value for want in goal}
        moods = [*self.values("moods")] if "moods" in self.listed else []
        moods = [one for one in moods if one not in said]
        soft = str(rng.choice(moods)) if way == "chatty" and moods else ""
        return Person(
            number,
            way,
            temper,
            target,
            goal,
            frozenset(met - {target}),
            decoy,
            instead,
            tuple(row for row in likes if row != target),
            soft,
        )

    def _goal(self, target: int, rng: np.random.Generator) -> tuple[Want, ...]:
        """Draw one to four wishes that are true of an item, each of another attribute."""
        offers = [*self._offers(target, rng)]
        size = int(rng.choice([size for size, _ in _SIZES], p=[share for _, share in _SIZES]))
        goal: list[Want] = []
        away = size > 1 and rng.random() < _AWAY
        while offers and len(goal) < size - away:
            weights = np.array([weight for _, weight in offers])
            at = int(rng.choice(len(offers), p=weights / weights.sum()))
            want = offers[at][0]
            goal.append(want)
            offers = [one for one in offers if one[0].attribute != want.attribute]
        if away and goal:
            goal += self._aways(target, goal, rng)
        true = all(holds(self.catalog, want)[target] == TRUE for want in goal)
        return tuple(goal) if true else ()

    def _offers(self, row: int, rng: np.random.Generator) -> Iterator[tuple[Want, float]]:
        """Yield wishes that are true of an item, one an attribute, with how often they are said."""
        attributes = self.catalog.item(row).attributes
        say = phrases()["say"]
        for name in self.listed:
            held = attributes.get(name, ())
            known = self.values(name)
            carried = held if isinstance(held, tuple) else (str(held),)
            there = [one for one in carried if one in known]
            if there:
                yield self.want(name, str(rng.choice(there))), float(say[name]["weight"])
        for name in self.catalog.attributes:
            number = attributes.get(name)
            if self.catalog.is_numeric(name) and isinstance(number, int | float):
                yield from _numbers(name, float(number), rng)

    def want(self, name: str, value: str) -> Want:
        """Return the wish for a value, with whatever else the same words mean."""
        also = [
            (other, one)
            for other in self.listed
            for one in self._alike(other, value)
            if (other, one) != (name, value)
        ]
        return Want(name, value, also=tuple(also))

    def _alike(self, name: str, value: str) -> tuple[str, ...]:
        """Return the values of an attribute that are the same word."""
        if name not in self._folded:
            folded: dict[str, list[str]] = {}
            for one in self.catalog.incidence(name).values:
                folded.setdefault(_fold(one), []).append(one)
            self._folded[name] = {key: tuple(found) for key, found in folded.items()}
        return self._folded[name].get(_fold(value), ())

    @cached_property
    def _folded(self) -> dict[str, dict[str, tuple[str, ...]]]:
        return {}

    def _aways(self, target: int, goal: Sequence[Want], rng: np.random.Generator) -> list[Want]:
        """Draw a value to wish away that what the goal allows often has."""
        fits = fulfils(self.catalog, goal)
        say = phrases()["say"]
        names = [one for one in self.listed if "no_bare" in say[one] and not say[one].get("name")]
        found: list[tuple[Want, int]] = []
        for name in names:
            incidence = self.catalog.incidence(name)
            there = np.asarray(incidence.matrix[fits].sum(axis=0)).ravel()
            for value in self.values(name):
                count = int(there[incidence.codes[value]])
                want = Want(name, value, away=True)
                shared = any(_fold(one.value) == _fold(value) for one in goal)
                if count and not shared and len(self._words(value)) == 1:
                    found.append((want, count))
        found = [one for one in found if holds(self.catalog, one[0])[target] == TRUE]
        if not found:
            return []
        weights = np.array([count for _, count in found], dtype=np.float64)
        return [found[int(rng.choice(len(found), p=weights / weights.sum()))][0]]

    def _words(self, value: str) -> list[tuple[str, str]]:
        """Return every attribute and value that the same word is of."""
        return [(name, one) for name in self.listed for one in self._alike(name, value)]

    def _decoy(
        self, way: Way, target: int, goal: Sequence[Want], rng: np.random.Generator
    ) -> tuple[Want | None, int]:
        """Draw a wish that is false of the item in mind, and what it stands for."""
        if way not in ("relaxing", "changing", "correcting"):
            return None, -1
        held = [at for at, want in enumerate(goal) if not want.away and want.shape != "gentle"]
        if held and (way == "correcting" or (way == "changing" and rng.random() < 0.5)):
            at = int(rng.choice(held))
            for _ in range(50):
                other = self._other(goal[at], rng)
                if other is not None and holds(self.catalog, other)[target] != TRUE:
                    return other, at
        taken = {want.attribute for want in goal}
        fits = fulfils(self.catalog, goal)
        for _ in range(200):
            row = int(rng.integers(len(self.catalog)))
            offers = [one for one, _ in self._offers(row, rng) if one.attribute not in taken]
            if not offers:
                continue
            want = offers[int(rng.integers(len(offers)))]
            verdicts = holds(self.catalog, want)
            nothing = not (fits & (verdicts == TRUE)).any()
            if verdicts[target] != TRUE and (nothing or way == "changing"):
                return want, -1
        return None, -1

    def _other(self, want: Want, rng: np.random.Generator) -> Want | None:
        """Draw a wish of the same kind with another value."""
        for _ in range(50):
            row = int(rng.integers(len(self.catalog)))
            for one, _ in self._offers(row, rng):
                same = (one.attribute, one.shape) == (want.attribute, want.shape)
                if same and (one.value, one.low, one.high) != (want.value, want.low, want.high):
                    return one
        return None

    @cached_property
    def _named(self) -> Counter[str]:
        return Counter(_bare(title) for title in self.catalog.titles)

    def _likes(
        self, goal: Sequence[Want], target: int, rng: np.random.Generator
    ) -> tuple[int, ...]:
        """Draw an example of what they like, by a title that only one item has."""
        rows = [int(row) for row in np.flatnonzero(fulfils(self.catalog, goal[:1]))]
        plain = re.compile(r"[A-Za-z][A-Za-z' ]{6,30}(\(|$)")
        titles = self.catalog.titles
        good = [
            row
            for row in rows
            if row != target and plain.match(titles[row]) and self._named[_bare(titles[row])] == 1
        ]
        return (int(rng.choice(good)),) if good else ()


def _numbers(name: str, number: float, rng: np.random.Generator) -> Iterator[tuple[Want, float]]:
    """Yield a wish that a number fulfils, where people talk about such a number."""
    folded = name.casefold()
    if not np.isfinite(number):
        return
    if folded == "year" and number >= 1900:
        decade = number // 10 * 10
        if rng.random() < 0.5 and number >= 1930:
            yield Want(name, shape="decade", low=decade, high=decade + 9), 3.0
        elif rng.random() < 0.5:
            yield Want(name, shape="before", high=decade + 9), 3.0
        else:
            yield Want(name, shape="since", low=decade), 3.0
    elif folded == "runtime":
        bound = next((one for one in (90, 100, 120, 150) if number <= one), 0)
        if bound:
            yield Want(name, shape="under", high=bound), 1.5
        elif number >= 120:
            yield Want(name, shape="over", low=120), 0.7
    elif folded == "violence" and number == 0:
        yield Want(name, shape="gentle", high=1), 1.5
    elif folded == "average_rating" and number >= 3.8:
        yield Want(name, shape="rated", low=4.0 if number >= 4 else 3.8), 0.7


def _bare(title: str) -> str:
    return split_year(title)[0].casefold().strip()


def _fold(value: str) -> str:
    return re.sub(r"[\W_]+", "", value.casefold()).removesuffix("s")
