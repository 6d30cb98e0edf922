"""Hard and soft wishes about attributes, decided with three values: true, false, unknown.

A catalogue rarely knows everything. Treating "unknown" as false would silently hide things, as
true would break a promise ("nothing violent"); so it is kept apart (Kleene 1952, §64) and
counted, and the answer can say how many items were left out only for want of data.
"""

import csv
import math
import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.catalog import Catalog, Incidence
from tastemate.errors import ConfigError, nearest
from tastemate.types import AttributeValue, Filter, Mask, Operator

Verdicts: TypeAlias = NDArray[np.int8]
"""One verdict an item, shape (items,): `TRUE`, `FALSE` or `UNKNOWN`."""

TRUE: Final = 1
FALSE: Final = 0
UNKNOWN: Final = -1

_PSEUDO = ("id", "title")
_NEGATIVE = ("is not", "none of")
_LISTED = ("any of", "none of")
_ORDERED = ("at least", "at most")
_WRITTEN: dict[str, Operator] = {
    ">=": "at least",
    "≥": "at least",
    "<=": "at most",
    "≤": "at most",
    "!=": "is not",
    "≠": "is not",
    "==": "is",
    "=": "is",
    "not in": "none of",
    "none of": "none of",
    "in": "any of",
    "any of": "any of",
    "at least": "at least",
    "at most": "at most",
    "is not": "is not",
    "is": "is",
}
_SIGNS: dict[str, str] = {
    "is": "=",
    "is not": "!=",
    "at least": ">=",
    "at most": "<=",
    "any of": " in ",
    "none of": " not in ",
}
_SHAPE = re.compile(
    r"\s*(?P<name>[^\s=<>!≥≤≠](?:[^=<>!≥≤≠]*?[^\s=<>!≥≤≠])??)"
    r"(?:\s*(?P<sign>>=|<=|!=|==|=|≥|≤|≠)\s*"
    r"|\s+(?P<word>not\s+in|none\s+of|any\s+of|at\s+least|at\s+most|is\s+not|is|in)\s+)"
    r"(?P<value>\S.*?)\s*",
    re.IGNORECASE | re.DOTALL,
)


def decide(catalog: Catalog, wish: Filter) -> Verdicts:
    """Return for every item whether the wish is true, false or unknown, shape (items,).

    Texts are compared without regard to case; on a list attribute "is" asks whether the list
    holds the value. Raises `ConfigError` for an attribute or a value that does not exist, and for
    an operator or value that does not fit the attribute.
    """
    name = resolve(catalog, wish.attribute)
    if wish.operator not in _SIGNS:
        raise ConfigError(
            f"Unknown operator {wish.operator!r}.{nearest(wish.operator, _SIGNS)} "
            f"Use one of: {', '.join(_SIGNS)}."
        )
    if name not in _PSEUDO and catalog.is_numeric(name):
        return _decide_numbers(catalog, name, wish)
    if wish.operator in _ORDERED:
        raise ConfigError(
            f"{name} holds text, so {wish.operator!r} makes no sense; use 'is' or 'any of'."
        )
    wanted = _wanted(wish)
    if name in _PSEUDO:
        holds = _named(catalog, name, wanted, strict=wish.operator not in _LISTED)
        known = np.ones(len(catalog), dtype=bool)
    else:
        holds = _carries(catalog.incidence(name), name, wanted)
        known = catalog.known(name)
    verdicts = _verdicts(holds, holds | known)
    return negate(verdicts) if wish.operator in _NEGATIVE else verdicts


def allowed(catalog: Catalog, wishes: Sequence[Filter]) -> tuple[Mask, int]:
    """Return which items may be shown, (items,), and how many only an unknown value keeps out.

    A hard wish lets pass only what is true, a soft one all that is not false. An item that some
    wish calls false is not counted as unknown.
    """
    mask = np.ones(len(catalog), dtype=bool)
    if not wishes:
        return mask, 0
    false = np.zeros(len(catalog), dtype=bool)
    for wish in wishes:
        verdicts = decide(catalog, wish)
        refused = verdicts == FALSE
        false |= refused
        mask &= verdicts == TRUE if wish.hard else ~refused
    return mask, int(np.count_nonzero(~(mask | false)))


def negate(verdicts: Verdicts) -> Verdicts:
    """Turn true into false and back; unknown stays unknown."""
    return np.where(verdicts == UNKNOWN, UNKNOWN, 1 - verdicts).astype(np.int8)


def both(one: Verdicts, other: Verdicts) -> Verdicts:
    """Kleene's "and": false when either is false, else unknown when either is unknown."""
    false = (one == FALSE) | (other == FALSE)
    unknown = (one == UNKNOWN) | (other == UNKNOWN)
    return np.where(false, FALSE, np.where(unknown, UNKNOWN, TRUE)).astype(np.int8)


def either(one: Verdicts, other: Verdicts) -> Verdicts:
    """Kleene's "or": true when either is true, else unknown when either is unknown."""
    return negate(both(negate(one), negate(other)))


def resolve(catalog: Catalog, name: str) -> str:
    """Return the attribute a written name means: case, spaces, singular and plural are forgiven.

    Raises `ConfigError` naming the nearest attribute when there is none.
    """
    known = (*_PSEUDO, *catalog.attributes)
    if name in known:
        return name
    wanted = _forms(name)
    for attribute in known:
        if not wanted.isdisjoint(_forms(attribute)):
            return attribute
    raise ConfigError(
        f"The catalogue has no attribute {name!r}.{nearest(name, known)} "
        f"It has: {', '.join(known)}."
    )


def parse(text: str, catalog: Catalog) -> Filter:
    """Read a wish as somebody types it: `genre=Crime`, `year>=1990`, `country in USA,UK`.

    Signs: `=`, `!=`, `>=`, `<=`, `in`, `not in`, and the operators' own names; a value that holds
    a comma goes in double quotes. Raises `ConfigError` for what it cannot read.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"Cannot read the filter {text!r}. Write attribute, sign, value, for example "
            "'year>=1990', 'genre=Crime', 'genre!=Horror' or 'country in USA,UK'."
        )
    name = resolve(catalog, match["name"])
    sign = match["sign"] or " ".join(match["word"].lower().split())
    operator = _WRITTEN[sign]
    value: AttributeValue = _unquote(match["value"])
    if operator in _LISTED:
        value = _split(match["value"])
    elif name not in _PSEUDO and catalog.is_numeric(name):
        value = _plain(_number(value, name))
    wish = Filter(name, operator, value)
    decide(catalog, wish)  # so that a typing error is heard here, beside what was typed
    return wish


def show(wish: Filter) -> str:
    """Write a wish the way `parse` reads it."""
    values = wish.value if isinstance(wish.value, tuple) else (wish.value,)
    quote = wish.operator in _LISTED
    words = ",".join(_quoted(str(value), listed=quote) for value in values)
    return f"{wish.attribute}{_SIGNS[wish.operator]}{words}"


def _verdicts(holds: Mask, known: Mask) -> Verdicts:
    return np.where(known, holds, UNKNOWN).astype(np.int8)


def _decide_numbers(catalog: Catalog, name: str, wish: Filter) -> Verdicts:
    numbers = catalog.frame[name].cast(pl.Float64).to_numpy()
    many = isinstance(wish.value, tuple)
    if many and wish.operator not in _LISTED:
        raise ConfigError(f"{wish.operator!r} takes one value; for several use 'any of'.")
    values = wish.value if isinstance(wish.value, tuple) else (wish.value,)
    limits = np.array([_number(value, name) for value in values], dtype=np.float64)
    if wish.operator == "at least":
        holds = numbers >= limits[0]
    elif wish.operator == "at most":
        holds = numbers <= limits[0]
    elif len(limits) == 1:
        holds = numbers == limits[0]
    else:
        holds = np.isin(numbers, limits)
    verdicts = _verdicts(holds, ~np.isnan(numbers))
    return negate(verdicts) if wish.operator in _NEGATIVE else verdicts


def _number(value: AttributeValue, name: str) -> float:
    try:
        number = float(cast(float, value))
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise ConfigError(f"{name} holds numbers; {value!r} is none. Write for example 1990.")
    return number


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _wanted(wish: Filter) -> tuple[str, ...]:
    if isinstance(wish.value, tuple):
        if wish.operator not in _LISTED:
            raise ConfigError(f"{wish.operator!r} takes one value; for several use 'any of'.")
        return tuple(str(value) for value in wish.value)
    return (str(wish.value),)


def _carries(incidence: Incidence, name: str, wanted: Iterable[str]) -> Mask:
    """Return which items carry one of the values."""
    chosen = np.zeros(len(incidence.values), dtype=np.float32)
    for value in wanted:
        codes = incidence.folded.get(value.casefold())
        if codes is None:
            raise ConfigError(
                f"Nothing in the catalogue has {value!r} as {name}."
                f"{_nearest_value(value, incidence)} Check the spelling or drop the filter."
            )
        chosen[list(codes)] = 1.0
    return np.asarray(incidence.matrix @ chosen) > 0


def _nearest_value(value: str, incidence: Incidence) -> str:
    """Compare without case, answer with the value as the catalogue writes it."""
    spelled = {folded: incidence.values[at[0]] for folded, at in incidence.folded.items()}
    hint = nearest(value.casefold(), spelled)
    found = next((known for key, known in spelled.items() if repr(key) in hint), "")
    return f" Did you mean {found!r}?" if found else ""


def _named(catalog: Catalog, name: str, wanted: Sequence[str], *, strict: bool) -> Mask:
    """Return the items of these ids or titles; a list may hold ones that are gone."""
    holds = np.zeros(len(catalog), dtype=bool)
    for value in wanted:
        if name == "id" and value in catalog:
            holds[catalog.row(value)] = True
            continue
        column = catalog.ids if name == "id" else catalog.titles
        folded = value.casefold()
        rows = [row for row, known in enumerate(column) if known.casefold() == folded]
        if not rows and strict:
            raise ConfigError(
                f"No item has the {name} {value!r}.{nearest(value, column[:20_000])} "
                "Check the spelling or drop the filter."
            )
        holds[rows] = True
    return holds


def _forms(name: str) -> set[str]:
    """Return the ways to write a name in singular and plural, without case and separators."""
    word = re.sub(r"[\s_-]+", "", name.casefold())
    forms = {word, word + "s", word + "es"}
    if word.endswith("y"):
        forms.add(word[:-1] + "ies")
    return forms


def _split(text: str) -> tuple[str, ...]:
    parts = next(csv.reader([text], skipinitialspace=True, strict=False), [])
    return tuple(part.strip() for part in parts if part.strip())


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


def _quoted(text: str, *, listed: bool) -> str:
    bare = text.strip() == text and text and '"' not in text and not (listed and "," in text)
    return text if bare else '"' + text.replace('"', '""') + '"'
