"""`tastemate audit`: groups, popularity, places and titles: what lists rest on besides taste."""

from typing import Annotated

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
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit lists: coverage, popularity, groups; of a language model also fairness and memory."""
    from tastemate import build
    from tastemate.evaluate import record
    from tastemate.evaluate.audit import Subject
    from tastemate.evaluate.audit import audit as measure
    from tastemate.evaluate.probes import by_ranker

    project = open_project(dataset, text, llm=llm, rank=rank)
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
    for name in dict.fromkeys(row["slice"] for row in found["rows"]):
        lines = [row for row in found["rows"] if row["slice"] == name]
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
    for missing in found["missing"]:
        console.print(f"[yellow]Left out: {plain(missing)}[/yellow]")
