"""How conversations go: the table `[chat]`."""

import math
from dataclasses import dataclass

from tastemate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Manners:
    """What a conversation keeps to; every field is a key of `[chat]`."""

    noun: str = "titles"
    """What items are called, in the plural."""
    model: str = ""
    """A profile or a retriever that lists come from, such as "talk"; empty: the project's mix."""
    k: int = 5
    """Items shown where nobody says how many."""
    most: int = 20
    """Items shown at most, whatever is asked for."""
    ask: bool = True
    """Whether it asks a question back where the answer would help."""
    loop: bool = False
    """Whether a capable model may call the tools itself, instead of the fixed plan."""
    steps: int = 4
    """Tool calls that the model may make for one reply."""
    understand: bool = True
    """Whether the model reads messages, where there is one; else the grammar does."""
    word: bool = True
    """Whether the model words replies, where there is one."""
    seconds: float = 10.0
    """What a whole turn may take where a model is asked: reading, finding and wording together."""
    known: float = 0.2
    """Share of the items that count as well known, for "a safe bet"."""
    novelty: float = 0.5
    """How little known "something new" is, 0 to 1."""

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 1000:
            raise ConfigError(f"most in [chat] is {self.most}; it must lie between 1 and 1000.")
        if not 1 <= self.k <= self.most:
            raise ConfigError(f"k in [chat] is {self.k}; it must lie between 1 and {self.most}.")
        if not self.noun.strip():
            raise ConfigError('noun in [chat] is empty; write a plural such as "films".')
        for name in ("known", "novelty"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} in [chat] is {getattr(self, name)}; it must lie between 0 and 1."
                )
        if not 1 <= self.steps <= 20 or not 0 < self.seconds < math.inf:
            raise ConfigError("steps in [chat] must lie between 1 and 20, and seconds above 0.")
