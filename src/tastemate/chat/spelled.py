"""Wishes and names as a model spells them, linked to the catalogue: or an error it can read.

What a model writes becomes a filter only where the catalogue decides it: an attribute there is,
an operator that fits, a value that some item has.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, get_args

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.asked import technical
from tastemate.chat.intent import Wish
from tastemate.errors import ConfigError
from tastemate.filters import decide, resolve
from tastemate.llm.screening import screen
from tastemate.text.recognise import key
from tastemate.text.words import stem, words
from tastemate.traits import split_year
from tastemate.types import Operator

OPERATORS: tuple[Operator, ...] = get_args(Operator)
NEAR = 84.0
"""How alike two spellings of one value are at least, of 100."""
SAID = 0.8
"""Share of letters in which a name and words of a message agree at least where it is said …"""
SHORT = 4
"""… and how long a name is that has to be said letter by letter."""
EXAMPLES = 6
"""Values that are named of an attribute."""
LONGEST = 100
"""Characters of a value that are read."""
_SEVERAL = ("any of", "none of")
_PLACES = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip


class Spelled:
    """The attributes and values of a catalogue under any spelling near enough."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._stems: dict[str, dict[frozenset[str], str]] = {}

    def wish(self, written: Mapping[str, Any]) -> Wish:
        """Return {"attribute", "operator", "values"} as a firm wish that the catalogue decides.

        Raises `ConfigError` with what there is instead.
        """
        name = self.attribute(str(written["attribute"]))
        operator = str(written["operator"])
        if operator not in OPERATORS:
            raise ConfigError(f"Operators are: {', '.join(OPERATORS)}.")
        given = [str(value)[:LONGEST] for value in written["values"]]
        if not given or (len(given) > 1 and operator not in _SEVERAL):
            raise ConfigError(f"{operator!r} takes one value; for several use 'any of'.")
        read = _number if self.catalog.is_numeric(name) else self.value
        values = tuple(read(name, value) for value in given)
        value = tuple(map(str, values)) if operator in _SEVERAL else values[0]
        wish = Wish(name, operator, value)
        decide(self.catalog, wish.filter)
        return wish

    def attribute(self, written: str) -> str:
        """Return the attribute that is meant; raise `ConfigError` with those that there are."""
        from rapidfuzz import process

        try:
            name = resolve(self.catalog, written)
        except ConfigError:
            near = process.extractOne(written, self.catalog.attributes, score_cutoff=NEAR)
            name = "" if near is None else near[0]
        if name not in self.catalog.attributes:
            known = ", ".join(shown for shown in self.examples)
            raise ConfigError(f"Attributes are: {known}; items are named by handle or title.")
        return name

    def value(self, attribute: str, written: str) -> str:
        """Return the value that is meant; raise `ConfigError` with some that there are."""
        from rapidfuzz import process

        incidence = self.catalog.incidence(attribute)
        folded = written.strip().casefold()
        if codes := incidence.folded.get(folded):
            return incidence.values[codes[0]]
        if attribute not in self._stems:
            self._stems[attribute] = {key(one): one for one in reversed(incidence.values)}
        if (stems := key(written)) and (same := self._stems[attribute].get(stems)):
            return same
        near = process.extractOne(folded, list(incidence.folded), score_cutoff=NEAR)
        if near is not None:
            return incidence.values[incidence.folded[near[0]][0]]
        known = self.examples.get(attribute, ())
        raise ConfigError(f"No item has that as {attribute}; values are such as {listed(known)}.")

    @cached_property
    def examples(self) -> dict[str, tuple[str, ...]]:
        """Attribute → its most frequent values that may be shown; bounds where it has numbers."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self.catalog.attributes:
            if technical(name) or not screen.value(name):
                continue
            if self.catalog.is_numeric(name):
                numbers = self.catalog.numbers(name)
                known = numbers[np.isfinite(numbers)]
                bounds = f"{known.min():.9g} to {known.max():.9g}" if len(known) else ""
                found[name] = (bounds,) if bounds else ()
                continue
            incidence = self.catalog.incidence(name)
            counts = np.asarray(incidence.matrix.sum(axis=0)).ravel()
            best = np.argsort(-counts, kind="stable")[: 2 * EXAMPLES]
            shown = (screen.value(incidence.values[code]) for code in best)
            found[name] = tuple(one for one in shown if one)[:EXAMPLES]
        return found


def listed(values: Sequence[str]) -> str:
    """Return values as a list in words, "nothing" where there are none."""
    return ", ".join(values) or "nothing"


def names(message: str, name: str) -> bool:
    """Whether a message names a title or a value: in its words, or nearly in its letters."""
    from rapidfuzz.distance import OSA

    wanted = words(split_year(name)[0])
    said = words(message)
    if not wanted:
        return False
    if {stem(word) for word in wanted} <= {stem(word) for word in said}:
        return True
    whole, size = " ".join(wanted), len(wanted)
    return len(whole) > SHORT and any(
        OSA.normalized_similarity(whole, " ".join(said[at : at + size])) >= SAID
        for at in range(len(said) - size + 1)
    )


def places(message: str, place: int) -> bool:
    """Whether a message speaks of a place of the list shown last, from 1: "the second", "2"."""
    said = set(words(message))
    return str(place) in said or (0 < place <= len(_PLACES) and _PLACES[place - 1] in said)


def counts(message: str, number: float) -> bool:
    """Whether a message says a number, a year also as a decade: "the 90s"."""
    whole = f"{number:g}"
    said = {word.removesuffix("s") for word in words(message)}
    return bool(said & {whole, f"{int(number) // 10 * 10}", f"{int(number) // 10 % 10}0"})


def says(message: str, wish: Wish) -> bool:
    """Whether a message says every value of a wish."""
    return all(
        counts(message, one) if isinstance(one, int | float) else names(message, one)
        for one in _values(wish)
    )


def contrary(wish: Wish, other: Wish) -> bool:
    """Whether one of two wishes wants what the other one does not."""
    if wish.attribute != other.attribute or wish.away == other.away:
        return False
    return not set(map(_folded, _values(wish))).isdisjoint(map(_folded, _values(other)))


def _values(wish: Wish) -> tuple[str | int | float, ...]:
    return wish.value if isinstance(wish.value, tuple) else (wish.value,)


def _folded(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, int | float) else value.casefold()


def _number(attribute: str, written: str) -> float | int:
    try:
        number = float(written)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ConfigError(f"{attribute} holds numbers, such as 1990.")
    return int(number) if number.is_integer() else number
