"""What one message means, as a value: the same type whether a grammar or a model read it.

Items are ids and attribute values are spelled as the catalogue spells them, so that an intent can
be kept, shown, and compared slot by slot.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Literal, TypeAlias

from tastemate.types import AttributeValue, Filter, Operator

State: TypeAlias = Literal[
    "greeting", "elicitation", "recommendation", "clarification", "exploration", "feedback"
]
"""What a message calls for next: the six dialogue states of ChatCRS (Li et al. 2024)."""

Act: TypeAlias = Literal[
    "", "compare", "detail", "explain", "more", "undo", "forget", "joke", "story", "self", "taste",
    "thanks", "goodbye",
]  # fmt: skip
"""What is to be done where the state alone does not say it."""

ALL = "*"
"""As the attribute of a wish taken back: every wish."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something wanted of an attribute: firm, or only rather so."""

    attribute: str
    operator: Operator
    value: AttributeValue
    firm: bool = True

    @property
    def filter(self) -> Filter:
        """The wish as a filter: an unknown value fails a firm wish for something."""
        wants = self.operator not in ("is not", "none of")
        return Filter(self.attribute, self.operator, self.value, hard=self.firm and wants)

    @property
    def away(self) -> bool:
        """Whether something is wished away."""
        return self.operator in ("is not", "none of")


@dataclass(frozen=True, slots=True)
class Intent:
    """What one message says."""

    state: State = "elicitation"
    act: Act = ""
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    """Items it shall be like."""
    unlike: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    """Items a question is about."""
    picked: tuple[int, ...] = ()
    """Positions, from 1, in the list shown last."""
    verdict: Literal["", "liked", "disliked", "seen", "unlike"] = ""
    """What is said of the positions picked."""
    taken: bool = False
    """Whether something shown is accepted: "I'll take that one"."""
    wishes: tuple[Wish, ...] = ()
    """One value a wish: "is" or "is not" for texts, "at least" or "at most" for numbers; only
    alternatives ("French or Italian") are several, under "any of"."""
    withdrawn: tuple[tuple[str, str], ...] = ()
    """Attribute and value of earlier wishes taken back; a value of "" is every one of it."""
    context: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    k: int | None = None
    novelty: Literal["", "new", "known"] = ""
    text: str = ""
    """What no slot holds and a search can use."""
    unknown: tuple[str, ...] = ()
    """Titles and names that the catalogue does not have, as written."""
    undecided: tuple[str, ...] = ()
    """What is wished away and nothing in the catalogue tells about."""
    source: Literal["grammar", "model"] = "grammar"

    @property
    def says_nothing(self) -> bool:
        """Whether no slot but the state holds anything."""
        blank = Intent()
        names = [one.name for one in fields(self) if one.name not in ("state", "source")]
        return all(getattr(self, name) == getattr(blank, name) for name in names)


def slots(intent: Intent) -> frozenset[tuple[str, str]]:
    """Return the intent as (slot, value) pairs, the unit of slot precision and recall.

    What is free text (`text`, `undecided`) is left out, and so are `verdict`, `taken` and `source`;
    alternatives are a pair each.
    """
    return frozenset(_pairs(intent))


def _pairs(intent: Intent) -> Iterator[tuple[str, str]]:
    yield "state", intent.state
    if intent.act:
        yield "act", intent.act
    for name in ("liked", "disliked", "seen", "similar", "unlike", "about", "picked"):
        for value in getattr(intent, name):
            yield name, str(value)
    for wish in intent.wishes:
        for value in wish.value if isinstance(wish.value, tuple) else (wish.value,):
            yield _slot(wish), f"{wish.attribute}={_plain(value)}"
    for attribute, value in intent.withdrawn:
        yield "withdrawn", f"{attribute}={value}"
    for name, value in intent.context.items():
        yield f"context {name}", value
    if intent.k is not None:
        yield "k", str(intent.k)
    if intent.novelty:
        yield "novelty", intent.novelty
    for name in intent.unknown:
        yield "unknown", name.casefold()


def _slot(wish: Wish) -> str:
    if wish.operator in ("at least", "at most"):
        return wish.operator
    if wish.away:
        return "unwanted" if wish.firm else "rather not"
    return "wanted" if wish.firm else "rather"


def _plain(value: AttributeValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
