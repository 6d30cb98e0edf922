"""`tastemate benchmark`: figures of cost, speed and faults, measured here and now."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tastemate.cli import accuracy, faults, service, spending, trial_benchmarks
from tastemate.cli.output import (
    CountOption,
    DatasetOption,
    JsonOption,
    TextOption,
    emit,
    open_project,
    page,
    table,
    talk,
)

app = typer.Typer(no_args_is_help=True, help="Measure cost, speed and faults on this machine.")


app.command()(faults.chaos)
app.command()(faults.injection)
app.command()(faults.position)
app.command()(faults.conversation)
app.command()(spending.tokens)
app.command()(accuracy.llamarec)
app.command()(accuracy.serving)
app.command()(service.http)
app.command()(service.durability)
app.command()(trial_benchmarks.trials)
app.command()(trial_benchmarks.offpolicy)
app.command()(trial_benchmarks.explore)
app.command()(trial_benchmarks.clicks)
app.command("worked-example")(spending.worked_example)


@app.callback()
def benchmark() -> None:
    """Measure cost, speed, and what a language model may break."""


@app.command()
def speed(
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="A data set by name, or a path to data.")
    ] = "films",
    seed: Annotated[int, typer.Option(help="Draws the users that are asked for.")] = 0,
    repeats: Annotated[
        int, typer.Option(min=1, max=100, help="How often each thing is measured.")
    ] = 5,
    queries: Annotated[
        int, typer.Option(min=1, max=100_000, help="Answers timed for a percentile.")
    ] = 500,
    k: Annotated[int, typer.Option("-k", "--count", min=1, max=1000, help="List length.")] = 10,
    sides: Annotated[
        bool, typer.Option("--sides/--no-sides", help="Measure other libraries beside ours.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the JSON into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time start, fit, one answer, many answers, and other libraries on the same matrix."""
    from tastemate.benchmark.speed import speed as measure

    console = talk()
    found = measure(
        dataset,
        repeats=repeats,
        queries=queries,
        k=k,
        seed=seed,
        sides=sides,
        progress=lambda what, share: console.print(f"[dim]{share:4.0%} {what}[/dim]"),
    )
    value = found.as_json()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for note in found.notes:
        console.print(f"Left out: {note}", markup=False)
    if as_json:
        emit(value)
        return
    table(
        [
            {
                "what": row.name,
                "value": row.value,
                "unit": row.unit,
                "against": "" if row.against_value is None else row.against,
                "theirs": "" if row.against_value is None else row.against_value,
                "theirs / ours": "" if row.ratio is None else row.ratio,
            }
            for row in found.rows
        ],
        title=f"Speed on {found.dataset}",
    )
    page().print(found.provenance["hardware"], markup=False)


@app.command()
def deletion(
    dataset: DatasetOption = None,
    users: Annotated[int, typer.Option(min=1, help="How many users, drawn by the seed.")] = 200,
    k: CountOption = 10,
    seed: Annotated[int, typer.Option(help="Draws the users and the likes compared with.")] = 0,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test that the like a reason cites is the cause: without it the item's score falls more."""
    from tastemate.benchmark.deletion import deletion as measure

    found = measure(open_project(dataset, text, measures=True), users, k, seed)
    if as_json:
        emit(found)
        return
    page().print(
        f"The cited like matters more than a random one in {found['share']:.1%} of the reasons "
        f"({found['low']:.1%} to {found['high']:.1%}, {found['users']} users, "
        f"{found['reasons']} reasons); {found['problems']} of their facts do not hold.",
        markup=False,
    )
