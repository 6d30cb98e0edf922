"""How an attribute and its values read in a sentence, whatever the items are.

A small table covers attributes that many catalogues have; every other one reads plainly by its
own name. Values are never reworded, so that a sentence can be checked against the data.
"""

from collections.abc import Sequence
from functools import lru_cache

_BY = ("are by {}", "by {}")
_WITH = ("feature {}", "with {}")
_ABOUT = ("are about {}", "about {}")
_FEEL = ("feel {}", "that feel {}")
_FROM = ("are from {}", "from {}")
_PART = ("belong to {}", "from {}")
_KIND = ("are {}", "of the kind {}")
_OF_ONE = {"are": "is", "feature": "features", "feel": "feels", "belong": "belongs", "share": "has"}
"""The verb of a predicate where it is said of one item."""
_UNCHANGED = frozenset("series species news".split())

_KNOWN: dict[str, tuple[str, str]] = {
    "director": _BY,
    "author": _BY,
    "writer": _BY,
    "creator": _BY,
    "artist": _BY,
    "brand": _BY,
    "maker": _BY,
    "developer": _BY,
    "cast": _WITH,
    "actor": _WITH,
    "theme": _ABOUT,
    "topic": _ABOUT,
    "subject": _ABOUT,
    "genre": ("are {}", "of the genre {}"),
    "kind": _KIND,
    "type": ("are {}", "of the type {}"),
    "category": ("are {}", "of the category {}"),
    "categorie": ("are {}", "of the category {}"),
    "mood": _FEEL,
    "franchise": _PART,
    "series": _PART,
    "collection": _PART,
    "country": _FROM,
    "countrie": _FROM,
    "language": ("are in {}", "in {}"),
    "year": ("are from the {}", "from the {}"),
}


def predicate(attribute: str, values: Sequence[str]) -> str:
    """Say of several items what they share: `predicate("directors", ["Ann"])` → "are by Ann"."""
    return _forms(attribute)[0].format(listing(values))


def predicate_of_one(attribute: str, values: Sequence[str]) -> str:
    """Say of one item what it has: `predicate_of_one("moods", ["tense"])` → "feels tense"."""
    verb, _, rest = predicate(attribute, values).partition(" ")
    return f"{_OF_ONE.get(verb, verb)} {rest}"


def modifier(attribute: str, values: Sequence[str], last: str = "and") -> str:
    """Say what marks items out: `modifier("themes", ["war"])` → "about war"."""
    return _forms(attribute)[1].format(listing(values, last))


def listing(words: Sequence[str], last: str = "and") -> str:
    """Join words the way a sentence does: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def label(attribute: str) -> str:
    """Return the name of an attribute as words."""
    return attribute.replace("_", " ").replace("-", " ").strip()


def singular(attribute: str) -> str:
    """Return the name of an attribute as words, of one value: "moods" → "mood"."""
    head, space, last = label(attribute).rpartition(" ")
    if last.lower() in _UNCHANGED or last.lower().endswith(("us", "ss", "is")):
        return label(attribute)
    if last.endswith("ies"):
        return f"{head}{space}{last[:-3]}y"
    return f"{head}{space}{last.removesuffix('s')}"


def number(value: float) -> str:
    """Write a number without needless digits: 4.0 → "4", 3.50 → "3.5"."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@lru_cache(1_024)
def _forms(attribute: str) -> tuple[str, str]:
    name = label(attribute).lower()
    for key in (name, name.removesuffix("s"), name.split(" ")[-1].removesuffix("s")):
        if key in _KNOWN:
            return _KNOWN[key]
    plain = label(attribute).replace("{", "").replace("}", "")
    return f"share the {plain} {{}}", f"with the {plain} {{}}"
