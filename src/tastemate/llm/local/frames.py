"""What passes between a local model's client and its process: one JSON value a line.

To the process: first `load` with the settings; then requests `complete`, `stream`, `count` with
an `id`; `cancel` with an `id`. From it: `ready` or `failed`; for a request any number of `piece`,
then `done`. Nothing is pickled.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tastemate.messages import Completion, Generation, Message, Prompt


def line(value: Mapping[str, Any]) -> bytes:
    """Return a value as one line."""
    return json.dumps(value).encode() + b"\n"


def prompt_value(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as JSON; who pays is not in it."""
    return asdict(replace(prompt, user=""))


def prompt_of(value: Mapping[str, Any]) -> Prompt:
    """Return the prompt of a JSON value."""
    settings = dict(value["generation"])
    settings["stop"] = tuple(settings["stop"])
    return Prompt(
        value["name"],
        tuple(Message(**turn) for turn in value["messages"]),
        Generation(**settings),
        value["schema"],
        tuple(value["labels"]),
    )


def completion_value(completion: Completion) -> dict[str, Any]:
    """Return a completion as JSON."""
    return asdict(completion)


def completion_of(value: Mapping[str, Any]) -> Completion:
    """Return the completion of a JSON value."""
    return Completion(**{**value, "scores": tuple(value["scores"])})
