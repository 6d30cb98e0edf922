"""Bodies of requests and replies: total readers of what a server sends, and words for it.

Nothing a server sends is of a known shape until it was looked at, so every reader takes anything.
"""

import hashlib
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from tastemate.llm.parse import LONGEST
from tastemate.messages import Prompt

PATIENCE = 86_400.0
"""Seconds of a Retry-After that are believed at most."""
TIMES, SLACK = 20, 1000
"""How far a server's count of tokens is believed: so many times the estimate, and so many more."""


class Refusals:
    """The parameters that a server refused: learned from its errors, and left out from then on."""

    WORDS = re.compile(
        r"unsupported|not support|n't support|unknown|unrecogni|not permitted|not allowed"
        r"|unexpected|deprecated|extra inputs|both be specified|invalid schema|schema|grammar",
        re.IGNORECASE,
    )

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def learn(self, error: Exception, sent: Sequence[str], prompt: Prompt) -> bool:
        """Note which of the parameters `sent` an error refuses; say whether there is a new one.

        A schema that a server cannot follow is noted for the prompts of that name only.
        """
        if getattr(error, "status_code", 0) not in (400, 403, 422):
            return False
        text = f"{reason(getattr(error, 'body', None))} {getattr(error, 'param', '') or ''}"
        if not self.WORDS.search(text):
            return False
        named = [name for name in sent if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        if "both be specified" in text:
            named = named[-1:]
        about = re.search(r"invalid schema|grammar|schema", text, re.IGNORECASE)
        if about and prompt.schema is not None and (not named or about[0].lower() != "schema"):
            named = [f"schema of {prompt.name}"]
        if "top_logprobs" in named:
            named.append("logprobs")
        fresh = [name for name in named if name not in self._names]
        self._names.update(fresh)
        return bool(fresh)

    def note(self, name: str) -> None:
        """Note a parameter that a server took and did not follow."""
        self._names.add(name)


def digest(*options: Any) -> str:
    """Return eight characters that differ where options that change replies do."""
    text = json.dumps(options, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def dig(value: Any, *path: str | int) -> Any:
    """Return what lies at a path of keys, attributes and positions; None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = (
                value[step]
                if isinstance(value, list) and -len(value) <= step < len(value)
                else None
            )
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            value = getattr(value, step, None)
    return value


def printable(text: str) -> str:
    """Return a text that can be encoded: half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shortened(text: str) -> str:
    """Return as much of a reply as anybody reads."""
    return printable(text[:LONGEST])


def amount(value: Any, estimate: int, most: int) -> int:
    """Return a count of tokens as reported, `estimate` where the server reports none.

    A count far above both the estimate and the `most` that the call could take is cut: a server
    that reports nonsense must not use up a budget.
    """
    usable = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return min(int(value), max(TIMES * estimate, most) + SLACK) if usable else estimate


def schema_words(schema: Mapping[str, Any]) -> str:
    """Return a schema as a demand in words, for a model that cannot be held to it otherwise."""
    told = json.dumps(schema, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"\n\nReply with nothing but JSON that fits this schema:\n{printable(told)}"


def demanded(turns: list[dict[str, str]], words: str) -> list[dict[str, str]]:
    """Return turns of a conversation with a demand at the end of the last one of the user."""
    if not turns or turns[-1]["role"] != "user":
        return [*turns, {"role": "user", "content": words.strip()}]
    return [*turns[:-1], {**turns[-1], "content": turns[-1]["content"] + words}]


def reason(body: Any) -> str:
    """Return what an error's body says, in whichever of the usual places it says it."""
    for path in (("error", "message"), ("message",), ("error",), ("detail",)):
        found = dig(body, *path)
        if isinstance(found, str):
            return found
        if isinstance(found, list):  # pydantic: where, and what of it
            return "; ".join(
                f"{dig(one, 'loc', -1) or '?'!s:.60}: {dig(one, 'msg')!s:.200}" for one in found[:8]
            )
    return body if isinstance(body, str) else ""


def waiting(headers: Mapping[str, str]) -> float:
    """Return the seconds of a Retry-After header, in seconds or as a date; 0 without one."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            seconds = float(text) / scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(text).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), PATIENCE)
    return 0.0


def strict(schema: Any) -> bool:
    """Say whether a schema meets what OpenAI's strict mode asks: closed objects, all required."""
    if isinstance(schema, list | tuple):
        return all(strict(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object":
        names = set(schema.get("properties") or {})
        if schema.get("additionalProperties") is not False:
            return False
        if names != set(schema.get("required") or ()):
            return False
    return all(strict(part) for part in schema.values())
