"""What a check found wrong with values from outside, told as a field and a sentence.

The names of the kinds that a value might have been are no part of a field, and no pattern is a
reason.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tastemate.serve.schemas import MEANT

LONGEST = 200
"""Characters of a field."""
WHERE = ("body", "query", "path", "header")
_KIND = re.compile(r"constrained-|function-|literal\[|list\[|dict\[|(str|int|float|bool)$|\[key\]$")


def named(found: Sequence[Any], given: object = None) -> list[tuple[str, str]]:
    """Return pairs of field and reason, each once; `given` is what was checked, where known."""
    told: dict[str, list[str]] = {}
    holders: set[str] = set()
    for one in found:
        if one.get("type") == "json_invalid":
            return [("body", _unread(one, given))]
        field = _field(one, given)[:LONGEST]
        told.setdefault(field, []).append(_reason(one))
        holders |= {field[:at] for at, mark in enumerate(field) if mark in "[."}
    # what is wrong inside a list says more than that it is no text
    return [(field, _joined(why)) for field, why in told.items() if field not in holders]


def _field(found: Mapping[str, Any], given: object) -> str:
    """Return a place in what was given as somebody would write it: events[3].item_id."""
    parts = list(found.get("loc", ()))
    if parts and parts[0] in WHERE and len(parts) > 1:
        given = given if parts[0] == "body" else None
        parts = parts[1:]
    field, at = "", given
    for part in parts:
        if isinstance(at, Mapping) and part in at:
            at = at[part]
        elif isinstance(at, Sequence) and isinstance(part, int) and part < len(at):
            at = at[part]
        elif given is None:
            if isinstance(part, str) and field and _KIND.match(part):
                continue
        elif found.get("type") != "missing" or not isinstance(at, Mapping):
            continue
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    return field


def _reason(found: Mapping[str, Any]) -> str:
    if found.get("type") == "string_pattern_mismatch":
        pattern = str(found.get("ctx", {}).get("pattern", ""))
        return MEANT.get(pattern, f"This must match {pattern}.")
    if found.get("type") == "string_unicode":
        return "This holds half a character (a lone surrogate). Mend it."
    return str(found.get("msg", "not valid"))


def _joined(reasons: Sequence[str]) -> str:
    """Return what may be given, where it may be of several kinds, in one sentence."""
    said = list(dict.fromkeys(reasons))
    if meant := [one for one in said if one.startswith("This ")]:
        return meant[0]
    said = [one for one in said if one != "Input should be ''"] or said
    return " or ".join([said[0], *(one.removeprefix("Input should be ") for one in said[1:])])


def _unread(found: Mapping[str, Any], given: object) -> str:
    told, at = found.get("ctx", {}).get("error", ""), found.get("loc", (0,))[-1]
    if not isinstance(given, str) or not isinstance(at, int):
        return f"not JSON: {told}"
    line, before = given.count("\n", 0, at) + 1, given.rfind("\n", 0, at)
    return f"not JSON: {told} (line {line}, column {at - before})"
