"""How a service opens its project: alike in every process, and again for every generation."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tastemate import artifacts, build
from tastemate.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from tastemate.project import Tastemate

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Opening:
    """What is opened: a project folder or data set, with what was asked for this once."""

    source: str
    text: str | None = None
    llm: str | None = None

    def open(self, progress: Progress | None = None) -> "Tastemate":
        """Open it; raise what `Tastemate.open` raises."""
        from tastemate.project import Tastemate

        return Tastemate.open(self.source, text=self.text, llm=self.llm, progress=progress)

    def check(self) -> None:
        """Read the settings of all that a service is made of; raise `ConfigError`, `Unavailable`.

        Before anything is listened on: what is wrong is then the first thing said.
        """
        from tastemate import config
        from tastemate.chat.settings import Manners
        from tastemate.profile.signals import weights
        from tastemate.serve.logs import open_log
        from tastemate.serve.settings import serving
        from tastemate.stages import Exploring

        said = config.settings(Path(self.source) / config.FILE)
        weights(said.signals)
        rates = {name: value for name, value in said.chat.items() if name != "rates"}
        Manners(**config.arguments(Manners, rates, "[chat]"))
        config.arguments(Exploring, said.explore, "[explore]")
        stream = open_log(serving(said.serve).log_file)
        if stream is not None and stream is not sys.stderr:
            stream.close()

    def written(self) -> str:
        """Return it as one line, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> "Opening":
        """Return what `written` wrote; raise `ConfigError` for anything else."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{line[:80]!r} says no project. Start it with serve.") from error


def needed(project: "Tastemate") -> list[str]:
    """Return the retrievers that a service asks: lists, search, similar items, conversations."""
    extras = [name for name in build.EXTRAS if name in build.RETRIEVERS]
    talk = build.PROFILES["talk"].weights
    lists = [*project.profile.weights, build.FALLBACK]
    return list(dict.fromkeys([*lists, *extras, "content", "ease", *talk]))


def damaged(project: "Tastemate") -> dict[Path, FormatError]:
    """Return the fitted models of the generation that is served that have a byte changed.

    They are read from end to end: about a second a gigabyte.
    """
    found: dict[Path, FormatError] = {}
    work = project.work
    for folder in sorted((work.folder / "models").glob(f"*-{work.key}*")):
        if not folder.name.startswith("."):
            try:
                artifacts.verify(folder)
            except FormatError as error:
                found[folder] = error
    return found


def missing(project: "Tastemate") -> list[str]:
    """Return which of the needed retrievers are not fitted."""
    return [name for name in needed(project) if not project.work.is_fitted(name)]
