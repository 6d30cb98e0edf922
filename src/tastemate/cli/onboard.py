"""`tastemate onboard`: get to know somebody in at most five steps, then recommend."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.ask import show_slate
from tastemate.cli.output import (
    CountOption,
    DatasetOption,
    JsonOption,
    ModelOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    slate_json,
    talk,
)

if TYPE_CHECKING:
    from tastemate.chat.onboard import Guide, Onboarding
    from tastemate.project import Tastemate
    from tastemate.types import Floats


def onboard(
    dataset: DatasetOption = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            "--pick",
            help="The answer to one step: numbers, a sentence, or '' for none; repeat it.",
        ),
    ] = None,
    say: Annotated[str, typer.Option("--say", help="One sentence to begin with.")] = "",
    about: Annotated[
        list[str] | None,
        typer.Option("--about", help="Something about yourself, name=value; never asked for."),
    ] = None,
    k: CountOption = 10,
    model: ModelOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Get to know somebody new in at most five steps, then recommend with reasons.

    Each step shows a few items: type the numbers of those you like, or a sentence, or nothing.
    With --pick it asks nothing.
    """
    from tastemate.chat.onboard import Onboarding

    project = open_project(dataset, text)
    guide, state = _guide(project), Onboarding().declared(_declared(about or ()))
    if say.strip():
        state = state.said(say)
    asked: list[dict[str, Any]] = []
    answers = iter(pick or ())
    while shown := guide.next(state, fits=_fits(project, state)):
        told = next(answers, None) if pick or as_json or say else _ask(project, shown, state)
        if told is None:
            break
        state = state.answered(shown, told)
        asked.append({"shown": [project.catalog.ids[row] for row in shown], "answer": told})
    start = time.perf_counter()
    query = state.query(k, value=project.interactions.scale.high)
    slate = project.recommend_all([query], model=model)[0]
    if as_json:
        liked = [project.catalog.ids[row] for row in state.liked]
        known = {"steps": asked, "liked": liked, "sentence": state.sentence}
        emit(slate_json(project.name, None, slate, time.perf_counter() - start) | known)
        return
    show_slate(slate)


def _guide(project: "Tastemate") -> "Guide":
    from tastemate.chat.onboard import Guide

    return Guide.of(project.catalog, project.interactions)


def _fits(project: "Tastemate", state: "Onboarding") -> "Floats | None":
    """Return how well every item fits what was said; None where nothing was."""
    from tastemate.types import Query

    if not state.sentence:
        return None
    scores: Floats = project.retriever("search").scores([Query(text=state.sentence)])[0]
    return scores


def _ask(project: "Tastemate", shown: tuple[int, ...], state: "Onboarding") -> str | None:
    """Show one page and read the answer; None when the person wants the list."""
    from tastemate.chat.onboard import STEPS
    from tastemate.errors import ConfigError

    page().print(f"[bold]{state.steps + 1} of at most {STEPS}: which of these do you like?[/bold]")
    for number, row in enumerate(shown, start=1):
        page().print(f"  {number}  {plain(project.catalog.titles[row])}")
    while True:
        talk().print("[dim]numbers, a sentence, enter for none, or 'done'[/dim]")
        line = sys.stdin.readline()
        if not line or line.strip().casefold() in ("done", "q", "quit"):
            return None
        try:
            state.answered(shown, line)
        except ConfigError as error:
            talk().print(f"[yellow]{plain(str(error))}[/yellow]")
            continue
        return line


def _declared(given: "list[str] | tuple[str, ...]") -> dict[str, Any]:
    from tastemate.errors import ConfigError

    found: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise ConfigError(f"Cannot read --about {one[:60]!r}. Write name=value.")
        found[name.strip()] = float(value) if value.strip().isdigit() else value.strip()
    return found
