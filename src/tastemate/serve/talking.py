"""The conversations of a service, by id: opened from the store for each message, one at a time.

Nothing of a conversation is held here between two messages: what is said is in the store before
it is answered for, so that any process can go on with it and a restart loses nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import uuid4

from tastemate.chat.session import Session
from tastemate.chat.told import told
from tastemate.errors import DataError, FormatError, Interrupted, NotFound
from tastemate.errors import TastemateError as _Ours
from tastemate.serve import forms
from tastemate.serve.cards import card

if TYPE_CHECKING:
    from tastemate.chat.conversation import Conversation
    from tastemate.chat.reply import Reply
    from tastemate.project import Tastemate

LONGEST = 4_000
"""Characters of a message."""
WAIT = 3.0
"""Seconds that a message waits for the one before it."""
WAITING = 4
"""Messages of one conversation that may wait."""
ENDING = 15.0
"""Seconds that deleting waits for the running answer to end; a turn takes 10 at most."""

Verdict: TypeAlias = Literal["liked", "disliked", "seen"]
Noted: TypeAlias = "Callable[[Reply], str]"
"""Notes what was shown and returns the id of that list."""


class Conflict(_Ours):
    """A conversation is busy, or is not any more what a request takes it for."""


def _nothing(*_: object) -> None:
    """Hear nothing."""


@dataclass(frozen=True)
class Listener:
    """Who hears an answer while it is made; `stop` ends it at the next sentence."""

    hear: Callable[[str], None] = _nothing
    begun: Callable[[], None] = _nothing
    """Called once the conversation is there and its turn has come."""
    stop: threading.Event = field(default_factory=threading.Event)

    def sentence(self, text: str) -> None:
        """Pass a sentence on; raise `Interrupted` where nobody listens any more."""
        if self.stop.is_set():
            raise Interrupted("The answer was stopped by who asked; undo takes the message back.")
        self.hear(text)


Act: TypeAlias = "Callable[[Conversation, Callable[[str], None]], Reply]"
"""What is done in a conversation, and answered."""


@dataclass
class _Place:
    lock: threading.Lock = field(default_factory=threading.Lock)
    there: int = 0
    """How many speak or wait to."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Of the one who speaks."""


class Floor:
    """Gives the floor of each conversation to one at a time; others wait a little."""

    def __init__(self, wait: float = WAIT, waiting: int = WAITING) -> None:
        self.wait = wait
        self.waiting = waiting
        self._places: dict[str, _Place] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taken(
        self, session: str, stop: threading.Event | None = None, wait: float | None = None
    ) -> Iterator[None]:
        """Have the floor; raise `Conflict` where it is not free in time."""
        with self._lock:
            place = self._places.setdefault(session, _Place())
            if place.there > self.waiting:
                raise Conflict(_BUSY)
            place.there += 1
        try:
            if not place.lock.acquire(timeout=self.wait if wait is None else wait):
                raise Conflict(_BUSY)
            try:
                place.stop = stop or threading.Event()
                yield
            finally:
                place.lock.release()
        finally:
            with self._lock:
                place.there -= 1
                if not place.there:
                    del self._places[session]

    def stop(self, session: str) -> None:
        """Ask whoever speaks in a conversation to stop."""
        with self._lock:
            if (place := self._places.get(session)) is not None:
                place.stop.set()


_BUSY = "The conversation is answering another message. Wait for that answer, or stop it."


class Talking:
    """What can be done with the conversations of a service; every answer is JSON values."""

    def __init__(
        self,
        project: Callable[[], "Tastemate"],
        noted: "Noted | None" = None,
        floor: Floor | None = None,
    ) -> None:
        """`project` is asked once a message, so that a new model serves from the next one on."""
        self.project = project
        self._noted = noted
        self._floor = floor or Floor()

    def begin(self, user: str = "", session: str = "") -> tuple[dict[str, Any], bool]:
        """Begin a conversation, or find a kept one again; say whether it is new.

        Raises `Conflict` where the id is another user's.
        """
        sessions = self.project().desk.sessions
        if session:
            try:
                kept = sessions.open(session)
            except NotFound:
                pass
            else:
                if user and kept.user != user:
                    raise Conflict(f"The conversation {session!r} is not one of {user!r}.")
                return _named(kept), False
        made = Session(session or uuid4().hex, user or None)
        sessions.keep(made)
        return _named(made), True

    def all(self, user: str, limit: int = 100) -> list[dict[str, Any]]:
        """Return a user's conversations, the one written last first."""
        found = self.project().desk.sessions.all(user)[:limit]
        return [{"session_id": one.id, "user_id": one.user or "", "at": one.at} for one in found]

    def one(self, session: str) -> dict[str, Any]:
        """Return a whole conversation; raise `NotFound`."""
        project = self.project()
        return forms.session_json(project.desk.sessions.open(session), project.catalog)

    def say(self, session: str, message: str, to: Listener | None = None) -> dict[str, Any]:
        """Answer a message."""
        return self._turn(session, lambda talked, hear: talked.say(message, hear), to)

    def undo(self, session: str, to: Listener | None = None) -> dict[str, Any]:
        """Take the last change back."""
        return self._turn(session, lambda talked, hear: talked.undo(hear), to)

    def verdict(
        self, session: str, place: int, kind: Verdict, to: Listener | None = None
    ) -> dict[str, Any]:
        """Note what somebody thinks of the item at a place of the last list."""
        return self._turn(session, lambda talked, hear: talked.verdict(place, kind, hear), to)

    def withdraw(
        self, session: str, number: int, text: str = "", to: Listener | None = None
    ) -> dict[str, Any]:
        """Take one belief back; `Conflict` where its text (or the chip's) is not `text`."""

        def act(talked: "Conversation", hear: Callable[[str], None]) -> "Reply":
            lines = told(talked.session, talked.desk.catalog)
            if text and 0 < number <= len(lines):
                line = lines[number - 1]
                chip = forms.chip(number, line, talked.session) if line.wishes else {}
                if text not in (line.text, chip.get("text", "")):
                    raise Conflict(f"Line {number} is {line.text!r} by now. Look again.")
            return talked.withdraw(number, hear)

        return self._turn(session, act, to)

    def why(self, session: str, place: int) -> dict[str, Any]:
        """Return the card at a place of the last list, with its reason; raise `NotFound`."""
        return card(self.project().chat(session=session).why(place))

    def remember(self, session: str) -> dict[str, Any]:
        """Keep a conversation's likes and dislikes as its user's own.

        Raises `Conflict` where it is not known who talks.
        """
        with self._floor.taken(session):
            talked = self.project().chat(session=session)
            if talked.session.user is None:
                raise Conflict(
                    "It is not known who talks here. Begin a conversation with a user_id."
                )
            return {"session_id": session, "item_ids": list(talked.remember())}

    def delete(self, session: str) -> None:
        """Remove a conversation for good, after its running answer; raise `NotFound`."""
        sessions = self.project().desk.sessions
        sessions.open(session)
        self._floor.stop(session)
        with self._floor.taken(session, wait=ENDING):
            sessions.delete(session)

    def _turn(self, session: str, act: Act, to: Listener | None) -> dict[str, Any]:
        to = to or Listener()
        with self._floor.taken(session, to.stop):
            start, project = time.perf_counter(), self.project()
            talked = project.chat(session=session)
            to.begun()
            try:
                reply = act(talked, to.sentence)
            except FormatError:
                raise
            except DataError as error:  # another process took the turn meanwhile
                raise Conflict(str(error)) from error
            took = time.perf_counter() - start
            return {
                **forms.reply_json(reply, project.catalog, took),
                "recommendation_id": self._noted(reply) if self._noted else "",
                "model_version": project.model_version,
            }


def _named(session: Session) -> dict[str, Any]:
    return {"session_id": session.id, "user_id": session.user or ""}
