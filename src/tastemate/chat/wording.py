"""The reply in words without a model: what was understood, what is missing, an offer, a question.

Every name and value in a sentence comes from the catalogue or from the conversation; around them
stand the plain words of this file. The list itself is shown by the caller: a sentence names its
first item only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import Beliefs, forgets
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.reply import NO_SLATE
from tastemate.chat.session import Question, Relaxation, Session
from tastemate.chat.understood import quoted, short, understood
from tastemate.text.phrases import listing, singular
from tastemate.types import Slate

OFFERED = 3
"""Relaxations said in words."""
NAMED = 3
"""Unknown titles, and the like, that are said back."""

_FIRST = (
    "I would begin with {title}.",
    "{title} comes first.",
    "At the top: {title}.",
    "My first pick is {title}.",
)
_HELLO = (
    "Hello. Name something you liked, or say what it should be like.",
    "Good to see you. What are you in the mood for?",
    "Hello again. Tell me of something you liked, and I will go on from there.",
)
_TELL = (
    "Name something you liked, or say what it should be like.",
    "Tell me more: something you liked, or what you are in the mood for.",
)
_NONE = ("Nothing fits all of that.", "There is nothing here that fits all of that.")
_NOTED = ("Noted: {what}.", "I will remember: {what}.", "Understood: {what}.")
_MORE = ("Here is more.", "Some more of that.")
_UNDONE = ("Taken back.", "Undone.")
_FORGOTTEN = ("Forgotten. We begin anew.", "All of that is forgotten.")


@dataclass(frozen=True, slots=True)
class Findings:
    """What one turn understood and found: all that a reply may speak of."""

    catalog: Catalog
    intent: Intent
    slate: Slate = NO_SLATE
    wishes: tuple[Wish, ...] = ()
    """The wishes in force, of earlier turns as well."""
    similar: tuple[str, ...] = ()
    """Ids of the items it shall be like."""
    unlike: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    """Free text in force."""
    k: int = 0
    """How many were asked for; 0 where that does not matter."""
    question: Question | None = None
    relaxations: tuple[Relaxation, ...] = ()
    left_out: tuple[tuple[Wish, int], ...] = ()
    """Of each wish, how many items only an unknown value leaves out (`relaxing.undecided`)."""
    shown: tuple[str, ...] = ()
    """Ids of the list shown before, which positions point into."""
    ignored: tuple[str, ...] = ()
    """Sentences on what could not be used of the message (`Beliefs.ignored`)."""
    turn: int = 0
    """How many turns came before."""
    before: str = ""
    """The reply before."""

    @classmethod
    def of(
        cls, session: Session, intent: Intent, believed: Beliefs, catalog: Catalog
    ) -> "Findings":
        """Return what was understood: `believed` is folded from the session and this intent.

        What was found is put in with `replace`.
        """
        last = believed.turns - 1
        return cls(
            catalog,
            intent,
            wishes=tuple(held.wish for held in believed.wishes),
            similar=tuple(believed.similar),
            unlike=tuple(believed.unlike),
            context=believed.context,
            text=believed.text,
            shown=session.shown,
            ignored=tuple(one.text for one in believed.ignored if one.turn == last),
            turn=len(session.turns),
            before=session.turns[-1].reply if session.turns else "",
        )

    def title(self, item: str) -> str:
        """Return the title of an item, its id where it has none or is gone."""
        return (self.catalog[item].title or item) if item in self.catalog else item


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply in its parts; a model may word `about`, everything else is said as it stands."""

    understood: str = ""
    about: tuple[str, ...] = ()
    """On what was found."""
    notes: tuple[str, ...] = ()
    """What is missing, unknown or failed."""
    close: tuple[str, ...] = ()
    """An offer, a question."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence, in order."""
        first = (self.understood,) if self.understood else ()
        return (*first, *self.about, *self.notes, *self.close)

    @property
    def text(self) -> str:
        """The reply."""
        return " ".join(self.sentences)


def draft(found: Findings) -> Draft:
    """Word what a turn found, whatever its state; never empty, never the opening used before."""
    intent = found.intent
    notes = tuple(_missing(found))
    close = [*offer(found.relaxations, found), *([found.question.text] if found.question else [])]
    about: list[str] = []
    opening = _opening(found)
    if found.slate.items:
        about += _about_first(found)
    elif intent.state in ("recommendation", "clarification") and not intent.act:
        about.append(_pick(_NONE, found))
    elif not opening and not close:
        about.append(_pick(_TELL, found))
    return Draft(opening, tuple(about), notes, tuple(close))


def said_back(found: Findings) -> str:
    """Return what was understood, as a sentence; empty where nothing is wanted."""
    wishes = found.wishes or found.intent.wishes
    phrase = understood(
        wishes,
        similar=[found.title(one) for one in found.similar or found.intent.similar],
        unlike=[found.title(one) for one in found.unlike or found.intent.unlike],
        context=found.context or found.intent.context,
        text=found.text or found.intent.text,
        novelty=found.intent.novelty,
    )
    return f"{phrase[0].upper()}{phrase[1:]}." if phrase else ""


def offer(relaxations: Sequence[Relaxation], found: Findings) -> list[str]:
    """Return what giving up a wish would give, as one sentence with an offer; [] for nothing."""
    if not relaxations:
        return []
    parts = []
    for at, one in enumerate(relaxations[:OFFERED]):
        what = f"\u201c{short((one.wish, *one.also))}\u201d"
        fits = f"{one.items:,} {'fits' if one.items == 1 else 'fit'}"
        if at:
            parts.append(f"without {what} {fits}")
            continue
        best = found.title(one.example) if one.example else ""
        shown = "" if not best else f": {best}" if one.items == 1 else f", {best} first"
        parts.append(f"Without {what} {fits}{shown}")
    ask = "Shall I drop that?" if len(parts) == 1 else "Which shall I drop?"
    return [f"{'; '.join(parts)}. {ask}"]


def _opening(found: Findings) -> str:
    """Return the first sentence: a greeting, what was noted, or what was understood."""
    intent = found.intent
    if intent.state == "greeting" and not found.slate.items:
        return _pick(_HELLO, found)
    if intent.act == "undo":
        return _pick(_UNDONE, found)
    if intent.act == "forget" and not intent.wishes:
        return _pick(_FORGOTTEN if forgets(intent) else _UNDONE, found)
    if intent.act == "more":
        return _pick(_MORE, found) if found.slate.items else ""
    if noted := _noted(found):
        wanted = f" {said_back(found)}" if intent.wishes or intent.similar else ""
        return f"{_pick(_NOTED, found, what=noted)}{wanted}"
    said = said_back(found)
    if intent.withdrawn and not intent.wishes and not said:
        return _pick(_UNDONE, found)
    return "" if said and found.before.startswith(said) else said


def _noted(found: Findings) -> str:
    """Return what was said of items: "you liked Heat and not Cats"."""
    intent, parts = found.intent, []
    if liked := _titles(found, intent.liked, "liked"):
        parts.append(f"you liked {listing(liked)}")
    if disliked := _titles(found, intent.disliked, "disliked"):
        verb = "not" if parts else "you did not like"
        parts.append(f"{verb} {listing(disliked, 'or')}")
    if seen := _titles(found, intent.seen, "seen"):
        parts.append(f"you know {listing(seen)} already")
    return " and ".join(parts)


def _titles(found: Findings, named: Sequence[str], verdict: str) -> list[str]:
    """Return the titles of items that were named, or picked by position, with a verdict."""
    intent, shown = found.intent, found.shown
    picked = intent.picked if intent.verdict == verdict else ()
    ids = [*named, *(shown[at - 1] for at in picked if 1 <= at <= len(shown))]
    return [found.title(one) for one in dict.fromkeys(ids)]


def _about_first(found: Findings) -> list[str]:
    first = found.slate.items[0]
    sentences = [_pick(_FIRST, found, title=first.item.title)]
    shown = len(found.slate.items)
    if 0 < shown < found.k:
        sentences.append("Nothing else fits." if shown == 1 else f"Only these {shown} fit.")
    return sentences


def _missing(found: Findings) -> list[str]:
    """Return what the person should know of the answer: not found, not known, failed."""
    intent, notes = found.intent, []
    if intent.unknown:
        notes.append(f"I do not know {_named(intent.unknown)}.")
    if intent.undecided:
        what = _named(intent.undecided)
        notes.append(f"I cannot tell here whether something is {what}, so it is not held to that.")
    notes += [sentence for one in found.ignored if (sentence := _ended(one))]
    if total := found.slate.unknown or sum(count for _, count in found.left_out):
        names = list(dict.fromkeys(singular(wish.attribute) for wish, _ in found.left_out))
        whose = "its" if total == 1 else "their"
        why = f"{whose} {listing(names)} {'is' if len(names) == 1 else 'are'} not known"
        if not names:
            why = "it is not known whether they fit"
        verb = "is" if total == 1 else "are"
        notes.append(f"{total:,} more {verb} left out only because {why}.")
    if found.slate.degraded:
        steps = dict.fromkeys(one.partition(":")[0] for one in found.slate.degraded)
        notes.append(f"Not everything worked this time ({listing(list(steps))}).")
    return notes


def _named(written: Sequence[str]) -> str:
    """Return what somebody wrote, quoted: the first few, and how many more."""
    shown = [quoted(one) for one in written[:NAMED]]
    if len(written) > NAMED:
        shown.append(f"{len(written) - NAMED} more")
    return listing(shown, "or")


def _ended(sentence: str) -> str:
    text = " ".join(sentence.split())
    return text if not text or text[-1] in ".!?" else f"{text}."


def _pick(wordings: Sequence[str], found: Findings, **names: str) -> str:
    return varied(wordings, found.turn, found.before, **names)


def varied(wordings: Sequence[str], turn: int, before: str = "", **names: str) -> str:
    """Return the wording of a turn, never one that the reply before began with or held."""
    for step in range(len(wordings)):
        text = wordings[(turn + step) % len(wordings)]
        fixed = max(re.split(r"\{\w+\}", text), key=len).strip()
        if not before or fixed not in before:
            return text.format(**names)
    return wordings[turn % len(wordings)].format(**names)
