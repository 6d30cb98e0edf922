"""What items may be said to be: the features, their values, and what each value means.

The bundled vocabulary serves films and books alike; a TOML file of the same shape replaces it.
Whoever reads an item, a model or the zero-shot reader, is held to it: what it does not know is
dropped and counted, and a free value must be words of the item itself.
"""

import hashlib
import json
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from tastemate import config
from tastemate.errors import ConfigError, NotFound
from tastemate.text.words import fold, terms, words
from tastemate.types import Item

LONGEST = 60
"""Characters of a value; a longer one is no value but a sentence."""
_KEYS = ("values", "most", "also", "thresholds", "threshold")

Values = Mapping[str, tuple[str, ...]]
"""The features of one item: name → values, best first."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature; without values it is free."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Value → what it means in a few words."""
    most: int = 3
    """Values one item may have at most."""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Value → other spellings that mean it."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Value → the least score of the zero-shot reader."""
    threshold: float = math.inf
    """That of values without their own; without one they are never given zero-shot."""

    def least(self, value: str) -> float:
        """Return the least zero-shot score of a value."""
        return self.thresholds.get(value, self.threshold)

    def spellings(self) -> dict[str, str]:
        """Return every folded spelling → its value."""
        known: dict[str, str] = {}
        for value in self.values:
            for spelling in (value, *self.also.get(value, ())):
                known.setdefault(_key(spelling), value)
        return known


@dataclass(frozen=True)
class Vocabulary:
    """The features in order."""

    features: tuple[Feature, ...]

    @cached_property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Feature → its values, none for a free one: what a prompt is told."""
        return {feature.name: tuple(feature.values) for feature in self.features}

    @cached_property
    def digest(self) -> str:
        """A short hash of the features, values and glosses: part of every kept record."""
        said = [
            (one.name, one.most, list(one.values.items()), sorted(one.also.items()))
            for one in self.features
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]

    @cached_property
    def _spellings(self) -> dict[str, dict[str, str]]:
        return {feature.name: feature.spellings() for feature in self.features}

    def checked(self, said: object, item: Item) -> tuple[dict[str, tuple[str, ...]], Counter[str]]:
        """Return what of a reply is in the vocabulary, and how much of each feature was dropped.

        Any value is read: what is no mapping of names to lists gives nothing.
        """
        given = said if isinstance(said, Mapping) else {}
        kept: dict[str, tuple[str, ...]] = {}
        dropped: Counter[str] = Counter()
        for feature in self.features:
            offered = _texts(given.get(feature.name))
            if feature.values:
                known = self._spellings[feature.name]
                found = [known.get(_key(text), "") for text in offered]
            else:
                found = _occurring(offered, item)
            unique = list(dict.fromkeys(value for value in found if value))
            dropped[feature.name] += sum(not value for value in found)
            dropped[feature.name] += max(len(unique) - feature.most, 0)
            kept[feature.name] = tuple(unique[: feature.most])
        return kept, +dropped


def read_vocabulary(path: Path | None = None) -> Vocabulary:
    """Return the bundled vocabulary or that of a TOML file; raise `NotFound`, `ConfigError`."""
    if path is None:
        text = resources.files("tastemate.features").joinpath("vocabulary.toml").read_text("utf-8")
        name = "vocabulary.toml"
    else:
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(
                f"The vocabulary {path} cannot be read ({error}). Name a TOML file."
            ) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}. Mend that line.") from error
    if not tables:
        raise ConfigError(f"{name} has no feature. Give at least one table, such as [genre].")
    return Vocabulary(tuple(_feature(key, table, name) for key, table in tables.items()))


def _feature(name: str, table: object, file: str) -> Feature:
    if not isinstance(table, dict):
        raise ConfigError(f"{name} in {file} is {table!r}; it must be a table, [{name}].")
    where = f"[{name}] of {file}"
    config.known(table, _KEYS, where)
    values = _strings(table.get("values", {}), f"values in {where}")
    also = table.get("also", {})
    thresholds = table.get("thresholds", {})
    for key, part in (("also", also), ("thresholds", thresholds)):
        if not isinstance(part, dict):
            raise ConfigError(f"{key} in {where} must be a table.")
        config.known(part, values, f"{key} in {where}")
    for value, least in thresholds.items():
        if not config.fits(least, float):
            raise ConfigError(f"The threshold of {value!r} in {where} must be a number.")
    for value, spellings in also.items():
        if not config.fits(spellings, list[str]):
            raise ConfigError(f"also of {value!r} in {where} must be a list of texts.")
    most, threshold = table.get("most", 3), table.get("threshold", math.inf)
    if not config.fits(most, int) or most < 1:
        raise ConfigError(f"most in {where} is {most!r}; it must be a whole number above 0.")
    if not config.fits(threshold, float):
        raise ConfigError(f"threshold in {where} is {threshold!r}; it must be a number.")
    return Feature(
        name,
        values,
        most,
        {value: tuple(spellings) for value, spellings in also.items()},
        {value: float(least) for value, least in thresholds.items()},
        float(threshold),
    )


def _strings(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(one, str) for one in table.values()):
        raise ConfigError(f'{where} must be a table of value = "what it means".')
    for value in table:
        if not words(value) or len(value) > LONGEST:
            raise ConfigError(f"{value!r} in {where} is no value; give 1 to {LONGEST} letters.")
    return dict(table)


def _texts(offered: object) -> list[str]:
    """Return the texts of a reply's value: a list of them, or one; the first hundred."""
    lines = offered if isinstance(offered, list | tuple) else [offered]
    return [text for text in lines[:100] if isinstance(text, str) and text.strip()]


def _occurring(offered: Sequence[str], item: Item) -> list[str]:
    """Return each text folded, or empty where the item does not hold its words in that order."""
    own = spoken(own_text(item))
    found = []
    for text in offered:
        fits = len(text) <= LONGEST and terms(text) and said_in(text, own)
        found.append(" ".join(words(text)) if fits else "")
    return found


def own_text(item: Item) -> str:
    """Return everything an item says of itself: title, texts of its attributes, text."""
    return "\n".join([item.title, *_attribute_texts(item), item.text])


def _attribute_texts(item: Item) -> Iterable[str]:
    for value in item.attributes.values():
        if isinstance(value, tuple):
            yield ", ".join(value)
        elif isinstance(value, str):
            yield value


def spoken(text: str) -> str:
    """Return the stemmed words of a text between blanks, for `said_in`."""
    return f" {' '.join(terms(text))} "


def said_in(phrase: str, spoken_text: str) -> bool:
    """Whether the words of a phrase stand in a text in their order, plural or not."""
    wanted = " ".join(terms(phrase))
    return bool(wanted) and f" {wanted} " in spoken_text


def _key(text: str) -> str:
    return " ".join(fold(text[: 2 * LONGEST]).replace("-", " ").split())
