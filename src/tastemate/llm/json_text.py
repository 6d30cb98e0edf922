"""Finds the JSON in a reply, whatever stands around it; any text gives a value or none."""

import json
import math
import re
from typing import Any

LONGEST = 100_000
"""Characters of a reply that are read."""
TRIES = 32
"""Places of a reply at which JSON may begin before it is given up."""
DEEPEST = 64
"""Levels of nested JSON; whoever walks through a value must not run out of stack."""

_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKET = re.compile(r"[{\[]")
_MARKS = re.compile(r"[{}\[\]]")


def json_value(text: str) -> Any:
    """Return the JSON object or array of a reply, an object rather than an array; else None."""
    return next(iter(json_values(text)), None)


def json_values(text: str) -> list[Any]:
    """Return every JSON object and array of a reply, objects first; parts of one do not count.

    What a model thought aloud (<think>…</think>) is not read. Numbers that are not finite, or
    have more digits than a computer counts with, are None.
    """
    text = answer(text)
    decoder = json.JSONDecoder(
        parse_constant=_nothing, parse_float=_finite, parse_int=_whole, strict=False
    )
    found: list[Any] = []
    at = tries = 0
    while tries < TRIES and (begin := _BRACKET.search(text, at)) is not None:
        tries += 1
        try:
            value, at = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            at = begin.end()
        else:
            if _depth(text[begin.start() : at]) <= DEEPEST:
                found.append(value)
    # half a character, as itself or as an escape, is what no file and no terminal takes
    if "\\u" in text or _SURROGATE.search(text):
        found = [_clean(value) for value in found]
    return sorted(found, key=lambda value: not isinstance(value, dict))


def answer(text: str) -> str:
    """Return what is read of a reply: its beginning, without what was thought aloud."""
    text = text[:LONGEST]
    low = text.lower()
    if "<think" not in low:
        return text
    if "</think" not in low:  # it never came to an answer
        return text[: low.index("<think")]
    return _THOUGHT.sub("", text) if low.count("<think") <= TRIES else text


def whole_characters(text: str) -> str:
    """Return a text in which half characters (lone surrogates) are replaced."""
    return _SURROGATE.sub("\ufffd", text)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {whole_characters(key): _clean(part) for key, part in value.items()}
    return value


def _depth(text: str) -> int:
    """Return how deep a JSON text is nested, at most (brackets in its strings count)."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    deep = deepest = 0
    for mark in _MARKS.findall(text):
        deep += 1 if mark in "[{" else -1
        deepest = max(deep, deepest)
    return deepest


def _nothing(_name: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= 18 else None
