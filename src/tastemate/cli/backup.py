"""The verbs that copy everything kept of a project into one file, and back."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tastemate.cli.output import DatasetOption, JsonOption, emit, page, plain, source, table
from tastemate.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from tastemate.store.backup import Copied


def backup(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; a new one.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what people did, said and were shown into one file; the service may go on meanwhile."""
    from tastemate.store.backup import backup
    from tastemate.store.opening import open_store

    name, url = _store_of(dataset)
    store = open_store(url)
    try:
        copied = backup(store, out)
        with suppress(Unavailable):  # a store that is only read can be copied all the same
            if store.database.exists():
                store.audit.write("command line", "backup", str(copied.path), {})
        _show("written", name, copied, as_json)
    finally:
        store.close()


def restore(
    file: Annotated[Path, typer.Argument(help="A file that backup wrote.")],
    dataset: DatasetOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of what the store holds now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into the project's store; refuses one that holds something, unless told."""
    from tastemate.store.backup import restore
    from tastemate.store.opening import open_store
    from tastemate.store.zipped import NoBackup

    name, url = _store_of(dataset)
    try:
        copied = restore(file, url, replace=replace)
    except (NoBackup, NotFound) as error:
        raise typer.BadParameter(str(error), param_hint="file") from error
    store = open_store(url)
    try:
        store.audit.write("command line", "restore", str(copied.path), {})
    finally:
        store.close()
    _show("restored", name, copied, as_json)


def _store_of(dataset: str | None) -> tuple[str, str]:
    """Return a project's name and the URL of its store, which may be damaged and stays shut."""
    from tastemate.opening import found, store_url

    data, folder, settings = found(Path(source(dataset)), None, None)
    return data.name, store_url(settings.store, folder)


def _show(what: str, name: str, copied: "Copied", as_json: bool) -> None:
    if as_json:
        emit({"dataset": name, what: str(copied.path), "rows": dict(copied.rows)})
        return
    table([{"table": one, "rows": n} for one, n in copied.rows.items() if n])
    page().print(plain(f"{copied.path} is {what} and checked."))
