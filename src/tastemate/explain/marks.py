"""What a clause may name, replaced by marks, so that the words around it can be read alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tastemate.explain import vocabulary as words
from tastemate.text.named import TOKEN
from tastemate.text.phrases import number
from tastemate.traits import split_year
from tastemate.types import Evidence, Item

PROMOTED = "promoted by the operator"
"""The only words in which a promotion is disclosed."""

ITEM, TITLE, VALUE, NUMBER = "\u2460", "\u2461", "\u2462", "\u2463"
NAMES = frozenset((ITEM, TITLE, VALUE))
MARKS = NAMES | {NUMBER}
THIS = frozenset(("this", "it", ITEM))
"""How the item that is shown may be called."""
_LEXEME = re.compile(
    r"[\u2460-\u2463]|\d+(?:[.,]\d+)*s?|\w+(?:['\u2019]\w+)*|[,;:.!?()\u2013\u2014]"
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A clause with what it may name replaced by marks, and what each mark stood for."""

    tokens: tuple[str, ...]
    names: tuple[str, ...]
    """The text behind each token: itself, or the name that a mark stands for."""

    @property
    def rest(self) -> str:
        """The clause with a dot for every name that the evidence allows."""
        pairs = zip(self.tokens, self.names, strict=True)
        return " ".join("\u2022" if token in NAMES else name for token, name in pairs)


def mark(text: str, facts: Sequence[Evidence], item: Item) -> Marked:
    """Replace what a clause on these facts may name: longest names first, whole words only."""
    text = text.replace("\u2019", "'")
    named: dict[str, str] = {}
    for fact in facts:
        values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
        for value in (*values, fact.because):
            if isinstance(value, str) and value:
                named[value] = VALUE
    for fact in facts:
        named |= dict.fromkeys(title_names(fact.title, fold=False), TITLE)
    named |= dict.fromkeys(title_names(item.title, fold=False), ITEM)
    found: list[str] = []
    for name in sorted(named, key=lambda one: (-len(one), one)):

        def replaced(hit: re.Match[str], name: str = name) -> str:
            # "Aliens" may be a title and "aliens" a value: the exact spelling decides
            exact = hit.group().removesuffix("'s")
            kind = named.get(exact, named[name])
            found.append(exact if exact in named else name)
            return f" {kind}{len(found) - 1}\u2464 "

        plain = re.escape(name.replace("\u2019", "'"))
        text = re.sub(
            rf"(?<![\w\u2460-\u2464]){plain}(?:'s|')?(?![\w\u2464])",
            replaced,
            text,
            flags=re.IGNORECASE,
        )
    tokens, names = [], []
    for piece in re.split(r"([\u2460-\u2463]\d+\u2464)", text):
        if piece[:1] in MARKS:
            tokens.append(piece[0])
            names.append(found[int(piece[1:-1])])
            continue
        for spelled in _LEXEME.findall(piece):
            tokens.append(NUMBER if spelled[0].isdigit() else spelled.casefold())
            names.append(spelled)
    return Marked(tuple(tokens), tuple(names))


def known(fact: Evidence, what: str = "it") -> str:
    """Say that somebody has met an item already, after "you": "gave it 5 already"."""
    given = number(fact.value) if isinstance(fact.value, int | float) else ""
    return f"gave {what} {given} already" if given else f"know {what} already"


def told(fact: Evidence, text: str) -> bool:
    """Whether a text says something of one piece of evidence."""
    text = text.replace("\u2019", "'").casefold()
    if fact.kind == "promotion":
        return text == PROMOTED
    if fact.kind == "seen":
        return text == f"you {known(fact)}"
    if fact.kind in ("neighbours", "popularity"):
        crowd = any(word in words.PEOPLE | words.CROWD for word in TOKEN.findall(text))
        return crowd and (not fact.title or _within(title_names(fact.title), text))
    if fact.kind == "liked item":
        return _within(title_names(fact.title), text)
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    return _within({str(value).casefold() for value in values}, text)


def title_names(title: str, *, fold: bool = True) -> set[str]:
    """Return a title with and without its year."""
    found = {name for name in (title, split_year(title)[0]) if name}
    return {name.casefold() for name in found} if fold else found


def _within(names: set[str], text: str) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(name.replace(chr(8217), chr(39)))}(?!\w)", text) is not None
        for name in names
        if name
    )
