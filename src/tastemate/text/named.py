"""Finding the titles and names of a catalogue in free text, so that they can be checked."""

import re
from collections.abc import Collection, Iterable

from tastemate.traits import split_year

TOKEN = re.compile(r"\w+(?:['\u2019]\w+)*")
LONGEST = 12
"""Words of a title that are compared."""


class Named:
    """Which titles and attribute values a text names.

    A title of one word counts only with a capital inside a sentence ("Heat" there, "heat" not);
    names made of `plain` words or digits alone are never found.
    """

    def __init__(
        self, titles: Iterable[str], values: Iterable[str] = (), plain: Collection[str] = ()
    ) -> None:
        self._plain = plain
        self._names: dict[str, set[tuple[str, ...]]] = {}
        self._capitals: set[str] = set()
        for title in titles:
            self._learn(split_year(title)[0], capital=True)
        for value in values:
            self._learn(value, capital=False)

    def found(self, text: str, *, cased: bool = False) -> list[str]:
        """Return the names in a text; `cased` asks longer ones for capitals at both ends too."""
        spelled = TOKEN.findall(text)
        tokens = [word.casefold() for word in spelled]
        found: list[str] = []
        for at, first in enumerate(tokens):
            if at and first in self._capitals and spelled[at][0].isupper():
                found.append(spelled[at])
            for name in self._names.get(first, ()):
                end = at + len(name)
                if tuple(tokens[at:end]) != name:
                    continue
                if not cased or (spelled[at][0].isupper() and spelled[end - 1][0].isupper()):
                    found.append(" ".join(name))
        return found

    def _learn(self, name: str, *, capital: bool) -> None:
        tokens = tuple(TOKEN.findall(name.casefold()))[:LONGEST]
        if not tokens or len("".join(tokens)) < 3 or all(word in self._plain for word in tokens):
            return
        if all(word.isdigit() for word in tokens):
            return  # bare numbers are checked as numbers
        if capital and len(tokens) == 1:
            self._capitals.add(tokens[0])
        else:
            self._names.setdefault(tokens[0], set()).add(tokens)
