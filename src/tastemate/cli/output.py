"""What every verb shares: stdout is data, stderr is talk; opening what was asked for."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from tastemate.catalog import Catalog
    from tastemate.data.datasets import Dataset
    from tastemate.messages import Prompt
    from tastemate.project import Tastemate
    from tastemate.protocols import Progress
    from tastemate.types import Candidate, Reason, Recommendation, Slate

DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        "-d",
        help="A data set by name, or a path to data or a project. "
        "Default: the project in this folder, else the bundled sample `films`.",
    ),
]
TextOption = Annotated[
    str | None,
    typer.Option(
        "--text",
        help="Join texts or credits by item id: movie-text, redial, or several with commas.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A profile (fast, balanced, best) or one retriever."),
]
LlmOption = Annotated[
    str | None,
    typer.Option(
        "--llm",
        help="A language model in one line, such as openai:NAME, ollama:NAME or local:PATH; "
        "none asks no model. Default: `model` in \\[llm].",
    ),
]
RankOption = Annotated[
    str | None,
    typer.Option(
        "--rank", help="How the model ranks: labels, listwise, pointwise, pairwise, none."
    ),
]
ShowPromptOption = Annotated[
    bool, typer.Option("--show-prompt", help="Print every prompt before it is sent.")
]
CountOption = Annotated[
    int, typer.Option("-k", "--count", min=1, max=10_000, help="How many items.")
]


def talk() -> "Console":
    """Return the console for talk: stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def page() -> "Console":
    """Return the console for results that a person reads: stdout."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def plain(text: object) -> str:
    """Return text fit for a terminal: no control characters, nothing read as markup.

    Nor any mark that turns the direction of what follows: text could pass for other text.
    """
    from rich.markup import escape

    return escape("".join("\N{REPLACEMENT CHARACTER}" if _controls(c) else c for c in str(text)))


def short(text: str, most: int = 80) -> str:
    """Return a text cut to so many characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _controls(character: str) -> bool:
    code = ord(character)
    turns = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return (code < 32 and character not in "\n\t") or 127 <= code < 160 or turns


def emit(value: object) -> None:
    """Write one JSON document to stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def source(dataset: str | None) -> str:
    """Return what to open: what was named, else the project here, else the sample."""
    if dataset is not None:
        return dataset
    return "." if Path("tastemate.toml").is_file() else "films"


def open_project(
    dataset: str | None,
    text: str | None = None,
    *,
    llm: str | None = None,
    show: bool = False,
    measures: bool = False,
    **wants: Any,
) -> "Tastemate":
    """Open it, with progress (and, if wanted, prompts) on stderr; `wants` are keys of `[llm]`.

    What is to be known of the data is said where something `measures` on it, or is fitted on it.
    """
    from tastemate.project import Tastemate

    console, opened = talk(), list["Tastemate"]()

    def notes() -> None:
        while opened:
            for note in opened.pop().notes:
                console.print(plain(note), style="dim")

    def progress(what: str, share: float) -> None:
        if share < 1.0:
            notes()
            console.print(f"{plain(what)} …", style="dim")

    def shown(prompt: "Prompt") -> None:
        console.rule(plain(prompt.name), align="left")
        console.print(plain(prompt.text), soft_wrap=True)
        console.rule()

    project = Tastemate.open(
        source(dataset),
        text=text,
        progress=progress,
        llm=llm,
        show=shown if show else None,
        **wants,
    )
    opened.append(project)
    if measures:
        notes()
    return project


def needs_extra(extra: str, *modules: str) -> None:
    """Raise `Unavailable` where a module of an extra is not installed, saying how to have it."""
    from importlib.util import find_spec

    from tastemate.errors import Unavailable

    lacking = [name for name in modules if find_spec(name) is None]
    if lacking:
        raise Unavailable(
            f"{' and '.join(lacking)} is not installed. Run: pip install 'tastemate[{extra}]'"
        )


def open_own(named: str, text: str | None = None) -> "Tastemate | None":
    """Open what is a project, to measure on it; None for a data set."""
    if not (Path(named) / "tastemate.toml").is_file():
        return None
    return open_project(named, text, measures=True)


def open_data(named: str, text: str | None = None) -> "Dataset":
    """Open the data alone, of a project or a data set, with its notes on stderr."""
    from tastemate.data.datasets import Dataset, open_dataset

    project = open_own(named, text)
    if project is not None:
        return Dataset(project.name, project.catalog, project.interactions, project.notes)
    opened = open_dataset(named, text=text)
    for note in opened.notes:
        talk().print(plain(note), style="dim")
    return opened


def reason_json(reason: "Reason") -> dict[str, Any]:
    """Return a reason as JSON values, without the fields an evidence does not use."""
    return {
        "text": reason.text,
        "clauses": [
            {"text": clause.text, "evidence": list(clause.evidence)} for clause in reason.clauses
        ],
        "evidence": [
            {name: value for name, value in asdict(fact).items() if value not in ("", 0, 0.0)}
            for fact in reason.evidence
        ],
    }


def line_json(line: "Recommendation") -> dict[str, Any]:
    """Return one line of a slate as JSON values."""
    return {
        "rank": line.rank,
        "item_id": line.item.id,
        "title": line.item.title,
        "score": line.score,
        "sources": [
            {"retriever": found.source, "rank": found.rank, "score": found.score}
            for found in line.sources
        ],
        "reason": reason_json(line.reason),
    }


def slate_json(name: str, user: str | None, slate: "Slate", took: float) -> dict[str, Any]:
    """Return an answer as the JSON of the command contract; `took` in seconds."""
    return {
        "dataset": name,
        "user": user,
        "degraded": list(slate.degraded),
        "unknown": slate.unknown,
        "took_ms": round(took * 1000, 3),
        "items": [line_json(line) for line in slate.items],
        "trace": [
            {name: value for name, value in asdict(step).items() if value not in ("", 0)}
            for step in slate.trace
        ],
    }


def candidates_json(found: "Sequence[Candidate]", catalog: "Catalog") -> list[dict[str, Any]]:
    """Return candidates as JSON values."""
    return [
        {
            "rank": candidate.rank,
            "item_id": catalog.ids[candidate.row],
            "title": catalog.titles[candidate.row],
            "score": candidate.score,
        }
        for candidate in found
    ]


def table(rows: Iterable[Mapping[str, object]], title: str = "") -> None:
    """Print rows as a table; the keys of the first row are the columns."""
    from rich.table import Table

    rows = list(rows)
    shown = Table(
        title=plain(title) or None, title_justify="left", header_style="bold", pad_edge=False
    )
    for name in rows[0] if rows else ():
        number = all(isinstance(row.get(name), int | float) for row in rows)
        shown.add_column(plain(name), justify="right" if number else "left")
    for row in rows:
        shown.add_row(*(_cell(value) for value in row.values()))
    page().print(shown)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return plain(value)


def lines() -> "Progress":
    """Return what says each step once on stderr, as a line: such a run is often left alone."""
    console, last = talk(), [""]

    def said(what: str, share: float) -> None:
        if what != last[0]:
            last[0] = what
            console.print(f"[dim]{share:4.0%} {plain(what)}[/dim]")

    return said
