"""`tastemate ask`: a question in plain words, answered from the catalogue."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.ask import UserOption, show_trace
from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    ShowPromptOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    short,
    slate_json,
    talk,
)

if TYPE_CHECKING:
    from tastemate.asking import Answer
    from tastemate.catalog import Catalog


def ask(
    question: Annotated[
        str, typer.Argument(help='In your own words: "something tense but not violent, like Heat".')
    ],
    dataset: DatasetOption = None,
    user: UserOption = None,
    k: Annotated[int, typer.Option("-k", "--count", min=1, max=100, help="How many items.")] = 5,
    llm: LlmOption = None,
    show_prompt: ShowPromptOption = False,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the catalogue: what fits, and why."""
    project = open_project(dataset, text, llm=llm, show=show_prompt)
    start = time.perf_counter()
    answer = project.ask(question, user, k)
    took = time.perf_counter() - start
    if as_json:
        emit(
            slate_json(project.name, user, answer.slate, took)
            | {"question": question, "understood": understood(answer, project.catalog)}
            | {
                "answer": {
                    "text": answer.text,
                    "by": answer.written.by,
                    "dropped": answer.written.dropped,
                    "sentences": [
                        {"text": one.text, "items": list(one.evidence)}
                        for one in answer.written.sentences
                    ],
                }
            }
        )
        return
    page().print(plain(answer.text), soft_wrap=True)
    page().print()
    for line in answer.slate.items:
        page().print(f"[bold]{line.rank:>3}  {plain(line.item.title)}[/bold]")
        if line.reason.text:
            page().print(f"     [dim]{plain(line.reason.text)}[/dim]")
    for said in _told(answer, project.catalog):
        talk().print(f"[dim]{plain(said)}[/dim]")
    if project.language is None:
        talk().print("[dim]Written without a language model (none is configured).[/dim]")
    show_trace(answer.slate)


def understood(answer: "Answer", catalog: "Catalog") -> dict[str, Any]:
    """Return what was understood as JSON values."""
    wishes = answer.wishes
    return {
        "search": wishes.text,
        "like": [catalog.titles[row] for row in wishes.likes],
        "not": [catalog.titles[row] for row in wishes.excluded],
        "filters": [asdict(wish) for wish in wishes.filters],
        "undecided": list(wishes.undecided),
        "unknown": list(wishes.unknown),
        "unread": wishes.unread,
    }


def _told(answer: "Answer", catalog: "Catalog") -> list[str]:
    """Return what was understood as lines for a person."""
    from tastemate.text.wishes import MOST_EXAMPLES

    wishes = answer.wishes
    parts = [f'searched for "{short(wishes.text)}"'] if wishes.text else []
    parts += [f"like {catalog.titles[row]}" for row in wishes.likes]
    parts += [f"not {catalog.titles[row]}" for row in wishes.excluded]
    for wish in wishes.filters:
        value = ", ".join(wish.value) if isinstance(wish.value, tuple) else wish.value
        parts.append(f"{wish.attribute} {wish.operator} {value}")
    lines = [f"Understood: {'; '.join(parts)}."] if parts else []
    if wishes.undecided:
        away = short(", ".join(short(word, 30) for word in wishes.undecided))
        lines.append(f"Nothing here tells what is {away}; not left out.")
    lines += [f'No title here is "{short(title)}"; read as words.' for title in wishes.unknown]
    if wishes.unread:
        lines.append(f"Only the first {MOST_EXAMPLES} examples were taken; the rest are words.")
    if answer.slate.unknown:
        lines.append(f"{answer.slate.unknown} items left out: it is not known of them.")
    return lines
