"""`tastemate evaluate`: how good the recommendations are, with intervals, on data kept apart."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import (
    JsonOption,
    LlmOption,
    TextOption,
    emit,
    lines,
    open_data,
    open_own,
    page,
    plain,
    source,
    table,
    talk,
)
from tastemate.cli.protocols import RUN
from tastemate.cli.request import DEFAULT_MODELS, OWN, Protocol, Request, Ties

if TYPE_CHECKING:
    from tastemate.language import Language
    from tastemate.project import Tastemate
    from tastemate.protocols import Progress


def evaluate(
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="As for recommend: a name or a path.")
    ] = None,
    protocol: Annotated[Protocol, typer.Option(help="What to measure.")] = Protocol.NEXT_ITEM,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", help="A retriever or profile; repeat it to compare with the first."
        ),
    ] = None,
    ties: Annotated[Ties, typer.Option(help="Order of events of one second.")] = Ties.ID,
    final: Annotated[
        bool,
        typer.Option("--final", help="The test instead of validation; leaves a line in final.log."),
    ] = False,
    cut: Annotated[
        list[int] | None,
        typer.Option(
            "--cut", min=1, help="Which event from the end is asked for; repeat it. (1, 2, 3)"
        ),
    ] = None,
    max_history: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many latest events are given. (200; beauty 50)"),
    ] = None,
    min_events: Annotated[
        int, typer.Option(min=0, help="Leave out users and items with fewer events.")
    ] = 5,
    limit_users: Annotated[
        int | None, typer.Option(min=1, help="Ask only about so many users, drawn by the seed.")
    ] = None,
    shuffle_labels: Annotated[
        bool,
        typer.Option("--shuffle-labels", help="Relabel at random: all figures must be at chance."),
    ] = False,
    liked_only: Annotated[
        bool, typer.Option("--liked-only", help="Cold items: only those the user liked count.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of draws and intervals.")] = 0,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--fit-seed", min=0, help="Fit with this seed; repeat it for the mean over seeds."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write an HTML page to this file.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder of finished parts. (in the state folder)")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make everything again, whatever is kept.")
    ] = False,
    dialogues: Annotated[
        Path | None,
        typer.Option(help="Conversation, cold users: ReDial dialogues. (redial/valid.jsonl)"),
    ] = None,
    messages: Annotated[
        Path | None, typer.Option(help="Understanding: annotated messages, JSON lines.")
    ] = None,
    llm: LlmOption = None,
    ablations: Annotated[
        int,
        typer.Option(
            min=0, help="Generation: ask so many people in every variation of the prompt."
        ),
    ] = 0,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure models with 95% intervals: validation figures, or the test with --final."""
    from tastemate import build
    from tastemate.data.places import state_home
    from tastemate.errors import ConfigError
    from tastemate.evaluate import record

    if protocol is not Protocol.NEXT_ITEM:
        given = {"--final": final, "--cut": cut, "--shuffle-labels": shuffle_labels}
        given |= {"--ties": ties is not Ties.ID, "--fit-seed": seeds}
        for flag in (name for name, value in given.items() if value):
            raise ConfigError(f"{flag} belongs to --protocol next-item, not {protocol.value}.")

    if protocol is Protocol.UNDERSTANDING:
        from tastemate.cli.understanding import understanding

        understanding(messages, seed, as_json=bool(as_json))
        return
    if protocol is not Protocol.GENERATION and (ablations or llm not in (None, "none")):
        raise ConfigError(f"--llm and --ablations belong to --protocol generation, not {protocol}.")

    project = open_own(source(dataset), text)
    data = project or open_data(source(dataset), text)
    name, catalog, interactions = data.name, data.catalog, data.interactions
    default = DEFAULT_MODELS[protocol] if project is None else (OWN, *DEFAULT_MODELS[protocol][1:])
    wanted = Request(
        shared=project.work.resources if project is not None else build.resources(),
        own=project.profile if project is not None else None,
        models=tuple(dict.fromkeys(model or default)),
        ties=ties.value,
        final=final,
        cuts=tuple(cut or (1, 2, 3)),
        max_history=max_history or (50 if name == "beauty" else 200),
        min_events=min_events,
        limit_users=limit_users,
        shuffle_labels=shuffle_labels,
        seed=seed,
        seeds=tuple(seeds or ()),
        keep=keep or state_home() / "evaluations",
        fresh=fresh,
        liked_only=liked_only,
        dialogues=dialogues,
        language=_language(project, llm) if protocol is Protocol.GENERATION else None,
        ablations=ablations,
    )
    with _progress() as progress:
        result = RUN[protocol](wanted, catalog, interactions, progress)
    result = {"model": wanted.models[0], "dataset": name} | result
    result |= record.provenance(catalog, interactions)
    if report is not None:
        from tastemate.evaluate import report as pages

        pages.write(report, result)
        talk().print(f"Wrote {report}.")
    if as_json:
        emit(result)
    else:
        _show(result)


def _language(project: "Tastemate | None", llm: str | None) -> "Language | None":
    """Open the model asked for; no deadline of a list, as nobody waits for one."""
    from tastemate import config
    from tastemate.data.places import state_home
    from tastemate.language import open_language

    nowhere = Path("no-project") / config.FILE  # the environment alone speaks then
    said = config.settings(nowhere) if project is None else project.settings
    return open_language(config.chosen(said, llm=llm), state_home() / "llm")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show what is being done on stderr: a bar where it is a terminal, else lines."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = talk()
    if not console.is_terminal:
        yield lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def _show(result: Mapping[str, Any]) -> None:
    """Print the figures as tables: headline first, then the parts."""
    head = ", ".join(
        f"{label} {result[key]}"
        for key, label in (("users", "users"), ("items", "items"), ("fingerprint", "data"))
        if key in result
    )
    page().print(plain(f"{result['protocol']} on {result['dataset']}: {head}"))
    for note in result.get("notes", ()):
        page().print(plain(note))
    if "rows" in result:
        _show_rows(result["rows"])
        return
    table(
        (
            {"metric": metric, "value": one["value"], "low": one["low"], "high": one["high"]}
            for metric, one in result["metrics"].items()
            if not metric.startswith(("map@", "hit@"))
        ),
        f"{result['model']}, {result['split']}",
    )
    for other, figures in result["compared"].items():
        table(
            (
                {"metric": metric, "difference": one["value"]}
                | {n: one[n] for n in ("low", "high")}
                for metric, one in figures.items()
                if metric.endswith("@10")
            ),
            f"{result['model']} minus {other}, paired by user",
        )
    parts = [
        {"slice": f"{kind}: {label}", "users": part["users"]}
        | {name: part["metrics"][name]["value"] for name in ("ndcg@10", "recall@10", "mrr@10")}
        for kind, slices in ({"cut": result["cuts"]} | result["slices"]).items()
        for label, part in slices.items()
    ]
    table(parts, "Where it comes from")


def _show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one table for each slice, or number of known likes: metrics down, models across."""
    key = "slice" if rows and "slice" in rows[0] else "k"
    for value in dict.fromkeys(row[key] for row in rows):
        here = [row for row in rows if row[key] == value]
        names = dict.fromkeys(name for row in here for name in row["metrics"])
        lines = [
            {"metric": name}
            | {
                row["model"]: row["metrics"][name]["value"]
                for row in here
                if name in row["metrics"]
            }
            for name in names
        ]
        label = value if key == "slice" else f"k = {value}"
        table(lines, f"{label} ({here[0]['users']} users)")
