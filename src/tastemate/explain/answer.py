"""A question answered in words from items that were retrieved for it, and from nothing else.

With a model: it writes sentences, each citing the items it rests on; a sentence that cites none,
or names what its items do not hold, is dropped and counted. Without one, or when nothing it wrote
can stand: plain sentences made of the items and their reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tastemate.llm import prompts
from tastemate.llm.parse import json_value
from tastemate.llm.person import Person
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.text.phrases import listing
from tastemate.types import Clause, Item, Recommendation

Unbound: TypeAlias = Callable[[str, Sequence[Item], str], list[str]]
"""`unbound(sentence, items, question)` → what it names that neither items nor question hold."""

SHOWN = 5
"""Items that the sentences are about; the list goes on."""


@dataclass(frozen=True, slots=True)
class Written:
    """Sentences, each bound to the ids of the items it rests on."""

    sentences: tuple[Clause, ...] = ()
    by: str = "offline"
    """The model that wrote them, or "offline"."""
    dropped: int = 0
    """Sentences of the model that could not stand."""

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return " ".join(sentence.text for sentence in self.sentences)


def write(
    question: str,
    person: Person,
    lines: Sequence[Recommendation],
    model: ChatModel | None,
    unbound: Unbound,
    style: prompts.Style = prompts.PLAIN,
) -> Written:
    """Answer a question about the first lines of a slate, by the model where there is one."""
    shown = lines[:SHOWN]
    if model is None or not shown:
        return offline(shown)
    asked = prompts.answer(
        question, person, [(line.item, line.reason.evidence) for line in shown], style
    )
    got = model.complete([asked])[0]
    if got.error:
        current().fail(got.error)
        return offline(shown)
    kept, dropped = _checked(json_value(got.text), shown, question, unbound)
    if dropped:
        current().note(f"{dropped} sentences of the model rest on nothing here and were dropped")
    if not kept:
        return Written(offline(shown).sentences, "offline", dropped)
    return Written(tuple(kept), model.name, dropped)


def offline(lines: Sequence[Recommendation]) -> Written:
    """Return plain sentences: what fits best, and why the first one does."""
    if not lines:
        return Written((Clause("Nothing in the catalogue fits all of that.", ()),))
    names = listing([line.item.title for line in lines])
    ids = tuple(line.item.id for line in lines)
    fits = "What fits best is" if len(lines) == 1 else "What fits best:"
    sentences = [Clause(f"{fits} {names}.", ids)]
    first = lines[0]
    if first.reason.text:
        sentences.append(Clause(f"{first.item.title}: {first.reason.text}", (first.item.id,)))
    return Written(tuple(sentences))


def _checked(
    reply: Any, lines: Sequence[Recommendation], question: str, unbound: Unbound
) -> tuple[list[Clause], int]:
    """Return the sentences of a reply that can stand, and how many cannot."""
    kept: list[Clause] = []
    dropped = 0
    sentences = reply.get("sentences") if isinstance(reply, dict) else None
    for sentence in sentences if isinstance(sentences, list) else []:
        clause = _bound(sentence, lines, question, unbound)
        if clause is None:
            dropped += 1
        else:
            kept.append(clause)
    return kept, dropped


def _bound(
    sentence: Any, lines: Sequence[Recommendation], question: str, unbound: Unbound
) -> Clause | None:
    """Return a sentence with the ids of its items; None where it cannot stand."""
    if not isinstance(sentence, dict) or not isinstance(sentence.get("text"), str):
        return None
    text = " ".join(sentence["text"].split())[:600]
    handles = sentence.get("items")
    cited = [
        lines[handle - 1]
        for handle in (handles if isinstance(handles, list) else [])
        if isinstance(handle, int) and not isinstance(handle, bool) and 1 <= handle <= len(lines)
    ]
    if not text or not cited or unbound(text, [line.item for line in cited], question):
        return None
    return Clause(text, tuple(dict.fromkeys(line.item.id for line in cited)))
