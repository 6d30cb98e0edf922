"""A conversation as a value: its turns, and nothing that does not follow from them.

What is believed of a person is folded from the turns (`beliefs`), so undoing is leaving a turn
out, and a conversation that was kept is the conversation that was had.
"""

from dataclasses import dataclass, replace

from tastemate.chat.intent import Intent, Wish
from tastemate.types import AttributeValue


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked of the person: an attribute and the answers that would halve the list."""

    attribute: str
    options: tuple[AttributeValue, ...]
    text: str
    gain: float = 0.0
    """Expected information of the answer, in bits."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One wish given up, and what that would give."""

    wish: Wish
    items: int
    """How many items would then fit."""
    example: str = ""
    """Id of the best of them."""
    also: tuple[Wish, ...] = ()
    """What has to be given up with it, where no single wish helps."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, what it was taken to mean, and what was answered."""

    text: str
    intent: Intent
    reply: str = ""
    shown: tuple[str, ...] = ()
    """Ids of the items answered with, in order."""
    asked: Question | None = None
    offered: tuple[Wish, ...] = ()
    """Wishes that were offered to be given up, because nothing fits them all."""
    relaxations: tuple[Relaxation, ...] = ()
    """All that could be given up then, the one that gives most first."""
    at: int = 0
    """Seconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Session:
    """An immutable conversation; `user` is who talks, where that is known."""

    id: str
    user: str | None = None
    turns: tuple[Turn, ...] = ()

    def then(self, turn: Turn) -> "Session":
        """Return the conversation with one turn more."""
        return replace(self, turns=(*self.turns, turn))

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids shown last; empty where nothing was shown yet."""
        return next((turn.shown for turn in reversed(self.turns) if turn.shown), ())

    @property
    def asked(self) -> Question | None:
        """The question that the next message may answer; None where the last turn asked none."""
        return self.turns[-1].asked if self.turns else None


def undo(session: Session, at: int = 0) -> Session:
    """Return the conversation with the last turn that changed anything taken back.

    The turn stays and one is added that takes it back, so that twice takes back two.
    """
    return session.then(Turn("", Intent("feedback", "undo"), at=at))
