"""What reading an item gives, whoever reads: the seam between readers and the job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from tastemate.features.vocabulary import Values
from tastemate.types import Item

Kind: TypeAlias = Literal["model", "zero-shot", "words"]
"""How features were read, best first; a better one is not replaced by a worse one."""
STANDING: Mapping[str, int] = {"model": 2, "zero-shot": 1, "words": 0}


@dataclass(frozen=True, slots=True)
class Reading:
    """The features of one item, or why there are none."""

    values: Values = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of each feature that were offered and are not in the vocabulary, or too many."""
    tokens: int = 0
    cost: float = 0.0
    error: str = ""
    final: bool = False
    """Whether asking on is of no use: no budget, no connection, refused."""


class Reader(Protocol):
    """Reads features out of items."""

    @property
    def kind(self) -> Kind:
        """How it reads."""
        ...

    @property
    def name(self) -> str:
        """Who reads, such as "openai:gpt-5-mini" or "minilm zero-shot"."""
        ...

    @property
    def version(self) -> str:
        """The prompt or method and the vocabulary; another one is read again."""
        ...

    def read(self, items: Sequence[Item]) -> list[Reading]:
        """Return one reading an item, in order; a failure is a reading with an error."""
        ...

    def expect(self, item: Item) -> tuple[int, int]:
        """Return the tokens that an item will take: of the prompt, and of the reply at most."""
        ...
