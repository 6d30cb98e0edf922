"""The model that is not there: every call fails with the reason, so that answers can say it."""

from collections.abc import Iterator, Sequence

from tastemate.errors import Unavailable
from tastemate.llm.tokens import estimate
from tastemate.messages import Completion, Prompt
from tastemate.protocols import Ability

NONE = "no language model is configured; name one as `model` in [llm], or with --llm"


class Absent:
    """Stands where a model was asked for and cannot be opened (no key, no package), or none was."""

    def __init__(self, reason: str = NONE, name: str = "none") -> None:
        self.reason = reason
        self.name = name

    @property
    def abilities(self) -> frozenset[Ability]:
        """Those that decide which prompts would be written."""
        return frozenset(("labels", "schema"))

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return the reason for each prompt."""
        return [Completion(model=self.name, error=self.reason, fault="unable") for _ in prompts]

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Raise `Unavailable` with the reason."""
        return _fail(self.reason)

    def count(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return estimate(text)


def _fail(reason: str) -> Iterator[str]:
    yield from ()
    raise Unavailable(reason)
