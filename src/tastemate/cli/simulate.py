"""`tastemate simulate`: scripted people with checkable wishes talk with it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.chat.conversation import Conversation


def simulate(
    dataset: DatasetOption = None,
    n: Annotated[int, typer.Option("-n", "--people", min=1, max=100_000, help="People.")] = 300,
    trials: Annotated[
        int, typer.Option(min=1, max=100, help="Conversations of each, in other words.")
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Draws the people and their words.")] = 0,
    show: Annotated[
        int, typer.Option(min=0, help="Print so many conversations, failures first.")
    ] = 0,
    text: TextOption = None,
    llm: LlmOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the JSON into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have scripted people with checkable wishes talk with it: who gets what they want?"""
    from tastemate.evaluate import record
    from tastemate.evaluate.simulate import simulate as run
    from tastemate.evaluate.simulate import transcript

    project = open_project(dataset, text, llm=llm, measures=True)

    def begin() -> "Conversation":
        """Open a conversation that leaves nothing behind."""
        conversation = project.chat()
        conversation.parts = replace(conversation.parts, keep=lambda _session: None)
        return conversation

    console, said = talk(), [-1]

    def progress(what: str, share: float) -> None:
        if int(share * 20) > said[0]:
            said[0] = int(share * 20)
            console.print(f"[dim]{share:4.0%} {plain(what)}[/dim]")

    found = run(begin, project.catalog, n, seed, trials=trials, progress=progress)
    made = record.provenance(project.catalog, project.interactions)
    model = project.language.model.name if project.language is not None else "none"
    value = {**found.as_json(), "dataset": project.name, "model": model, **made}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    failures = sorted(found.played, key=lambda one: one.success)
    for one in failures[:show]:
        (console if as_json else page()).print(
            plain(transcript(one, project.catalog.titles)) + "\n", soft_wrap=True
        )
    if as_json:
        emit(value)
        return
    _print(value)


def _print(value: dict[str, Any]) -> None:
    """Print the figures as tables."""
    rows = [{"slice": "all"} | value, *value["rows"]]
    table([_row(row, value["trials"]) for row in rows])
    for name, title in (("failed", "Why people left"), ("breaches", "Wishes not kept")):
        if value[name]:
            table([{title: key, "times": times} for key, times in value[name].items()])
    latency = value["latency_ms"]
    whole = value["success"]
    page().print(
        f"Success {whole['value']:.3f} ({whole['low']:.3f} to {whole['high']:.3f}). "
        f"{value['people']} people, {value['conversations']} conversations, "
        f"{value['answers']} answers; an answer took {latency['p50']} ms (p50), "
        f"{latency['p99']} ms (p99). Violations: {value['violations_by_kind']}",
        markup=False,
    )


def _row(found: dict[str, Any], trials: int) -> dict[str, object]:
    every = f"pass^{trials}"
    return {
        "people": found["slice"],
        "success": found["success"]["value"],
        every: found[every]["value"],
        "turns": found["turns"]["value"],
        "stayed": found["engagement"]["value"],
        "accept": found["acceptance"]["value"],
        "broken": found["violations"],
        "refused": found["refused"],
    }
