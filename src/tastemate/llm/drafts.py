"""From what a prompt wants to say to the prompt: put together, and fitted into its budget."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from tastemate.llm import cards, wording
from tastemate.llm.cards import Count, Room
from tastemate.llm.person import Person
from tastemate.llm.wording import Schema, Style
from tastemate.types import Generation, Item, Message, Prompt

Ways: TypeAlias = tuple[Style, Count]
"""How a prompt is written, and how its tokens are counted."""


def titles(
    name: str,
    task: str,
    person: Person,
    examples: Sequence[tuple[Person, Sequence[Item]]],
    n: int,
    ways: Ways,
    thinking: int = 0,
) -> Prompt:
    """Ask for titles by the model's own knowledge, after examples where there are some.

    `thinking` is how many tokens the reply may have besides the titles.
    """
    style = ways[0]

    def render(room: Room) -> str:
        shown = [
            lines("#", cards.example(who, then, style, room))
            for who, then in reversed(examples[: room.examples])
        ]
        return lines(
            *shown,
            "#" if shown else "",
            cards.told(person, style, room, naming=True),
            f"{n} titles:",
        )

    most = len(examples)
    choices = cards.rooms(len(person.likes), len(person.dislikes), most)
    said = wording.system(style, task, wording.LINES)
    return draft(name, said, render, choices, ways, max_tokens=16 + thinking + 20 * n)


def judged(
    name: str,
    task: str,
    person: Person,
    items: Mapping[str, Item],
    ways: Ways,
    labels: tuple[str, ...],
) -> Prompt:
    """Ask for one word about one item or two."""
    style = ways[0]

    def render(room: Room) -> str:
        shown = [
            f"{mark}{'*' if item.id in style.promote else ''} "
            f"{cards.card(item, style, room.detail, texts=room.texts, title=room.title)}"
            for mark, item in items.items()
        ]
        return lines(cards.told(person, style, room), *shown, "Answer:")

    said = wording.system(style, task, wording.LINES, f"Reply only {' or '.join(labels)}.")
    return draft(name, said, render, history_rooms(person), ways, max_tokens=1, labels=labels)


def history_rooms(person: Person) -> list[Room]:
    """Return how much may be said of somebody."""
    detail = cards.OF_WISHED if person.request else cards.OF_CANDIDATE
    return cards.rooms(len(person.likes), len(person.dislikes), detail=detail)


def lines(*parts: str) -> str:
    """Return the parts that say something, a line each."""
    return "\n".join(part for part in parts if part)


def draft(
    name: str,
    system: str,
    render: Callable[[Room], str],
    choices: Sequence[Room],
    ways: Ways,
    *,
    max_tokens: int,
    schema: Schema | None = None,
    labels: tuple[str, ...] = (),
    share: int = 1,
) -> Prompt:
    """Return a prompt within the budget; one shared by several people has that of each."""
    style, count = ways
    text = cards.fit(system, render, choices, style.budget * share, count)
    messages = (Message("system", system), Message("user", text or "(nothing)"))
    return Prompt(name, messages, Generation(max_tokens=max_tokens), schema, labels)
