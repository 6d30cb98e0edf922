"""Reading replies: total functions, any text gives a value of the kind wanted."""

import json
import re
from collections.abc import Sequence
from typing import Any

LONGEST = 100_000
"""Characters of a reply that are read."""

_NUMBER = re.compile(r"\d{1,6}")


def ranking(text: str, n: int) -> list[int]:
    """Return the handles 1..n that a reply names, in its order, each once; others are ignored."""
    named = (int(found) for found in _NUMBER.findall(text[:LONGEST]))
    return [handle for handle in dict.fromkeys(named) if 1 <= handle <= n]


def json_value(text: str) -> Any:
    """Return the first JSON object or array in a reply, None where there is none."""
    text = text[:LONGEST]
    decoder = json.JSONDecoder()
    for found in re.finditer(r"[{\[]", text):
        try:
            return decoder.raw_decode(text, found.start())[0]
        except (ValueError, RecursionError):
            continue
    return None


def titles(text: str) -> Sequence[str]:
    """Return the lines of a reply that may be titles, without numbers and bullets."""
    lines = (re.sub(r"^\s*(?:[-*\u2022]|\d+[.)])\s*", "", line) for line in text.splitlines())
    return [line.strip().strip('"') for line in lines if line.strip()]
