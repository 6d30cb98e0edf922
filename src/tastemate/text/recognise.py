"""Values of a catalogue that a text names: "a scary comedy with Tom Hanks" → a genre and a person.

Whole values only, word for word but for plurals and order; what stands behind a negation, up to
the next comma or "but", is not named.
"""

import re
from collections.abc import Iterable

from tastemate.catalog import Catalog
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words
from tastemate.types import Leaning

LONGEST = 4
"""Words of a value that are looked for at most."""
_READ = 2_000
_CUTS = re.compile(r"[,.;:!?\n]|\bbut\b", re.IGNORECASE)
_NEGATIONS = frozenset(
    "not no without never except avoid less nothing isnt dont doesnt cant hate dislike".split()
)
_EMPTY = STOP_WORDS | ASKING_WORDS


class Values:
    """Every text value of a catalogue under its telling terms."""

    def __init__(self, catalog: Catalog) -> None:
        self._known: dict[frozenset[str], list[tuple[str, str]]] = {}
        for attribute in catalog.attributes:
            if not catalog.is_numeric(attribute):
                for value in catalog.incidence(attribute).values:
                    if terms := key(value):
                        self._known.setdefault(terms, []).append((attribute, value))

    def called(self, name: str) -> list[tuple[str, str]]:
        """Return attribute and value of what is called just so."""
        return list(self._known.get(key(name), ()))

    def named(self, text: str) -> list[tuple[str, str]]:
        """Return attribute and value of all that a text names, in the order of the text."""
        found: dict[tuple[str, str], None] = {}
        for run in _wanted(text[:_READ]):
            for start in range(len(run)):
                for end in range(start + 1, min(start + LONGEST, len(run)) + 1):
                    found |= dict.fromkeys(self._known.get(frozenset(run[start:end]), ()))
        return list(found)

    def leanings(self, text: str, weight: float = 1.0) -> tuple[Leaning, ...]:
        """Return what a text names as leanings, one an attribute and value."""
        return tuple(Leaning(name, "is", value, weight) for name, value in self.named(text))


def key(written: str) -> frozenset[str]:
    """Return the telling terms of a word or a value: stems, without words of asking."""
    return frozenset(stem(word) for word in words(written) if word not in _EMPTY)


def _wanted(text: str) -> Iterable[list[str]]:
    """Yield the telling terms of each part of a text, up to a negation."""
    for part in _CUTS.split(text):
        run: list[str] = []
        for word in words(part):
            if word in _NEGATIONS:
                break
            if word not in _EMPTY:
                run.append(stem(word))
        yield run
