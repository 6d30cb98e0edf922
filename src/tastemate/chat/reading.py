"""A message read by a language model, checked field by field against the catalogue.

The model may say anything: what is no field, no value and no title of the catalogue is dropped or
kept as unknown. What the grammar is sure of stands: numbers, positions, the moment, and that
orders in a message are no wishes. Where the model fails, the grammar's intent is the answer.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast, get_args

from tastemate.catalog import Catalog
from tastemate.chat.grammar.numbers import read as read_numbers
from tastemate.chat.grammar.orders import without_orders
from tastemate.chat.grammar.text import lowered, plain, tokens
from tastemate.chat.intent import ALL, Act, Intent, State, Wish
from tastemate.chat.levels import wish_of
from tastemate.chat.lexicon import Lexicon
from tastemate.chat.session import Session
from tastemate.chat.spelled import contrary, counts, names, places, says
from tastemate.chat.understand import understand
from tastemate.chat.vocabulary import key
from tastemate.llm import prompts_understand as asked
from tastemate.llm.json_text import json_value
from tastemate.llm.screening import screen
from tastemate.llm.wording import PLAIN, Style
from tastemate.scope import current
from tastemate.text.words import words
from tastemate.types import Operator

if TYPE_CHECKING:
    from tastemate.protocols import ChatModel

LONGEST = 20_000
"""Characters of a reply that are read."""
_MOST = 10
"""Entries of a field that are read."""


def read_with(
    model: "ChatModel",
    text: str,
    lexicon: Lexicon,
    *,
    shown: Sequence[str] = (),
    before: Sequence[Intent] | Session = (),
    link: Callable[[str], int] | None = None,
    style: Style = PLAIN,
) -> Intent:
    """Return what a message means, read by a model and held to the catalogue.

    Without a usable reply it is the grammar's intent, and the open scope is told why.
    """
    grammar = understand(text, lexicon, shown=shown, before=before, link=link)
    message, _ = without_orders(plain(text))
    if not screen.request(message) or grammar.act in ("undo", "forget", "thanks", "goodbye"):
        return grammar
    prompt = asked.understand(
        message,
        nearest(message, lexicon, grammar),
        {name: lexicon.catalog.is_numeric(name) for name in lexicon.catalog.attributes},
        shown=[lexicon.catalog[one].title for one in shown if one in lexicon.catalog],
        earlier=[turn.text for turn in before.turns] if isinstance(before, Session) else (),
        style=style,
    )
    completion = model.complete([prompt])[0]
    current().charge(completion)
    if completion.error:
        current().fail(f"understand: {completion.error}")
        return grammar
    reply = json_value(completion.text[:LONGEST])
    if not isinstance(reply, dict) or reply.get("state") not in get_args(State):
        current().fail("understand: the reply holds no intent.")
        return grammar
    return merged(message, grammar, intent_of(reply, lexicon, len(shown), link), lexicon.catalog)


def nearest(message: str, lexicon: Lexicon, grammar: Intent) -> dict[str, list[str]]:
    """Return values that a message may mean, by attribute: those it names, then near ones."""
    found: dict[str, dict[str, None]] = {}

    def add(attribute: str, value: str) -> None:
        found.setdefault(attribute, {})[value] = None

    for wish in grammar.wishes:
        several = wish.value if isinstance(wish.value, tuple) else (wish.value,)
        for value in several:
            if isinstance(value, str):
                add(wish.attribute, value)
    written = tokens(message)
    for named in lexicon.named(written, [False] * len(written)):
        for sense in named.senses:
            add(sense.attribute, sense.value)
    catalog = lexicon.catalog
    for name in catalog.attributes:
        if catalog.is_numeric(name) or lexicon.kind(name) in ("maker", "player", "series"):
            continue
        matrix = catalog.incidence(name)
        if len(matrix.values) <= 40:
            for value in matrix.values:
                add(name, value)
    return {name: list(values) for name, values in found.items()}


def intent_of(
    reply: Mapping[str, Any],
    lexicon: Lexicon,
    shown: int,
    link: Callable[[str], int] | None = None,
) -> Intent:
    """Return the intent of a reply: only what the catalogue has; total for any reply."""
    unknown: list[str] = []
    ids = lexicon.catalog.ids

    def items(name: str) -> tuple[str, ...]:
        rows: dict[int, None] = {}
        for written in _texts(reply.get(name)):
            row = lexicon.titles.linker.link(written).row
            row = row if row >= 0 or link is None else link(written)
            if row >= 0:
                rows[row] = None
            else:
                unknown.append(written.casefold()[:100])
        return tuple(ids[row] for row in rows)

    titles = {name: items(name) for name in asked.TITLES}
    act = reply.get("act")
    state = reply.get("state")
    k = reply.get("k")
    novelty = reply.get("novelty")
    return Intent(
        state=cast(State, state if state in get_args(State) else "elicitation"),
        act=cast(Act, act if act in get_args(Act) else ""),
        liked=titles["liked"],
        disliked=titles["disliked"],
        seen=titles["seen"],
        similar=titles["similar"],
        unlike=titles["unlike"],
        about=titles["about"],
        picked=tuple(
            dict.fromkeys(
                at for at in _several(reply.get("picked"))
                if isinstance(at, int) and not isinstance(at, bool) and 1 <= at <= shown
            )
        ),
        wishes=tuple(dict.fromkeys(_wishes(reply, lexicon))),
        withdrawn=tuple(dict.fromkeys(_withdrawn(reply, lexicon))),
        k=k if isinstance(k, int) and not isinstance(k, bool) and 1 <= k <= 50 else None,
        novelty=novelty if novelty in ("new", "known") else "",
        text=" ".join(str(reply.get("text") or "").split())[:300],
        unknown=tuple(dict.fromkeys(unknown)),
        source="model",
    )  # fmt: skip


def merged(message: str, grammar: Intent, model: Intent, catalog: Catalog) -> Intent:
    """Return what both read: the grammar's reading stands, the model adds what the message bears.

    A wish, an item, a place or a name counts only where the message says it, not what a model
    reads between the lines: it may lie. Taking back is the grammar's alone.
    """

    def items(name: str, not_of: Sequence[str] = ()) -> tuple[str, ...]:
        read = [one for one in getattr(model, name) if names(message, catalog[one].title)]
        added = (one for one in read if one not in not_of)
        return tuple(dict.fromkeys([*getattr(grammar, name), *added]))

    taken = grammar.act in ("undo", "forget", "more") or model.act in ("undo", "forget", "more")
    read = not replace(grammar, text="").says_nothing
    said = set(words(message))
    return replace(
        grammar,
        liked=items("liked", grammar.disliked),
        disliked=items("disliked", grammar.liked),
        seen=items("seen"),
        similar=items("similar", grammar.unlike),
        unlike=items("unlike", grammar.similar),
        about=items("about"),
        state=grammar.state if taken or read else model.state,
        act=grammar.act if taken or read else model.act,
        picked=grammar.picked or tuple(at for at in model.picked if places(message, at)),
        wishes=(*grammar.wishes, *_added(message, grammar, model)),
        k=grammar.k or (model.k if model.k and counts(message, model.k) else None),
        novelty=grammar.novelty or model.novelty,
        text=_left(model.text, said, grammar),
        unknown=(*grammar.unknown, *_heard(message, model, grammar)),
        source="model",
    )


def _left(text: str, said: set[str], grammar: Intent) -> str:
    """Return the words a model would search for, where nothing the grammar read is among them."""
    asked = set(words(text))
    values = (one.value for one in grammar.wishes)
    held = {word for value in values for word in words(str(value))}
    if not asked or not asked <= said or asked & held or any(read_numbers(lowered(text))):
        return grammar.text
    return text


def _added(message: str, grammar: Intent, model: Intent) -> list[Wish]:
    """Return the wishes that only the model read, where the message says them."""
    held = {(one.attribute, str(one.value)) for one in grammar.wishes}
    bounds = {one.attribute for one in grammar.wishes if not isinstance(one.value, str)}
    return [
        wish
        for wish in model.wishes
        if (wish.attribute, str(wish.value)) not in held
        and (isinstance(wish.value, str) or wish.attribute not in bounds)
        and not any(contrary(wish, one) for one in grammar.wishes)
        and says(message, wish)
    ]


def _heard(message: str, model: Intent, grammar: Intent) -> tuple[str, ...]:
    """Return the names that only the model did not know and that the message says."""
    fresh = [one for one in model.unknown if one not in grammar.unknown]
    return tuple(one for one in fresh if names(message, one))


def _wishes(reply: Mapping[str, Any], lexicon: Lexicon) -> Iterator[Wish]:
    catalog = lexicon.catalog
    signs: dict[str, tuple[Operator, bool]] = {
        "wanted": ("is", True),
        "unwanted": ("is not", True),
        "rather": ("is", False),
        "rather_not": ("is not", False),
    }
    for name, (operator, firm) in signs.items():
        for attribute, value in _values(reply.get(name), lexicon):
            yield Wish(attribute, operator, value, firm)
    for one in _several(reply.get("numbers")):
        attribute, number = _field(one, "attribute"), _entry(one, "number")
        sign = _field(one, "operator")
        if attribute in catalog.attributes and catalog.is_numeric(attribute):
            if sign in ("at least", "at most") and _finite(number):
                whole = float(number).is_integer()
                bound = int(number) if whole else float(number)
                yield Wish(attribute, "at least" if sign == "at least" else "at most", bound)
    for one in _several(reply.get("levels")):
        attribute, said = _field(one, "attribute"), _field(one, "level")
        level = next((known for known in asked.LEVELS if known == said), None)
        if attribute in catalog.attributes and catalog.is_numeric(attribute):
            if level is not None and (wish := wish_of(catalog, attribute, level)):
                yield wish


def _withdrawn(reply: Mapping[str, Any], lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    yield from _values(reply.get("withdrawn"), lexicon)
    for one in _several(reply.get("withdrawn")):
        attribute = _field(one, "attribute")
        if attribute == ALL or (
            attribute in lexicon.catalog.attributes and lexicon.catalog.is_numeric(attribute)
        ):
            yield attribute, ""


def _values(found: object, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Yield the values of the catalogue among what a reply calls wishes."""
    catalog = lexicon.catalog
    for one in _several(found):
        attribute, value = _field(one, "attribute"), _field(one, "value")
        if attribute in catalog.attributes and not catalog.is_numeric(attribute):
            incidence = catalog.incidence(attribute)
            same = incidence.folded.get(value.strip().casefold())
            if same:
                yield attribute, incidence.values[same[0]]
                continue
            for sense in lexicon.phrases.get(key(value), ()):
                if sense.attribute == attribute:
                    yield attribute, sense.value
                    break


def _several(found: object) -> list[Any]:
    return found[:_MOST] if isinstance(found, list) else []


def _texts(found: object) -> list[str]:
    return [one.strip() for one in _several(found) if isinstance(one, str) and one.strip()]


def _entry(one: object, name: str) -> Any:
    return one.get(name) if isinstance(one, dict) else None


def _field(one: object, name: str) -> str:
    said = _entry(one, name)
    return said if isinstance(said, str) else ""


def _finite(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and math.isfinite(number)
        and abs(number) < 1e9
    )
