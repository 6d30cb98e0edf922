"""The tools of a conversation as data for a model: what each does, takes and finds.

Whatever a model asks for, the session holds on top: what may not be shown is never found, and
what the person did not say is neither remembered nor forgotten. Errors are results it can read.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tastemate.chat import spelled
from tastemate.chat.beliefs import Beliefs, beliefs
from tastemate.chat.desk import Desk
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Session, Turn
from tastemate.chat.spelled import OPERATORS, Spelled
from tastemate.chat.told import Line, lines
from tastemate.errors import ConfigError, TastemateError
from tastemate.filters import allowed
from tastemate.llm import prompts_agent, wording
from tastemate.llm.prompts_agent import Described
from tastemate.llm.wording import Schema
from tastemate.types import AS_IS, Candidate, Filter, Mask, Query

Arguments: TypeAlias = Mapping[str, Any]
Lines: TypeAlias = tuple[str, ...]

WIDE = 300
"""Candidates of a search that are held against the session."""
WISHES = 6
"""Wishes of one call at most."""
COMPARED = 4
"""Items compared at most."""
DETAIL = 8
"""Values said of an item that is asked about."""

_TEXT: Schema = wording.TEXT
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": prompts_agent.SHOWN}
_HANDLE: Schema = {"type": "integer", "minimum": 1}
_WISH = wording.record(
    {
        "attribute": _TEXT,
        "operator": wording.one_of(OPERATORS),
        "values": wording.several(_TEXT, WISHES, 1),
    }
)
_WISHED = wording.several(_WISH, WISHES)
_BLANK: Mapping[str, Any] = {"text": "", "k": 0, "wishes": [], "of": ""}
"""What an argument is that a model leaves out."""


class Toolbox:
    """The tools over one message: their handles, and what was learned of the person by them."""

    def __init__(
        self, desk: Desk, heard: Session, query_of: Callable[[Session, Beliefs], Query]
    ) -> None:
        self.desk = desk
        self.heard = heard
        """The conversation with the turn that is answered, as yet without its reply."""
        self._query_of = query_of
        self._handles: dict[str, int] = {}
        self._spelled = Spelled(desk.catalog)
        for one in heard.shown:
            if one in desk.catalog:
                self.handle(one)

    @property
    def message(self) -> str:
        """What the person said."""
        return self.heard.turns[-1].text

    @property
    def intent(self) -> Intent:
        """What the message means, with what was remembered and forgotten."""
        return self.heard.turns[-1].intent

    @cached_property
    def now(self) -> Beliefs:
        """What is believed of the person by now."""
        return beliefs(self.heard, self.desk.catalog)

    @cached_property
    def query(self) -> Query:
        """What is believed, as a query."""
        return self._query_of(self.heard, self.now)

    @cached_property
    def may(self) -> Mask:
        """Which items may be shown by the session, (items,)."""
        may, _ = allowed(self.desk.catalog, self.query.filters)
        may[list(self.query.exclude)] = False
        if self.query.exclude_seen:
            may[self.query.history.items] = False
        return may

    @property
    def believed(self) -> tuple[Line, ...]:
        """What is believed, line by line."""
        return lines(self.now, self.heard, self.desk.catalog)

    @property
    def vocabulary(self) -> Mapping[str, Sequence[str]]:
        """Attribute → some of its values, to be told to a model."""
        return self._spelled.examples

    @property
    def items(self) -> tuple[str, ...]:
        """The ids that have handles, in their order."""
        return tuple(self._handles)

    def handle(self, item: str) -> int:
        """Return the handle of an item, a new one where it has none."""
        return self._handles.setdefault(item, len(self._handles) + 1)

    def item(self, handle: int) -> str:
        """Return the id under a handle; raise `ConfigError` where there is none."""
        if not 0 < handle <= len(self._handles):
            raise ConfigError(f"There is no handle {handle}; {len(self._handles)} were given out.")
        return self.items[handle - 1]

    def call(self, name: str, arguments: Any) -> Lines:
        """Call a tool by its name and return its lines, an error among them where it is none."""
        tool = TOOLS.get(name)
        if tool is None:
            known = ", ".join((*TOOLS, prompts_agent.SHOW))
            return prompts_agent.error(f"There is no such tool. There are: {known}.")
        try:
            return tool.run(self, _validated(tool.described, arguments))
        except TastemateError as failure:
            return prompts_agent.error(str(failure))

    def wishes(self, written: Sequence[Arguments]) -> list[Wish]:
        """Return wishes as the catalogue spells them; raise `ConfigError` for one it lacks."""
        return [self._spelled.wish(one) for one in written[:WISHES]]

    def row(self, written: str) -> int:
        """Return the row of an item by handle or title; raise `ConfigError` where there is none."""
        bare = written.strip().strip("[]")
        if bare.isdecimal() and len(bare) < 4 and 0 < int(bare) <= len(self._handles):
            return self.desk.catalog.row(self.item(int(bare)))
        row = self.desk.linker.link(written).row
        if row < 0:
            raise ConfigError("No item is called that; there is nothing but what tools find.")
        return row

    def cards(self, rows: Sequence[int]) -> Lines:
        """Return items as short cards under handles; an error where there are none."""
        if not rows:
            return prompts_agent.error(
                "Nothing of that may be shown: it has to keep to the person's wishes, and what "
                "they know or dislike is left out. Ask for something wider."
            )
        catalog = self.desk.catalog
        shown = [(self.handle(catalog.ids[row]), catalog.item(row), ()) for row in rows]
        return prompts_agent.results(shown, self.desk.style)

    def learn(self, intent: Intent) -> None:
        """Take the message to mean this; what is believed follows."""
        turn: Turn = replace(self.heard.turns[-1], intent=replace(intent, source="model"))
        self.heard = replace(self.heard, turns=(*self.heard.turns[:-1], turn))
        for name in ("now", "query", "may"):
            self.__dict__.pop(name, None)

    def k(self, asked: int) -> int:
        """Return how many items a call gives: as many as asked for, else as the person says."""
        return min(asked or self.query.k, prompts_agent.SHOWN)


def _recommend(box: Toolbox, arguments: Arguments) -> Lines:
    extra: list[Filter] = [wish.filter for wish in box.wishes(arguments["wishes"])]
    query = replace(
        box.query,
        text=arguments["text"] or box.query.text,
        k=box.k(arguments["k"]),
        filters=(*box.query.filters, *extra),
    )
    if query.controls != AS_IS:  # what is turned is arranged, which a pool is not
        found = [box.desk.catalog.row(one) for one in box.desk.recommend(query).ids]
    else:
        found = [one.row for one in box.desk.pool(query, query.k)]
    return box.cards(found)


def _search(box: Toolbox, arguments: Arguments) -> Lines:
    if not arguments["text"].strip():
        raise ConfigError("search needs a text.")
    return box.cards(_kept(box, box.desk.search(arguments["text"], WIDE), arguments["k"]))


def _similar(box: Toolbox, arguments: Arguments) -> Lines:
    row = box.row(arguments["of"])
    return box.cards(_kept(box, box.desk.similar(row, WIDE), arguments["k"]))


def _kept(box: Toolbox, found: Sequence[Candidate], k: int) -> list[int]:
    return [one.row for one in found if box.may[one.row]][: box.k(k)]


def _compare(box: Toolbox, arguments: Arguments) -> Lines:
    return _told(box, list(dict.fromkeys(arguments["handles"])))


def _detail(box: Toolbox, arguments: Arguments) -> Lines:
    one = box.item(arguments["handle"])
    item = (arguments["handle"], box.desk.catalog[one], ())
    return prompts_agent.results([item], box.desk.style, detail=DETAIL, text=True)


def _explain(box: Toolbox, arguments: Arguments) -> Lines:
    return _told(box, [arguments["handle"]])


def _told(box: Toolbox, handles: Sequence[int]) -> Lines:
    """Return items with what speaks for each, best for the person first."""
    rows = [box.desk.catalog.row(box.item(handle)) for handle in handles]
    found = sorted(
        zip(handles, box.desk.explain(box.query, rows), strict=True), key=lambda one: one[1].rank
    )
    shown = [(handle, line.item, line.reason.evidence) for handle, line in found]
    return prompts_agent.results(shown, box.desk.style, detail=DETAIL)


def _remember(box: Toolbox, arguments: Arguments) -> Lines:
    """Take what the person said into what is believed; only what stands in the message."""
    kind, message, intent = arguments["verdict"], box.message, box.intent
    if kind == "wish":
        wishes = box.wishes(arguments["wishes"])
        if not wishes or not all(spelled.says(message, wish) for wish in wishes):
            raise ConfigError("The person did not say that; put it into the wishes of recommend.")
        if any(spelled.contrary(wish, other) for wish in wishes for other in intent.wishes):
            raise ConfigError("The person said the contrary.")
        known = [wish for wish in intent.wishes if wish not in wishes]
        box.learn(replace(intent, wishes=(*known, *wishes)))
        return ("remembered",)
    row = box.row(arguments["of"])
    one = box.desk.catalog.ids[row]
    shown = box.heard.shown
    place = shown.index(one) + 1 if one in shown else 0
    named = spelled.names(message, box.desk.catalog.titles[row])
    if not named and not (place and spelled.places(message, place)):
        raise ConfigError("The person did not say anything of that.")
    if one in (intent.disliked if kind == "liked" else (*intent.liked, *intent.similar)):
        raise ConfigError("The person said the contrary.")
    if kind == "liked":
        box.learn(replace(intent, liked=tuple(dict.fromkeys((*intent.liked, one)))))
    else:
        box.learn(replace(intent, disliked=tuple(dict.fromkeys((*intent.disliked, one)))))
    return ("remembered",)


def _forget(box: Toolbox, arguments: Arguments) -> Lines:
    """Take a line of what is believed back; only one that the message speaks of."""
    number, known = arguments["line"], box.believed
    if not 0 < number <= len(known):
        raise ConfigError(f"There is no line {number}: there are {len(known)}.")
    gone = known[number - 1].withdrawn
    titles = box.desk.catalog
    said = [titles[value].title if value in titles else value for _, value in gone]
    if known[number - 1].turn == len(box.heard.turns) - 1:
        raise ConfigError("The person said that just now.")
    if not any(value and spelled.names(box.message, value) for value in said):
        raise ConfigError("The person did not take that back.")
    box.learn(replace(box.intent, withdrawn=(*box.intent.withdrawn, *gone)))
    return ("forgotten",)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what a model is told of it, and what runs."""

    described: Described
    run: Callable[[Toolbox, Arguments], Lines]


def _tool(
    name: str, does: str, run: Callable[[Toolbox, Arguments], Lines], **arguments: Schema
) -> tuple[str, Tool]:
    return name, Tool(Described(name, does, arguments), run)


_HANDLES = wording.several(_HANDLE, COMPARED, 2)
_VERDICT = wording.one_of(("liked", "disliked", "wish"))
TOOLS: Mapping[str, Tool] = dict(
    (
        _tool(
            "recommend", "Find what suits the person, with more wishes or a text of your own.",
            _recommend, wishes=_WISHED, text=_TEXT, k=_COUNT,
        ),
        _tool("search", "Find items that fit a text.", _search, text=_TEXT, k=_COUNT),
        _tool("similar", "Find items like one, by handle or title.", _similar, of=_TEXT, k=_COUNT),
        _tool("compare", "Compare items for the person, best first.", _compare, handles=_HANDLES),
        _tool("detail", "Say all that is known of an item.", _detail, handle=_HANDLE),
        _tool("explain", "Say what speaks for an item for this person.", _explain, handle=_HANDLE),
        _tool(
            "remember", "Keep what the message says: an item liked or disliked, or a wish.",
            _remember, verdict=_VERDICT, of=_TEXT, wishes=_WISHED,
        ),
        _tool("forget", "Take back a line believed that the message takes back.",
              _forget, line=_HANDLE),
    )
)  # fmt: skip
"""Every tool by its name."""


def _validated(tool: Described, arguments: Any) -> Arguments:
    """Return arguments that fit a tool; raise `ConfigError` with the first that does not."""
    import jsonschema

    given = arguments if isinstance(arguments, dict) else {}
    blank = {name: _BLANK[name] for name in tool.arguments if name in _BLANK}
    filled = {**blank, **given}
    validator = jsonschema.Draft202012Validator(dict(wording.record(tool.arguments)))
    wrong = next(validator.iter_errors(filled), None)
    if wrong is not None:
        where = "/".join(str(part) for part in wrong.absolute_path) or tool.name
        raise ConfigError(f"{where}: {wrong.message[:200]}")
    return {name: _whole(value) for name, value in filled.items()}


def _whole(value: Any) -> Any:
    """Return 3.0 as 3, alone and in a list: JSON has one kind of number."""
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) else value


def canonical(name: str, arguments: Any) -> str:
    """Return a call as JSON that is the same for the same call."""
    call = {"tool": name, "arguments": arguments}
    return json.dumps(call, ensure_ascii=False, sort_keys=True, default=str)


def nothing_may(box: Toolbox) -> bool:
    """Whether the session leaves nothing to be shown."""
    return not np.any(box.may)
