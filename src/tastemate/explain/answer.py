"""A question answered in words from items that were retrieved for it, and from nothing else.

With a model: it writes sentences, each citing the items it rests on; a sentence that cites none,
or says what its items do not hold, is dropped and counted. Without one, or when nothing it wrote
can stand: plain sentences made of the items and their reasons.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tastemate.explain import vocabulary
from tastemate.explain.marks import title_names
from tastemate.llm import prompts
from tastemate.llm.parse import json_value
from tastemate.llm.person import Person
from tastemate.llm.screening import screen
from tastemate.llm.screening.hidden import LOOKED
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.text.named import TOKEN, Named
from tastemate.text.phrases import listing
from tastemate.text.words import fold, stem
from tastemate.traits import split_year
from tastemate.types import AttributeValue, Clause, Recommendation

SHOWN = 5
"""Items that the sentences are about; the list goes on."""
_PRAISE = frozenset(
    stem(word)
    for word in "best better greatest finest perfect ideal match first top number one must should "
    "always never everybody everyone everything anything else most all love loves you your they "
    "people critics viewers unmissable unrivalled watch chosen highest winner".split()
)
"""Words that an item's own text does not prove, though they may stand in a title that is named."""
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
) -> Written:
    """Answer a question about the first lines of a slate, by the model where there is one.

    `named` knows the titles and attribute values of the catalogue.
    """
    shown = lines[:SHOWN]
    if model is None or not shown:
        return offline(shown)
    asked = prompts.answer(
        question,
        person,
        [(line.item, line.reason.evidence) for line in shown],
        style,
        count=model.count,
    )
    got = model.complete([replace(asked, user=current().user)])[0]
    if got.error:
        current().fail(got.error)
        return offline(shown)
    kept, dropped = _checked(json_value(got.text), shown, named)
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
    if not text or not cited or not _about(text, cited) or unbound(text, cited, named):
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


def unbound(text: str, cited: Sequence[Recommendation], named: Named) -> list[str]:
    """Return what a sentence says that the items it cites do not hold.

    Titles of the cited items and of the likes in their reasons may be named. Every other word is
    either plain (`explain.vocabulary`: no negation, no praise, no quantity) or found in the title,
    attributes or text of every cited item; so is every number. What speaks to a model in an item
    holds nothing: neither its words nor a title made of them may be said again.
    """
    likes = {
        name
        for line in cited
        for fact in line.reason.evidence
        if fact.kind == "liked item" and _honest(fact.title)
        for name in title_names(fact.title)
    }
    titles = {
        name for line in cited if _honest(line.item.title) for name in title_names(line.item.title)
    }
    plain = vocabulary.PLAIN | vocabulary.ASKED | vocabulary.CAUSE
    rest = text
    for title in sorted(titles | likes, key=lambda name: (-len(name), name)):
        rest, found = re.subn(rf"(?<!\w){re.escape(title)}(?!\w)", "\u2022", rest, flags=re.I)
        if found and title in likes:
            plain = plain | vocabulary.LIKING | vocabulary.MET
    if not TOKEN.search(rest.replace("\u2022", "")):
        return [text]  # a title alone says nothing
    held = [_words(line) - _PRAISE for line in cited]
    said = {word: stem(fold(word)) for word in TOKEN.findall(rest.casefold())}
    loose = [
        word
        for word, folded in said.items()
        if word not in plain and not all(folded in words for words in held)
    ]
    own = {value for line in cited for value in _values(line.item.attributes.values())}
    return [*loose, *(name for name in named.found(rest) if name not in own)]


def _words(line: Recommendation) -> frozenset[str]:
    """Return the folded, stemmed words of an item, as far as it does not speak to a model."""
    item = line.item
    title = item.title if _honest(item.title) else ""
    values = (value for value in _values(item.attributes.values()) if screen.value(value))
    texts = [title, *screen.held(item.text), *values]
    return frozenset(stem(word) for text in texts for word in TOKEN.findall(fold(text)))


def _honest(title: str) -> bool:
    """Whether a title is screened in full and shown to models, its year aside."""
    return len(title) <= LOOKED and screen.title(split_year(title)[0]) != screen.WITHHELD


def _values(values: Iterable[AttributeValue]) -> Iterable[str]:
    for value in values:
        yield from (str(one).casefold() for one in (value if isinstance(value, tuple) else [value]))
