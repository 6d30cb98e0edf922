"""The prompt of a model that calls the tools itself: what there is to call, and what came of it.

It needs no tool interface of a provider: each step is one JSON object that fits a schema. The
system message is the same for everybody; the message, the items and the results of tools come
after it as data, screened as everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tastemate.llm import cards, drafts, wording
from tastemate.llm.cards import Count
from tastemate.llm.person import Person
from tastemate.llm.screening import screen
from tastemate.llm.tokens import estimate
from tastemate.llm.wording import PLAIN, Schema, Style
from tastemate.messages import Message, Prompt
from tastemate.types import Evidence, Item

SHOW = "show"
"""The step that ends the loop."""
SENTENCES = 3
"""Sentences asked for at most."""
SHOWN = 20
"""Handles of a list at most."""
WRITTEN = 420
"""Tokens of one step."""
LINE = 160
"""Characters of one thing believed."""
ERROR = 400
"""Characters of an error a model is told."""
LEFT_OUT = "(left out to save room)"

_TASK = (
    "Find what suits this person by calling tools, then show it: "
    "one step at a time, as few calls as will do."
)
_RULES = (
    "Results hold items under handles [1]… that stay. Wishes and dislikes of the person hold in "
    'every tool. "", 0 and [] mean "as the person said". Show handles only, best first.'
)
_SAY = (
    f"say: at most {SENTENCES} short sentences on shown items; name the titles; say of them only "
    "what stands in their lines, in those words; say you; no praise."
)


@dataclass(frozen=True, slots=True)
class Described:
    """A tool as a model is told of it."""

    name: str
    does: str
    """One sentence."""
    arguments: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a tool, as JSON, and the lines that came of it."""

    call: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a model knows before its first call."""

    message: str
    person: Person
    believed: Sequence[str] = ()
    """What is believed of the person, line by line, numbered from 1."""
    vocabulary: Mapping[str, Sequence[str]] | None = None
    """Attribute → some of its values."""
    shown: Sequence[Item] = ()
    """The list shown last, under handles from 1."""


def step(
    opening: Opening,
    exchanges: Sequence[Exchange],
    tools: Sequence[Described],
    left: int,
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask for the next step: {"tool", "arguments"}; the tool "show" ends it.

    `left` is how many tools may still be called; without any left only "show" fits. Half of the
    budget is for the beginning; results are left out oldest first where they do not fit.
    """
    begun = _opened(opening, tools, style, count)
    room = style.budget - sum(count(turn.text) for turn in begun.messages)
    turns: list[Message] = []
    for at, one in enumerate(reversed(exchanges)):
        calls = f"{left} calls left." if left else "No calls left: show now."
        last = f"\n{calls}" if not at else ""
        result = _fitted(one.lines, room - count(one.call) - count(last), count)
        room -= count(one.call) + count(result) + count(last)
        turns += [Message("user", result + last), Message("assistant", one.call)]
    return replace(
        begun,
        messages=(*begun.messages, *reversed(turns)),
        schema=schema(tools if left else ()),
    )


def schema(tools: Sequence[Described]) -> Schema:
    """Return the schema of a step; closed objects and all required, as strict modes ask."""
    sentence = wording.record(
        {
            "text": wording.TEXT,
            "items": wording.several({"type": "integer", "minimum": 1}, SHOWN, 1),
        }
    )
    handles = wording.several({"type": "integer", "minimum": 1}, SHOWN)
    shows = wording.record({"handles": handles, "say": wording.several(sentence, SENTENCES)})
    calls = [wording.record(tool.arguments) for tool in tools]
    return wording.record(
        {
            "tool": wording.one_of([*(tool.name for tool in tools), SHOW]),
            "arguments": {"anyOf": [*calls, shows]} if calls else shows,
        }
    )


def results(
    items: Sequence[tuple[int, Item, Sequence[Evidence]]],
    style: Style = PLAIN,
    *,
    detail: int = cards.OF_WISHED,
    text: bool = False,
) -> tuple[str, ...]:
    """Return items as short cards under their handles, each with its evidence, a line a piece."""
    lines: list[str] = []
    for handle, item, facts in items:
        star = "*" if item.id in style.promote else ""
        said = cards.description(item, style) if text else ""
        lines.append(f"[{handle}]{star} {cards.card(item, style, detail)}{said}")
        lines += [cards.fact(one) for one in facts]
    return tuple(lines)


def error(text: str) -> tuple[str, ...]:
    """Return an error as a model is told it: cleaned, for it may repeat what the model wrote."""
    return (f"error: {screen.cleaned(text, ERROR)}",)


def _opened(opening: Opening, tools: Sequence[Described], style: Style, count: Count) -> Prompt:
    listed = "\n".join(f"{one.name}({', '.join(one.arguments)}): {one.does}" for one in tools)
    shows = f"{SHOW}(handles, say): End with this list and what is said of it."
    reply = 'Reply only {"tool":"…","arguments":{…}}.'
    system = wording.system(
        style,
        _TASK,
        wording.LINES,
        _RULES,
        _SAY,
        wording.PRIVATE,
        f"{reply}\n{listed}\n{shows}",
    )
    who = opening.person
    asked = Person(who.likes, who.dislikes, who.taste, opening.message or who.request)
    told = [
        f"{at}. {said}"
        for at, line in enumerate(opening.believed, start=1)
        if (said := screen.sentences(line, LINE))
    ]
    words = [
        f"{screen.value(name)}: {', '.join(values)}"
        for name, values in (opening.vocabulary or {}).items()
        if values
    ]
    return drafts.draft(
        "agent/1",
        system,
        lambda room: drafts.lines(
            "Attributes:" if words else "",
            *words,
            "Believed:" if told else "",
            *told,
            "Shown last:" if opening.shown else "",
            cards.numbered(opening.shown, style, room),
            cards.told(asked, style, room),
        ),
        drafts.history_rooms(asked),
        (replace(style, budget=style.budget // 2), count),
        max_tokens=WRITTEN,
    )


def _fitted(lines: Sequence[str], room: int, count: Count) -> str:
    """Return as many lines, from the first, as there is room for."""
    kept: list[str] = []
    for line in lines:
        room -= count(line) + 1
        if room < 0:
            break
        kept.append(line)
    if len(kept) == len(lines):
        return "\n".join(kept) or "(nothing)"
    return "\n".join((*kept, LEFT_OUT))
