"""`tastemate import`: somebody's own files into a project, every rejected line said."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.data import keeping_rejected
from tastemate.cli.keep import write_settings
from tastemate.cli.output import JsonOption, emit, page, talk

if TYPE_CHECKING:
    from tastemate.data.validate import Report


def _column(what: str) -> Any:
    return typer.Option(help=f"Column of {what}, when its name does not say so.")


def import_(
    ratings: Annotated[
        Path | None, typer.Argument(help="Events: CSV, TSV, JSON lines or Parquet.")
    ] = None,
    items: Annotated[
        Path | None, typer.Option("--items", help="Items: id, title, text, attributes.")
    ] = None,
    project: Annotated[
        Path, typer.Option("--project", "-p", help="The project's folder.")
    ] = Path(),
    user_col: Annotated[str, _column("users")] = "",
    item_col: Annotated[str, _column("items")] = "",
    rating_col: Annotated[str, _column("ratings")] = "",
    time_col: Annotated[str, _column("times")] = "",
    item_id_col: Annotated[str, _column("ids in the items file")] = "",
    title_col: Annotated[str, _column("titles in the items file")] = "",
    text_col: Annotated[str, _column("texts in the items file")] = "",
    separator: Annotated[str, typer.Option(help="What stands between columns. (found out)")] = "",
    list_separator: Annotated[
        str, typer.Option(help="What stands between the values of a list.")
    ] = "|",
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write every rejected line here (JSON lines).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read your own events and items into a project (in this folder, unless --project names one).

    Rejected lines are reported with file, line, field and reason. Exit code 1 when nothing usable
    is left; what was imported before is then kept.
    """
    from tastemate.data.columns import Columns
    from tastemate.data.load import import_files, import_items
    from tastemate.data.saved import save
    from tastemate.errors import ConfigError
    from tastemate.interactions import Interactions

    columns = Columns(
        user=user_col,
        item=item_col,
        rating=rating_col,
        time=time_col,
        item_id=item_id_col,
        title=title_col,
        text=text_col,
        separator=separator,
        list_separator=list_separator,
    )
    if ratings is None and items is None:
        raise ConfigError("Name a file of events, or --items for a catalogue alone.")
    with keeping_rejected(rejected, as_json, 10):
        if ratings is not None:
            catalog, interactions, report = import_files(ratings, items, columns)
        elif items is not None:
            catalog, report = import_items(items, columns)
            interactions = Interactions.empty(catalog)
    save(project / "data", catalog, interactions)
    if not (project / "tastemate.toml").exists():
        write_settings(project, None)
    if rejected is not None:
        report.write(rejected)
    _tell(report, project, len(catalog), interactions.n_users, as_json)


def _tell(report: "Report", project: Path, items: int, users: int, as_json: bool) -> None:
    if as_json:
        emit({"project": str(project), "items": items, "users": users} | report.as_json())
        return
    console = page() if not len(report) else talk()
    console.print(report.summary(), markup=False)
    page().print(f"{items:,} items and {users:,} users are in {project.resolve()}.", markup=False)
