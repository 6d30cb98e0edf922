"""`tastemate keys`: make, list and take back the keys by which programs reach the service."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tastemate.cli.output import DatasetOption, JsonOption, emit, page, plain, source, table, talk
from tastemate.errors import ConfigError

if TYPE_CHECKING:
    from tastemate.store.opening import Store

SCOPES = ("read", "write", "admin")
"""What a key may be allowed: `serve.auth.SCOPES`, known here without a server installed."""
LONGEST = 64
"""Characters of a name: it stands in every log line."""

app = typer.Typer(
    no_args_is_help=True, help="Make, list and take back the keys of the service (its API keys)."
)


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="Who will use it: it stands in the log.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write or admin (everything); may be given more than once."),
    ] = None,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept."""
    scopes = checked(scope or ["read"])
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ConfigError(f"Give the key a name of 1 to {LONGEST} printable characters.")
    store = open_kept(dataset)
    first = not store.keys.all()
    made, secret = store.keys.make(name, scopes)
    store.audit.write("command line", "make key", made, {"name": name, "scopes": scopes})
    store.close()
    if as_json:
        emit({"id": made, "name": name, "scopes": scopes, "secret": secret})
        return
    page().print(secret, markup=False, soft_wrap=True)
    said = talk()
    said.print(f"Key {made} for {plain(name)} may {', '.join(scopes)}. Keep it: it is not shown")
    said.print("again. Send it as the header  Authorization: Bearer …  or  X-API-Key.")
    if first:
        said.print("From now on every request to /v1 and /metrics needs a key.")


@app.command("list")
def list_(dataset: DatasetOption = None, as_json: JsonOption = False) -> None:
    """List the keys; never what they are."""
    store = open_kept(dataset)
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": sorted(key.scopes),
            "made": _day(key.made),
            "revoked": _day(key.revoked),
        }
        for key in store.keys.all()
    ]
    store.close()
    if as_json:
        emit({"keys": rows})
    elif rows:
        table([{**row, "scopes": ", ".join(row["scopes"])} for row in rows])
    else:
        talk().print("No key was made: the service answers this machine only, without one.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id: tastemate keys list.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a key back for good; a running service knows within 5 seconds."""
    # Whoever pastes the secret means its key; the secret must not come back in an error.
    named = key.split("_", 2)[1] if key.startswith("tm_") and key.count("_") >= 2 else key
    store = open_kept(dataset)
    store.keys.revoke(named)
    store.audit.write("command line", "revoke key", named, {})
    left = sum(not one.revoked for one in store.keys.all())
    store.close()
    if as_json:
        emit({"revoked": named, "left": left})
        return
    page().print(f"Key {plain(named)} is revoked; {left} left.")
    if not left:
        talk().print("Until another one is made, nobody reaches the service.")


def checked(scopes: list[str]) -> list[str]:
    """Return scopes in order, each once; raise `ConfigError` for one there is not."""
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigError(f"There is no scope {scope!r}; it is one of {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in scopes]


def open_kept(dataset: str | None) -> "Store":
    """Open the store of a project or a data set, without reading its data.

    Raises `UnknownDataset`, `ConfigError`, and `Unavailable` where it does not answer.
    """
    from tastemate.store.opening import open_store

    return open_store(kept_url(dataset))


def kept_url(dataset: str | None) -> str:
    """Return the URL of the store of a project or a data set."""
    from tastemate import config
    from tastemate.data.datasets import check_named
    from tastemate.data.places import place
    from tastemate.opening import store_url

    where = Path(source(dataset))
    if not (where / config.FILE).is_file():
        check_named(str(where))
    said = config.settings(where / config.FILE)
    _, folder = place(where, said, said.data.text, None)
    return store_url(said.store, folder)


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at)) if at else ""
