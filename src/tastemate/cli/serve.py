"""`tastemate serve`: the service over a project, until it is told to end."""

import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tastemate.cli.keep import write_settings
from tastemate.cli.output import (
    DatasetOption,
    LlmOption,
    TextOption,
    needs_extra,
    page,
    plain,
    source,
    talk,
)

if TYPE_CHECKING:
    from tastemate.serve.opening import Opening


def serve(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65_535, help="0 takes any free one.")
    ] = 8765,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            help="The project's folder; a new one gets a project of the bundled sample, or of "
            "--dataset. Default: the project in this folder, else the sample.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; beyond this machine it needs a key.")
    ] = "127.0.0.1",
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, max=64, help="Processes that answer.")
    ] = 1,
    dataset: DatasetOption = None,
    text: TextOption = None,
    llm: LlmOption = None,
    fit: Annotated[
        bool, typer.Option("--fit/--no-fit", help="Fit what is missing before answering.")
    ] = True,
) -> None:
    """Serve recommendations over HTTP, with a page to look at. Ctrl-C ends it."""
    needs_extra("serve", "fastapi", "uvicorn")
    from tastemate.serve import listening, running
    from tastemate.serve.opening import Opening

    opening = Opening(opened(home, dataset), text=text, llm=llm)
    opening.check()
    _may_be_reached(opening, host)
    bound = listening.bind(host, port, workers)
    address = bound.getsockname()[:2]
    if workers == 1:
        _tell(opening, host, address[1])
    else:  # they listen once they have started
        reached = threading.Thread(target=_tell_once_reached, args=(opening, host, address))
        reached.daemon = True
        reached.start()
    running.serve(opening, bound, workers=workers, fit=fit)


def opened(home: Path | None, dataset: str | None) -> str:
    """Return what to open; a folder that is new or empty becomes a project first.

    Raises `ConfigError` for a folder of something else, or a project of another data set.
    """
    from tastemate import config
    from tastemate.data.datasets import check_named
    from tastemate.errors import ConfigError

    if home is None:
        where = source(dataset)
        if not (Path(where) / config.FILE).is_file():
            check_named(where)
        return where
    file = home / config.FILE
    if not file.exists():
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise ConfigError(
                f"{home} holds something, but no {config.FILE}. Name a new folder, or make a "
                f"project there first: tastemate init {home} --dataset films."
            )
        check_named(dataset or "films")
        write_settings(home, _named(dataset or "films"))
    elif dataset is not None:
        has = config.settings(file).data.dataset
        if has != _named(dataset):
            raise ConfigError(
                f"The project in {home} is of {has or 'its own data'}, not of {dataset}. "
                "Leave --dataset out, or name another --home."
            )
    return str(home)


def _named(dataset: str) -> str:
    """Return a data set by name, or the path of one from anywhere."""
    return str(Path(dataset).resolve()) if Path(dataset).exists() else dataset


def _tell(opening: "Opening", host: str, port: int) -> None:
    named = f"[{host}]" if ":" in host else host
    page().print(f"http://{named}:{port}", markup=False)
    named = str(Path(opening.source).resolve()) if Path(opening.source).exists() else opening.source
    talk().print(f"{plain(named)} is served there. Ctrl-C ends it.", style="dim")


def _tell_once_reached(opening: "Opening", host: str, address: tuple[str, int]) -> None:
    while True:
        try:
            socket.create_connection(address, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            break
    _tell(opening, host, address[1])


def _may_be_reached(opening: "Opening", host: str) -> None:
    """Raise `ConfigError` where others could reach a service that has no key."""
    from tastemate.serve.auth import bind_check, is_loopback

    if not is_loopback(host):
        bind_check(host, opening.open().store)
