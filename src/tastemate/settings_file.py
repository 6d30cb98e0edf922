"""A settings file as it is read: TOML, with the environment's overrides laid over it."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tastemate.errors import ConfigError

PREFIX = "TASTEMATE_"
DEEPEST = 8
"""Tables within tables that the name of a variable may spell."""


def read(path: Path, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read a TOML file (an empty table when there is none) with the environment's overrides.

    Raises `ConfigError` with file and line where the file is not TOML or may not be read.
    """
    settings: dict[str, Any] = {}
    if path.is_file():
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}. Mend that line.") from error
        except RecursionError as error:
            raise ConfigError(f"{path} nests values too deeply. Make them flatter.") from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be read ({error.strerror}). Mend that.") from error
    override(settings, os.environ if environ is None else environ)
    return settings


def override(settings: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Lay `TASTEMATE_TABLE__KEY` variables over the settings, in place."""
    for name, text in sorted(environ.items()):
        path = name.removeprefix(PREFIX).lower().split("__")
        if not name.startswith(PREFIX) or len(path) < 2:
            continue
        if len(path) > DEEPEST:
            raise ConfigError(f"{name[:80]}\u2026 names tables within {len(path) - 1}. Unset it.")
        table = settings
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{name} names a table, but {part!r} is a value.")
        try:
            table[path[-1]] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            table[path[-1]] = text
        except RecursionError as error:
            raise ConfigError(f"{name} nests values too deeply. Make it flatter.") from error
