"""`tastemate data`: which data sets there are, fetching one, describing it, checking files.

Errors go up to `cli.main`, which says them in one sentence and leaves with exit code 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemate.cli.output import JsonOption, TextOption, emit, open_data, table, talk
from tastemate.errors import NothingUsable

app = typer.Typer(
    name="data",
    help="List, fetch, describe and check data sets.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_datasets(as_json: JsonOption = False) -> None:
    """List the data sets that can be opened or fetched, with their licences."""
    from tastemate.data.datasets import FILMS, LOCAL, find_folder
    from tastemate.data.recipes import RECIPES

    rows = [{"name": FILMS, "here": True, "path": "", "summary": _FILMS, "licence": _OWN}]
    for name, recipe in RECIPES.items():
        path = find_folder(name)
        rows.append(
            {
                "name": name,
                "here": path is not None,
                "path": str(path or ""),
                "summary": recipe.summary,
                "licence": recipe.licence,
            }
        )
    for name in LOCAL:
        path = find_folder(name)
        if path is not None:
            rows.append(
                {"name": name, "here": True, "path": str(path), "summary": "", "licence": _BESIDE}
            )
    if as_json:
        emit({"datasets": rows})
        return
    table(
        {
            "data set": row["name"],
            "here": "yes" if row["here"] else "fetch",
            "what": row["summary"],
            "licence": row["licence"],
        }
        for row in rows
    )


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name from `tastemate data list`.")],
    dest: Annotated[Path | None, typer.Option(help="Folder to put it in. (the cache)")] = None,
    as_json: JsonOption = False,
) -> None:
    """Download a data set, check it, and unpack it. A broken download goes on where it broke."""
    from tastemate.data.datasets import FILMS, cache_folder, find_folder
    from tastemate.data.recipes import RECIPES
    from tastemate.data.recipes import fetch as fetch_files

    if name == FILMS:
        typer.echo("The films sample comes with Tastemate; nothing to fetch.", err=True)
        return
    if name in RECIPES:
        typer.echo(f"{name}: {RECIPES[name].licence}", err=True)
    found = find_folder(name) if dest is None else None
    if found is not None and name in RECIPES:
        folder = found
    else:
        with _progress() as tell:
            folder = fetch_files(name, dest or cache_folder(), tell)
    if as_json:
        emit({"name": name, "path": str(folder)})
        return
    typer.echo(str(folder))


@app.command()
def describe(
    dataset: Annotated[str, typer.Argument(help="A data set by name, or a path.")] = "films",
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how large, dense, old and complete a data set is."""
    from tastemate.data.describe import description

    found = description(open_data(dataset, text))
    if as_json:
        emit(found)
        return
    attributes = found.pop("attributes")
    found.pop("notes")  # open_data said them
    name = found.pop("dataset")
    table(({"": key.replace("_", " "), name: _words(value)} for key, value in found.items()))
    if attributes:
        table(
            {
                "attribute": key,
                "kind": one["kind"],
                "known": f"{one['known']:.0%}",
                "values": one["values"],
            }
            for key, one in attributes.items()
        )


@app.command()
def validate(
    ratings: Annotated[str, typer.Argument(help="A data set, a folder, or a file of events.")],
    items: Annotated[Path | None, typer.Option(help="A file of items.")] = None,
    user_col: Annotated[str, typer.Option(help="Column of users.")] = "",
    item_col: Annotated[str, typer.Option(help="Column of items.")] = "",
    rating_col: Annotated[str, typer.Option(help="Column of ratings.")] = "",
    time_col: Annotated[str, typer.Option(help="Column of times.")] = "",
    item_id_col: Annotated[str, typer.Option(help="Id column of the items file.")] = "",
    title_col: Annotated[str, typer.Option(help="Title column of the items file.")] = "",
    text_col: Annotated[str, typer.Option(help="Text column of the items file.")] = "",
    separator: Annotated[str, typer.Option(help="What stands between columns. (found out)")] = "",
    rejected: Annotated[
        Path | None, typer.Option(help="Write every rejected line here (JSON lines).")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many rejected lines to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Read files as an import would and report every line that would be rejected."""
    from tastemate.data.columns import Columns
    from tastemate.data.datasets import read_dataset
    from tastemate.data.load import import_files

    columns = Columns(
        *(user_col, item_col, rating_col, time_col, item_id_col, title_col, text_col, separator)
    )
    if not Path(ratings).is_file() and (items is not None or columns != Columns()):
        raise typer.BadParameter("--items and the columns belong to a file of events; name one.")
    with keeping_rejected(rejected, as_json, show):
        if Path(ratings).is_file():
            catalog, interactions, report = import_files(Path(ratings), items, columns)
        else:
            opened, report = read_dataset(ratings)
            catalog, interactions = opened.catalog, opened.interactions
    if rejected is not None:
        report.write(rejected)
    if as_json:
        size = {"items": len(catalog), "users": interactions.n_users}
        emit(report.as_json(show) | size)
        return
    typer.echo(report.summary(show))


_FILMS = "the bundled sample"
_OWN = "comes with Tastemate"
_BESIDE = "see the files beside it"


@contextmanager
def keeping_rejected(rejected: Path | None, as_json: bool, show: int) -> Iterator[None]:
    """Where nothing is usable, still hand over the rejected lines before the error goes on."""
    from tastemate.data.validate import Report

    try:
        yield
    except NothingUsable as error:
        if isinstance(error.report, Report):
            if rejected is not None:
                error.report.write(rejected)
            if as_json:
                emit(error.report.as_json(show) | {"items": 0, "users": 0})
        raise


@contextmanager
def _progress() -> Iterator[Any]:
    """Yield a progress callback that draws a bar on standard error."""
    from rich.progress import Progress

    with Progress(console=talk(), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0)
            bars.update(tasks[what], completed=share)

        yield tell


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
