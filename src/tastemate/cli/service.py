"""`tastemate benchmark http | durability`: the service under load, and killed again and again."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemate.cli.faults import AnyDataOption, SeedOption
from tastemate.cli.output import JsonOption, emit, table, talk

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also write the JSON into this file.")
]


def http(
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="A data set by name, or a path to data.")
    ] = "films",
    rate: Annotated[float, typer.Option(min=1, help="Lists asked for a second.")] = 300.0,
    seconds: Annotated[float, typer.Option(min=1, help="Length of each phase.")] = 20.0,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Server processes.")] = 1,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a server for lists at a steady rate, alone and while events come in and a fit runs."""
    from tastemate.benchmark.http import Load
    from tastemate.benchmark.http import http as measure

    console = talk()
    found = measure(
        dataset,
        Load(rate=rate, seconds=seconds, workers=workers),
        seed=seed,
        progress=lambda what, share: console.print(f"[dim]{share:4.0%} {what}[/dim]"),
    )
    value = found.as_json()
    _write(out, value)
    if as_json:
        emit(value)
        return
    table(
        {"what": row.name, "value": row.value, "unit": row.unit, "goal": row.against_value or ""}
        for row in found.rows
    )


def durability(
    dataset: AnyDataOption = None,
    kills: Annotated[int, typer.Option(min=1, max=100_000, help="Kills of a server.")] = 200,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Kill a server (kill -9) while it is written to; fill its disk, damage its models.

    Nothing acknowledged may be lost or count twice, and the last good model goes on answering.
    """
    from tastemate.benchmark.durability import durability as measure

    console = talk()
    found = measure(
        kills,
        seed=seed,
        progress=lambda what, share: console.print(f"[dim]{share:4.0%} {what}[/dim]"),
    )
    _write(out, found)
    if as_json:
        emit(found)
    else:
        table(
            {
                "what": kind,
                "cases": one["cases"],
                "failures": one["failures"],
                "": one.get("skipped", "") or "; ".join(one["problems"]),
            }
            for kind, one in found["by_kind"].items()
        )
    if found["failures"]:
        raise typer.Exit(1)


def _write(out: Path | None, value: dict[str, Any]) -> None:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
