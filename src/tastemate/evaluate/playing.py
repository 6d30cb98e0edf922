"""One person in one conversation, from the first message until they have something or leave.

Counted is what anybody could see who listens: what was shown against what was said. What the
system believed is looked at only afterwards, to say why a conversation failed.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import beliefs
from tastemate.chat.reply import Reply
from tastemate.chat.session import Session
from tastemate.errors import TastemateError
from tastemate.evaluate.acting import Actor, Heard, Line
from tastemate.evaluate.people import Person
from tastemate.evaluate.wants import Want, fulfils
from tastemate.filters import allowed

VIOLATIONS = ("wish", "known", "disliked", "again", "asked again", "invented")
"""Shown against a firm wish; shown though said to be known or liked; though disliked; again after
other ones were asked for; a question already answered; an item that the catalogue does not have."""


class Talks(Protocol):
    """A conversation: say something, get an answer."""

    def say(self, message: str) -> Reply:
        """Answer one message."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was said and answered, for reading."""

    line: Line
    reply: str
    shown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Played:
    """How one conversation went."""

    person: Person
    trial: int
    success: bool = False
    turns: int = 0
    """Messages of the person, the one that takes an item not counted."""
    shown: int = 0
    kept: int = 0
    """Of the items shown, those that fulfil what was said by then."""
    violations: Counter[str] = field(default_factory=Counter)
    breaches: Counter[str] = field(default_factory=Counter)
    """Violations of a wish by attribute, and whether it had been understood."""
    refused: int = 0
    """Answers that nothing fits, where something does."""
    seconds: list[float] = field(default_factory=list)
    reason: str = ""
    """Why it failed; empty for a success."""
    exchanges: list[Exchange] = field(default_factory=list)


def play(
    person: Person, talks: Talks, catalog: Catalog, *, trial: int = 0, seed: int = 0
) -> Played:
    """Have one person talk; `trial` and `seed` vary the words only."""
    rng = np.random.default_rng((seed, person.number, trial, 1))
    actor = Actor(person, catalog, rng)
    played = Played(person, trial)
    heard, spent, session = Heard(), 0, None
    while True:
        line = actor.line(heard)
        taken = line.move == "acceptance"
        if not taken and spent >= person.patience:
            break
        start = time.perf_counter()
        try:
            reply = talks.say(line.text)
        except TastemateError as error:
            played.reason = f"error: {error}"
            played.exchanges.append(Exchange(line, str(error)))
            break
        played.seconds.append(time.perf_counter() - start)
        session = reply.session
        rows = tuple(catalog.row(one) for one in reply.slate.ids if one in catalog)
        problems = [] if taken else _judged(actor, line, reply, rows, played, catalog)
        titles = tuple(line.item.title for line in reply.slate.items)
        played.exchanges.append(Exchange(line, reply.text, titles, tuple(problems)))
        if taken:
            played.success = True
            break
        played.turns += 1
        # what breaks what was said costs patience twice
        spent += 2 if problems else 1
        offers = tuple(one.wish.attribute for one in reply.relaxations)
        heard = Heard(rows, reply.question, offers)
    if not played.success and not played.reason:
        played.reason = _why(actor, played, session, catalog)
    return played


def _judged(
    actor: Actor,
    line: Line,
    reply: Reply,
    rows: Sequence[int],
    played: Played,
    catalog: Catalog,
) -> list[str]:
    """Count an answer into `played`; return what is wrong with it, in words."""
    found: list[str] = []
    told = actor.told
    lost = len(reply.slate.items) - len(rows)
    if lost:
        found += ["invented"] * lost
    if line.move != "aside":  # what is told of an item that was asked about is no offer
        played.shown += len(rows)
        played.kept += sum(actor.keeps(row) for row in rows)
        for row in rows:
            for want in actor.broken(row):
                about = f"wish for {named(want)}"
                understood = _taken_in(want, reply.session, catalog)
                played.breaches[f"{about}, {'' if understood else 'not '}understood"] += 1
                found.append(about)
            found += ["known"] * (row in told.known)
            found += ["disliked"] * (row in told.disliked)
            found += ["again"] * (row in told.passed - told.known - told.disliked)
        broken = sum(bool(actor.broken(row)) for row in rows)
        played.violations["wish"] += broken
    if reply.question is not None and reply.question.attribute in told.settled:
        found.append("asked again")
    for name in VIOLATIONS[1:]:
        played.violations[name] += found.count(name)
    empty = not rows and reply.relaxations
    if empty and fulfils(catalog, told.wants)[actor.person.target]:
        played.refused += 1
        found.append("nothing fits, it says")
    return list(dict.fromkeys(found))


def named(want: Want) -> str:
    """Return what kind of wish it is, in two words."""
    kind = want.attribute if want.shape == "value" else f"{want.attribute} {want.shape}"
    return f"no {kind}" if want.away else kind


def _taken_in(want: Want, session: Session, catalog: Catalog) -> bool:
    """Whether the wishes that the system holds leave only what fulfils this one."""
    held = [one.wish.filter for one in beliefs(session, catalog).wishes if one.wish.firm]
    names = {want.attribute, *(name for name, _ in want.also)}
    about = [one for one in held if one.attribute in names]
    if not about:
        return False
    may, _ = allowed(catalog, about)
    return bool(may.any()) and not (may & ~fulfils(catalog, (want,))).any()


def _why(actor: Actor, played: Played, session: Session | None, catalog: Catalog) -> str:
    """Return the first of the usual reasons that holds."""
    if session is None:
        return "no answer"
    missed = [want for want in actor.told.wants if not _taken_in(want, session, catalog)]
    if missed:
        return f"not understood: {named(missed[0])}"
    held = [one.wish.filter for one in beliefs(session, catalog).wishes if one.wish.firm]
    may, _ = allowed(catalog, held)
    if not may[actor.person.target]:
        return "holds a wish that was not said, or was taken back"
    if played.refused:
        return "said that nothing fits"
    if any(played.violations.values()):
        return "broke what was said"
    if not played.shown:
        return "showed nothing"
    return "understood, not found in time"
