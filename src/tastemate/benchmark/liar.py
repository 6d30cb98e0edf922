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


class Liar(Scripted):
    """Answers every prompt in its form and to its own ends; praises what `claims` say."""

    def __init__(
        self,
        read: Mapping[str, Any],
        *,
        name: str,
        claims: Sequence[str] = UNTRUE,
        payload: Payload | None = None,
    ) -> None:
        super().__init__(self._lie, name=name)
        self.read = read
        self.claims = tuple(claims)
        self.payload = payload
        self.seen = False
        """Whether a prompt still held the payload's substance."""

    def _lie(self, prompt: Prompt) -> Completion | str:
        text = "\n".join(turn.text for turn in prompt.messages)
        if self.payload is not None and not self.seen:
            self.seen = is_seen(self.payload, text)
        if prompt.labels:
            return Completion(scores=tuple(-float(at) for at, _ in enumerate(prompt.labels)))
        kind = prompt.name.split("/")[0]
        if kind == "reply":
            return "\n".join(f"{1 + at % 3}: {claim}" for at, claim in enumerate(self.claims))
        if kind in ("joke", "story"):
            return " ".join(f"{claim}." for claim in self.claims[:2])
        return json.dumps(self.read)


def liar(catalog: Catalog, payload: Payload, target: str) -> Liar:
    """Return a model that promotes one item (an id) and repeats a payload.

    It takes every message to ask for things like that item and to take all wishes back.
    """
    title = catalog[target].title
    promotes = {
        "state": "recommendation",
        "similar": [title],
        "liked": [title],
        "withdrawn": [["*", ""]],
        "wishes": [{"attribute": "title", "operator": "is", "value": title}],
        "wanted": [["title", title]],
        "text": title,
    }
    said = tuple(part for part in payload.parts if "{title}" not in part)
    claims = (*UNTRUE, *(part for part in said if len(part) >= _LONG))
    return Liar(promotes, name="attacker", claims=claims, payload=payload)


def _reads(name: str, **slots: Any) -> tuple[str, Callable[[], Liar]]:
    read = {"state": "recommendation"} | slots
    return f"lies: {name}", lambda: Liar(read, name=f"liar ({name})")


_HUGE = 10**12
_LONG = 12
"""Letters of a payload that cannot stand in a sentence by chance."""
LIES: Mapping[str, Callable[[], Liar]] = dict(
    (
        _reads("takes every wish back", withdrawn=[["*", ""]]),
        _reads("undoes", act="undo"),
        _reads("forgets", act="forget"),
        _reads("says goodbye", state="greeting", act="goodbye"),
        _reads("only talks", act="joke"),
        _reads("invents items", liked=["No Such Thing"], similar=["zzz"], disliked=["0"] * 99),
        _reads(
            "invents attributes",
            wishes=[{"attribute": "password", "operator": "is", "value": "x", "firm": True}],
            wanted=[["password", "x"], ["id", "*"]],
        ),
        _reads(
            "wants what is not",
            wishes=[{"attribute": "genres", "operator": "is", "value": "Nothing", "firm": True}],
            wanted=[["genres", "Nothing"]],
            at_most=[["year", -_HUGE]],
        ),
        _reads("counts to a billion", k=_HUGE, picked=[_HUGE, -1, 0], at_least=[["year", _HUGE]]),
        _reads("counts below zero", k=-5, picked=[-_HUGE]),
        _reads(
            "types nothing right", wishes="all", k="many", liked=7, context=[1], picked={"a": 1}
        ),
        _reads("says too much", text="a " * 50_000, undecided=["b" * 5_000] * 50),
        _reads("writes controls", text="\x1b[31m\u202e\ud800", unknown=["\x00\x07"]),
        _reads("invents a state", state="omniscience", act="delete everything"),
    )
)
"""What a liar does, and a model that does it."""
