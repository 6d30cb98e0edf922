"""`tastemate demo`: one command from nothing to a personal, explained list."""

import time
from typing import Annotated

import typer

from tastemate.cli.ask import show_slate, show_taste
from tastemate.cli.output import JsonOption, emit, open_project, page, slate_json, talk

PERSON = "p012"
MIX = "balanced"


def demo(
    user: Annotated[
        str, typer.Option("--user", "-u", help="One of the simulated people.")
    ] = PERSON,
    k: Annotated[int, typer.Option("-k", "--count", min=1, max=400, help="How many.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show a person's taste, ten films for them, and why each (people are simulated)."""
    from dataclasses import asdict

    project = open_project("films")
    read = project.taste(user)
    project.recommend(user, 1, model=MIX)  # what is not fitted is fitted before the clock starts
    start = time.perf_counter()
    slate = project.recommend(user, k, model=MIX)
    took = time.perf_counter() - start
    if as_json:
        emit({"simulated": True, "taste": asdict(read)} | slate_json("films", user, slate, took))
        return
    console = page()
    history = project.history(user)
    console.rule(f"What {user} likes", align="left")
    console.print(f"[dim]a simulated person with {len(history)} ratings in the sample[/dim]")
    show_taste(read, dict(zip(project.catalog.ids, project.catalog.titles, strict=True)))
    console.rule(f"{len(slate.items)} films for {user}", align="left")
    show_slate(slate)
    console.print(f"\n[dim]answered in {took * 1000:.0f} ms, without a language model[/dim]")
    talk().print("Next: tastemate recommend --like Heat --query tense --where 'violence<=1'")
