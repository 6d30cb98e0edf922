"""A question answered in words from items that were retrieved for it, and from nothing else.

With a model: it writes sentences, each citing the items it rests on; a sentence that cites none,
or says what its items do not hold, is dropped and counted. Without one, or when nothing it wrote
can stand: plain sentences made of the items and their reasons.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tastemate.explain.answered import unbound
from tastemate.explain.marks import title_names
from tastemate.llm import prompts
from tastemate.llm.cards import Tie
from tastemate.llm.parse import json_value
from tastemate.llm.person import Person
from tastemate.llm.screening.hidden import unseen
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.text.named import Named
from tastemate.text.phrases import listing
from tastemate.types import Clause, Recommendation

SHOWN = 5
"""Items that the sentences are about; the list goes on."""
_PRONOUN = re.compile(r"(?i)(?:it|its|both)\b")
"""How a sentence may begin that goes on about an item without naming it."""


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
    named: Named,
    style: prompts.Style = prompts.PLAIN,
    *,
    ties: Sequence[Sequence[Tie]] = (),
) -> Written:
    """Answer a question about the first lines of a slate, by the model where there is one.

    `named` knows the titles and attribute values of the catalogue; `ties` are what a knowledge
    graph says of the first `SHOWN` items (`explain.ties`).
    """
    shown = lines[:SHOWN]
    if model is None or not shown:
        return offline(shown)
    asked = prompts.answer(
        question,
        person,
        [(line.item, line.reason.evidence) for line in shown],
        style,
        ties=ties,
        count=model.count,
    )
    got = model.complete([replace(asked, user=current().user)])[0]
    if got.error:
        current().fail(got.error)
        return offline(shown)
    kept, dropped = _checked(json_value(got.text), shown, named, question)
    if dropped:
        what = "" if kept else "; these are the words used without it"
        current().note(f"left out {dropped} of the model's sentences: they rest on nothing{what}")
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
    reply: Any, lines: Sequence[Recommendation], named: Named, question: str
) -> tuple[list[Clause], int]:
    """Return the sentences of a reply that can stand, and how many cannot."""
    kept: list[Clause] = []
    dropped = 0
    sentences = reply.get("sentences") if isinstance(reply, dict) else None
    for sentence in sentences if isinstance(sentences, list) else []:
        clause = bound_clause(sentence, lines, named, question)
        if clause is None:
            dropped += 1
        else:
            kept.append(clause)
    return kept, dropped


def bound_clause(
    sentence: Any, lines: Sequence[Recommendation], named: Named, question: str
) -> Clause | None:
    """Return a sentence with the ids of its items; None where it cannot stand."""
    if not isinstance(sentence, dict) or not isinstance(sentence.get("text"), str):
        return None
    text = " ".join(unseen(sentence["text"][:600]).split())
    handles = sentence.get("items")
    cited = [
        lines[handle - 1]
        for handle in (handles if isinstance(handles, list) else [])
        if isinstance(handle, int) and not isinstance(handle, bool) and 1 <= handle <= len(lines)
    ]
    if not text or not cited or not _about(text, cited):
        return None
    if unbound(text, cited, named, question):
        return None
    return Clause(text, tuple(dict.fromkeys(line.item.id for line in cited)))


def _about(text: str, cited: Sequence[Recommendation]) -> bool:
    """Whether a sentence names an item it cites, or begins with a word for it.

    A piece of an item's own text that is repeated as if it were an answer does neither.
    """
    if _PRONOUN.match(text):
        return True
    folded = text.casefold()
    names = {name for line in cited for name in title_names(line.item.title)}
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded) for name in names)
