"""From what a prompt wants to say to the prompt: put together, and fitted into its budget."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from tastemate.llm import cards, wording
from tastemate.llm.cards import Count, Room
from tastemate.llm.person import Person
from tastemate.llm.screening import screen
from tastemate.llm.wording import Schema, Style
from tastemate.messages import Generation, Message, Prompt
from tastemate.traits import split_year
from tastemate.types import Evidence, Item

Ways: TypeAlias = tuple[Style, Count]
"""How a prompt is written, and how its tokens are counted."""


class Names:
    """Titles in as few words as tell some items apart: with their years where names repeat."""

    def __init__(self, items: Sequence[Item], style: Style) -> None:
        names = Counter(_name(title) for title in {item.title for item in items})
        self._repeated = {name for name, n in names.items() if n > 1}
        self._dated = cards.bare(style)
        self._undated = replace(self._dated, years=False)

    def repeated(self, title: str) -> bool:
        """Whether another of the titles has the same name, in another year."""
        return _name(title) in self._repeated

    def of(self, item: Item, title: int) -> str:
        """Return the title of an item, screened, of at most so many characters."""
        style = self._dated if self.repeated(item.title) else self._undated
        return cards.card(item, style, 0, title=title)


def evidence(
    items: Sequence[tuple[Item, Sequence[Evidence]]], style: Style, title: int = screen.TITLE
) -> str:
    """Return numbered items, each with its evidence a line a piece, that of one title together.

    A title is named once: what follows says "too" and "both" of the title named last. How much
    somebody liked it is left out, and so are years, except where two titles would look the same.
    """
    found: list[str] = []
    for at, (item, facts) in enumerate(items, start=1):
        known = {fact.title: Item("", fact.title) for fact in facts if fact.title}
        named = Names([item, *known.values()], style)
        found.append(f"{cards.mark(at, item, style)} {named.of(item, title)}")
        order = {name: n for n, name in enumerate(known)}
        last = ""
        for fact in sorted(facts, key=lambda one: order.get(one.title, len(order))):
            brief = replace(fact, value="") if fact.kind == "liked item" else fact
            if fact.title and not named.repeated(fact.title):
                brief = replace(brief, title=split_year(fact.title)[0])
            told = cards.fact(brief, title, again=bool(last) and fact.title == last)
            found.append(told.replace(":", "", 1))
            last = fact.title or last
    return "\n".join(found)


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


def _name(title: str) -> str:
    return split_year(title)[0].casefold()
