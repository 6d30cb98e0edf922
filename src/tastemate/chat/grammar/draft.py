"""What has been made out of a message so far, and the intent that it comes to."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tastemate.chat.grammar.cueing import Cue
from tastemate.chat.grammar.numbers import Bounds
from tastemate.chat.grammar.stance import Stance
from tastemate.chat.grammar.text import Token, lowered, tokens
from tastemate.chat.intent import Act

if TYPE_CHECKING:
    from tastemate.chat.lexicon import Lexicon


@dataclass(slots=True)
class Draft:
    """One message being read; parts of the grammar fill it in turn."""

    text: str
    lexicon: "Lexicon"
    shown: int
    """How many items were shown last."""
    ordered: bool = False
    """Whether something in it spoke to the system and was left out."""
    low: str = ""
    """Lower case, with titles and what is spent blanked out."""
    tokens: tuple[Token, ...] = ()
    taken: list[bool] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    bounds: list[Bounds] = field(default_factory=list)
    withdrawn: list[tuple[str, str]] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    picked: tuple[int, ...] = ()
    k: int | None = None
    novelty: Literal["", "new", "known"] = ""
    unknown: list[str] = field(default_factory=list)
    unknown_similar: bool = False
    explores: Act = ""
    """What a question about items asks for, where it is one."""
    forgets: bool = False
    takes: bool = False
    """Whether something shown is accepted."""
    corrects: bool = False
    """Whether earlier wishes were taken back, so that what else is named takes their place."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Places that some slot was read from."""
    moments: list[tuple[int, int]] = field(default_factory=list)
    """Places that tell the moment."""
    text_left: str = ""
    undecided: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.low = lowered(self.text)
        self.tokens = tokens(self.text)
        self.taken = [False] * len(self.tokens)

    def take(self, start: int, end: int) -> None:
        """Mark a place as read, so that no value is found in it."""
        self.spans.append((start, end))
        for at, token in enumerate(self.tokens):
            if token.start < end and start < token.end:
                self.taken[at] = True

    def overlaps(self, start: int, end: int) -> bool:
        """Whether a place was read already."""
        return any(one < end and start < other for one, other in self.spans)
