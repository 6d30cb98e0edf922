"""A moment read as leanings over a catalogue's own attributes: "with kids" → its Animation.

The words that suit a moment stand in `moments.toml`, plain words of no domain; here they are
looked up among the values of the catalogue. Leanings only: nothing is ever left out for a moment.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from tastemate import config, filters
from tastemate.catalog import Catalog
from tastemate.context import AXES, checked
from tastemate.errors import ConfigError
from tastemate.text.recognise import Values
from tastemate.types import Leaning

MEASURES = "measures"
_PREFIX = 5


@dataclass(frozen=True, slots=True)
class Suits:
    """What suits one value of a moment: one entry of `moments.toml` or `[context]`."""

    words: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    """Wishes about attributes, such as "genres=Animation"."""
    avoid: tuple[str, ...] = ()
    because: str = ""
    weight: float = 1.0


class Moments:
    """Reads moments as leanings over one catalogue.

    `said` is the table `[context]`: axis → value → keys of `Suits`, each in place of the default's.
    Raises `ConfigError` for a table that names no axis, value or key there is.
    """

    def __init__(
        self,
        catalog: Catalog,
        said: Mapping[str, Any] | None = None,
    ) -> None:
        self.catalog = catalog
        self.suits, self.measures = _settled(said or {})
        self._made: dict[tuple[str, str], tuple[Leaning, ...]] = {}

    def leanings(self, context: Mapping[str, str]) -> tuple[Leaning, ...]:
        """Return the leanings of a moment, those of its first axis first."""
        found: list[Leaning] = []
        for axis, value in checked(context).items():
            key = (axis, value)
            if key not in self._made:
                self._made[key] = tuple(self._of(self.suits.get(key, Suits())))
            found += self._made[key]
        return tuple(found)

    def _of(self, suits: Suits) -> Iterable[Leaning]:
        for wanted, sign in ((suits.words, 1.0), (suits.less, -1.0)):
            yield from self._named(wanted, suits, sign)
            yield from self._measured(wanted, suits, sign)
        for wishes, sign in ((suits.prefer, 1.0), (suits.avoid, -1.0)):
            for wish in wishes:
                asked = filters.parse(wish, self.catalog)
                weight = sign * suits.weight
                yield Leaning(asked.attribute, asked.operator, asked.value, weight, suits.because)

    def _named(self, wanted: Sequence[str], suits: Suits, sign: float) -> Iterable[Leaning]:
        """Return one leaning an attribute: any of the values that the words name."""
        held: dict[str, list[str]] = {}
        for word in wanted:
            for attribute, value in self._values.called(word):
                held.setdefault(attribute, []).append(value)
        for attribute, values in held.items():
            several = tuple(dict.fromkeys(values))
            yield Leaning(attribute, "any of", several, sign * suits.weight, suits.because)

    def _measured(self, wanted: Sequence[str], suits: Suits, sign: float) -> Iterable[Leaning]:
        """Return leanings to the upper, or the lower, third of numbers that the words name."""
        for attribute in self.catalog.attributes:
            if not self.catalog.is_numeric(attribute):
                continue
            if not any(self._measures(word, attribute) for word in wanted):
                continue
            numbers = self.catalog.numbers(attribute)
            known = numbers[np.isfinite(numbers)]
            if not len(known) or known.min() == known.max():
                continue
            if sign > 0:
                limit = max(
                    float(np.quantile(known, 2 / 3)), float(known[known > known.min()].min())
                )
                yield Leaning(attribute, "at least", limit, suits.weight, suits.because)
            else:
                limit = min(
                    float(np.quantile(known, 1 / 3)), float(known[known < known.max()].max())
                )
                yield Leaning(attribute, "at most", limit, suits.weight, suits.because)

    def _measures(self, word: str, attribute: str) -> bool:
        name = attribute.casefold()
        akin = len(word) >= _PREFIX and len(name) >= _PREFIX and word[:_PREFIX] == name[:_PREFIX]
        return akin or name in self.measures.get(word, ())

    @cached_property
    def _values(self) -> Values:
        return Values(self.catalog)


@cache
def _defaults() -> Mapping[str, Any]:
    text = (files("tastemate.text") / "moments.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _settled(
    said: Mapping[str, Any],
) -> tuple[dict[tuple[str, str], Suits], Mapping[str, Sequence[str]]]:
    """Return the defaults with what was said laid over them, by axis and value."""
    config.known(said, [*AXES, MEASURES], "[context]")
    found: dict[tuple[str, str], Suits] = {}
    for table in (_defaults(), said):
        for axis, values in table.items():
            if not isinstance(values, Mapping):
                raise ConfigError(f"{axis} in [context] must be a table, [context.{axis}].")
            if axis == MEASURES:
                continue
            config.known(values, AXES[axis], f"[context.{axis}]")
            for value, entry in values.items():
                where = f"[context.{axis}.{value}]"
                if not isinstance(entry, Mapping):
                    raise ConfigError(f"{value} in [context.{axis}] must be a table, {where}.")
                given = config.arguments(Suits, entry, where)
                found[axis, value] = replace(found.get((axis, value), Suits()), **given)
    measures = {**_defaults()[MEASURES], **said.get(MEASURES, {})}
    if not all(config.fits(names, tuple[str, ...]) for names in measures.values()):
        raise ConfigError("[context.measures] holds lists of names of numbers, each under a word.")
    return found, measures
