"""The vocabulary of a catalogue: the ways in which people write the values of its attributes.

Built once from the catalogue and plain English word families; nothing here knows what the items
are. A value's own spelling comes before a word of its family, and a more frequent value before a
rarer one that is spelled alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.grammar.text import Token, everyday
from tastemate.chat.titles import Titles
from tastemate.chat.vocabulary import (
    LONGEST_PHRASE,
    ORDER,
    PEOPLE,
    Kind,
    Phrases,
    Sense,
    kind_of,
    tail_of,
)
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words


@dataclass(frozen=True, slots=True)
class Named:
    """Words of a message that mean values, the likeliest first."""

    start: int
    end: int
    senses: tuple[Sense, ...]
    first: int
    """The first of its tokens, and `last` the one after it."""
    last: int


@dataclass(frozen=True)
class Lexicon:
    """What the words of a message can mean in one catalogue."""

    catalog: Catalog
    titles: Titles
    phrases: Mapping[tuple[str, ...], tuple[Sense, ...]]
    brothers: Mapping[str, tuple[Sense, ...]]
    """A surname → everybody of it."""
    numbers: Mapping[str, str]
    """The last word of a numeric attribute's name → the attribute."""
    vocabulary: frozenset[str]
    """Words that are no misspellings."""
    _misspelt: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        *,
        popularity: "np.ndarray[tuple[int], np.dtype[np.generic]] | None" = None,
    ) -> "Lexicon":
        """Collect the vocabulary of a catalogue; `popularity`, one number an item, picks titles."""
        phrases, brothers = Phrases(catalog).collected()
        titles = Titles(catalog, popularity)
        numbers = {
            tail_of(name): name for name in reversed(catalog.attributes) if catalog.is_numeric(name)
        }
        known = {word for key in phrases for word in key} | titles.words
        for text in catalog.frame["text"].head(5_000).to_list():
            known.update(words(text[:500]))
        return cls(
            catalog,
            titles,
            phrases,
            brothers,
            numbers,
            frozenset(known) | everyday() | STOP_WORDS,
        )

    def kind(self, attribute: str) -> Kind:
        """Return what an attribute is about, by its name."""
        return kind_of(attribute)

    def numeric(self, family: Sequence[str]) -> str:
        """Return the numeric attribute whose name ends in one of these words; else nothing."""
        return next((self.numbers[word] for word in family if word in self.numbers), "")

    def named(self, tokens: Sequence[Token], taken: Sequence[bool]) -> list[Named]:
        """Return the values that tokens name, longest first from the left; `taken` are left out."""
        stems = [self.spelled(token) for token in tokens]
        found: list[Named] = []
        at = 0
        while at < len(stems):
            end = at
            for size in range(min(LONGEST_PHRASE, len(stems) - at), 0, -1):
                if any(taken[at : at + size]):
                    continue
                key = tuple(stems[at : at + size])
                if senses := self.phrases.get(key, ()):
                    end = at + size
                    found.append(Named(tokens[at].start, tokens[end - 1].end, senses, at, end))
                    break
            at = max(end, at + 1)
        return found

    def spelled(self, token: Token) -> str:
        """Return the stem of a word, mended where it is a misspelling of the vocabulary."""
        word = token.word
        if (
            len(word) < 4
            or word in self.vocabulary
            or token.stem in self.vocabulary
            or not word.isalpha()
            or token.stem == "'"
        ):
            return token.stem
        if word not in self._misspelt:
            if len(self._misspelt) > 10_000:
                self._misspelt.clear()
            self._misspelt[word] = self._mended(word)
        return self._misspelt[word] or token.stem

    def _mended(self, word: str) -> str:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        asking = process.extractOne(
            word, _ASKING, scorer=OSA.distance, score_cutoff=1 if len(word) < 8 else 2
        )
        if asking is not None:
            return ""  # "somthing"
        most = 1 if len(word) < 9 else 2
        near = process.extract(
            stem(word), self._single, scorer=OSA.distance, score_cutoff=most, limit=10
        )
        good = sorted(
            (distance, ORDER.index(senses[0].kind), -senses[0].items, one)
            for one, distance, _ in near
            if one[0] == word[0]
            and (len(word) > 5 or one[-1] == stem(word)[-1])
            and (len(word) > 4 or _once(one) == _once(word))
            for senses in [self.phrases[(one,)]]
        )
        return good[0][-1] if good else ""

    def near_person(self, written: str) -> str:
        """Return the name of a person that folded words are one or two letters off; else nothing.

        The words must be about as long, and differ from no other name by as little.
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(written) < 8 or tuple(stem(word) for word in written.split()) in self.phrases:
            return ""
        most = 1 if len(written) < 10 else 2
        names = [
            name
            for length in range(len(written) - most, len(written) + most + 1)
            for name in self._people.get(length, ())
        ]
        near = process.extract(written, names, scorer=OSA.distance, score_cutoff=most, limit=2)
        if not near or (len(near) > 1 and near[0][1] == near[1][1]):
            return ""
        return self._people[len(near[0][0])][near[0][0]]

    @cached_property
    def _people(self) -> dict[int, dict[str, str]]:
        """Folded names of people of more than one word, by length: the name as it is written."""
        found: dict[int, dict[str, str]] = {}
        for senses in self.phrases.values():
            for one in senses:
                folded = " ".join(words(one.value)) if one.kind in PEOPLE else ""
                if " " in folded:
                    found.setdefault(len(folded), {})[folded] = one.value
        return found

    @property
    def _single(self) -> tuple[str, ...]:
        if "" not in self._misspelt:
            words_ = sorted(
                phrase[0]
                for phrase, senses in self.phrases.items()
                if len(phrase) == 1
                and len(phrase[0]) > 3
                and any(
                    not one.part
                    and one.kind not in (*PEOPLE, "series")
                    and (one.own or one.kind in ("genre", "mood", "country"))
                    for one in senses
                )
            )
            self._misspelt[""] = " ".join(words_)
        return tuple(self._misspelt[""].split())


_ASKING = sorted(word for word in STOP_WORDS | ASKING_WORDS if len(word) > 4)


def _once(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)
