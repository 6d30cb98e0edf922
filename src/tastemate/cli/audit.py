"""`tastemate audit`: groups, popularity, places and titles: what lists rest on besides taste."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    RankOption,
    TextOption,
    emit,
    open_project,
    plain,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.project import Tastemate


def audit(
    dataset: DatasetOption = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Our own models beside it; repeat it. (fast, popular)"),
    ] = None,
    llm: LlmOption = None,
    rank: RankOption = None,
    users: Annotated[int, typer.Option(min=1, help="How many people, drawn by the seed.")] = 100,
    k: Annotated[int, typer.Option("-k", "--count", min=1, max=100, help="List length.")] = 10,
    pool: Annotated[int, typer.Option(min=2, max=200, help="Candidates a model ranks.")] = 20,
    min_events: Annotated[
        int, typer.Option(min=0, help="Leave out users and items with fewer events.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Draws people and orders.")] = 0,
    live: Annotated[
        bool, typer.Option("--live", help="Of the running service: what was shown and taken.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, help="With --live: how many days back.")] = 30,
    fair: Annotated[
        bool, typer.Option("--fair", help="What turning fairness up costs and gives.")
    ] = False,
    attribute: Annotated[
        str, typer.Option(help="With --fair: whose values are groups; else as in \\[fair].")
    ] = "",
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit lists: coverage, popularity, groups; of a language model also fairness and memory.

    With --live, what a service showed and what people made of it, from the store; with --fair, the
    same people's lists at fair = 0, .25, .5 and 1.
    """
    if live:
        _live(open_project(dataset, text, measures=True), days, as_json)
        return
    if fair:
        project = open_project(dataset, text, measures=True)
        said = {"attribute": attribute} if attribute else dict(project.settings.fair)
        asked = {"k": k, "users": users, "min_events": min_events, "seed": seed}
        _fair(project, (model or [""])[0], said, asked, as_json)
        return
    from tastemate import build
    from tastemate.evaluate import record
    from tastemate.evaluate.audit import Subject
    from tastemate.evaluate.audit import audit as measure
    from tastemate.evaluate.probes import by_ranker

    project = open_project(dataset, text, llm=llm, rank=rank, measures=True)
    scale, language = project.interactions.scale, project.language
    subjects = {}
    if language is not None and language.wants.rank != "none":
        lister = by_ranker(lambda catalog: language.alone(catalog, scale, depth=pool))
        subjects[f"{language.model.name} as ranker"] = Subject(lister)
    shared = project.work.resources
    console = talk()
    found = measure(
        project.catalog,
        project.interactions,
        own={name: build.factory(name, shared) for name in model or ("fast", "popular")},
        models=subjects,
        retriever=build.factory(project.profile, shared),
        k=k,
        pool=pool,
        users=users,
        min_events=min_events,
        seed=seed,
        progress=lambda what, share: console.print(f"[dim]{plain(what)}[/dim]"),
    ).as_json()
    if as_json:
        made = record.provenance(project.catalog, project.interactions)
        emit(found | {"dataset": project.name} | made)
        return
    _tables(found["rows"])
    for missing in found["missing"]:
        console.print(f"[yellow]Left out: {plain(missing)}[/yellow]")


def _tables(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for each slice, a column for each model."""
    for name in dict.fromkeys(row["slice"] for row in rows):
        lines = [row for row in rows if row["slice"] == name]
        metrics = dict.fromkeys(metric for row in lines for metric in row["metrics"])
        table(
            [
                {"metric": metric}
                | {
                    row["model"]: row["metrics"][metric]["value"]
                    for row in lines
                    if metric in row["metrics"]
                }
                for metric in metrics
            ],
            str(name),
        )


def _live(project: "Tastemate", days: int, as_json: bool) -> None:
    """Print exposure and acceptance by group out of the store."""
    from tastemate.serve.overview import fairness

    found = fairness(project, days=days)
    if as_json:
        emit(found | {"dataset": project.name, "days": days})
        return
    console = talk()
    if not found["lists"]:
        console.print(f"No list was shown within {days} days. tastemate serve logs what it shows.")
    own = found["declared"]
    groups = {f"{own['attribute']} (declared)": own["rows"]} if own["rows"] else {}
    for name, rows in (groups | found["items"]).items():
        table([_told(row) for row in rows], f"items by {plain(name)}")
    for name, part in found["people"].items():
        table([_told(row) for row in part["rows"]], f"people by {plain(name)}")
        gaps = {gap: _figure(one) for gap, one in part.items() if gap != "rows"}
        if gaps:
            table([gaps])
    table(found["complaints"], "complaints")
    least = found["least"]
    console.print(
        f"Of {found['lists']} lists. Rates need {least['lines']} lines shown to {least['readers']} "
        "readers; below that there are too few to say."
    )


def _fair(
    project: "Tastemate",
    model: str,
    said: Mapping[str, Any],
    asked: dict[str, Any],
    as_json: bool,
) -> None:
    """Print what each step of fairness costs and gives."""
    from tastemate import build, config
    from tastemate.evaluate import record
    from tastemate.evaluate.steps import fair_steps
    from tastemate.rank.fair import Fair

    rows = fair_steps(
        build.factory(model or project.profile, project.work.resources),
        project.catalog,
        project.interactions,
        table=config.arguments(Fair, said, "[fair]"),
        **asked,
    )
    if as_json:
        made = record.provenance(project.catalog, project.interactions)
        emit({"dataset": project.name, "rows": rows, "fair": dict(said)} | asked | made)
        return
    groups = [[*row.pop("exposure"), *row.pop("groups", [])] for row in rows]
    told = [_told(row) for row in rows]
    steps = [f"fair = {row['fair']:g}" for row in rows]
    table(
        [
            {"metric": name} | {step: one[name] for step, one in zip(steps, told, strict=True)}
            for name in told[0]
            if name != "fair"
        ]
    )
    table(
        [
            {"group": one["group"], "share of items": one["share_of_items"]}
            | {step: groups[at][place]["exposure"] for at, step in enumerate(steps)}
            for place, one in enumerate(groups[0])
        ],
        "exposure",
    )


def _told(row: Mapping[str, Any]) -> dict[str, object]:
    """Return a row for a table: figures with their intervals in words."""
    shown: dict[str, object] = {}
    for name, value in row.items():
        if name == "too_few":
            if value:
                shown["note"] = "too few to say"
        else:
            shown[name] = _figure(value) if isinstance(value, Mapping) else value
    return shown


def _figure(one: Mapping[str, Any]) -> str:
    if one["low"] == one["high"]:
        return f"{one['value']:.3f}"
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
