"""`tastemate benchmark tokens | worked-example`: what a model costs, and the article's example."""

from typing import Annotated, Any

import typer

from tastemate.cli.faults import DataOption, SeedOption
from tastemate.cli.output import (
    JsonOption,
    LlmOption,
    emit,
    open_data,
    open_project,
    page,
    plain,
    table,
    talk,
)


def tokens(
    dataset: DataOption = "ml-latest-small",
    users: Annotated[int, typer.Option(min=1, help="People counted over.")] = 50,
    requests: Annotated[int, typer.Option(min=1, help="Requests of the replayed day.")] = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Count tokens of a list against a plain pipeline's two calls, and of a replayed day."""
    from tastemate.benchmark.replay import replay
    from tastemate.benchmark.tokens import tokens as count

    data = open_data(dataset)
    console = talk()

    def say(what: str, share: float) -> None:
        console.print(f"[dim]{share:4.0%} {plain(what)}[/dim]")

    found = count(data, users, seed=seed, progress=say)
    day = replay(data, requests, seed=seed, progress=say)
    result: dict[str, Any] = found | {"rows": [*found["rows"], *day["rows"]], "replay": day}
    if as_json:
        emit(result)
        return
    table(
        [
            {key: row.get(key, "") for key in ("name", "value", "unit", "against", "ratio")}
            for row in result["rows"]
        ]
    )
    for note in found["notes"]:
        console.print(plain(note))
    page().print(
        f"Widest ratio {found['widest']:.3f}. Of {requests} requests the gate asked nobody for "
        f"{day['gate_rate']:.0%}; without it the cache answered {day['cache_hit_rate']:.0%}.",
        markup=False,
    )


def worked_example(
    dataset: DataOption = "ml-latest-small",
    user: Annotated[str, typer.Option("--user", "-u", help="A user id.")] = "12",
    llm: LlmOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the article's example: profile, ALS candidates, ranking as written and as meant, ours.

    Without --llm the model is a committed transcript, and the report names it as scripted.
    """
    from tastemate.benchmark.worked_example import scripted
    from tastemate.benchmark.worked_example import worked_example as run

    project = open_project(dataset, llm=llm or "none", measures=True)
    model = None if llm == "none" else scripted()
    if project.language is not None:
        model = project.language.model
    found = run(project, user, model)
    if as_json:
        emit(found)
        return
    for name, part in found.items():
        page().print(f"[bold]{plain(name)}[/bold]")
        _show(part, "  ")


def _show(part: object, indent: str) -> None:
    """Print nested values, one a line."""
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, dict | list | tuple) and value:
                page().print(f"{indent}{plain(name)}:")
                _show(value, indent + "  ")
            else:
                page().print(f"{indent}{plain(name)}: {plain(value)}", soft_wrap=True)
    elif isinstance(part, list | tuple):
        for value in part:
            if isinstance(value, dict):
                said = "; ".join(f"{plain(k)} {plain(v)}" for k, v in value.items())
                page().print(f"{indent}- {said}", soft_wrap=True)
            else:
                page().print(f"{indent}- {plain(value)}", soft_wrap=True)
    else:
        page().print(f"{indent}{plain(part)}", soft_wrap=True)
