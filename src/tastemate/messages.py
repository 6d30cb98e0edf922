"""What goes to a language model and what comes back, as values; a failure is a value too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what goes to a language model."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Generation:
    """How a language model is to write; a client leaves out what its server does not have."""

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    """Tokens drawn from; 0 is all of them."""
    repetition_penalty: float = 1.0
    beams: int = 1
    seed: int | None = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One call to a language model: what is asked, and what kind of answer is wanted."""

    name: str
    """The function that wrote it and its version, such as "listwise/1"."""
    messages: tuple[Message, ...]
    generation: Generation = Generation()
    schema: Mapping[str, Any] | None = None
    """The JSON schema that the reply must fit; None for free text."""
    labels: tuple[str, ...] = ()
    """Instead of a text: the log-probability of each of these as the first token."""
    user: str = ""
    """Whose budget pays; never sent."""

    @property
    def text(self) -> str:
        """All messages as one text, each under its role: what `--show-prompt` prints."""
        return "\n\n".join(f"<{turn.role}>\n{turn.text}" for turn in self.messages)


Fault: TypeAlias = Literal[
    "", "busy", "server", "timeout", "unreachable", "refused", "budget", "paused", "unsent",
    "reply", "unable",
]  # fmt: skip
"""Why a completion failed: 429, 5xx, too slow, no connection, 4xx, no budget left, circuit open,
no time left to send it, a reply that does not fit what was asked, what this model cannot do."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model answered; a failure is a value too."""

    text: str = ""
    scores: tuple[float, ...] = ()
    """Log-probabilities of the prompt's labels; -inf for one the server did not report."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """US dollars, by the prices of the settings."""
    seconds: float = 0.0
    model: str = ""
    cached: bool = False
    error: str = ""
    """One sentence for a person; empty for an answer."""
    fault: Fault = ""
    wait: float = 0.0
    """Seconds the server asks to wait before another try (Retry-After)."""

    @property
    def tokens(self) -> int:
        """Tokens of the prompt and of the reply."""
        return self.prompt_tokens + self.completion_tokens
