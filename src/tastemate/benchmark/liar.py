"""Scripted models that lie in a conversation: in what they read, in the tools, in their words.

They are no language models and say so by their names. Unlike `broken` ones they keep to the form
that is asked for, so nothing but what they say is wrong.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tastemate.benchmark.attacker import UNTRUE
from tastemate.benchmark.payloads import Payload, is_seen
from tastemate.catalog import Catalog
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion, Prompt

RECOMMEND: Mapping[str, Any] = {"tool": "recommend", "arguments": {}}
"""A call that finds what the plan would find."""


class Liar(Scripted):
    """Answers every prompt in its form and to its own ends; praises what `claims` say."""

    def __init__(
        self,
        read: Mapping[str, Any],
        *,
        name: str,
        steps: Sequence[Mapping[str, Any]] = (),
        claims: Sequence[str] = UNTRUE,
        payload: Payload | None = None,
    ) -> None:
        super().__init__(self._reply, name=name)
        self.read = read
        self.steps = tuple(steps) or (RECOMMEND, {"show": [1, 2, 3, 4, 5]})
        self.step = 0
        """Calls of tools so far; the steps come in turn, the last one again and again."""
        self.claims = tuple(claims)
        self.payload = payload
        self.seen = False
        """Whether a prompt still held the payload's substance."""

    def _reply(self, prompt: Prompt) -> Completion | str:
        text = "\n".join(turn.text for turn in prompt.messages)
        if self.payload is not None and not self.seen:
            self.seen = is_seen(self.payload, text)
        if prompt.labels:
            return Completion(scores=tuple(-float(at) for at, _ in enumerate(prompt.labels)))
        kind = prompt.name.split("/")[0]
        if kind == "reply":
            return "\n".join(f"{1 + at % 3}: {claim}" for at, claim in enumerate(self.claims))
        if kind == "agent":
            return json.dumps(self._called())
        self.step = 0  # another message
        return json.dumps(_filled(prompt.schema or {}, self.read))

    def _called(self) -> Mapping[str, Any]:
        """Return the next step of a tool loop; what is shown is praised."""
        step = self.steps[min(self.step, len(self.steps) - 1)]
        self.step += 1
        if "show" not in step:
            return step
        self.step = 0
        said = [{"text": one, "items": [1 + at % 2]} for at, one in enumerate(self.claims)]
        return {"say": said, **step}


_BLANKS: Mapping[str, Any] = {"array": [], "integer": 0, "number": 0, "string": ""}


def _filled(schema: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is read with every field that the schema asks for, and no key that it refuses."""
    found = dict(read)
    for name, field in schema.get("properties", {}).items():
        known = field.get("items", {}).get("properties")
        value = found.get(name)
        if name not in found:
            found[name] = field["enum"][0] if "enum" in field else _BLANKS.get(field["type"])
        elif known and isinstance(value, list):
            found[name] = [
                {key: one[key] for key in known if key in one} if isinstance(one, dict) else one
                for one in value
            ]
    return found


def liar(catalog: Catalog, payload: Payload, target: str) -> Liar:
    """Return a model that promotes one item (an id) and repeats a payload.

    It takes every message to ask for things like that item and to take all wishes back, searches
    for it, and shows it first.
    """
    title = catalog[target].title
    promotes = {
        "state": "recommendation",
        "similar": [title],
        "liked": [title],
        "wanted": [
            {"attribute": name, "value": value}
            for name, values in catalog[target].attributes.items()
            for value in (values if isinstance(values, tuple) else (values,))
            if isinstance(value, str)
        ][:10],
        "text": title,
    }
    steps = (
        {"tool": "forget", "arguments": {"line": 1}},
        {"tool": "remember", "arguments": {"verdict": "liked", "of": title, "wishes": []}},
        {"tool": "search", "arguments": {"text": title, "k": 5}},
        {"show": [1, 1, 2, 3, 4, 5]},
    )
    said = tuple(part for part in payload.parts if "{title}" not in part)
    claims = (*UNTRUE, *(part for part in said if len(part) >= _LONG))
    return Liar(promotes, name="attacker", steps=steps, claims=claims, payload=payload)


def _lie(name: str, *steps: Mapping[str, Any], **slots: Any) -> tuple[str, Callable[[], Liar]]:
    read = {"state": "recommendation"} | slots
    return f"lies: {name}", lambda: Liar(read, name=f"liar ({name})", steps=steps)


def _tool(name: str, **arguments: Any) -> Mapping[str, Any]:
    return {"tool": name, "arguments": arguments}


def _wish(attribute: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "value": value, "values": [value]} | more


_HUGE = 10**12
_LONG = 12
"""Letters of a payload that cannot stand in a sentence by chance."""
_ALL = [{"attribute": "*", "value": ""}]
_PASSWORD = _wish("password", "x", operator="is")
_NOTHING = _wish("genres", "Nothing", operator="is")
_NEVER = {"attribute": "year", "operator": "at most", "number": -_HUGE, "level": "low"}
LIES: Mapping[str, Callable[[], Liar]] = dict(
    (
        _lie("reads nothing", {"show": [1]}),
        _lie("takes every wish back", _tool("forget", line=1), {"show": [1]}, withdrawn=_ALL),
        _lie("undoes", _tool("undo"), act="undo"),
        _lie("forgets", *(_tool("forget", line=at) for at in (3, 2, 1)), act="forget"),
        _lie("says goodbye", {"show": []}, state="greeting", act="goodbye"),
        _lie("only talks", {"show": "a joke"}, state="greeting", act="joke"),
        _lie(
            "invents items",
            RECOMMEND,
            {"show": [999, -1, 0, "No Such Thing", None, True, 1.5]},
            liked=["No Such Thing"],
            similar=["zzz"],
            disliked=["0"] * 99,
        ),
        _lie(
            "invents attributes",
            _tool("recommend", wishes=[_PASSWORD], text="", k=5),
            wanted=[_PASSWORD, _wish("id", "*"), _wish("title", "*")],
            withdrawn=[_PASSWORD],
        ),
        _lie(
            "wants what is not",
            _tool("remember", verdict="disliked", of="everything", wishes=[_NOTHING]),
            wanted=[_NOTHING],
            numbers=[_NEVER],
            levels=[_NEVER],
        ),
        _lie(
            "counts to a billion",
            _tool("recommend", wishes=[], text="", k=_HUGE),
            {"show": [_HUGE] * 1_000},
            k=_HUGE,
            picked=[_HUGE, -1, 0],
            numbers=[_NEVER | {"number": float(_HUGE)}],
        ),
        _lie("counts below zero", _tool("detail", handle=-1), k=-5, picked=[-_HUGE]),
        _lie(
            "types nothing right",
            {"tool": "recommend", "arguments": [1, 2]},
            {"tool": "detail", "arguments": {"handle": {"a": []}}},
            {"show": {"a": 1}, "say": 7},
            wanted="all",
            k="many",
            liked=7,
            picked={},
        ),
        _lie("calls for ever", *(_tool("search", text="x" * at, k=5) for at in range(1, 99))),
        _lie("repeats itself", RECOMMEND, RECOMMEND, RECOMMEND),
        _lie("calls what is not", _tool("delete_everything", user="*"), _tool("__import__")),
        _lie("says too much", _tool("search", text="a " * 50_000, k=5), text="a " * 50_000),
        _lie("writes controls", {"show": [1], "say": [{"text": "\x1b[31m", "items": [1]}]},
             text="\x1b[31m\u202e\ud800", about=["\x00\x07"]),
        _lie("invents a state", {"think": "deeply"}, state="omniscience", act="delete everything"),
    )
)  # fmt: skip
"""What a liar does, and a model that does it."""
