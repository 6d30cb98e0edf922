"""A project in which the same conversation is held without a model and with one."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tastemate import config
from tastemate.chat.beliefs import beliefs
from tastemate.chat.reply import Reply
from tastemate.data.datasets import Dataset
from tastemate.evaluate.acting import Actor, Heard
from tastemate.evaluate.people import people
from tastemate.evaluate.playing import Talks
from tastemate.filters import allowed
from tastemate.language import Language
from tastemate.llm.prompts import PLAIN
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.project import Tastemate
from tastemate.protocols import ChatModel
from tastemate.types import Mask

TURNS = 4
"""Messages of a conversation, without the last."""
LAST = ("why the first one?", "tell me a joke")
"""How every conversation ends: what a model may word besides lists."""
SECONDS = 1.5
"""What all calls of a turn may take together, where a kind of fault says no less."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a script, and what the answer without a model came to."""

    text: str
    may: Mask
    """Which items the firm wishes in force leave, as the offline reader took them in, (items,)."""
    shown: tuple[str, ...]
    relaxed: bool
    """Whether nothing fitted."""
    words: str
    """The answer and the reasons on its cards."""


class Room:
    """A project over one data set, in which conversations are held with or without a model."""

    def __init__(self, data: Dataset, folder: Path) -> None:
        self.data = data
        self.folder = folder
        self.calls = 0
        settings = config.Settings(
            encoder=config.EncoderChoice("words"), llm=config.LanguageModel(rank="none")
        )
        self._project = Tastemate(data, folder / "project", settings)

    def begin(
        self,
        model: ChatModel | None = None,
        *,
        seconds: float = SECONDS,
        loop: bool = False,
        user: str | None = None,
    ) -> Talks:
        """Open a conversation whose model is this one; None for without."""
        project = self._project
        said = replace(project.settings, chat={"seconds": seconds, "loop": loop})
        project.settings = said
        project.__dict__["language"] = None if model is None else Language(model, said, PLAIN)
        for made in ("manners", "voice", "style"):  # from the settings and the model
            project.desk.__dict__.pop(made, None)
        return project.chat(user)

    def script(self, number: int, seed: int) -> list[Said]:
        """Have a scripted person talk without a model, and joke in the end.

        Returns what was said with what the answers came to.
        """
        catalog = self.data.catalog
        person = people(catalog, number + 1, seed)[number]
        actor = Actor(person, catalog, np.random.default_rng((seed, number)))
        talks, heard, found = self.begin(), Heard(), list[Said]()
        for _ in range(TURNS):
            line = actor.line(heard)
            reply = self.offline(talks, line.text, found)
            heard = Heard(tuple(int(r) for r in catalog.rows(reply.slate.ids)), reply.question)
            if line.move == "acceptance":
                break
        for message in LAST:
            self.offline(talks, message, found)
        return found

    def offline(self, talks: Talks, text: str, found: list[Said]) -> Reply:
        """Say a message to a conversation without a model; put what came of it into `found`."""
        reply = talks.say(text)
        held = beliefs(reply.session, self.data.catalog).wishes
        may, _ = allowed(self.data.catalog, [one.wish.filter for one in held if one.wish.firm])
        words = "\n".join([reply.text, *(line.reason.text for line in reply.slate.items)])
        found.append(Said(text, may, tuple(reply.slate.ids), bool(reply.relaxations), words))
        return reply

    def guarded(self, client: ChatModel, seconds: float) -> ChatModel:
        """Return a client in its wrappers, with a folder of its own."""
        self.calls += 1
        cached = self.calls % 3 == 0
        guards = Guards(seconds=seconds, cache=cached, record=self.calls % 5 == 0)
        return wrapped(client, self.folder / str(self.calls), guards)
