"""A capable model calls the tools itself: one step at a time, a few of them, then a list.

The loop of a recommender agent (InteRecAgent, Huang et al. 2023), held by the session: tools are
typed and the model's calls validated, the list passes the critic, what breaks a rule is replaced
by what the fixed plan would show, and sentences stand only where their items hold them. Whatever
goes wrong, there is no list from here, the scope is told, and the fixed plan answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tastemate.chat import critic
from tastemate.chat.intent import Intent
from tastemate.chat.toolbox import TOOLS, Toolbox, canonical, nothing_may
from tastemate.chat.tools import Found
from tastemate.chat.voiced import SENTENCES, Voice
from tastemate.errors import ConfigError, StageError, TastemateError
from tastemate.explain.answer import bound_clause
from tastemate.filters import allowed
from tastemate.llm import prompts_agent
from tastemate.llm.json_text import json_values
from tastemate.llm.person import person
from tastemate.llm.prompts_agent import SHOW, Exchange, Opening
from tastemate.messages import Prompt
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.types import Item, Recommendation, Slate

LONGEST = 600
"""Characters of a call that the model is shown again."""
_DESCRIBED = tuple(tool.described for tool in TOOLS.values())


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a loop ended: a list that passed the critic, and what may be said of it."""

    found: Found
    intent: Intent
    """What the message means, with what was remembered and forgotten."""
    said: tuple[str, ...] = ()
    """Sentences of the model that stand."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The last step of a model: ids, each as often as it wrote it, and sentences unread."""

    ids: tuple[str, ...]
    say: tuple[Any, ...] = ()


def reach(
    box: Toolbox,
    model: ChatModel,
    otherwise: Callable[[Toolbox], Found],
    voice: Voice | None = None,
    steps: int = 4,
) -> Reached | None:
    """Let a model find a list by at most `steps` calls of tools; None where it came to none.

    `otherwise` is what the fixed plan finds, asked only where items have to be replaced. Without
    `voice` nothing the model says is kept. It ends when the open scope has no time left. Failures
    are told to the scope.
    """
    if nothing_may(box):  # the fixed plan says which wish to give up
        return None
    try:
        shown = _looped(box, model, steps)
        found = _found(box, shown, otherwise)
    except TastemateError as failure:
        current().fail(f"tool loop: {failure}")
        return None
    return Reached(found, box.intent, _said(box, shown, found.slate.items, voice))


def _looped(box: Toolbox, model: ChatModel, steps: int) -> _Shown:
    """Return the list that a model ends with; raise `StageError` where it ends with none."""
    opening = _opening(box)
    exchanges: list[Exchange] = []
    called: list[str] = []
    seen: set[str] = set()
    tokens = 0
    try:
        for left in range(steps, -1, -1):
            if current().left() <= 0:
                raise StageError("there is no time left")
            asked: Prompt = prompts_agent.step(
                opening, exchanges, _DESCRIBED, left, box.desk.style, count=model.count
            )
            got = model.complete([replace(asked, user=current().user)])[0]
            tokens += got.tokens
            if got.error:
                raise StageError(got.error)
            name, arguments = _read(got.text)
            called.append(name if name == SHOW or name in TOOLS else "unknown")
            if name == SHOW:
                return _shown(box, arguments)
            call = canonical(name, arguments)
            if call in seen:
                raise StageError("the model repeats itself")
            if left:
                seen.add(call)
                exchanges.append(Exchange(call[:LONGEST], box.call(name, arguments)))
        raise StageError(f"the model shows nothing after {steps} calls")
    finally:
        what = ", ".join(called) or "none"
        current().note(f"steps of the model: {what} ({tokens:,} tokens)")


def _opening(box: Toolbox) -> Opening:
    catalog = box.desk.catalog
    shown: list[Item] = [catalog[one] for one in box.items]
    who = person(box.query, catalog, box.desk.interactions.scale)
    return Opening(box.message, who, [line.text for line in box.believed], box.vocabulary, shown)


def _read(text: str) -> tuple[str, Any]:
    """Return the tool and the arguments of a step; raise `StageError` where there is none."""
    for value in json_values(text):
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("tool"), str):
            return value["tool"], value.get("arguments")
        if isinstance(value.get(SHOW), list):
            return SHOW, {"handles": value[SHOW], "say": value.get("say")}
    raise StageError("the reply of the model is no step")


def _shown(box: Toolbox, arguments: Any) -> _Shown:
    """Return the ids under the handles of a last step; what is no handle is left out."""
    given = arguments if isinstance(arguments, dict) else {}
    handles, say = given.get("handles"), given.get("say")
    ids = [found for one in _list(handles) if (found := _under(box, one))]
    if len(ids) < len(_list(handles)):
        current().note(f"left out {len(_list(handles)) - len(ids)} that no tool found")
    if not ids:
        raise StageError("the model shows nothing that a tool found")
    return _Shown(tuple(ids), tuple(_list(say)))


def _under(box: Toolbox, handle: Any) -> str:
    """Return the id under what a model wrote as a handle; empty where it is none."""
    if not isinstance(handle, int) or isinstance(handle, bool):
        return ""
    try:
        return box.item(handle)
    except ConfigError:
        return ""


def _found(box: Toolbox, shown: _Shown, otherwise: Callable[[Toolbox], Found]) -> Found:
    """Return the list shown, as the critic lets it stand; raise `StageError` for an empty one."""
    desk, catalog = box.desk, box.desk.catalog
    query, now = box.query, box.now
    bare = Slate(
        tuple(Recommendation(at, catalog[one], 0.0) for at, one in enumerate(shown.ids, start=1))
    )
    broken = critic.violations(bare, now, query, catalog)
    if broken:
        current().note(f"the critic refused {critic.said(broken)}")
    kept = critic.without(bare, broken).ids
    lines = desk.explain(query, [catalog.row(one) for one in kept]) if kept else []
    # whoever says how many gets as many; else the model says, and what is refused is replaced
    wanted = query.k if now.k is not None else min(len(set(shown.ids)), query.k)
    if len(lines) < wanted:
        spare = otherwise(box).slate.items
        lines = [*lines, *(line for line in spare if line.item.id not in kept)][:wanted]
    if not lines:
        raise StageError("nothing that the model shows may be shown")
    ranked = tuple(replace(line, rank=at) for at, line in enumerate(lines, start=1))
    slate = Slate(ranked, unknown=allowed(catalog, query.filters)[1])
    return Found(critic.checked(slate, now, query, catalog), query)


def _said(
    box: Toolbox, shown: _Shown, lines: Sequence[Recommendation], voice: Voice | None
) -> tuple[str, ...]:
    """Return the sentences that stand: on items of the list, saying what these hold."""
    if voice is None:
        return ()
    places = {line.item.id: at for at, line in enumerate(lines, start=1)}
    kept: dict[str, None] = {}
    dropped = 0
    for written in shown.say[: 2 * SENTENCES]:
        sentence = written if isinstance(written, dict) else {}
        ids = [_under(box, one) for one in _list(sentence.get("items"))]
        bound = {"text": sentence.get("text"), "items": [places.get(one, 0) for one in ids]}
        # words on an item that is not shown are not for anybody to read
        clause = (
            bound_clause(bound, lines, voice.named, box.message)
            if all(one in places for one in ids)
            else None
        )
        if clause is None:
            dropped += 1
        else:
            kept.setdefault(clause.text if clause.text[-1] in '.!?\u201d"' else f"{clause.text}.")
    if dropped:
        current().note(f"left out {dropped} of the model's sentences: they rest on nothing")
    return tuple(kept)[:SENTENCES]


def _list(value: Any) -> list[Any]:
    return value[: prompts_agent.SHOWN] if isinstance(value, list) else []
