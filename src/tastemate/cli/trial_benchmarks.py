"""`tastemate benchmark trials | offpolicy | explore | clicks`: held against a known truth."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemate.cli.output import JsonOption, emit, page, table, talk

SeedOption = Annotated[int, typer.Option(min=0, help="Draws the simulated worlds.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also write the JSON into this file.")
]


def trials(
    simulations: Annotated[
        int, typer.Option(min=100, max=100_000, help="Experiments of each kind.")
    ] = 1_000,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run experiments with and without a difference: errors, power, alarm, interleaving."""
    from tastemate.benchmark.trials import trials as measure

    _run(lambda: measure(simulations, seed), out, as_json)


def offpolicy(
    runs: Annotated[int, typer.Option(min=10, max=10_000, help="Logs that are judged.")] = 200,
    lists: Annotated[int, typer.Option(min=100, max=100_000, help="Lists of a log.")] = 1_000,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge policies from the explorer's logs in a known world: is the truth in the interval?"""
    from tastemate.benchmark.offpolicy import offpolicy as measure

    _run(lambda: measure(runs, lists, seed), out, as_json)


def explore(
    seeds: Annotated[int, typer.Option(min=2, max=1_000, help="Worlds.")] = 20,
    lists: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="Lists served.")] = 2_000,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let Thompson sampling and LinUCB serve beside a greedy ranker: regret over time."""
    from tastemate.benchmark.explore import explore as measure

    _run(lambda: measure(seeds, lists, seed), out, as_json)


def clicks(
    runs: Annotated[int, typer.Option(min=2, max=1_000, help="Worlds.")] = 30,
    lists: Annotated[int, typer.Option(min=100, max=1_000_000, help="Lists a round.")] = 6_000,
    seed: SeedOption = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn an order from clicks with and without correcting for places: which is the true one?"""
    from tastemate.benchmark.clicks import clicks as measure

    _run(lambda: measure(runs, lists, seed), out, as_json)


def _run(measure: Callable[[], dict[str, Any]], out: Path | None, as_json: bool) -> None:
    """Measure, write and show; exit with 1 where a check does not hold."""
    from tastemate.evaluate import record

    talk().print("[dim]Simulating; this takes a minute or two.[/dim]")
    found = measure() | record.circumstances()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if as_json:
        emit(found)
    else:
        _show(found)
    if found["failures"]:
        raise typer.Exit(1)


def _show(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            columns = dict.fromkeys(key for row in value for key in row)
            table([{key: row.get(key, "") for key in columns} for row in value], name)
    table([
        {"check": name, "holds": "yes" if held else "NO"} for name, held in found["checks"].items()
    ])  # fmt: skip
    page().print(f"{found['seconds']:.0f} s", markup=False)
