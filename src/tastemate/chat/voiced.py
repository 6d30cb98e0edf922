"""A reply in a model's words: line by line, each checked before anybody sees it.

The model words what was found and nothing else; what was understood, what is missing, the offer
and the question are said in our own words. A line that says what its items do not hold is dropped
(`explain.answer.bound_clause`); where none is left, the offline words stand.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from tastemate.chat.wording import Draft
from tastemate.errors import Unavailable
from tastemate.explain.answer import SHOWN, bound_clause
from tastemate.llm import prompts_chat
from tastemate.llm.person import Person
from tastemate.llm.wording import PLAIN, Style
from tastemate.messages import Prompt
from tastemate.protocols import ChatModel
from tastemate.scope import current
from tastemate.text.named import Named
from tastemate.types import Recommendation

LEAST = 1.0
"""Seconds that have to be left of a turn for a model to be asked for words."""
SENTENCES = 4
"""Sentences of a model that are shown at most."""
LONGEST = 4_000
"""Characters of a reply that are read."""
_LINE = re.compile(
    r"\s*(?:[-*\u2022]\s*)?\[?(?P<handles>\d{1,3}\]?(?:\s*(?:,|and|&)\s*\[?\d{1,3}\]?)*)"
    r"\s*[:.)\u2013-]\s*(?P<text>\S.*)"
)


@dataclass(frozen=True, slots=True)
class Voiced:
    """A reply, who worded it, and how many of the model's sentences could not stand."""

    text: str
    by: str = "offline"
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """A model that words replies, and what it needs for it."""

    model: ChatModel
    named: Named
    """The titles and values of the catalogue, to find names that an item does not hold."""
    style: Style = PLAIN


def worded(
    draft: Draft, message: str, person: Person, lines: Sequence[Recommendation], voice: Voice
) -> Voiced:
    """Return a reply with what was found in the model's words, where these stand.

    A failure of the model is told to the scope and costs nothing but its words.
    """
    stream = _Kept(voice, message, lines)
    about = tuple(stream.read([_completed(voice, message, person, lines)]))
    if not about:
        return Voiced(draft.text, "offline", stream.dropped)
    return Voiced(replace(draft, about=about).text, voice.model.name, stream.dropped)


def streamed(
    draft: Draft, message: str, person: Person, lines: Sequence[Recommendation], voice: Voice
) -> Iterator[str]:
    """Yield a reply sentence by sentence: ours at once, the model's as each is checked.

    Joined by spaces the pieces are the reply. Where nothing of the model stands, or it fails
    before its first sentence, the offline words take its place; later, the reply just goes on.
    """
    if draft.understood:
        yield draft.understood
    kept = _Kept(voice, message, lines)
    spoke = False
    with closing(_pieces(voice, message, person, lines)) as pieces:
        for sentence in kept.read(pieces):
            spoke = True
            yield sentence
    rest = replace(draft, understood="", about=() if spoke else draft.about)
    yield from rest.sentences


class _Kept:
    """Reads a reply as it comes and keeps the lines that stand."""

    def __init__(self, voice: Voice, message: str, lines: Sequence[Recommendation]) -> None:
        self.voice = voice
        self.message = message
        self.lines = lines[:SHOWN]
        self.dropped = 0

    def read(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield each sentence that stands, as soon as its line is whole."""
        seen: set[str] = set()
        for line in _whole_lines(pieces):
            text = self._checked(line)
            if text and text not in seen:
                seen.add(text)
                yield text
            if len(seen) == SENTENCES:
                break
        if self.dropped:
            what = "" if seen else "; these are the words used without it"
            current().note(
                f"left out {self.dropped} of the model's sentences: they rest on nothing{what}"
            )

    def _checked(self, line: str) -> str:
        found = _LINE.fullmatch(line[:700])
        if found is None:
            self.dropped += 1
            return ""
        handles = [int(one) for one in re.findall(r"\d+", found["handles"])]
        clause = bound_clause(
            {"text": found["text"], "items": handles}, self.lines, self.voice.named, self.message
        )
        if clause is None:
            self.dropped += 1
            return ""
        return clause.text if clause.text[-1] in '.!?\u201d"' else f"{clause.text}."


def _prompt(voice: Voice, message: str, person: Person, lines: Sequence[Recommendation]) -> Prompt:
    items = [(line.item, line.reason.evidence) for line in lines[:SHOWN]]
    asked = prompts_chat.reply(message, person, items, voice.style, count=voice.model.count)
    return replace(asked, user=current().user)


def _completed(voice: Voice, message: str, person: Person, lines: Sequence[Recommendation]) -> str:
    """Return the model's whole reply, empty where it failed or there is nothing to speak of."""
    if not lines or _late():
        return ""
    got = voice.model.complete([_prompt(voice, message, person, lines)])[0]
    if got.error:
        current().fail(f"reply in words: {got.error}")
        return ""
    return got.text


def _pieces(
    voice: Voice, message: str, person: Person, lines: Sequence[Recommendation]
) -> Generator[str, None, None]:
    """Yield the model's reply as it comes; a failure ends it and is told to the scope."""
    if "stream" not in voice.model.abilities:
        yield _completed(voice, message, person, lines)
        return
    if not lines or _late():
        return
    source = voice.model.stream(_prompt(voice, message, person, lines))
    try:
        yield from source
    except Unavailable as error:
        current().fail(f"reply in words: {error}")
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def _late() -> bool:
    """Whether the turn has no time left for a model's words; the scope is told."""
    if current().left() >= LEAST:
        return False
    current().note("the words used without a model: there was no time left to ask it")
    return True


def _whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces, each once it is whole."""
    held, read = "", 0
    for piece in pieces:
        read += len(piece)
        held += piece
        *whole, held = held.split("\n")
        yield from (line for line in whole if line.strip())
        if read > LONGEST:
            return
    if held.strip():
        yield held
