"""Reading replies: total functions, any text gives a value of the kind wanted.

A reply is untrusted: only its beginning is read, in one pass or a bounded number of them, so that
ten megabytes of brackets cost what a page does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tastemate.llm.json_text import (
    LONGEST,
    TRIES,
    answer,
    json_value,
    json_values,
    whole_characters,
)

__all__ = ["LONGEST", "Titles", "json_value", "json_values", "letters", "ranking", "titles"]

TITLE = 200
"""Characters of the longest title."""


def ranking(text: str, n: int) -> list[int]:
    """Return the handles 1..n that a reply names, best first, each once; others are ignored.

    Read is the first of these that names any: JSON ({"order": [3, 1]} or a list), also when it is
    cut off; handles in brackets, "[3]"; a chain or a row of numbers, "3 > 1 > 2", "3, 1, 2";
    numbers that begin a line, "3. because …". Other numbers in prose (years, scores) are not read.
    """
    text = answer(text)
    for read in (_ordered, _cut_off, _bracketed, _rows, _begun):
        if handles := _valid(read(text), n):
            return handles
    return []


def letters(text: str, n: int) -> list[int]:
    """Return the candidates 1..n (A is 1, at most 26) whose letters a reply names, in its order.

    "B", "(B) Heat", "B > A > C", "The answer is B." and {"order": ["B", "A"]} are read; "A" or "I"
    as a word of a sentence is not.
    """
    text = answer(text)
    for read in (_ordered_letters, _letter_rows, _marked_letters, _said_letter):
        if found := _valid((ord(letter.upper()) - 64 for letter in read(text)), min(n, 26)):
            return found
    return []


@dataclass(frozen=True, slots=True)
class Titles:
    """The titles a reply names, in its order, each once, and whether it kept to the format."""

    names: tuple[str, ...]
    well_formed: bool
    """Nothing but titles, one a line or after the marker, and as many as were asked for."""


def titles(text: str, n: int | None = None) -> Titles:
    """Return the titles of a reply, at most `n`; read are the usual ways to write a list.

    What stands after the last "TITLES:" or after "=>" is read, where one of them is there. Then: a
    JSON list; lines, numbered, bulleted or plain; one line of titles between commas, semicolons or
    bars; titles in quotation marks within prose. `well_formed` is for the format that prompts ask
    for: one title a line, exactly `n` of them where `n` is given, none twice, no other words.
    """
    body, marked = _after_marker(whole_characters(answer(text)))
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    found, as_asked = _listed(body, lines, marked=marked)
    plain = [name for name in map(_bare, found) if name]
    unlike: dict[str, str] = {}
    for name in plain:
        unlike.setdefault(name.casefold(), name)
    names = tuple(unlike.values())
    right = bool(names) and len(names) == len(found) and (n is None or len(names) == n)
    return Titles(names if n is None else names[: max(n, 0)], as_asked and right)


def _valid(handles: Iterable[int], n: int) -> list[int]:
    return list(dict.fromkeys(handle for handle in handles if 1 <= handle <= n))


# Handles

_IN_BRACKETS = re.compile(r"\[\s?(\d{1,6})\s?\]")
_LIST = re.compile(r"[\[,\s]\s?\"?\[?(\d{1,6})\]?\"?(?=\s?[,\]])")
_ROW = re.compile(r"#?\d{1,6}(?:\s{0,3}(?:>|,|;|\||->|\u2192|\s)\s{0,3}#?\d{1,6})+")
_BEGIN = re.compile(
    r"^[ \t]{0,8}(?:[-*\u2022][ \t]{0,4})?[#(]?(\d{1,6})(?:[.):,]|[ \t]-|[ \t]{0,8}$)", re.M
)
_DIGITS = re.compile(r"\d{1,6}")
_NAMED = ("order", "ranking", "handles", "items")


def _ordered(text: str) -> Iterator[int]:
    """Yield the handles of JSON: of the object's "order", or of a list of at least two."""
    for value in json_values(text):
        if isinstance(value, dict):
            lists = [value[key] for key in _NAMED if isinstance(value.get(key), list)]
            yield from (handle for part in lists[:1] for handle in _handles(part))
        elif len(value) > 1:
            yield from _handles(value)


def _handles(values: list[Any]) -> Iterator[int]:
    for value in values:
        if isinstance(value, dict):
            value = value.get("handle", value.get("id"))
        if isinstance(value, str):
            digits = _DIGITS.fullmatch(value.strip()[:10].strip("[]#"))
            value = int(digits.group()) if digits else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            yield value


def _cut_off(text: str) -> Iterator[int]:
    """Yield the handles of an "order" whose end never came; a number that may be cut is left."""
    at = text.find('"order"')
    begin = text.find("[", at) if at >= 0 else -1
    if begin < 0 or text[at + 7 : begin].strip() != ":":
        return
    for found in _LIST.finditer(text, begin):
        yield int(found.group(1))


def _bracketed(text: str) -> Iterator[int]:
    return (int(found.group(1)) for found in _IN_BRACKETS.finditer(text))


def _rows(text: str) -> Iterator[int]:
    """Yield the numbers of lines that hold a row of numbers and nothing else but a label."""
    for line in text.splitlines():
        row = line.rpartition(":")[2].strip().strip(".[](){}")
        row = row.replace('"', "").replace("'", "")
        if len(row) <= 4000 and _ROW.fullmatch(row):
            yield from map(int, _DIGITS.findall(row))


def _begun(text: str) -> Iterator[int]:
    return (int(found.group(1)) for found in _BEGIN.finditer(text))


# Letters

_LETTER_ROW = re.compile(
    r"\(?[A-Za-z]\)?(?:\s{0,3}(?:>|,|;|\||->|\u2192|\s)\s{0,3}\(?[A-Za-z]\)?)*"
)
_MARKED = re.compile(r"\(([A-Z])\)|\[([A-Z])\]|^[ \t]{0,8}([A-Z])(?:[.):]|[ \t]{0,8}$)", re.M)
_SAID = re.compile(r"\b(?:answer|choice|choose|pick|option|candidate)\b[^A-Z\n]{0,12}\b([A-Z])\b")


def _ordered_letters(text: str) -> Iterator[str]:
    for value in json_values(text):
        parts = value
        if isinstance(value, dict):
            lists = [value[key] for key in (*_NAMED, "answer") if key in value]
            parts = lists[0] if lists else []
            parts = parts if isinstance(parts, list) else [parts]
        for part in parts:
            letter = part.strip().strip("()[].") if isinstance(part, str) else ""
            if len(letter) == 1 and letter.isascii() and letter.isalpha():
                yield letter


def _letter_rows(text: str) -> Iterator[str]:
    for line in text.splitlines():
        row = line.rpartition(":")[2].strip().strip(".*")
        if len(row) <= 400 and _LETTER_ROW.fullmatch(row):
            yield from re.findall(r"[A-Za-z]", row)


def _marked_letters(text: str) -> Iterator[str]:
    return (found.group(found.lastindex or 0) for found in _MARKED.finditer(text))


def _said_letter(text: str) -> Iterator[str]:
    return (found.group(1) for found in _SAID.finditer(text))


# Titles

_MARK = re.compile(r"^[ \t*#]{0,8}titles[ \t*]{0,4}:[ \t*]{0,4}", re.M | re.I)
_ENTRY = re.compile(r"(?:[-*\u2022\u2013]|[\[(]?\d{1,3}[\].):]{1,2}|#\d{1,3})[ \t]+(?=\S)")
_QUOTED = re.compile(r"[\"\u201c\u00ab]([^\"\u201c\u201d\u00ab\u00bb\n]{1,200})[\"\u201d\u00bb]")
_AFTERWORD = re.compile(r"\s(?:[-\u2013\u2014]{1,2}|:)\s.{20,}$")
_QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb`*_"


def _after_marker(text: str) -> tuple[str, bool]:
    """Return the part of a reply that holds the titles, and whether a marker says so."""
    marks = list(_MARK.finditer(text))
    if marks:
        return text[marks[-1].end() :], True
    parts = [part.strip() for part in text.split("=>", TRIES)]
    if len(parts) == 1:
        return text, False
    # "liked => wanted" has one arrow; a chain of them separates what is wanted
    return (parts[1] if len(parts) == 2 else "\n".join(filter(None, parts))), True


def _listed(body: str, lines: list[str], *, marked: bool) -> tuple[list[str], bool]:
    """Return the entries of a list, and whether it is one a line and nothing besides."""
    if body.lstrip().startswith(("[", "{", "```")):
        named = _named(json_values(body))
        if named:
            return named, False
    entries = [line for line in lines if _ENTRY.match(line)]
    if len(entries) > 1 or (entries and len(entries) == len(lines)):
        return entries, len(entries) == len(lines)
    if len(lines) == 1:
        return _one_line(lines[0], marked=marked)
    quoted = [found.group(1) for found in _QUOTED.finditer(body)]
    if any(_prose(line) for line in lines):
        kept = [line for line in lines if not _prose(line)]
        return (quoted, False) if len(quoted) > len(kept) else (kept, False)
    return lines, True


def _one_line(line: str, *, marked: bool) -> tuple[list[str], bool]:
    """Return the titles of a single line: between separators, in quotes, or the line itself."""
    quoted = [found.group(1) for found in _QUOTED.finditer(line)]
    if len(quoted) > 1:
        return quoted, False
    for mark in (" | ", ";", ","):
        parts = [part for part in line.split(mark) if part.strip()]
        # "Heat" and "Crouching Tiger, Hidden Dragon" are one title each; three commas are a list
        if len(parts) > (2 if mark == "," else 1) and not _prose(line):
            return parts, marked
    if _prose(line):
        return quoted, False
    return [line], True


def _named(values: list[Any]) -> list[str]:
    """Return the titles of JSON: a list of texts or of {"title": text}, alone or in an object."""
    for value in values:
        lists = [value] if isinstance(value, list) else list(value.values())
        for part in lists:
            if not isinstance(part, list):
                continue
            named = [one.get("title") if isinstance(one, dict) else one for one in part]
            if texts := [one for one in named if isinstance(one, str)]:
                return texts
    return []


def _prose(line: str) -> bool:
    """Whether a line is a sentence rather than a title."""
    words = line.split()
    return (
        len(line) > TITLE
        or line.endswith(":")
        or (len(words) > 6 and line.endswith((".", "!", "?")))
        or len(words) > 24
    )


def _bare(entry: str) -> str:
    """Return an entry without number, bullet, quotation marks and what is said after it."""
    entry = entry[: 4 * TITLE].strip()
    begun = _ENTRY.match(entry)
    entry = entry[begun.end() :] if begun else entry
    quoted = _QUOTED.match(entry)
    if quoted and not entry[quoted.end() :].startswith("s "):
        year = re.match(r"\s*\(\d{4}\)", entry[quoted.end() :])
        return f"{quoted.group(1).strip()}{' ' + year.group().strip() if year else ''}"
    entry = _AFTERWORD.sub("", entry)
    return entry.strip().strip(_QUOTES).strip().rstrip(",;")[:TITLE].strip()
