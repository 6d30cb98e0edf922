"""Conversations of a protocol that keeps none: each request brings all that was said before.

What was said is found again by a hash of it, so that each message is understood once. What is not
found (another process, a restart, an edited message) is understood again from the messages.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tastemate.chat.session import Session
from tastemate.errors import TastemateError
from tastemate.scope import opened

if TYPE_CHECKING:
    from tastemate.chat.conversation import Conversation
    from tastemate.chat.reply import Reply
    from tastemate.project import Tastemate

MOST = 2_000
"""Conversations held; the one not gone on with for longest is understood again."""
REPLAYED = 20
"""Messages that are understood again at most, the latest."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the protocol, as far as it is text: whether a person or we said it."""

    own: bool
    text: str


class Threads:
    """The conversations of a protocol without any, in memory; may be used from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._held: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()
        self._erased = 0

    def answer(
        self,
        project: "Tastemate",
        user: str,
        said: Sequence[Said],
        hear: Callable[[str], None],
        written: "Callable[[Reply], str]",
    ) -> "Reply":
        """Answer the last message, which is a person's; `written` says how the reply reads there.

        Raises what `Conversation.say` raises.
        """
        before = tuple(said[:-1])
        self._forget(project.store.versions.all().get("erased", 0))
        session = self._found(_key(user, before))
        talked = _talk(project, session or Session("", user or None))
        if session is None:
            _replay(talked, before)
        reply = talked.say(said[-1].text, hear)
        self._keep(_key(user, (*said, Said(False, written(reply)))), talked.session)
        return reply

    def _forget(self, erased: int) -> None:
        """Hold nothing of before where somebody was erased since, here or in another process."""
        with self._lock:
            if erased != self._erased:
                self._held.clear()
                self._erased = erased

    def _found(self, key: str) -> Session | None:
        with self._lock:
            session = self._held.get(key)
            if session is not None:
                self._held.move_to_end(key)
            return session

    def _keep(self, key: str, session: Session) -> None:
        with self._lock:
            self._held[key] = session
            self._held.move_to_end(key)
            while len(self._held) > self.most:
                self._held.popitem(last=False)


def _talk(project: "Tastemate", session: Session) -> "Conversation":
    """Open a conversation that nothing is kept of but what its caller holds."""
    talked = project.chat(session.user)
    talked.session = session
    talked.parts = replace(talked.parts, keep=lambda _session: None)
    return talked


def _replay(talked: "Conversation", said: Sequence[Said]) -> None:
    """Understand earlier messages again; all of them have the time of one turn together."""
    own = [one.text for one in said if one.own and one.text.strip()][-REPLAYED:]
    with opened(talked.parts.manners.seconds):
        for text in own:
            try:
                talked.say(text)
            except TastemateError:  # an earlier message that nobody could answer says nothing
                continue


def _key(user: str, said: Sequence[Said]) -> str:
    """Return what a conversation is found by; how its text is spaced makes no difference."""
    told = [user, *((one.own, " ".join(one.text.split())) for one in said)]
    text = json.dumps(told, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
