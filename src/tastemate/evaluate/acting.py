"""What a scripted person does next: a wish, an answer, a verdict, a change of mind, or leaving.

The person looks at the cards, at whether a question came and at whether nothing fits; never at the
words of the answer, and never at what the system takes them to have said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.session import Question
from tastemate.evaluate.people import Person
from tastemate.evaluate.speech import Voice
from tastemate.evaluate.wants import Want, holds
from tastemate.filters import FALSE, TRUE, Verdicts
from tastemate.types import Mask

Move: TypeAlias = Literal[
    "greeting", "wish", "answer", "verdict", "aside", "change", "more", "complaint", "acceptance"
]


@dataclass(frozen=True, slots=True)
class Line:
    """What a person says, and what kind of thing it is."""

    text: str
    move: Move


@dataclass(frozen=True, slots=True)
class Heard:
    """What a person takes from an answer."""

    shown: tuple[int, ...] = ()
    """Rows of the cards, in order."""
    question: Question | None = None
    offers: tuple[str, ...] = ()
    """Attributes of the wishes it offers to give up, where nothing fits."""


@dataclass(slots=True)
class Told:
    """What a person has made known by now: what an honest answer keeps to."""

    wants: list[Want] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    """Rows said to be known, or liked."""
    disliked: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    """Rows shown before other ones were asked for."""
    settled: set[str] = field(default_factory=set)
    """Attributes asked about and answered, "no preference" included."""


class Actor:
    """A person in one conversation; `line` after each answer until it returns None."""

    def __init__(self, person: Person, catalog: Catalog, rng: np.random.Generator) -> None:
        self.person = person
        self.catalog = catalog
        self.voice = Voice(person, catalog, rng)
        self.told = Told()
        self.accepted = -1
        """Row of the item that was taken; -1 for none."""
        goal = list(person.goal)
        if person.decoy is not None and person.instead >= 0:
            goal[person.instead] = person.decoy
        elif person.decoy is not None:
            goal.insert(0, person.decoy)
        self._plan = goal
        self._deceived = person.decoy is not None
        self._shown: set[int] = set()
        self._aside = person.way == "asides"
        self._turn = 0
        self._verdicts: dict[Want, Verdicts] = {}
        self._goal: Mask = np.logical_and.reduce(
            [self.verdicts(want) == TRUE for want in person.goal]
        )

    def verdicts(self, want: Want) -> Verdicts:
        """Return what a wish says of every item, (items,)."""
        if want not in self._verdicts:
            self._verdicts[want] = holds(self.catalog, want)
        return self._verdicts[want]

    def fits(self, row: int) -> bool:
        """Whether an item fulfils the whole goal and is neither known nor disliked."""
        return bool(self._goal[row]) and row not in self.person.met | self.told.disliked

    def keeps(self, row: int) -> bool:
        """Whether an item fulfils what was said so far."""
        said = all(self.verdicts(want)[row] == TRUE for want in self.told.wants)
        return said and row not in self.told.known | self.told.disliked

    def broken(self, row: int) -> list[Want]:
        """Return the wishes said so far that an item is known not to fulfil, or that want data."""
        return [
            want
            for want in self.told.wants
            if (verdict := self.verdicts(want)[row]) == FALSE or (verdict != TRUE and not want.away)
        ]

    def line(self, heard: Heard) -> Line:
        """Return what the person says next."""
        self._turn += 1
        found = self._next(heard)
        self._shown |= set(heard.shown)
        text = found.text
        if self.person.way == "misspelling" and self.voice.chance(0.8):
            text = self.voice.mistyped(text)
        if self.person.way == "terse":
            text = self.voice.lowered(text)
        return Line(text, found.move)

    def _next(self, heard: Heard) -> Line:
        if self._turn == 1:
            return self._opening()
        if self._aside and heard.shown:
            self._aside = False
            row = int(heard.shown[0])
            return Line(self.voice.say("aside", p=self.voice.place(heard.shown, row)), "aside")
        good = [row for row in heard.shown if self.fits(row)]
        if good and not self._waits():
            self.accepted = good[0]
            where = self.voice.place(heard.shown, good[0])
            return Line(self.voice.say("accept", p=where), "acceptance")
        if self._deceived and (self._turn >= 3 or not heard.shown or self.voice.chance(0.6)):
            return self._changed(heard)
        if heard.question is not None and self._answers(heard):
            return self._answered(heard.question)
        return self._react(heard)

    def _waits(self) -> bool:
        """Whether somebody still has something to say before they take anything."""
        return self.person.temper == "patient" and bool(self._plan or self._deceived)

    def _opening(self) -> Line:
        voice, way = self.voice, self.person.way
        if way == "vague" or not self._plan:
            greeted = voice.chance(0.4)
            return Line(voice.say("greet" if greeted else "vague"), "greeting")
        wants = self._some()
        if way == "terse":
            return Line(voice.short(wants), "wish")
        text = voice.wishes(wants)
        if way == "chatty":
            text = voice.say("chat", x=_capital(text))
            if self.person.soft and voice.chance(0.5):
                text = f"{text.rstrip()} {voice.say('soft', v=self.person.soft)}"
            if voice.chance(0.5):
                text = f"{text} {voice.say('tail')}"
        return Line(self._with_likes(text), "wish")

    def _with_likes(self, text: str) -> str:
        if not self.person.likes:
            return text
        said = self.voice.say("liked", t=self.voice.title(self.person.likes[0]))
        self.told.known |= set(self.person.likes[:1])
        return f"{_ended(_capital(said))} {_capital(text)}"

    def _some(self, most: int = 0) -> list[Want]:
        """Take the next wishes of the plan, as many as this person says at once."""
        whole = len(self._plan)
        usual = {"one by one": 1, "asked": 1, "vague": 1, "two at once": 2, "terse": 3}
        n = usual.get(self.person.way, 1 + self.voice.chance(0.5))
        if self.person.way == "relaxing":
            n = whole
        taken = self._plan[: most or n]
        del self._plan[: len(taken)]
        for want in taken:
            self._made_known(want)
        return taken

    def _made_known(self, want: Want) -> None:
        """Note what was said; what was passed over before may come again for a new wish."""
        self.told.wants.append(want)
        self.told.settled.add(want.attribute)
        self.told.passed.clear()

    def _changed(self, heard: Heard) -> Line:
        """Take back the wish that was one too many, or put the right one in its place."""
        decoy = self.person.decoy
        assert decoy is not None
        voice = self.voice
        self._deceived = False
        if decoy in self._plan:  # not said yet: then it never is
            at = self._plan.index(decoy)
            kept = [self.person.goal[self.person.instead]] if self.person.instead >= 0 else []
            self._plan[at : at + 1] = kept
            return self._react(heard)
        self.told.wants.remove(decoy)
        self.told.passed.clear()
        if self.person.instead >= 0:
            right = self.person.goal[self.person.instead]
            self._made_known(right)
            how = "mend" if self.person.way == "correcting" else "swap"
            return Line(_ended(_capital(voice.replaced(decoy, right, how))), "change")
        if not heard.shown and heard.offers[:1] == (decoy.attribute,) and voice.chance(0.4):
            return Line(voice.say("giveup"), "change")
        text = voice.dropped(decoy)
        if not re.search(r"matter|\bany\b", text):  # then others of its kind may be asked about
            self.told.settled.discard(decoy.attribute)
        return Line(_ended(_capital(text)), "change")

    def _answers(self, heard: Heard) -> bool:
        """Whether the person answers a question rather than saying what they had in mind."""
        unsaid = [want.attribute for want in self._plan]
        asked = heard.question is not None and heard.question.attribute in unsaid
        return asked or self.person.way in ("asked", "vague") or self.voice.chance(0.5)

    def _answered(self, question: Question) -> Line:
        name, voice = question.attribute, self.voice
        self.told.settled.add(name)
        said = [want for want in self.told.wants if want.attribute == name]
        unsaid = [want for want in self._plan if want.attribute == name]
        if unsaid:
            self._plan.remove(unsaid[0])
            self._made_known(unsaid[0])
            return Line(voice.answer(unsaid[0]), "answer")
        if said:
            return Line(voice.answer(said[0]), "answer")
        text = voice.say("careless")
        if self._plan and self.person.way not in ("asked", "one by one") and voice.chance(0.5):
            text = f"{text}, but {self._spoken(self._some(1))}"
        return Line(text, "answer")

    def _react(self, heard: Heard) -> Line:
        """Say what is wrong with what was shown, or what was not said yet."""
        voice = self.voice
        wrong = [want for row in heard.shown for want in self.broken(row)]
        known = [row for row in heard.shown if row in self.person.met and self.keeps(row)]
        parts: list[str] = []
        move: Move = "wish"
        if not heard.shown and not self._plan and heard.question is None:
            return Line(voice.say("insist", x=self._repeated(self.told.wants)), "complaint")
        if known:
            parts.append(self._recognised(heard.shown, known))
            move = "verdict"
        elif heard.shown and self.person.way == "feedback" and self._plan and voice.chance(0.6):
            row = heard.shown[int(voice.chance(0.5)) % len(heard.shown)]
            if not self._goal[row]:
                self.told.disliked.add(row)
                parts.append(voice.say("dislike", p=voice.place(heard.shown, row)))
                move = "verdict"
        if self._plan:
            parts.append(self._spoken(self._some()))
            move = move if len(parts) > 1 else "wish"
        elif wrong and not known:
            parts.append(voice.say("again", x=self._repeated([max(wrong, key=wrong.count)])))
            move = "complaint"
        elif heard.shown:
            self.told.passed |= self._shown | set(heard.shown)
            parts.append(voice.say("more"))
            move = "more" if len(parts) == 1 else move
        if not parts:
            return Line(voice.say("insist", x=self._repeated(self.told.wants)), "complaint")
        return Line(". ".join(_capital(part.rstrip(".")) for part in parts), move)

    def _recognised(self, shown: Sequence[int], known: Sequence[int]) -> str:
        every = len(known) == len(shown) > 1
        named = list(shown) if every else list(known[:2])
        self.told.known |= set(named)
        return self.voice.seen(self.voice.place(shown, *named), every)

    def _repeated(self, wants: Sequence[Want]) -> str:
        terse = self.person.way == "terse"
        return self.voice.short(wants) if terse else self.voice.phrase(wants)

    def _spoken(self, wants: Sequence[Want]) -> str:
        voice = self.voice
        if self.person.way == "terse":
            return voice.short(wants)
        if len(wants) == 1:
            return voice.sentence(wants[0])
        return voice.wishes(wants)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."
