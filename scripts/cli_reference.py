"""Writes docs/cli.md from the command line itself; with `--check`, says whether it is stale.

The commands are walked, not printed, so the page does not depend on the width of a terminal. What
a value must be is read from the functions' annotations, which every version of typer keeps.
"""

import inspect
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import typer

from tastemate.cli.main import app

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
MADE: Final = "python scripts/cli_reference.py"
INTRO: Final = f"""# The command line

Made by `{MADE}` from the program itself; do not edit it by hand.

Standard output is data, standard error is talk. Exit codes: 0 done; 1 it could not be done, said in
one sentence; 2 wrong usage; 130 stopped by hand. Every verb also has `--help`.

An option marked * must be given; one marked + may be given several times.
"""
KINDS: Final = {str: "text", int: "whole number", float: "number", Path: "path"}

Row = tuple[str, str, str, str]


def reference() -> str:
    """Return the whole page as Markdown."""
    verbs = list(_verbs(typer.main.get_command(app), "tastemate"))
    index = [
        f"- [`{words}`](#{words.replace(' ', '-')}): {_paragraphs(verb.help)[0]}"
        for words, verb in verbs
    ]
    sections = [_section(words, verb) for words, verb in verbs]
    return "\n".join([INTRO, *index, "", *sections]).rstrip("\n") + "\n"


def main(words: Sequence[str], page: Path = PAGE) -> int:
    """Write the page, or check it; return the exit code."""
    fresh = reference()
    if "--check" not in words:
        page.write_text(fresh, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == fresh:
        return 0
    sys.stderr.write(f"{page.name} is stale. Make it again with: {MADE}\n")
    return 1


def _verbs(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every verb with its full name, in the order of `--help`."""
    for word, verb in group.commands.items():
        words = f"{name} {word}"
        if hasattr(verb, "commands"):
            yield from _verbs(verb, words)
        else:
            yield words, verb


def _section(words: str, verb: Any) -> str:
    hints = get_type_hints(inspect.unwrap(verb.callback))
    given = [(one, _values(hints[one.name])) for one in verb.params if one.name in hints]
    arguments = [pair for pair in given if pair[0].param_type_name == "argument"]
    options = [pair for pair in given if pair[0].param_type_name == "option"]
    usage = " ".join([words, "[OPTIONS]", *(_place(one, many) for one, (_, many) in arguments)])
    tables = [
        _table(
            "argument", [_row(f"`{_place(one, kind[1])}`", one, kind) for one, kind in arguments]
        ),
        _table("option", [_row(_names(one, kind[1]), one, kind) for one, kind in options]),
    ]
    shown = [table for table in tables if table]
    return "\n".join([f"## {words}", "", *_spaced(verb.help), f"    {usage}", "", *shown])


def _values(hint: Any) -> tuple[Any, bool]:
    """Return what one value must be and whether there may be several."""
    inner = [part for part in get_args(hint) if part is not NoneType]
    if not inner:
        return hint, False
    kind, several = _values(inner[0])
    return kind, several or getattr(hint, "__origin__", None) is list


def _paragraphs(text: str | None) -> list[str]:
    """Return a help text as one line a paragraph."""
    return [" ".join(part.split()) for part in (text or "").strip().split("\n\n")]


def _spaced(text: str | None) -> list[str]:
    return [line for part in _paragraphs(text) for line in (part, "")]


def _place(argument: Any, several: bool) -> str:
    name = f"{argument.name.rstrip('_').upper()}{'...' if several else ''}"
    return name if argument.required else f"[{name}]"


def _names(option: Any, several: bool) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
    names += "".join(f" / `{name}`" for name in option.secondary_opts)
    return names + (" *" if option.required else "") + (" +" if several else "")


def _row(name: str, parameter: Any, kind: tuple[Any, bool]) -> Row:
    return name, _kind(parameter, kind[0]), _default(parameter, kind[0]), parameter.help or ""


def _kind(parameter: Any, hint: Any) -> str:
    """Return what a value must be, with its limits; nothing for a switch."""
    if hint is bool:
        return ""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    limits = parameter if hasattr(parameter, "min") else getattr(parameter, "type", None)
    low, high = getattr(limits, "min", None), getattr(limits, "max", None)
    name = KINDS[hint]
    if low is None:
        return name
    return f"{name}, {low} to {high}" if high is not None else f"{name}, {low} or more"


def _default(parameter: Any, hint: Any) -> str:
    value = parameter.default
    if hint is bool:
        return f"`{parameter.opts[0]}`" if value is True else ""
    value = value.value if isinstance(value, Enum) else value
    shown = isinstance(value, str | int | float | Path) and str(value)
    return f"`{value}`" if shown else ""


def _table(kind: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [f"| {kind} | value | default | meaning |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
