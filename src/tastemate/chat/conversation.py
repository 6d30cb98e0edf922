"""The fixed plan of a reply: understand, act, write.

Two steps at most ask a model, and each has its own way without: the grammar reads, the tools find,
the sentences are made of what was found. A conversation never ends because a model did.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from tastemate.chat import tools
from tastemate.chat.agent import Reached, reach
from tastemate.chat.answered import agrees, answered
from tastemate.chat.beliefs import Beliefs, beliefs
from tastemate.chat.critic import checked
from tastemate.chat.desk import Desk
from tastemate.chat.intent import Intent
from tastemate.chat.questions import best_question, chances
from tastemate.chat.reply import Reply
from tastemate.chat.session import Question, Session, Turn, undo
from tastemate.chat.settings import Manners
from tastemate.chat.speaking import Paths, Spoken, spoken
from tastemate.chat.told import drop, told
from tastemate.chat.toolbox import Toolbox
from tastemate.chat.tools import Found
from tastemate.chat.voiced import Voice
from tastemate.errors import ConfigError, NotFound, UnknownUser
from tastemate.scope import Scope, Trace, opened
from tastemate.types import Floats, Leaning, Query, Recommendation

Reads: TypeAlias = Callable[[str, Session], Intent]
"""What a message means, given the conversation before it."""
Leans: TypeAlias = Callable[[Mapping[str, str]], Sequence[Leaning]]
"""What a moment makes one lean to."""
Prefers: TypeAlias = Callable[[Beliefs], Floats | None]
"""Where beliefs point in the encoder's space."""

LONGEST = 4_000
"""Characters of a message that are kept and read."""
POOL = 200
"""Candidates that a question is to halve."""
MOST_DETAILS = 3
"""Items told of in one reply."""
_WORDS = frozenset(("self", "thanks", "goodbye", "forget"))
"""Acts that are answered in words alone."""
_TASTES = frozenset(("taste", "joke", "story"))
"""Acts that are answered from somebody's taste."""


@dataclass(frozen=True)
class Parts:
    """What a conversation is made of, besides the desk: chosen where it is opened."""

    read: Reads
    lean: Leans
    prefer: Prefers
    keep: Callable[[Session], None]
    voice: Voice | None = None
    """Words replies; None where no model does."""
    paths: Paths | None = None
    clock: Callable[[], float] = time.time
    manners: Manners = field(default_factory=Manners)


class Conversation:
    """One conversation: say something, and what is answered is kept in `session`."""

    def __init__(self, desk: Desk, session: Session, parts: Parts) -> None:
        self.desk = desk
        self.session = session
        self.parts = parts

    @property
    def beliefs(self) -> Beliefs:
        """What is believed of the person by now."""
        return beliefs(self.session, self.desk.catalog)

    def say(self, message: str, hear: Callable[[str], None] | None = None) -> Reply:
        """Answer a message; it and the answer are kept before this returns.

        `hear` gets the sentences of the answer as soon as each stands. Raises `ConfigError` for
        an empty message and `Unavailable` when the turn cannot be kept.
        """
        if not isinstance(message, str) or not message.strip():
            raise ConfigError("There is no message. Say something, in your own words.")
        text, trace = message.strip()[:LONGEST], Trace()
        with self._limited():
            intent = trace.run(
                "understand",
                lambda: self._understood(text),
                Intent(text=text),
                lambda one: len(one.wishes),
            )
            turn = Turn(text, intent, at=int(self.parts.clock()))
            return self._answer(self.session.then(turn), trace, hear)

    def undo(self, hear: Callable[[str], None] | None = None) -> Reply:
        """Take the last change back and answer with a list again; nobody reads a message for it.

        Again takes back the one before. `hear` and what is raised are those of `say`.
        """
        with self._limited():
            return self._answer(undo(self.session, int(self.parts.clock())), Trace(), hear)

    def verdict(
        self,
        place: int,
        kind: Literal["liked", "disliked", "seen"],
        hear: Callable[[str], None] | None = None,
    ) -> Reply:
        """Note that the item at a place, from 1, of the list shown last is liked, disliked or seen.

        Answers with a list again; nobody reads a message for it. `hear` is that of `say`. Raises
        `NotFound` where nothing stands there and `Unavailable` when the turn cannot be kept.
        """
        self._shown(place)
        intent = Intent("feedback", picked=(place,), verdict=kind)
        turn = Turn("", intent, at=int(self.parts.clock()))
        with self._limited():
            return self._answer(self.session.then(turn), Trace(), hear)

    def _limited(self) -> AbstractContextManager[Scope]:
        """Open the one scope whose time understanding, acting and writing share."""
        limit = self.parts.manners.seconds if self.desk.model is not None else None
        return opened(limit, self.session.user or "")

    def _answer(self, heard: Session, trace: Trace, hear: Callable[[str], None] | None) -> Reply:
        """Answer the last turn of a conversation; keep it with the answer."""
        turn = heard.turns[-1]
        intent, now = turn.intent, beliefs(heard, self.desk.catalog)
        reached = self._reached(intent, heard, trace) if turn.text else None
        if reached is not None:  # what a model kept of the message is part of what it means
            intent, turn = reached.intent, replace(turn, intent=reached.intent)
            heard = self.session.then(turn)
            now = beliefs(heard, self.desk.catalog)
        found = self._act(intent, heard, now, trace) if reached is None else reached.found
        question = self._question(intent, now, found, trace)
        told = Spoken(self.desk, heard, intent, now, found, question, self.parts.manners.noun)
        told = told if reached is None else replace(told, said=reached.said)
        sentences = self._spoken(told, trace, hear)
        slate = replace(found.slate, trace=(*found.slate.trace, *trace.steps))
        reply = " ".join(sentences)
        offered = found.relaxations[0] if found.relaxations else None
        kept = replace(
            turn,
            reply=reply,
            shown=tuple(slate.ids),
            asked=question,
            offered=() if offered is None else (offered.wish, *offered.also),
            relaxations=found.relaxations,
        )
        self._keep(self.session.then(kept))
        return Reply(reply, self.session, intent, slate, question, found.relaxations)

    def _understood(self, text: str) -> Intent:
        read = self.parts.read(text, self.session)
        asked = self.session.asked
        listed = bool(self.session.turns and self.session.turns[-1].shown)
        return _accepted(self.session, answered(asked, read, text, listed=listed), text)

    def _spoken(self, told: Spoken, trace: Trace, hear: Callable[[str], None] | None) -> list[str]:
        said: list[str] = []

        def speak() -> list[str]:
            for sentence in spoken(told, self.parts.voice, self.parts.paths):
                said.append(sentence)
                if hear is not None:
                    hear(sentence)
            return said

        return trace.run("reply", speak, said, len)

    @property
    def believed(self) -> tuple[str, ...]:
        """What is believed of the person, line by line, each with the message it comes from."""
        return tuple(line.text for line in told(self.session, self.desk.catalog))

    def drop(self, number: int | None = None) -> str:
        """Take back one line of what is believed, or everything; say what is believed no more.

        Raises `NotFound` where there is no such line.
        """
        at = int(self.parts.clock())
        if number is None:
            gone = "everything said here"
            session = self.session.then(Turn("", Intent("feedback", "forget"), at=at))
        else:
            session = drop(self.session, number, self.desk.catalog, at)
            gone = f'"{self.believed[number - 1]}"'
        self._keep(session)
        return f"Forgotten: {gone}."

    def withdraw(self, number: int, hear: Callable[[str], None] | None = None) -> Reply:
        """Take back one line of what is believed and answer with a list again.

        `hear` is that of `say`. Raises `NotFound` where there is no such line and `Unavailable`
        when the turn cannot be kept.
        """
        heard = drop(self.session, number, self.desk.catalog, int(self.parts.clock()))
        with self._limited():
            return self._answer(heard, Trace(), hear)

    def why(self, place: int) -> Recommendation:
        """Return the item at a place, from 1, of the list shown last, and all its reason.

        Raises `NotFound` where nothing stands there.
        """
        row = self.desk.catalog.row(self._shown(place))
        return self.desk.explain(self._query(self.session, self.beliefs), [row])[0]

    def _shown(self, place: int) -> str:
        """Return the id at a place, from 1, of the list shown last; raise `NotFound`."""
        shown = self.session.shown
        if not 1 <= place <= len(shown) or shown[place - 1] not in self.desk.catalog:
            many = f"the last list had {len(shown)}" if shown else "nothing was shown yet"
            raise NotFound(f"There is no number {place}: {many}.")
        return shown[place - 1]

    def remember(self) -> tuple[str, ...]:
        """Keep the likes and dislikes of this conversation as the user's own; return their ids.

        Raises `UnknownUser` where it is not known who talks.
        """
        if self.session.user is None:
            raise UnknownUser("It is not known who you are. Begin the conversation with a user id.")
        now = self.beliefs
        for items, likes in ((now.liked, True), (now.disliked, False)):
            for one in items:
                self.desk.remember(self.session.user, self.desk.catalog.row(one), likes)
        return (*now.liked, *now.disliked)

    def _keep(self, session: Session) -> None:
        self.parts.keep(session)  # on disk before it is true here
        self.session = session

    def _query(self, session: Session, now: Beliefs) -> Query:
        return tools.query_of(
            self.desk,
            session.user,
            now,
            self.parts.manners,
            vector=self.parts.prefer(now),
            leanings=self.parts.lean(now.context),
        )

    def _act(self, intent: Intent, heard: Session, now: Beliefs, trace: Trace) -> Found:
        """Call the tools that the message calls for."""
        query, past = self._query(heard, now), tools.past(self.desk, heard.user, now)
        if intent.act in _TASTES:
            return Found(query=query, past=past, taste=self.desk.taste(past))
        if intent.state == "exploration" and intent.act != "more":
            rows = self._asked_about(intent, heard)
            nothing: tuple[Recommendation, ...] = ()
            details = trace.run(
                "explain", lambda: tools.detail(self.desk, query, rows), nothing, len
            )
            return Found(query=query, past=past, details=details)
        if not _lists(intent):
            return Found(query=query)
        found = tools.recommend(self.desk, query, [held.wish for held in now.wishes])
        slate = trace.run(
            "critic",
            lambda: checked(found.slate, now, query, self.desk.catalog),
            found.slate,
            lambda one: len(one.items),
        )
        return replace(found, slate=slate)

    def _reached(self, intent: Intent, heard: Session, trace: Trace) -> Reached | None:
        """Let a model call the tools, where it may and a list is called for; None: it did not."""
        model, manners = self.desk.model, self.parts.manners
        if not manners.loop or model is None or intent.act == "undo" or not _lists(intent):
            return None

        def plan(box: Toolbox) -> Found:
            return tools.recommend(self.desk, box.query, [held.wish for held in box.now.wishes])

        box = Toolbox(self.desk, heard, self._query)
        return trace.run(
            "loop",
            lambda: reach(box, model, plan, self.parts.voice, manners.steps),
            None,
            lambda one: 0 if one is None else len(one.found.slate.items),
        )

    def _asked_about(self, intent: Intent, heard: Session) -> list[int]:
        """Return the rows a question is about: named, pointed at, else the first one shown."""
        catalog, shown = self.desk.catalog, heard.shown
        named = [*intent.about, *intent.similar, *intent.liked]
        named += [shown[place - 1] for place in intent.picked if 0 < place <= len(shown)]
        if not named and not intent.picked:
            named = list(shown[:1])
        known = [one for one in dict.fromkeys(named) if one in catalog]
        return [catalog.row(one) for one in known[:MOST_DETAILS]]

    def _question(
        self, intent: Intent, now: Beliefs, found: Found, trace: Trace
    ) -> Question | None:
        """Return what to ask back: where the answer would halve what is left."""
        greeted = intent.state == "greeting" and not intent.act
        if not self.parts.manners.ask or found.relaxations or not (found.slate.items or greeted):
            return None
        query = replace(found.query, k=POOL)

        def ask() -> Question | None:
            pool = self.desk.pool(query, POOL)
            return best_question(
                self.desk.catalog,
                np.array([one.row for one in pool], dtype=np.int32),
                chances(np.array([one.score for one in pool], dtype=np.float32)),
                k=found.query.k,
                not_about=now.answered,
                seed=now.turns,
                noun=self.parts.manners.noun,
            )

        return trace.run("question", ask, None, lambda one: int(one is not None))


def _lists(intent: Intent) -> bool:
    """Whether a message calls for a list, not for words alone."""
    if intent.act == "forget" and intent.wishes:
        return True
    if intent.taken or intent.act in _TASTES | _WORDS or intent.state == "greeting":
        return False
    if intent.state == "exploration" and intent.act != "more":
        return False
    return not (intent.state == "clarification" and intent.says_nothing)


def _accepted(session: Session, intent: Intent, text: str) -> Intent:
    """Return the intent of a "yes" to an offer to give wishes up: they are taken back."""
    offered = session.turns[-1].offered if session.turns else ()
    if not offered or not agrees(text) or intent.wishes or intent.withdrawn:
        return intent
    gone = [
        (wish.attribute, str(value))
        for wish in offered
        for value in (wish.value if isinstance(wish.value, tuple) else (wish.value,))
    ]
    return Intent("recommendation", withdrawn=tuple(gone))
