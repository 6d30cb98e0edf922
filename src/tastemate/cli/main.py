"""The command line's front: one app, errors as one sentence, exit codes 0, 1 and 2."""

import sys
from typing import Annotated

import typer

from tastemate import __version__
from tastemate.cli import (
    answer,
    ask,
    audit,
    backup,
    chat,
    data,
    demo,
    doctor,
    evaluate,
    events,
    experiments,
    features,
    graph,
    imports,
    keep,
    keys,
    llm,
    mcp,
    onboard,
    serve,
    simulate,
    tune,
    users,
)
from tastemate.cli import benchmark as bench
from tastemate.cli.output import plain, talk
from tastemate.errors import Interrupted, TastemateError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tastemate: a recommender that understands language and measures itself honestly.",
)

app.command()(demo.demo)
app.command()(ask.recommend)
app.command()(ask.similar)
app.command()(ask.search)
app.command()(chat.chat)
app.command()(answer.ask)
app.command()(onboard.onboard)
app.command()(ask.predict)
app.command()(ask.explain)
app.command()(ask.compare)
app.command()(ask.taste)
app.command()(keep.init)
app.command()(keep.fit)
app.command()(keep.like)
app.command()(keep.dislike)
app.command("import")(imports.import_)
app.add_typer(keep.items_app, name="items")
app.add_typer(data.app, name="data")
app.add_typer(graph.app, name="graph")
app.command()(features.features)
app.command()(evaluate.evaluate)
app.command()(audit.audit)
app.command()(simulate.simulate)
app.command()(tune.tune)
app.add_typer(bench.app, name="benchmark")
app.add_typer(llm.app, name="llm")
app.command()(serve.serve)
app.add_typer(events.app, name="events")
app.add_typer(experiments.app, name="experiments")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(mcp.mcp)
app.command()(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tastemate {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Tastemate: a recommender that understands language and measures itself honestly."""


def run() -> None:
    """Run the command line: 0 done, 1 it could not be done (said in one sentence), 2 misuse."""
    try:
        app()
    except Interrupted as stopped:
        _say(stopped)
        sys.exit(130)
    except TastemateError as error:
        _say(error)
        sys.exit(1)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _say(f"a file cannot be used:{place} {error.strerror or error}. Mend that and try again.")
        sys.exit(1)


def _say(what: object) -> None:
    talk().print(f"tastemate: {plain(what)}", soft_wrap=True)
