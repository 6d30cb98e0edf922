"""`tastemate users`: who is known, what is held of somebody, and forgetting them."""

from typing import Annotated

import typer

from tastemate.cli.output import DatasetOption, JsonOption, emit, open_project, page, plain, table

app = typer.Typer(no_args_is_help=True, help="Who is known; export and erase what is held of one.")

UserArgument = Annotated[str, typer.Argument(help="A user id.")]


@app.command("list")
def list_(
    dataset: DatasetOption = None,
    after: Annotated[str, typer.Option(help="Go on after this id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List who did or said something here, by id; the people of the data set are not among them."""
    found = open_project(dataset).store.users.all(after, limit)
    if as_json:
        emit({"users": found})
        return
    for user in found:
        page().print(plain(user), soft_wrap=True)


@app.command()
def export(user: UserArgument, dataset: DatasetOption = None) -> None:
    """Write everything that is held of a user as JSON."""
    project = open_project(dataset)
    past = project.interactions.history_of(user)
    if not project.store.users.held(user):
        project.history(user)
    data = [
        {"item_id": project.catalog.ids[row], "value": float(value), "timestamp": int(at)}
        for row, value, at in zip(past.items, past.values, past.timestamps, strict=True)
    ]
    emit({"user_id": user, "data": data, **project.store.users.export(user)})


@app.command()
def erase(
    user: UserArgument,
    dataset: DatasetOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove everything that is held of a user, for good; `fit` takes them out of the models."""
    project = open_project(dataset)
    if not yes:
        typer.confirm(f"Remove everything that is held of {plain(user)}?", abort=True, err=True)
    gone = project.erase(user)
    if as_json:
        emit({"user": user, "erased": gone, "next": "tastemate fit"})
        return
    table({"held": name, "rows removed": rows} for name, rows in gone.items())
    page().print("Now run `tastemate fit`: until then models still rest on what they did.")
