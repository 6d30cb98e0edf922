"""How items and people look in a prompt, and what is left out of it when tokens are short.

Everything that comes from data or people passes through `screen` here. `Room` says how much may
be said; `rooms` lists the rooms from the largest to the smallest, `fit` finds the largest that
keeps a prompt within its budget.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tastemate.llm.person import Person, Rated
from tastemate.llm.screening import screen
from tastemate.llm.wording import Style
from tastemate.traits import is_year, split_year
from tastemate.types import AttributeValue, Evidence, Item, Statement

Count: TypeAlias = Callable[[str], int]

TELLING = (
    "genres", "genre", "themes", "moods", "mood", "keywords", "tags", "authors", "author",
    "directors", "director", "brand", "categories", "category",
)  # fmt: skip
"""Attributes that say most about an item, in this order; others follow as they come."""
_TECHNICAL = re.compile(r"(?i)(?:^|[_\W])(?:id|url|uri|isbn|image|link|href|code)\w*$").search
OF_CANDIDATE = 2
"""Values said of a candidate; keywords of its text fill up what its attributes leave."""
OF_WISHED = 3
"""Values said of a candidate where there is a wish in words to hold it against."""
OF_HISTORY = 1
"""Values said of an item somebody met."""
LONGEST = 160
"""Characters of a description where one is shown."""


@dataclass(frozen=True, slots=True)
class Tie:
    """What a knowledge graph says of a candidate by one relation."""

    relation: str
    names: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    """Handles of the candidates it leads to, or that share the names."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much a prompt says."""

    texts: bool
    details: int
    """Lines of the history that carry attributes, most telling first, dislikes last."""
    likes: int
    dislikes: int
    examples: int
    detail: int = OF_WISHED
    """Attribute values of a candidate."""
    taste: bool = True
    title: int = screen.TITLE
    """Characters of a title."""


def rooms(likes: int, dislikes: int, examples: int = 0, *, detail: int = OF_WISHED) -> list[Room]:
    """Return how much may be said, from everything to the least, in the order things are dropped.

    1 texts and ties; 2 attributes of the history, dislikes and the least telling likes first;
    3 examples, the farthest first; 4 the least telling likes, down to three; 5 dislikes;
    6 attributes of the candidates, one value of each at a time; 7 the last likes; 8 the taste;
    9 the ends of titles.
    """
    room = Room(True, likes + dislikes, likes, dislikes, examples, detail)
    found = [room]

    def down(name: str, values: Iterable[int]) -> None:
        for value in values:
            least: dict[str, Any] = {name: value}
            found.append(replace(found[-1], **least))

    found.append(replace(room, texts=False))
    down("details", range(likes + dislikes - 1, -1, -1))
    down("examples", range(examples - 1, -1, -1))
    down("likes", range(likes - 1, 2, -1))
    down("dislikes", range(dislikes - 1, -1, -1))
    down("detail", range(detail - 1, -1, -1))
    down("likes", range(min(likes, 3) - 1, -1, -1))
    found.append(replace(found[-1], taste=False))
    down("title", (60, 40))
    return found


def fit(
    system: str,
    render: Callable[[Room], str],
    choices: Sequence[Room],
    budget: int,
    count: Count,
) -> str:
    """Return the text of the largest room within the budget, of the smallest if none is."""
    left = budget - count(system)
    whole = render(choices[0])
    if count(whole) <= left:
        return whole
    low, high = 1, len(choices) - 1
    best = render(choices[high])
    while low <= high:
        middle = (low + high) // 2
        text = render(choices[middle])
        if count(text) <= left:
            best, high = text, middle - 1
        else:
            low = middle + 1
    return best


def card(item: Item, style: Style, detail: int, *, texts: bool = False, title: int = 0) -> str:
    """Return an item on one line: its title, year, and some of what is known of it."""
    shown, year = split_year(item.title)
    name = screen.title(shown, title or screen.TITLE)
    if style.years:
        year = year or _year(item)
        name += f" ({year})" if year else ""
    told = list(_values(item, detail)) if style.attributes and detail > 0 else []
    if texts and style.texts and detail > len(told):
        taken = {word.casefold() for value in told for word in value.split()}
        words = (word for word in screen.keywords(item.text) if word.casefold() not in taken)
        told += sorted(list(words)[: detail - len(told)])
    line = f"{name} | {', '.join(told)}" if told else name
    return name if told and screen.suspicious(line) else line


def description(item: Item, style: Style) -> str:
    """Return the sentences of an item's text that may be shown, fenced; empty where none may."""
    said = screen.sentences(item.text, LONGEST) if style.texts else ""
    return f"\n<text>{said}</text>" if said else ""


def history(person: Person, style: Style, room: Room) -> list[str]:
    """Return the lines of what somebody liked and disliked."""
    likes = person.likes[: room.likes]
    dislikes = person.dislikes[: room.dislikes] if style.dislikes else ()
    lines = [_met("+", one, style, at < room.details, room) for at, one in enumerate(likes)]
    start = len(person.likes)
    lines += [
        _met("-", one, style, start + at < room.details, room) for at, one in enumerate(dislikes)
    ]
    return lines


def told(person: Person, style: Style, room: Room, *, naming: bool = False) -> str:
    """Return everything a ranking may know of somebody: history, taste, wish.

    Years in the history cost as much as titles and are shown only where titles are to be named.
    """
    style = style if naming else replace(style, years=False)
    said = taste(person) if room.taste else ""
    # A taste says in a few words what the attributes of the history would say in many.
    lines = history(person, style, replace(room, details=0) if said else room)
    if said:
        lines.append(f"= {said}")
    if wish := screen.request(person.request):
        lines.append(f"? {wish}")
    return "\n".join(lines) or "(nothing is known of this person)"


def taste(person: Person) -> str:
    """Return a taste as a few words: the values of its statements, else its text."""
    if person.taste is None:
        return ""
    wanted = _said([one.value for one in person.taste.statements if one.likes], 8)
    unwanted = _said([one.value for one in person.taste.statements if not one.likes], 4)
    parts = [", ".join(wanted), f"not {', '.join(unwanted)}" if unwanted else ""]
    return "; ".join(part for part in parts if part) or screen.sentences(person.taste.text, 300)


def numbered(items: Sequence[Item], style: Style, room: Room) -> str:
    """Return candidates, each on a line under its handle."""
    return "\n".join(
        f"{mark(at, item, style)} "
        f"{card(item, style, room.detail, texts=room.texts, title=room.title)}"
        for at, item in enumerate(items, start=1)
    )


def mark(at: int, item: Item, style: Style) -> str:
    """Return the handle of an item, with a star where the operator promotes it."""
    return f"[{at}]*" if item.id in style.promote else f"[{at}]"


def ratings(rated: Sequence[Rated], style: Style, room: Room) -> str:
    """Return items with what they were given, each on a line under its handle.

    The middle of the scale says least and goes first, the oldest first among equals.
    """
    order = _telling(rated)
    shown = set(order[: room.likes])
    detailed = set(order[: room.details])
    return "\n".join(
        f"[{at + 1}] {_card(one, style, at in detailed, room)} = {one.value:g}"
        for at, one in enumerate(rated)
        if at in shown
    )


def statements(of: Sequence[Statement]) -> list[str]:
    """Return the statements of a taste, a line each."""
    said = ((one, _said((one.value,), 3)) for one in of)
    return [f"{'+' if one.likes else '-'} {', '.join(values)}" for one, values in said if values]


def evidenced(
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    style: Style,
    room: Room,
    *,
    text: bool = False,
    ties: Sequence[Sequence[Tie]] = (),
) -> str:
    """Return numbered items, each with what is known for it, and its description if wanted.

    `ties` are what a graph says of each item, in the same order.
    """
    lines: list[str] = []
    for at, (item, facts) in enumerate(items, start=1):
        shown = f"{mark(at, item, style)} {card(item, style, room.detail, title=room.title)}"
        lines.append(shown + (description(item, style) if text else ""))
        if said := tied(ties[at - 1], room.title) if ties else "":
            lines.append(said)
        lines += [fact(one, room.title) for one in facts]
    return "\n".join(lines)


def tied(ties: Sequence[Tie], title: int = screen.TITLE) -> str:
    """Return ties on one line: "~ directors: Mann, as [2]; sequel: [3]"; empty where none may be.

    A tie of which a name may not be shown is left out whole.
    """
    parts: list[str] = []
    said: list[str] = []
    for tie in ties:
        relation = screen.value(tie.relation)
        names = [screen.value(name, title) for name in tie.names]
        others = ", ".join(f"[{handle}]" for handle in tie.others)
        if relation and all(names) and (names or others):
            of = [f"as {others}" if names else others] if others else []
            parts.append(f"{relation}: {', '.join([*names, *of])}")
            said += [relation, *names]
    # Handles are ours, so the words are looked at without them.
    return f"~ {'; '.join(parts)}" if parts and not screen.suspicious(", ".join(said)) else ""


def example(person: Person, then: Sequence[Item], style: Style, room: Room) -> str:
    """Return a worked example: what somebody liked, and what they went on to like."""
    few = replace(room, details=0, likes=min(room.likes, 6), dislikes=0, taste=False)
    lines = history(person, style, few)
    return "\n".join([*lines, "=>", *(card(item, style, 0, title=room.title) for item in then)])


def bare(style: Style) -> Style:
    """Return a style that shows titles only."""
    return replace(style, attributes=False, texts=False)


def fact(evidence: Evidence, title: int = screen.TITLE, *, again: bool = False) -> str:
    """Return a piece of evidence on one line, its id first; a like is named with its year.

    `again` where the line before is about the same title, which is then not named once more.
    """
    known = evidence.title if evidence.kind == "liked item" else split_year(evidence.title)[0]
    name = screen.title(known, title) if known else ""
    value = _number(evidence.value)
    attribute = screen.value(evidence.attribute)
    match evidence.kind:
        case "liked item":
            told = f"liked {name}" + (f", gave it {value}" if value else "")
        case "shared attribute":
            told = f"{attribute} {value}" + (" too" if again else f", as in {name}")
        case "neighbours":
            told = f"{evidence.count} people liked " + ("both" if again else f"it and {name}")
        case "popularity":
            told = f"{evidence.count} people liked it"
        case "query":
            told = f"wish met: {attribute} {value}"
        case "context":
            told = f"{attribute} {value}" + (
                f", right {screen.value(evidence.because)}" if evidence.because else ", leaned to"
            )
        case "promotion" | "seen":
            told = "known already" if evidence.kind == "seen" else "promoted by the operator"
        case "new attribute":
            told = f"{attribute} {value}, new to this person"
        case "contrast":
            told = f"{attribute} {value}, unlike {name}"
    return f"{evidence.id}: {told}"


def _met(sign: str, one: Rated, style: Style, detailed: bool, room: Room) -> str:
    return f"{sign} {_card(one, style, detailed, room)}"


def _card(one: Rated, style: Style, detailed: bool, room: Room) -> str:
    return card(one.item, style, OF_HISTORY if detailed else 0, title=room.title)


def _telling(rated: Sequence[Rated]) -> list[int]:
    """Return positions, most telling first."""
    values = [one.value for one in rated]
    middle = (min(values) + max(values)) / 2 if values else 0.0
    return sorted(range(len(rated)), key=lambda at: (-abs(values[at] - middle), -at))


def _year(item: Item) -> int | None:
    for name, value in item.attributes.items():
        if is_year(name) and isinstance(value, int | float) and value == value:
            return int(value)
    return None


def _values(item: Item, n: int) -> tuple[str, ...]:
    """Return n values of an item, one of each attribute in turn, most telling attributes first."""
    names = [name for name in TELLING if name in item.attributes]
    names += [name for name in item.attributes if name not in names and not _TECHNICAL(name)]
    lists = [_texts(item.attributes[name]) for name in names]
    depth = max((len(values) for values in lists), default=0)
    in_turn = (values[at] for at in range(depth) for values in lists if at < len(values))
    return tuple(_said(in_turn, n))


def _texts(value: AttributeValue) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if one) if isinstance(value, tuple) else ()


def _said(values: Iterable[AttributeValue], n: int) -> list[str]:
    """Return at most n different values that may be shown."""
    found: dict[str, str] = {}
    for value in values:
        if len(found) == n:
            break
        for text in _texts(value):
            if shown := screen.value(text):
                found.setdefault(shown.casefold(), shown)
    return list(found.values())[:n]


def _number(value: AttributeValue) -> str:
    if isinstance(value, int | float):
        return f"{value:g}"
    return ", ".join(_said(_texts(value), 3))
