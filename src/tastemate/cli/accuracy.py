"""`tastemate benchmark llamarec | serving`: ours beside the published, and what serving costs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemate.cli.output import (
    JsonOption,
    TextOption,
    emit,
    lines,
    open_data,
    open_own,
    page,
    plain,
    table,
)
from tastemate.cli.request import Request, Ties

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also write the JSON into this file.")
]
ALIASES = {"games": "amazon-games"}
"""What LlamaRec calls a data set, and the recipe that fetches it."""
_NAMES = ("ndcg@10", "recall@10", "mrr@10")
_COSTS = {
    "fit_seconds": ("training, s", ",.1f"),
    "seconds_per_1000_users": ("asking 1,000 users, s", ",.2f"),
    "numbers": ("numbers kept", ",.0f"),
}


def llamarec(
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "-d",
            help="A data set by name, or a path to data; repeat it. (ml-latest-small)",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Only this model; repeat it for more."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=20, help="Fits of each model that draws, their figures averaged."),
    ] = None,
    ties: Annotated[
        list[Ties] | None, typer.Option(help="Order of events of one second; repeat it.")
    ] = None,
    final: Annotated[
        bool,
        typer.Option("--final", help="The test instead of validation; leaves lines in final.log."),
    ] = False,
    limit_users: Annotated[
        int | None, typer.Option(min=1, help="Ask only about so many users, drawn by the seed.")
    ] = None,
    retriever: Annotated[
        str, typer.Option(help="The model over whose first 20 table 3 is.")
    ] = "lrurec",
    llm_path: Annotated[
        Path | None,
        typer.Option(
            "--llm-path",
            envvar="TASTEMATE_LLM_PATH",
            help="A folder with a causal model, for lrurec+llamarec and lrurec+letters.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of draws and intervals.")] = 0,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder of finished parts. (in the state folder)")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make everything again, whatever is kept.")
    ] = False,
    text: TextOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Also write the JSON into this file, or llamarec-DATASET.json in a folder.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild LlamaRec's tables: next-item figures of many models beside the published ones.

    Finished parts are kept, those of `evaluate` are read: a run that was stopped goes on.
    """
    from tastemate.benchmark.llamarec import Asked
    from tastemate.benchmark.llamarec import llamarec as measure

    asked = Asked(
        models=tuple(model or ()),
        seeds=seeds,
        ties=tuple(one.value for one in ties or ()),
        final=final,
        limit_users=limit_users,
        retriever=retriever,
        llm=llm_path,
        seed=seed,
        fresh=fresh,
    )
    found = []
    for named in dict.fromkeys(dataset or ["ml-latest-small"]):
        wanted, data = _opened(named, text, keep, asked.seed)
        made = measure(data, wanted.factory, _kept(asked, wanted), lines())
        found.append(made)
        if out is not None and out.is_dir():
            _write(out / f"llamarec-{made['dataset']}.json", made)
        if not as_json:
            _show(made)
    value = found[0] if len(found) == 1 else _together(found)
    if out is not None and not out.is_dir():
        _write(out, value)
    if as_json:
        emit(value)


def serving(
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="A data set by name, or a path to data.")
    ] = "ml-latest-small",
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Only this model, beside fast; repeat it for more."),
    ] = None,
    people: Annotated[
        int,
        typer.Option(min=1, max=100_000, help="Those with the longest histories are asked for."),
    ] = 60,
    seed: Annotated[int, typer.Option(help="Not used: nothing is drawn.")] = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Time models as they serve: one event more, the best 100; parameters and size on disk.

    Each is fitted in a folder of its own, saved and opened again; networks learn for one pass.
    """
    from tastemate.benchmark.serving import serving as measure

    found = measure(open_data(dataset), models=model or (), people=people, progress=lines()) | {
        "seed": seed
    }
    if out is not None:
        _write(out, found)
    if as_json:
        emit(found)
        return
    table(
        (
            {
                "model": one["model"],
                "served by": one["served_by"],
                "update p50 ms": one["one_more"]["p50"],
                "p99": one["one_more"]["p99"],
                "list p50 ms": one["top_100"]["p50"],
                "p99 ": one["top_100"]["p99"],
                "numbers": one["numbers"],
                "MB": one["disk_mb"],
            }
            for one in found["tables"]["models"]
        ),
        f"Serving on {found['dataset']}: one event more, the best 100; {found['people']} people, "
        f"{found['items']} items",
    )
    _say(found["notes"])


def _opened(named: str, text: str | None, keep: Path | None, seed: int) -> tuple[Request, Any]:
    """Open a data set; return what makes models of it, as `evaluate` would, and the data."""
    from tastemate import build
    from tastemate.data.datasets import find_folder
    from tastemate.data.places import state_home

    here = find_folder(named) is not None or Path(named).exists()
    name = named if here else ALIASES.get(named, named)
    project = open_own(name, text)
    return Request(
        shared=project.work.resources if project is not None else build.resources(),
        own=project.profile if project is not None else None,
        models=(),
        ties="id",
        final=False,
        cuts=(1,),
        max_history=1,
        min_events=5,
        limit_users=None,
        shuffle_labels=False,
        seed=seed,
        seeds=(),
        keep=keep or state_home() / "evaluations",
        fresh=False,
        liked_only=False,
        dialogues=None,
        language=None,
        ablations=0,
    ), project or open_data(name, text)


def _kept(asked: Any, wanted: Request) -> Any:
    from dataclasses import replace

    return replace(asked, keep=wanted.kept())


def _together(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of several data sets as one, the rows named by data set."""
    found = list(found)
    rows = [
        line | {"name": f"{one['dataset']}: {line['name']}"}
        for one in found
        for line in one["rows"]
    ]
    return {"rows": rows, "datasets": found}


def _show(found: Mapping[str, Any]) -> None:
    """Print the tables, published rows first."""
    made = found["tables"]
    title = f"{found['dataset']}, {found['split']}, {found['users']} users, {found['items']} items"
    for number, said in (("1", "all users"), ("3", "target in the retriever's first 20")):
        if made[number]:
            rows = _rows(made["published"][number], made[number], found["split"] == "test")
            lies = "; where LlamaRec's published ndcg@10 lies" if "LlamaRec" in rows[-1] else ""
            table(rows, f"{title}: {said}{lies}")
    table(
        (
            {"model": one["model"], "ties": one["ties"]}
            | {said: format(one["cost"][name], form) for name, (said, form) in _COSTS.items()}
            for one in made["1"]
            if one["cost"]
        ),
        "What it costs",
    )
    table(
        (
            {"model": model, "ties": ties} | one["metrics"]["ndcg@10"]
            for ties, models in made["differences"].items()
            for model, one in models.items()
        ),
        "ndcg@10 less that of fast, paired by user",
    )
    _say(found["notes"])


def _rows(
    published: Mapping[str, Any], ours: Iterable[Mapping[str, Any]], tested: bool
) -> list[dict[str, object]]:
    """Return the rows of one table; of the test, ours say where LlamaRec's figure lies.

    Intervals are of the first metric alone, so that a row fits a terminal; the JSON has all.
    """
    ours, (first, *others), last = list(ours), _NAMES, "LlamaRec"
    orders = len({one["ties"] for one in ours}) > 1
    rows: list[dict[str, object]] = [
        {"model": f"{row}, paper"}
        | ({"ties": ""} if orders else {})
        | {name: figures.get(name, "") for name in _NAMES}
        | ({last: ""} if tested else {})
        for row, figures in published.items()
    ]
    for one in ours:
        value, low, high = (f"{one['metrics'][first][of]:.4f}" for of in ("value", "low", "high"))
        row: dict[str, object] = {"model": one["model"]} | ({"ties": one["ties"]} if orders else {})
        row |= {first: f"{value} ({low}-{high})"}
        row |= {name: one["metrics"][name]["value"] for name in others}
        if tested:
            row[last] = one["lies"].get(last, {}).get(first, "")
        rows.append(row)
    return rows


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        page().print(plain(note))


def _write(out: Path, value: Mapping[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
