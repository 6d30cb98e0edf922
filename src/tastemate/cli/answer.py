"""`tastemate ask`: a question in plain words, answered from the catalogue."""

import time
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
            | {"question": question, "understood": understood(answer)}
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


def understood(answer: "Answer") -> dict[str, Any]:
    """Return what was understood as JSON values."""
    from tastemate.chat.intent import slots

    return {
        "slots": sorted([slot, value] for slot, value in slots(answer.intent)),
        "search": answer.intent.text,
        "undecided": list(answer.intent.undecided),
    }


def _told(answer: "Answer", catalog: "Catalog") -> list[str]:
    """Return what was understood as lines for a person."""
    from tastemate.chat.session import Session, Turn
    from tastemate.chat.told import lines

    intent = answer.intent
    session = Session("").then(Turn("", intent))
    parts = [line.text for line in lines(answer.believed, session, catalog)]
    told = [f"Understood: {'; '.join(parts)}."] if parts else []
    told += [f'No title or name here is "{short(name)}"; read as words.' for name in intent.unknown]
    if answer.slate.unknown:
        told.append(f"{answer.slate.unknown} items left out: it is not known of them.")
    return told
