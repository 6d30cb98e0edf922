"""What somebody says of items: triples, and what kind of thing a name in one is."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tastemate.traits import is_year

Kind: TypeAlias = Literal["", "item", "entity"]

ITEM = "item"
THING = "thing"
"""The kind of an entity of which nothing says what it is."""
LONGEST = 200
"""Characters of a name; longer values are texts, not names."""

KINDS = {
    "person": "person people director directed author writer written creator created artist cast "
    "actor actress star starring performer composer producer produced screenwriter editor singer",
    "genre": "genre category categorie",
    "theme": "theme topic subject",
    "franchise": "franchise series serie collection saga",
    "country": "country countrie",
}
"""Words in names of attributes and relations, by the kind of entity they lead to."""
_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Fact:
    """A triple that somebody said: head and tail are ids or titles of items, or other names."""

    head: str
    relation: str
    tail: str
    source: str = "given"
    head_is: Kind = ""
    """What the head names; empty is found out."""
    tail_is: Kind = ""


def folded(name: str) -> str:
    """Return a name without case, accents and needless space, for telling names apart."""
    if not name.isascii():
        apart = unicodedata.normalize("NFKD", name)
        name = "".join(c for c in apart if not unicodedata.combining(c))
    return " ".join(name.casefold().split())


def kind_of(relation: str) -> str:
    """Return the kind of entity that a relation leads to, going by its name.

    The last part of a dotted name counts: "film.film.directed_by" leads to a person.
    """
    words = [word for word in re.split(r"[\W_]+", relation.lower()) if word]
    part = [word for word in re.split(r"[\W_]+", re.split(r"[./:#]", relation.lower())[-1]) if word]
    for word in (*reversed(part), *part):
        for form in (word, word.removesuffix("s")):
            if form in _KIND_OF:
                return _KIND_OF[form]
    if is_year(relation):
        return "era"
    return part[-1].removesuffix("s") if part and len(words) == 1 else THING
