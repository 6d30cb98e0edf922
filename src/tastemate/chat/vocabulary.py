"""The ways in which people write the values of a catalogue, collected from its attributes.

A value's own spelling comes before a word of its family (`families.toml`), a whole name before a
part of it, and a more frequent value before a rarer one that is spelled alike.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.grammar.text import everyday, table
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words

Kind: TypeAlias = Literal[
    "genre", "mood", "topic", "place", "country", "language", "series", "maker", "player", "other"
]
"""What an attribute is about, by its name: who made it, who is in it, what it is about."""


_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("genre", "category", "style", "type"), "genre"),
    **dict.fromkeys(("mood", "tone", "feeling"), "mood"),
    **dict.fromkeys(("theme", "topic", "subject", "keyword", "tag"), "topic"),
    **dict.fromkeys(("setting", "place", "location"), "place"),
    **dict.fromkeys(("country", "countrie", "nationality", "origin"), "country"),
    **dict.fromkeys(("language", "tongue"), "language"),
    **dict.fromkeys(("franchise", "series", "serie", "collection", "universe", "brand"), "series"),
    **dict.fromkeys(
        ("director", "author", "writer", "creator", "artist", "maker", "developer", "composer"),
        "maker",
    ),
    **dict.fromkeys(("cast", "actor", "star", "performer", "narrator", "actress"), "player"),
}


ORDER: tuple[Kind, ...] = (
    "genre", "mood", "topic", "other", "place", "country", "language", "series", "maker", "player",
)  # fmt: skip


PEOPLE: tuple[Kind, ...] = ("maker", "player")


LONGEST_PHRASE = 7
"""Words of a value that are compared."""


_FEWEST = 4
"""Letters of a part of a name that stands for the whole."""


_FORMS = re.compile(r"-s(?=-|$)|'s\b")


@dataclass(frozen=True, slots=True)
class Sense:
    """One value that some words may mean."""

    attribute: str
    value: str
    kind: Kind
    items: int
    """How many items carry it."""
    own: bool
    """Whether the words are its own spelling, not a word of its family."""
    part: bool = False
    """Whether the words are only a part of a name."""
    joint: bool = False
    """Whether the words mean this value and the others of the same words at once."""
    placed: bool = False
    """Whether the words are so common that they count only where a wish is put."""


def kind_of(attribute: str) -> Kind:
    """Return what an attribute is about, by the last word of its name."""
    tail = tail_of(attribute)
    return _KINDS.get(tail, _KINDS.get(tail.removesuffix("s"), "other"))


def tail_of(attribute: str) -> str:
    """Return the last word of an attribute's name, folded."""
    return re.split(r"[\s_-]+", attribute.casefold().strip())[-1]


class Phrases:
    """Collects phrases and what they mean."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.found: dict[tuple[str, ...], list[Sense]] = {}
        self.brothers: dict[str, list[Sense]] = {}
        families = table("families")
        self.noise = frozenset(families["words"]["noise"])
        self.noise_stems = frozenset(stem(word) for word in self.noise)
        self.placed = {key(phrase) for phrase in families["words"]["placed"]}

    def collected(
        self,
    ) -> tuple[dict[tuple[str, ...], tuple[Sense, ...]], dict[str, tuple[Sense, ...]]]:
        """Return phrase → senses, best first, and surname → people."""
        for name in self.catalog.attributes:
            if self.catalog.is_numeric(name):
                continue
            incidence = self.catalog.incidence(name)
            counts = np.asarray(incidence.matrix.sum(axis=0)).ravel().astype(int).tolist()
            kind = kind_of(name)
            values = list(zip(incidence.values, counts, strict=True))
            if kind in PEOPLE:
                self._people(name, kind, values)
            elif kind == "language":
                self._languages(name, values)
            else:
                self._plain(name, kind, values)
                if kind == "series":
                    self._parts(name, values)
        self._families()
        self._several()
        self._places()
        return {one: _best(senses) for one, senses in self.found.items()}, {
            one: tuple(senses) for one, senses in self.brothers.items()
        }

    def _add(self, phrase: tuple[str, ...], sense: Sense) -> None:
        # a footnote mark or an initial among the values ("[a]") is no word for anything
        if any(len(word) > 1 for word in phrase) and len(phrase) <= LONGEST_PHRASE:
            senses = self.found.setdefault(phrase, [])
            if not any(
                one.attribute == sense.attribute and one.value == sense.value for one in senses
            ):
                senses.append(sense)

    def _plain(self, name: str, kind: Kind, values: Sequence[tuple[str, int]]) -> None:
        """Add values by their own spelling, with and without spaces, without an article."""
        own = {key(value) for value, _ in values}
        for value, items in values:
            phrase = key(value)
            void = kind != "genre" and all(word in _VOID for word in phrase)
            if not phrase or (void and phrase not in self.placed):
                continue
            bare = tuple(word for word in phrase if word not in self.noise)
            if bare != phrase and bare in own:
                continue
            placed = phrase in self.placed or (
                kind in ("topic", "other", "series") and all(word in everyday() for word in phrase)
            )
            sense = Sense(name, value, kind, items, own=True, placed=placed)
            self._add(phrase, sense)
            if kind == "genre" and bare:
                self._add(bare, sense)
            if len(phrase) in (2, 3):
                self._add(("".join(phrase),), sense)
            if phrase[0] in ("the", "a") and len(phrase) > 1:
                self._add(phrase[1:], sense)
            if len(phrase) == 1 and kind == "mood":
                for form in _compared(phrase[0]):
                    self._add((form,), sense)

    def _parts(self, name: str, values: Sequence[tuple[str, int]]) -> None:
        """Add words that only one series has: "Gamache" for "Chief Inspector Armand Gamache"."""
        owners: dict[str, list[tuple[str, int]]] = {}
        for value, items in values:
            for word in dict.fromkeys(key(value)):
                owners.setdefault(word, []).append((value, items))
        for word, having in owners.items():
            having = sorted(having, key=lambda one: -one[1])
            sure = len(having) == 1 or having[0][1] >= 3 * having[1][1]
            if word in self.noise_stems:
                continue
            if sure and len(word) >= _FEWEST and word not in everyday() and word not in _VOID:
                value, items = having[0]
                self._add((word,), Sense(name, value, "series", items, own=True, part=True))

    def _people(self, name: str, kind: Kind, values: Sequence[tuple[str, int]]) -> None:
        """Add full names, names without initials, and surnames that say who is meant."""
        surnames: dict[str, list[Sense]] = {}
        for value, items in values:
            phrase = key(value)
            if not phrase:
                continue
            sense = Sense(name, value, kind, items, own=True)
            self._add(phrase, sense)
            if all(len(word) > 1 for word in phrase):
                self._add(("".join(phrase),), sense)
            long = tuple(word for word in phrase if len(word) > 1 and word not in _SUFFIXES)
            if len(long) > 1:
                self._add(long, sense)
                self._add((long[0], long[-1]), sense)
            initials = [word for word in phrase[:-1] if len(word) == 1]
            if initials and long:
                self._add(("".join(initials), *long[-1:]), sense)
            if len(long) >= 1 and len(phrase) > 1:
                surnames.setdefault(long[-1], []).append(sense)
                if len(long) > 2:  # "García Márquez"
                    named = long[-2] in _PARTICLES
                    self._add(long[-2:], sense if named else replace(sense, part=True))
        for surname, senses in surnames.items():
            senses.sort(key=lambda one: (-one.items, one.value))
            self.brothers.setdefault(surname, []).extend(senses)
            if len(surname) < 3:
                continue
            if len(senses) == 1 or senses[0].items >= 2 * senses[1].items:
                one = senses[0]
                common = surname in everyday()
                part = replace(one, part=True, placed=common)
                self._add((surname,), part)

    def _languages(self, name: str, values: Sequence[tuple[str, int]]) -> None:
        codes: dict[str, tuple[str, int]] = {}
        for word, written in table("places")["languages"].items():
            having = [one for one in values if one[0] in written or one[0].casefold() == word]
            if having:
                codes[word] = max(having, key=lambda one: one[1])
        for word, (value, items) in codes.items():
            self._add(key(word), Sense(name, value, "language", items, own=False))

    def _families(self) -> None:
        """Add the words of each family for the first value that is spelled with one of them."""
        own = {phrase: tuple(senses) for phrase, senses in self.found.items()}
        for family in table("families")["families"]:
            phrases = [key(word) for word in family]
            meant = [
                sense
                for phrase in phrases
                for sense in own.get(phrase, ())
                if sense.kind not in (*PEOPLE, "series", "language") and not sense.part
            ]
            if not meant:
                continue
            wanted = _best(meant[:1] if meant[0].kind in ("genre", "mood") else meant)
            for phrase in phrases:
                known = [o for o in own.get(phrase, ()) if not o.part and o.kind != "series"]
                if known and not _rare(known, wanted[0]):
                    continue
                placed = phrase in self.placed
                forms = {phrase}
                if len(phrase) == 1 and wanted[0].kind == "mood":
                    forms |= {(form,) for form in _compared(phrase[0])}
                for form in forms:
                    for one in wanted[:2]:
                        sense = replace(one, own=bool(known), placed=placed)
                        self._add(form, sense)

    def _several(self) -> None:
        """Add words that mean several values at once; the first sense carries the others."""
        for word, parts in table("families")["several"].items():
            phrase = key(word)
            if phrase in self.found:
                continue
            senses = [_best(self.found[key(part)])[0] for part in parts if key(part) in self.found]
            for sense in senses:
                self._add(phrase, replace(sense, own=False, joint=True))

    def _places(self) -> None:
        """Add what countries and their people are called."""
        countries = [
            name
            for name in self.catalog.attributes
            if not self.catalog.is_numeric(name) and kind_of(name) == "country"
        ]
        for name in countries:
            incidence = self.catalog.incidence(name)
            counts = np.asarray(incidence.matrix.sum(axis=0)).ravel().astype(int).tolist()
            items = dict(zip(incidence.values, counts, strict=True))
            folded = {value.casefold(): value for value in incidence.values}
            for country, called in table("places")["countries"].items():
                spelled = [
                    folded[word.casefold()] for word in (country, *called) if word in folded
                    or word.casefold() in folded
                ]  # fmt: skip
                if not spelled:
                    continue
                value = spelled[0]
                for word in (country, *called):
                    phrase = key(word)
                    sense = Sense(name, value, "country", items[value], False)
                    self.found.setdefault(phrase, [])
                    if all(one.value != value for one in self.found[phrase]):
                        self.found[phrase].insert(0, sense)


_VOID = frozenset(stem(word) for word in STOP_WORDS | ASKING_WORDS) | frozenset(
    "the a an of bad good fun sequel classic remake remade long short new old on in end star made "
    "first last best black white random tv cult overrated underrated boring great awesome amazing "
    "terrible awful brilliant excellent masterpiece disappointing favorite favourite watch watched "
    "seen netflix dvd own want wish queue bored hate loved enjoyable okay ok fine nice cool "
    "wow".split()
)


_SUFFIXES = frozenset("jr sr ii iii iv phd md".split())


_PARTICLES = frozenset("de von van der den le la del du di el al da mc st".split())


def key(phrase: str) -> tuple[str, ...]:
    """Return the stems of a phrase, the form in which phrases are compared."""
    return tuple(stem(word) for word in words(_FORMS.sub("s", phrase)))


def _rare(known: Sequence[Sense], other: Sense) -> bool:
    """Whether a genre is likelier than the tags that its word is spelled as, too."""
    return other.kind == "genre" and all(
        one.kind == "topic" and 8 * one.items <= other.items for one in known
    )


def _compared(word: str) -> Iterable[str]:
    """Return the comparative and superlative of an adjective of one word."""
    if len(word) > 7 or word == "strange":
        return ()
    if word.endswith("y"):
        return (word[:-1] + "ier", word[:-1] + "iest")
    if word.endswith("e"):
        return (word + "r", word + "st")
    doubled = word + word[-1] if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwy]", word) else word
    return (doubled + "er", doubled + "est")


def _best(senses: Sequence[Sense]) -> tuple[Sense, ...]:
    """Return senses with the likeliest first; of one attribute only the most frequent value."""
    kept: dict[str, Sense] = {}
    for sense in sorted(senses, key=lambda one: (one.part, not one.own, -one.items, one.value)):
        kept.setdefault(
            f"{sense.attribute} {sense.value}" if sense.joint else sense.attribute, sense
        )
    return tuple(
        sorted(kept.values(), key=lambda one: (one.part, not one.own, ORDER.index(one.kind)))
    )
