"""Wishes that are held: what a new one replaces, and what taking one back leaves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from tastemate.catalog import Catalog
from tastemate.chat.intent import ALL, Wish
from tastemate.errors import TastemateError
from tastemate.filters import decide, resolve
from tastemate.types import AttributeValue

_BOUNDS = ("at least", "at most")


@dataclass(frozen=True, slots=True)
class Held:
    """A wish in force and the turn (from 0) it comes from."""

    wish: Wish
    turn: int


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a catalogue's attributes hold, looked up once for many wishes."""

    catalog: Catalog
    numeric: frozenset[str]
    listed: frozenset[str]
    """Attributes of which an item may have several values."""
    named: frozenset[str]
    """All attributes."""

    @classmethod
    def of(cls, catalog: Catalog) -> "Kinds":
        """Look the attributes of a catalogue up."""
        schema = catalog.frame.schema
        return cls(
            catalog,
            frozenset(name for name in catalog.attributes if schema[name].is_numeric()),
            frozenset(name for name in catalog.attributes if isinstance(schema[name], pl.List)),
            frozenset(catalog.attributes),
        )


def admitted(wishes: Sequence[Wish], kinds: Kinds) -> tuple[list[Wish], list[str]]:
    """Return the wishes that the catalogue can decide, and a sentence for each other one."""
    good: list[Wish] = []
    lost: list[str] = []
    for wish in wishes:
        try:
            good.append(_checked(wish, kinds))
        except TastemateError as error:
            lost.append(str(error))
    return good, lost


def _checked(wish: Wish, kinds: Kinds) -> Wish:
    """Return a wish under its attribute's name; raise `ConfigError` if nothing decides it."""
    name, value = wish.attribute, wish.value
    if name in kinds.numeric:
        if wish.operator in _BOUNDS and isinstance(value, int | float) and math.isfinite(value):
            return wish  # the usual cases, without a pass over the items
    elif name in kinds.named and isinstance(value, str) and wish.operator in ("is", "is not"):
        if value.casefold() in kinds.catalog.incidence(name).folded:
            return wish
    name = resolve(kinds.catalog, name)
    wish = wish if name == wish.attribute else replace(wish, attribute=name)
    decide(kinds.catalog, wish.filter)
    return wish


def hold(held: tuple[Held, ...], wishes: Sequence[Wish], at: int, kinds: Kinds) -> tuple[Held, ...]:
    """Return what is held after the wishes of a turn, newest first.

    A bound replaces the older range of its attribute, unless the two only narrow each other; a
    value replaces its contrary and, where the attribute has one value an item, the older value.
    """
    older = list(held)
    fresh: list[Wish] = []
    for wish in _joined(wishes, kinds):
        same = next((n for n, one in enumerate(older) if _softer(one.wish, wish)), -1)
        if same >= 0:
            older[same] = replace(older[same], wish=wish)
            continue
        older = [left for one in older if (left := _beside(one, wish, older, kinds)) is not None]
        if wish not in fresh:
            fresh.append(wish)
    return (*(Held(wish, at) for wish in fresh), *older)


def without(held: tuple[Held, ...], attribute: str, value: str) -> tuple[Held, ...]:
    """Return what is held without one value of an attribute, or without the attribute.

    `ALL` is every attribute, an empty value every value.
    """
    left: list[Held] = []
    for one in held:
        if attribute not in (ALL, one.wish.attribute):
            left.append(one)
        elif value and (rest := _less(one, (_plain(value),))) is not None:
            left.append(rest)
    return tuple(left)


def _joined(wishes: Sequence[Wish], kinds: Kinds) -> list[Wish]:
    """Return the wishes of one turn; several values of what has one become "any of"."""
    joined: list[Wish] = []
    for wish in wishes:
        alike = (
            [n for n, one in enumerate(joined) if _alternative(one, wish)]
            if wish.operator in ("is", "any of") and wish.attribute not in kinds.listed
            else []
        )
        if alike:
            one = joined[alike[0]]
            values = tuple(dict.fromkeys((*_texts(one.value), *_texts(wish.value))))
            several = replace(one, operator="any of", value=values)
            joined[alike[0]] = one if len(values) == 1 else several
        else:
            joined.append(wish)
    return joined


def _alternative(one: Wish, other: Wish) -> bool:
    same = one.attribute == other.attribute and one.firm == other.firm
    return same and one.operator in ("is", "any of")


def _softer(one: Wish, other: Wish) -> bool:
    """Whether two wishes differ in nothing but how firm they are."""
    return one.firm != other.firm and replace(one, firm=other.firm) == other


def _beside(one: Held, wish: Wish, held: Sequence[Held], kinds: Kinds) -> Held | None:
    """Return what of a held wish stands beside a new one."""
    old = one.wish
    if old.attribute != wish.attribute:
        return one
    if wish.attribute in kinds.numeric and not (old.away or wish.away):
        return one if _narrows(old, wish, held) else None
    if old.away != wish.away or old.operator in ("is", "is not"):
        stays = _less(one, tuple(_plain(value) for value in _texts(wish.value)))
        if old.away or wish.away or wish.attribute in kinds.listed:
            return stays
        return None
    return one if wish.away or wish.attribute in kinds.listed else None


def _narrows(old: Wish, wish: Wish, held: Sequence[Held]) -> bool:
    """Whether a bound and the older, only one of its attribute leave room for numbers."""
    if {old.operator, wish.operator} != set(_BOUNDS):
        return False
    if sum(one.wish.attribute == old.attribute and not one.wish.away for one in held) > 1:
        return False
    low, high = (old, wish) if old.operator == "at least" else (wish, old)
    return _number(low.value) < _number(high.value)


def _less(one: Held, values: Sequence[str]) -> Held | None:
    """Return a held wish without some values; None where none is left."""
    if not isinstance(one.wish.value, tuple):
        return None if _plain(one.wish.value) in values else one
    left = tuple(value for value in one.wish.value if _plain(value) not in values)
    if len(left) == len(one.wish.value):
        return one
    return replace(one, wish=replace(one.wish, value=left)) if left else None


def _texts(value: AttributeValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


@lru_cache(4096)
def _plain(value: AttributeValue) -> str:
    """Return a value so that 1990, 1990.0 and "1990" are one, and case is none."""
    number = _number(value)
    return repr(number) if math.isfinite(number) else str(value).casefold().strip()


def _number(value: AttributeValue) -> float:
    try:
        return float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return math.nan
