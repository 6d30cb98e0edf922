"""`tastemate benchmark chaos | injection | position | conversation`: models that break, lie, lean.

The models in these harnesses are scripted, and the results say so by their names.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import JsonOption, emit, open_data, page, plain, table, talk

if TYPE_CHECKING:
    from tastemate.data.datasets import Dataset
    from tastemate.protocols import Progress

SeedOption = Annotated[int, typer.Option(min=0, help="Draws people, targets and faults.")]
DataOption = Annotated[
    str, typer.Option("--dataset", "-d", help="A data set by name, or a path to data.")
]
AnyDataOption = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Not used: the items here are made up.")
]


def chaos(
    dataset: DataOption = "films",
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Broken replies.")] = 500,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Break the model in every way there is: each list must be full, valid and in time."""
    from tastemate.benchmark.chaos import chaos as measure

    data = open_data(dataset)
    _show(measure(cases, seed, dataset=data, progress=_progress()), as_json, data)


def injection(
    dataset: DataOption = "films",
    held: Annotated[
        bool,
        typer.Option("--held", help="The softer payloads that were written after the defence."),
    ] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Hide instructions in what the model reads: no item may gain more than one place.

    Nor may a model that obeys them get an untrue clause into a reason or an answer.
    """
    from tastemate.benchmark.injection import injection as measure
    from tastemate.benchmark.payloads import FILE, HELD, load
    from tastemate.benchmark.praise import praise

    data = open_data(dataset)
    attempts = load(HELD if held else FILE)
    found = measure(seed, payloads=attempts, dataset=data, progress=_progress())
    words = praise(seed, payloads=attempts, dataset=data)
    if not as_json:
        table(_kinds(words["by_kind"]), "What a model was made to say of an item")
    _show(found | {"words": words}, as_json, data)
    if words["failures"]:
        raise typer.Exit(1)


def conversation(
    dataset: DataOption = "films",
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Broken conversations.")] = 500,
    held: Annotated[
        bool, typer.Option("--held", help="The softer payloads, written after the defence.")
    ] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Talk with a model that breaks, lies or obeys payloads: every turn must hold without it.

    In time, nothing outside the catalogue, no firm wish broken, no untrue sentence.
    """
    from tastemate.benchmark import talk as measure
    from tastemate.benchmark.payloads import FILE, HELD, load

    data = open_data(dataset)
    broken = measure.chaos(cases, seed, dataset=data, progress=_progress())
    attempts = load(HELD if held else FILE)
    hidden = measure.injection(seed, payloads=attempts, dataset=data, progress=_progress())
    found = measure.joined({"broken": broken, "injection": hidden})
    if not as_json and found["problems"]:
        table([{"problem": one} for one in found["problems"]])
    _show(found, as_json, data)


def position(
    dataset: AnyDataOption = None,
    seed: SeedOption = 0,
    shuffles: Annotated[int, typer.Option(min=2, max=1000, help="Orders of the pool.")] = 20,
    permutations: Annotated[int, typer.Option(min=1, max=4, help="Orders asked of a pool.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Let the model favour places: lists over shuffled pools must agree all the same."""
    from tastemate.benchmark.position import position as measure

    found = measure(shuffles, seed, permutations=permutations)
    if not as_json:
        table(found["rows"], "Agreement between shuffles (tau, spearman), and with the truth")
    _show(found, as_json)


def _progress() -> "Progress":
    """Say every twentieth of the way on stderr."""
    console, said = talk(), [-1]

    def say(what: str, share: float) -> None:
        if int(share * 20) > said[0]:
            said[0] = int(share * 20)
            console.print(f"[dim]{share:4.0%} {plain(what)}[/dim]")

    return say


def _show(found: Mapping[str, Any], as_json: bool, data: "Dataset | None" = None) -> None:
    from tastemate.evaluate import record

    if as_json and data is None:
        emit({**found, **record.circumstances()})
    elif as_json and data is not None:
        made = record.provenance(data.catalog, data.interactions)
        emit({**found, "dataset": data.name, **made})
    else:
        table(_kinds(found["by_kind"]))
        page().print(f"{found['cases'] - found['failures']} of {found['cases']} held.")
    if found["failures"]:
        raise typer.Exit(1)


def _kinds(by_kind: Mapping[str, Any]) -> Iterable[dict[str, object]]:
    """Return one row a kind; a bare number is its failures."""
    for kind, found in by_kind.items():
        yield {"kind": kind} | (found if isinstance(found, dict) else {"failures": found})
