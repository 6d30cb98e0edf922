"""The verbs that change what is kept: init, import, fit, like, dislike, items."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    table,
    talk,
)

items_app = typer.Typer(no_args_is_help=True, help="Add items to the catalogue, or show one.")

TOML = """\
# A Tastemate project. Every setting is optional; `tastemate doctor` checks this file.

[data]
{dataset}

[recommend]
profile = "fast"        # fast, balanced, best (needs tastemate fit), or one retriever

# [blend]               # weights of your own instead of the profile's
# ease = 0.5
# transition = 0.5

# [retrievers.ease]     # options of a retriever
# regularisation = 100.0

[chat]
{noun}

# [llm]                 # a language model; the key comes from the environment
# model = "ollama:llama3.2"

# [store]               # what people do: SQLite beside this file, unless a database is named
# url = "postgresql://user@host/database"

# [signals.weights]     # what a signal is worth, -1 to 1: docs/live.md
# click = 0.3

# [serve]               # the service: docs/serve.md
# rate_per_user = 20.0

# [fair]                # groups of items that lists are fair to: docs/fairness.md
# attribute = "country"
"""

NOUNS = {"films": "films", "ml-latest-small": "films", "ml-1m": "films", "goodbooks": "books"}
"""What the items of data sets we know are called."""


def init(
    folder: Annotated[Path, typer.Argument(help="The folder of the new project.")] = Path(),
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="Use this data set, instead of files you import."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a project: a folder with tastemate.toml."""
    path = write_settings(folder, dataset)
    if as_json:
        emit({"project": str(path)})
        return
    page().print(f"{path} is written.", markup=False)
    if not dataset:
        talk().print("Next: tastemate import RATINGS.csv --items ITEMS.csv", markup=False)


def write_settings(folder: Path, dataset: str | None) -> Path:
    """Write a project's first tastemate.toml; raise `ConfigError` when there is one."""
    from tastemate.errors import ConfigError

    path = folder / "tastemate.toml"
    if path.exists():
        raise ConfigError(f"{path} is there already. Edit it, or name another folder.")
    line = f"dataset = {json.dumps(dataset)}" if dataset else '# dataset = "ml-latest-small"'
    noun = f'noun = "{NOUNS[dataset]}"' if dataset in NOUNS else '# noun = "books"     # the items'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(TOML.format(dataset=line, noun=noun), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}). Name another.") from error
    return path


def fit(
    dataset: DatasetOption = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Only this retriever or profile; repeat it for more."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="All that this profile needs, instead of the project's own, and (without -m) what"
            " was fitted before. fast and balanced take seconds; best teaches its ranker, which"
            " takes minutes."
        ),
    ] = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the models on everything known by now, likes and new items included."""
    from tastemate import scope
    from tastemate.errors import Interrupted

    project = open_project(dataset, text, profile=profile)
    named = [*(model or ()), *([profile] if model and profile else ())]
    try:
        with scope.opened() as account:
            took = project.fit(named)
    except KeyboardInterrupt as stop:
        raise Interrupted(
            "Stopped; the last fit goes on serving. The same command fits again, and goes on with "
            "the pools and networks that were under way."
        ) from stop
    if as_json:
        missed = {"degraded": account.errors} if account.errors else {}
        emit({"dataset": project.name, "seconds": took} | missed)
        return
    for failed in account.errors:
        talk().print(f"[yellow]without {plain(failed)}[/yellow]")
    table([{"model": name, "seconds": seconds} for name, seconds in took.items()])


def like(
    user: Annotated[str, typer.Option("--user", "-u", help="A user id; a new one is welcome.")],
    item: Annotated[str, typer.Argument(help="An id or a title.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a user likes an item; the next answer knows it."""
    _told("like", dataset, user, item, as_json)


def dislike(
    user: Annotated[str, typer.Option("--user", "-u", help="A user id; a new one is welcome.")],
    item: Annotated[str, typer.Argument(help="An id or a title.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a user dislikes an item; the next answer leaves it out."""
    _told("dislike", dataset, user, item, as_json)


def _told(what: str, dataset: str | None, user: str, item: str, as_json: bool) -> None:
    project = open_project(dataset)
    kept = project.like(user, item) if what == "like" else project.dislike(user, item)
    if as_json:
        emit({"dataset": project.name, "user": user, what: kept.id, "title": kept.title})
        return
    page().print(plain(f"{user} {what}s {kept.title}."))


@items_app.command("add")
def items_add(
    file: Annotated[
        Path | None, typer.Argument(help="A JSONL file, one item a line: id, title, text, …")
    ] = None,
    item_id: Annotated[
        str, typer.Option("--id", help="The id of one new item, instead of a file.")
    ] = "",
    title: Annotated[str, typer.Option("--title", help="Its title.")] = "",
    description: Annotated[str, typer.Option("--description", help="Its text.")] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option("--set", help="An attribute: genres=Crime|Drama, year=1995; repeat it."),
    ] = None,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add items: search and filters find them at once, balanced and best recommend them."""
    from tastemate.errors import ConfigError

    project = open_project(dataset)
    if file is not None:
        records = _records(file)
    elif item_id or title:
        records = [{"id": item_id, "title": title, "text": description, **_given(attribute or [])}]
    else:
        raise ConfigError("Name a JSONL file, or give --id and --title.")
    known = set(project.catalog.ids)
    kept = project.add_items(records)
    added = [item for item in kept if item not in known]
    replaced = [item for item in kept if item in known]
    size = len(project.catalog)
    if as_json:
        emit({"dataset": project.name, "added": added, "replaced": replaced, "items": size})
        return
    page().print(f"{len(added)} added, {len(replaced)} replaced; the catalogue has {size} items.")


@items_app.command("show")
def items_show(
    item: Annotated[str, typer.Argument(help="An id or a title.")],
    dataset: DatasetOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one item with everything known about it."""
    from tastemate.catalog import as_json as plain

    project = open_project(dataset, text)
    shown = plain(project.catalog.item(project.find(item)))
    if as_json:
        emit(shown)
        return
    table([{"field": name, "value": value} for name, value in shown.items()])


def _records(file: Path) -> list[dict[str, Any]]:
    from tastemate.errors import FormatError, NotFound

    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{file} cannot be read ({error}). Name a JSONL file in UTF-8.") from error
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise FormatError(f"{file}, line {number}: {error}. Nothing was added.") from error
        if not isinstance(record, dict):
            raise FormatError(f"{file}, line {number} is not an object. Nothing was added.")
        records.append(record)
    return records


def _given(pairs: list[str]) -> dict[str, Any]:
    from tastemate.errors import ConfigError

    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {pair!r} is not NAME=VALUE.")
        given[name] = value.split("|") if "|" in value else value
    return given
