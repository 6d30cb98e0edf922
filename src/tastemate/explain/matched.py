"""Words of a request that are found in an item: in its title, its values, its text."""

import re
from collections.abc import Collection, Iterator, Sequence

from tastemate.explain.leant import ASKED
from tastemate.text.words import ASKING_WORDS, STOP_WORDS
from tastemate.types import AttributeValue, Item

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NEGATIONS = frozenset("not no without never except avoid less nothing isn't don't".split())
# Love is a way of asking, and what many films are about.
_STOP = (STOP_WORDS | ASKING_WORDS) - {"love"}


def wanted_words(text: str) -> tuple[str, ...]:
    """Return the telling words of a request: no stop words, nothing that is wished away.

    "Tense but not violent" asks for tense only: what follows a negation is dropped up to the
    next comma, full stop or "but".
    """
    words: list[str] = []
    for part in re.split(r"[,.;:!?]|\bbut\b", text.casefold()):
        for word in _WORD.findall(part):
            if word in _NEGATIONS:
                break
            if len(word) > 2 and word not in _STOP:
                words.append(word)
    return tuple(dict.fromkeys(words))


def matches(item: Item, words: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the fields of an item that hold some of the words, each word in its first field."""
    if not words:
        return []
    left = list(words)
    found: list[tuple[str, tuple[str, ...]]] = []
    fields = {"title": item.title, **item.attributes, "text": item.text}
    for name, value in fields.items():
        if not left:
            break
        text = _folded(value)
        if not any(word in text for word in left):  # quick: most fields hold none of them
            continue
        here = frozenset(_WORD.findall(text))
        hits = tuple(word for word in left if word in here)
        if hits:
            found.append((name, hits))
            left = [word for word in left if word not in hits]
    return found


def apart(
    item: Item, found: Sequence[tuple[str, tuple[str, ...]]], said: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield words of a request by field: first those that make up a value, then the others.

    The third is `ASKED` for whole values, spelled as the item spells them; `said` are left out.
    """
    for name, words in found:
        held = item.attributes.get(name)
        values = held if isinstance(held, tuple) else (held,) if isinstance(held, str) else ()
        whole = [value for value in values if field_words(value) <= set(words) and value]
        if unsaid := tuple(value for value in whole if value not in said):
            yield name, unsaid, ASKED
        met = {word for value in whole for word in field_words(value)}
        if rest := tuple(word for word in words if word not in met):
            yield name, rest, ""


def texts(value: AttributeValue) -> tuple[str, ...]:
    """Return what an attribute holds as texts."""
    return value if isinstance(value, tuple) else (str(value),)


def field_words(value: AttributeValue) -> frozenset[str]:
    """Return the words of a field, without regard to case."""
    return frozenset(_WORD.findall(_folded(value)))


def _folded(value: AttributeValue) -> str:
    return (" ".join(value) if isinstance(value, tuple) else str(value)).casefold()
