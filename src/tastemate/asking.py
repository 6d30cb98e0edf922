"""A question in plain words, answered once over the catalogue: understood, retrieved, written.

The retrieval-augmented answer: a conversation of one message that is not kept. The sentences rest
on what was found, or are dropped.
"""

from dataclasses import dataclass, replace

from tastemate.chat import tools
from tastemate.chat.beliefs import Beliefs, beliefs
from tastemate.chat.intent import Intent
from tastemate.chat.session import Session, Turn
from tastemate.conversing import ProjectDesk
from tastemate.errors import ConfigError
from tastemate.explain.answer import SHOWN, Written, offline, write
from tastemate.explain.ties import ties
from tastemate.explain.writer import PLAIN
from tastemate.llm.cards import Tie
from tastemate.llm.person import person
from tastemate.scope import Trace, opened
from tastemate.text.named import Named
from tastemate.traits import Traits
from tastemate.types import Slate


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood, what was found, and the sentences about it."""

    intent: Intent
    believed: Beliefs
    slate: Slate
    written: Written

    @property
    def text(self) -> str:
        """The answer in words."""
        return self.written.text


def ask(desk: ProjectDesk, question: str, user: str | None, k: int) -> Answer:
    """Answer a question for a user, or for nobody; raise `ConfigError` for an empty one."""
    if not question.strip():
        raise ConfigError("There is no question. Ask for something, in your own words.")
    catalog, model, trace = desk.catalog, desk.model, Trace()
    with opened(desk.seconds, user or ""):
        alone = Session("", user)
        intent = desk.read(question, alone)
        now = beliefs(alone.then(Turn(question, intent)), catalog)
        query = tools.query_of(
            desk,
            user,
            now,
            desk.manners,
            vector=desk.preference.of(now),
            leanings=desk.moments.leanings(now.context),
        )
        query = replace(query, k=now.k or k)
        slate = desk.recommend(query)
        written = offline(slate.items)
        if model is not None:
            shown = [catalog.row(line.item.id) for line in slate.items[:SHOWN]]
            none: list[tuple[Tie, ...]] = []
            known = trace.run("ties", lambda: ties(desk.graph, shown, desk.vectors()), none, len)
            written = trace.run(
                "answer",
                lambda: write(
                    question,
                    person(query, catalog, desk.interactions.scale),
                    slate.items,
                    model,
                    Named(catalog.titles, Traits.of(catalog).values, PLAIN),
                    desk.style,
                    ties=known,
                ),
                written,
                lambda answer: len(answer.sentences),
            )
    return Answer(intent, now, replace(slate, trace=(*slate.trace, *trace.steps)), written)
