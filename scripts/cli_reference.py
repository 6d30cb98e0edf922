"""Writes docs/cli.md from the command line itself; with `--check`, says whether it is stale.

The commands are walked, not printed, so the page does not depend on the width of a terminal.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import typer

from tastemate.cli.main import app

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
MADE: Final = "python scripts/cli_reference.py"
INTRO: Final = f"""# The command line

Made by `{MADE}` from the program itself; do not edit it by hand.

Standard output is data, standard error is talk, so `--json` can be piped. Exit codes: 0 done; 1 it
could not be done, said in one sentence; 2 wrong usage; 130 stopped by hand.

An option marked * must be given. One marked + may be given several times.
"""


def reference() -> str:
    """Return the whole page as Markdown."""
    return _page(typer.main.get_command(app))


def _page(root: Any) -> str:
    name = "tastemate"
    verbs = list(_verbs(root, name))
    index = "\n".join(
        f"- [`{words}`](#{words.replace(' ', '-')}): {_first(verb)}" for words, verb in verbs
    )
    sections = [_section(words, verb) for words, verb in verbs]
    everywhere = _table("option", [_option(one) for one in root.params])
    return "\n".join([INTRO, index, "", "Of `tastemate` itself:", "", everywhere, *sections])


def _verbs(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every verb with its full name, in the order of `--help`."""
    context = click.Context(group)
    for word in group.list_commands(context):
        verb = group.get_command(context, word)
        words = f"{name} {word}"
        if hasattr(verb, "list_commands"):
            yield from _verbs(verb, words)
        else:
            yield words, verb


def _section(words: str, verb: Any) -> str:
    arguments = [one for one in verb.params if one.param_type_name == "argument"]
    options = [one for one in verb.params if one.param_type_name == "option"]
    usage = " ".join([words, *(_place(one) for one in arguments), "[OPTIONS]"])
    lines = [f"## {words}", "", _prose(verb.help), "", f"    {usage}", ""]
    if arguments:
        lines += [_table("argument", [_argument(one) for one in arguments])]
    if options:
        lines += [_table("option", [_option(one) for one in options])]
    return "\n".join(lines)


def _first(verb: Any) -> str:
    return _prose(verb.help).split("\n")[0]


def _prose(text: str | None) -> str:
    """Return a help text with one line a paragraph."""
    paragraphs = (text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _place(argument: Any) -> str:
    name = f"{argument.name.upper()}{'...' if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def _argument(argument: Any) -> tuple[str, str, str, str]:
    kind = _kind(argument)
    return f"`{_place(argument)}`", kind, _default(argument), argument.help or ""


def _option(option: Any) -> tuple[str, str, str, str]:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
    names += "".join(f" / `{name}`" for name in option.secondary_opts)
    mark = (" *" if option.required else "") + (" +" if option.multiple else "")
    return names + mark, _kind(option), _default(option), option.help or ""


def _kind(parameter: Any) -> str:
    """Return what a value must be; nothing for a switch."""
    kind = parameter.type
    if getattr(parameter, "is_flag", False):
        return ""
    if choices := getattr(kind, "choices", None):
        return ", ".join(f"`{getattr(one, 'value', one)}`" for one in choices)
    words = {"text": "text", "str": "text", "integer": "whole number", "integer range": "", "": ""}
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    name = words.get(kind.name, kind.name)
    if kind.name in {"integer range", "int range"}:
        name = "whole number"
    if kind.name in {"float", "float range"}:
        name = "number"
    if kind.name in {"int"}:
        name = "whole number"
    if low is not None and high is not None:
        return f"{name}, {low} to {high}"
    return f"{name}, from {low}" if low is not None else name


def _default(parameter: Any) -> str:
    value = parameter.default
    value = getattr(value, "value", value)
    if getattr(parameter, "is_flag", False):
        return f"`{parameter.opts[0]}`" if value is True and parameter.secondary_opts else ""
    given = isinstance(value, str | int | float | Path) and str(value) not in {""}
    return f"`{value}`" if given else ""


def _table(kind: str, rows: Sequence[tuple[str, str, str, str]]) -> str:
    lines = [f"| {kind} | value | default | meaning |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
