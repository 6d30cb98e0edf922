"""Every prompt there is: typed functions, versioned by name, static part first.

What comes from data or people (titles, texts, requests) is fenced, capped and cleaned: it is
never an instruction. Candidates carry handles 1..n; a model answers with handles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tastemate.llm.person import Person, Rated
from tastemate.types import Evidence, Generation, Item, Message, Prompt, Statement

Persona: TypeAlias = Literal["friend", "critic", "plain"]
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Style:
    """How prompts are written: who speaks, what is said of items, what is asked besides."""

    persona: Persona = "plain"
    instruction: str = ""
    """The operator's own sentence, added to the static part."""
    fairness: bool = False
    """Ask for rankings that do not depend on who the person is."""
    promote: tuple[str, ...] = ()
    """Ids of items the operator promotes; disclosed in the reason wherever one is shown."""
    years: bool = True
    attributes: bool = True
    texts: bool = True
    dislikes: bool = True
    budget: int = 3000
    """Tokens of a prompt; the least informative part is dropped first."""


PLAIN = Style()


def profile(rated: Sequence[Rated], style: Style = PLAIN) -> Prompt:
    """Ask for a taste: {"text", "statements": [{"kind", "value", "likes", "items": [handle]}]}.

    `rated` is shown under handles 1..n in the order given.
    """
    lines = "\n".join(
        f"[{at}] {_card(one.item, style)} | {one.value:g}" for at, one in enumerate(rated, start=1)
    )
    return _prompt(
        "profile/1", "Describe this person's taste. Reply in JSON.", lines, 400, schema=_STATEMENTS
    )


def profile_update(
    before: Sequence[Statement], text: str, rated: Sequence[Rated], style: Style = PLAIN
) -> Prompt:
    """Ask how newer events change a taste; the reply is that of `profile`, in full."""
    lines = (
        "\n".join(f"- {one.text}" for one in before)
        + f"\n{text}\n"
        + "\n".join(
            f"[{at}] {_card(one.item, style)} | {one.value:g}"
            for at, one in enumerate(rated, start=1)
        )
    )
    return _prompt(
        "profile_update/1", "Update this taste. Reply in JSON.", lines, 400, schema=_STATEMENTS
    )


def zero_shot(person: Person, n: int, style: Style = PLAIN) -> Prompt:
    """Ask for n titles out of the model's own knowledge, one a line."""
    return _prompt("zero_shot/1", f"Name {n} titles, one a line.", _person(person, style), 24 * n)


def few_shot(
    person: Person, examples: Sequence[tuple[Person, Sequence[Item]]], n: int, style: Style = PLAIN
) -> Prompt:
    """Ask for n titles after worked examples: other people, and what they went on to like."""
    shown = "\n\n".join(
        f"{_person(who, style)}\n=>\n" + "\n".join(_card(item, style) for item in then)
        for who, then in examples
    )
    return _prompt(
        "few_shot/1",
        f"Name {n} titles, one a line.",
        f"{shown}\n\n{_person(person, style)}",
        24 * n,
    )


def chain_of_thought(person: Person, n: int, style: Style = PLAIN) -> Prompt:
    """Ask for a line of reasoning, then, after a line "TITLES:", n titles, one a line."""
    return _prompt(
        "chain_of_thought/1",
        f"Think, then write TITLES: and {n} titles, one a line.",
        _person(person, style),
        200 + 24 * n,
    )


def listwise(person: Person, items: Sequence[Item], style: Style = PLAIN) -> Prompt:
    """Ask for an order of the handles 1..n: {"order": [handle, …]}, best first."""
    return _prompt(
        "listwise/1",
        "Rank the candidates. Reply in JSON.",
        f"{_person(person, style)}\n{_cards(items, style)}",
        8 + 5 * len(items),
        schema=_order(len(items)),
    )


def listwise_batch(
    people: Sequence[Person], pools: Sequence[Sequence[Item]], style: Style = PLAIN
) -> Prompt:
    """Ask for several people's orders at once: {"orders": [[handle, …], …]}, person by person."""
    body = "\n\n".join(
        f"# {at}\n{_person(who, style)}\n{_cards(items, style)}"
        for at, (who, items) in enumerate(zip(people, pools, strict=True), start=1)
    )
    size = sum(8 + 5 * len(items) for items in pools)
    return _prompt(
        "listwise_batch/1",
        "Rank each person's candidates. Reply in JSON.",
        body,
        size,
        schema={"type": "object"},
    )


def pointwise(person: Person, item: Item, style: Style = PLAIN) -> Prompt:
    """Ask whether this person will like one item; labels "yes", "no"."""
    return _prompt(
        "pointwise/1",
        "Will this person like the item? yes or no.",
        f"{_person(person, style)}\n{_card(item, style)}",
        1,
        labels=("yes", "no"),
    )


def pairwise(person: Person, one: Item, other: Item, style: Style = PLAIN) -> Prompt:
    """Ask which of two items this person will like better; labels "A", "B"."""
    return _prompt(
        "pairwise/1",
        "Which will this person like better? A or B.",
        f"{_person(person, style)}\nA: {_card(one, style)}\nB: {_card(other, style)}",
        1,
        labels=("A", "B"),
    )


def letters(person: Person, items: Sequence[Item], style: Style = PLAIN) -> Prompt:
    """LlamaRec's prompt: the history, up to 26 candidates under letters; labels the letters."""
    shown = "\n".join(
        f"({letter}) {_card(item, style)}" for letter, item in zip(LETTERS, items, strict=False)
    )
    return _prompt(
        "letters/1",
        "Which comes next? Answer with one letter.",
        f"{_person(person, style)}\n{shown}",
        1,
        labels=LETTERS[: len(items)],
    )


Aspect: TypeAlias = Literal["single", "comparative", "multi-aspect"]


def explanation(
    aspect: Aspect,
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    request: str = "",
    style: Style = PLAIN,
    *,
    phrasings: int = 1,
) -> Prompt:
    """Ask for reasons in words, from evidence only.

    {"reasons": [{"item": handle, "phrasings": [[{"text", "evidence": [id]}, …], …]}]}; evidence ids
    are those of the item. "comparative" takes two or three items; "multi-aspect" asks for content,
    popularity, diversity and time where there is evidence of them.
    """
    body = "\n".join(
        f"[{at}] {_card(item, style)} {[(e.id, e.kind, e.title) for e in facts]}"
        for at, (item, facts) in enumerate(items, start=1)
    )
    return _prompt(
        f"explanation-{aspect}/1",
        f"Say why. {phrasings} phrasings. Reply in JSON.",
        f"{request}\n{body}",
        80 * phrasings * len(items),
        schema={"type": "object"},
    )


def features(item: Item, vocabulary: Mapping[str, Sequence[str]], style: Style = PLAIN) -> Prompt:
    """Ask for an item's features: {name: [value, …]}; values of a non-empty vocabulary only."""
    return _prompt(
        "features/1",
        f"Describe the item: {dict(vocabulary)}. Reply in JSON.",
        _card(item, style),
        120,
        schema={"type": "object"},
    )


def answer(
    question: str,
    person: Person,
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    style: Style = PLAIN,
) -> Prompt:
    """Ask for an answer from the items only: {"sentences": [{"text", "items": [handle]}, …]}."""
    return _prompt(
        "answer/1",
        "Answer from the items only. Reply in JSON.",
        f"{question}\n{_cards([item for item, _ in items], style)}",
        300,
        schema={"type": "object"},
    )


_STATEMENTS: Mapping[str, Any] = {"type": "object"}


def _order(n: int) -> Mapping[str, Any]:
    handles = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": n}}
    return {
        "type": "object",
        "properties": {"order": handles},
        "required": ["order"],
        "additionalProperties": False,
    }


def _prompt(
    name: str,
    system: str,
    user: str,
    max_tokens: int,
    *,
    schema: Mapping[str, Any] | None = None,
    labels: tuple[str, ...] = (),
) -> Prompt:
    messages = (Message("system", system), Message("user", user))
    return Prompt(name, messages, Generation(max_tokens=max_tokens), schema, labels)


def _person(person: Person, style: Style) -> str:
    lines = [f"+ {_card(one.item, style)}" for one in person.likes]
    if style.dislikes:
        lines += [f"- {_card(one.item, style)}" for one in person.dislikes]
    return "\n".join([person.request, *lines])


def _cards(items: Sequence[Item], style: Style) -> str:
    return "\n".join(f"[{at}] {_card(item, style)}" for at, item in enumerate(items, start=1))


def _card(item: Item, style: Style) -> str:
    genres = item.attributes.get("genres", ())
    told = f" ({', '.join(genres)})" if style.attributes and isinstance(genres, tuple) else ""
    return item.title[:120] + told
