"""What was asked of `tastemate evaluate`: which protocol, which models, which cuts."""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tastemate.blend import Blend
    from tastemate.build import Resources
    from tastemate.evaluate.scoring import Factory
    from tastemate.language import Language

OWN = "project"
"""The name of a project's own mix among the models."""


class Protocol(StrEnum):
    """What is asked of the models."""

    NEXT_ITEM = "next-item"
    GLOBAL_TIME = "global-time"
    COLD_ITEM = "cold-item"
    COLD_USER = "cold-user"
    BEYOND = "beyond-accuracy"
    GENERATION = "generation"
    CONTEXT = "context"
    ONBOARDING = "onboarding"
    CONVERSATION = "conversation"
    UNDERSTANDING = "understanding"


class Ties(StrEnum):
    """Orders of events of one second."""

    ID = "id"
    SHUFFLE_1 = "shuffle-1"
    SHUFFLE_2 = "shuffle-2"


DEFAULT_MODELS: dict[Protocol, tuple[str, ...]] = {
    Protocol.NEXT_ITEM: ("fast",),
    Protocol.GLOBAL_TIME: ("fast", "popular"),
    Protocol.COLD_ITEM: ("content", "balanced", "logistic"),
    Protocol.COLD_USER: ("spoken", "start", "fast", "search"),
    Protocol.BEYOND: ("fast", "balanced", "popular", "content"),
    Protocol.GENERATION: ("fast", "ease-likes"),
    Protocol.CONTEXT: ("fast",),
    Protocol.ONBOARDING: ("fast",),
    Protocol.CONVERSATION: ("talk", "spoken", "ease"),
    Protocol.UNDERSTANDING: (),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    models: tuple[str, ...]
    ties: str
    final: bool
    cuts: tuple[int, ...]
    max_history: int
    min_events: int
    limit_users: int | None
    shuffle_labels: bool
    seed: int
    seeds: tuple[int, ...]
    keep: Path
    fresh: bool
    liked_only: bool
    dialogues: Path | None
    shared: "Resources"
    """The encoder, and the options of retrievers where a project sets them."""
    own: "Blend | None"
    """The project's mix, asked for by the name `OWN`."""
    language: "Language | None"
    ablations: int

    def factory(self, name: str, **options: Any) -> "Factory":
        """Return what fits a model by its name."""
        from tastemate import ranked

        model = self.own if name == OWN and self.own is not None else name
        return ranked.factory(model, self.shared, **options)

    def factories(self) -> "dict[str, Factory]":
        """Return what fits each model asked for."""
        return {name: self.factory(name) for name in self.models}

    def kept(self) -> Path:
        """Return the folder of finished parts: one for each encoder and set of options."""
        own = self.own and dict(self.own.weights)
        parts = [self.shared.extra, own, *self._taught_with()]
        said = json.dumps(parts, default=str)
        return self.keep / f"{self.shared.encoder_name()}-{sha256(said.encode()).hexdigest()[:8]}"

    def _taught_with(self) -> list[str]:
        """Return what decides a ranker besides the names of the models; empty for most."""
        from tastemate.rank.letters import PATH

        own = f"+{self.own.ranker}" if self.own is not None and self.own.ranker else ""
        found = [own] if own else []
        if given := os.environ.get(PATH):
            from tastemate.benchmark.llamarec import LETTERS, key_of

            if any(name.endswith(LETTERS) for name in (*self.models, own)):
                found.append(key_of(Path(given)))
        return found
