"""`tastemate events`: what people did, from a file into the store, and back."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tastemate.cli.data import keeping_rejected
from tastemate.cli.output import DatasetOption, JsonOption, emit, open_project, page, plain, talk

app = typer.Typer(
    name="events",
    help="Import what people did from a file into the store, or write it out.",
    no_args_is_help=True,
    add_completion=False,
)
AT_ONCE = 20_000
"""Events written in one transaction: what an interruption can undo."""


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON lines or Parquet: user_id, item_id, kind; and event_id, value, "
            "timestamp, session_id, recommendation_id, position where there are any."
        ),
    ],
    dataset: DatasetOption = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write every rejected line here (JSON lines).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record events; a server over the same project knows them at once.

    The same file again adds nothing, so that after an interruption the same command goes on.
    Rejected lines are reported with line, field and reason; exit code 1 when nothing is usable.
    """
    from rich.progress import track

    from tastemate.data.signals import read_signals
    from tastemate.errors import Interrupted

    project = open_project(dataset)
    start = time.perf_counter()
    taken = project.work.weights_of_signals.kinds
    with keeping_rejected(rejected, as_json, 10):
        read = read_signals(
            file, items=project.catalog.ids, kinds=taken, scale=project.interactions.scale
        )
    accepted = duplicates = 0
    parts = -(-len(read.frame) // AT_ONCE)
    bar = track(read.signals(AT_ONCE), "recording", parts, console=talk(), transient=True)
    try:
        for part in bar:
            kept = project.work.record(part)
            accepted += kept.accepted
            duplicates += kept.duplicates
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"Stopped; {accepted:,} events are recorded. The same command goes on from there."
        ) from stop
    took = time.perf_counter() - start
    report = read.report
    report.accepted, report.duplicates = accepted, duplicates
    if rejected is not None:
        report.write(rejected)
    if as_json:
        told = report.as_json() | {"dataset": project.name, "seconds": round(took, 3)}
        emit(told)
        return
    console = page() if not len(report) else talk()
    console.print(
        f"{accepted:,} events recorded, {duplicates:,} were there before, {len(report):,} lines "
        f"rejected; {took:.1f} s.",
        markup=False,
    )
    for what, count in report.counts.items():
        console.print(plain(f"  {count:,} × {what}"))


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="A new file: .csv, .jsonl or .parquet.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every recorded event into a file that `events import` reads."""
    from tastemate.data.signals import write_signals

    project = open_project(dataset)
    written = write_signals(project.store.events.frame(), file)
    if as_json:
        emit({"dataset": project.name, "path": str(file), "events": written})
        return
    page().print(plain(f"{written:,} events are in {file}."))
