"""What a conversation answers: sentences, cards from the catalogue, and what led to them."""

from dataclasses import dataclass

from tastemate.chat.intent import Intent
from tastemate.chat.session import Question, Relaxation, Session
from tastemate.types import Slate

NO_SLATE = Slate(())


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the conversation; `session` holds the turn it made."""

    text: str
    session: Session
    intent: Intent
    slate: Slate = NO_SLATE
    """The cards, in order, each with its reason; empty where none were called for."""
    question: Question | None = None
    relaxations: tuple[Relaxation, ...] = ()
    """Where nothing fits: wishes to give up, the one that gives most first."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """Stages that failed; empty for a full answer."""
        return self.slate.degraded
