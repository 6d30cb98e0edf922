"""A question answered in words from items that were retrieved for it, and from nothing else.

With a model: it writes sentences, each citing the items it rests on; a sentence that cites none,
or says what its items do not hold, is dropped and counted. Without one, or when nothing it wrote
can stand: plain sentences made of the items and their reasons.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tastemate.explain import vocabulary
from tastemate.explain.marks import title_names
from tastemate.llm import prompts
from tastemate.llm.parse import json_value
from tastemate.llm.person import Person
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.text.named import TOKEN, Named
from tastemate.text.phrases import listing
from tastemate.text.words import fold, stem
from tastemate.types import AttributeValue, Clause, Recommendation

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
    named: Named,
    style: prompts.Style = prompts.PLAIN,
) -> Written:
    """Answer a question about the first lines of a slate, by the model where there is one.

    `named` knows the titles and attribute values of the catalogue.
    """
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
    kept, dropped = _checked(json_value(got.text), shown, named)
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


def _checked(reply: Any, lines: Sequence[Recommendation], named: Named) -> tuple[list[Clause], int]:
    """Return the sentences of a reply that can stand, and how many cannot."""
    kept: list[Clause] = []
    dropped = 0
    sentences = reply.get("sentences") if isinstance(reply, dict) else None
    for sentence in sentences if isinstance(sentences, list) else []:
        clause = _bound(sentence, lines, named)
        if clause is None:
            dropped += 1
        else:
            kept.append(clause)
    return kept, dropped


def _bound(sentence: Any, lines: Sequence[Recommendation], named: Named) -> Clause | None:
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
    if not text or not cited or unbound(text, cited, named):
        return None
    return Clause(text, tuple(dict.fromkeys(line.item.id for line in cited)))


def unbound(text: str, cited: Sequence[Recommendation], named: Named) -> list[str]:
    """Return what a sentence says that the items it cites do not hold.

    Titles of the cited items and of the likes in their reasons may be named. Every other word is
    either plain (`explain.vocabulary`: no negation, no praise, no quantity) or found in the title,
    attributes or text of every cited item; so is every number.
    """
    likes = {
        name
        for line in cited
        for fact in line.reason.evidence
        if fact.kind == "liked item"
        for name in title_names(fact.title)
    }
    titles = {name for line in cited for name in title_names(line.item.title)}
    plain = vocabulary.PLAIN | vocabulary.ASKED | vocabulary.CAUSE
    rest = text
    for title in sorted(titles | likes, key=lambda name: (-len(name), name)):
        rest, found = re.subn(rf"(?<!\w){re.escape(title)}(?!\w)", "\u2022", rest, flags=re.I)
        if found and title in likes:
            plain = plain | vocabulary.LIKING | vocabulary.MET
    held = [_words(line) for line in cited]
    said = {word: stem(fold(word)) for word in TOKEN.findall(rest.casefold())}
    loose = [
        word
        for word, folded in said.items()
        if word not in plain and not all(folded in words for words in held)
    ]
    own = {value for line in cited for value in _values(line.item.attributes.values())}
    return [*loose, *(name for name in named.found(rest) if name not in own)]


def _words(line: Recommendation) -> frozenset[str]:
    """Return the folded, stemmed words of an item."""
    item = line.item
    texts = [item.title, item.text, *_values(item.attributes.values())]
    return frozenset(stem(word) for text in texts for word in TOKEN.findall(fold(text)))


def _values(values: Iterable[AttributeValue]) -> Iterable[str]:
    for value in values:
        yield from (str(one).casefold() for one in (value if isinstance(value, tuple) else [value]))
