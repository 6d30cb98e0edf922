"""What of the earlier wishes is taken back: named again after "forget", "no longer", "instead"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tastemate.chat.grammar import acts, numbers
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.text import SPENT, blanked, either, table
from tastemate.chat.intent import ALL, Intent
from tastemate.chat.vocabulary import kind_of
from tastemate.text.words import ASKING_WORDS, STOP_WORDS, stem, words

_END = re.compile(
    r"[.;!?\n]|,(?! ?(?:and|or) )|\bbut\b|\binstead(?! of)|\bmake (?:it|that)\b|\band (?:give|show|"
    r"make|add|find|something|let|i want|put|try|suggest|instead)\b|\b(?:to|with|for|by) "
    r"(?=(?:an? |some )?\w+(?: please)?[.!]*$)|"
    r"\b(?:she|he|it) (?:wrote|said|should|was|is)\b|\b(?:i|we)(?:'d| would)? (?:want|like|need|"
    r"prefer)\b"
)
_START = re.compile(r"[.;!?\n,]|\bbut\b|\band\b")


@dataclass(slots=True)
class _Held:
    """What earlier messages wished: values, attributes of numbers, words to search for."""

    values: dict[tuple[str, str], bool]
    """Attribute and value → whether it is wished away."""
    numbers: dict[str, None]
    texts: dict[str, None]
    """Free texts."""


def taken_back(draft: Draft, before: Sequence[Intent]) -> None:
    """Note what a message takes back of the wishes before it, and spend the words that do so."""
    opened = acts.opened(draft.low.strip())
    if acts.says("forget", draft.low) and not acts.says("undo", opened):
        if not _only_a_part(draft, _held(before)):
            draft.forgets = True
            draft.withdrawn.append((ALL, ""))
            _spend(draft, [one.span() for one in acts.every("forget", draft.low)])
            return
    held = _held(before)
    if not held.values and not held.numbers:
        _unsaid(draft, held)
        return
    if _anew(draft):
        draft.withdrawn.append((ALL, ""))
        return
    kept = [one.span() for one in acts.every("keep", draft.low)]
    _spend(draft, kept)
    _withdrawn(draft, held)
    for one in acts.every("withdraw_post", draft.low):
        marks = [mark.end() for mark in _START.finditer(draft.low, 0, one.start())]
        _drop(draft, held, marks[-1] if marks else 0, one.end())
    for one in acts.every("any_of", draft.low):
        _drop(draft, held, one.start(), one.end())
    if acts.says("correct", draft.low):
        if _replaced(draft, held):
            draft.corrects = True
            return
        _corrected(draft, held)
        draft.corrects = bool(draft.withdrawn)


def _withdrawn(draft: Draft, held: _Held) -> None:
    """Take back what "forget the horror thing" names: wishes, else words to search for."""
    for one in acts.every("withdraw", draft.low):
        end = _END.search(draft.low, one.end())
        until = end.start() if end else len(draft.low)
        if _drop(draft, held, one.start(), until):
            _spend(draft, [one.span()])
        elif _unsay(draft, held, one.end(), until):
            continue
        elif _THING.search(draft.low, one.end(), until):
            _spend(draft, [(one.start(), until)])  # what was never wished is not wished now


def _unsaid(draft: Draft, held: _Held) -> None:
    """Take back words to search for, where nothing else was wished."""
    for one in acts.every("withdraw", draft.low) if held.texts else ():
        end = _END.search(draft.low, one.end())
        _unsay(draft, held, one.start(), end.start() if end else len(draft.low))


_TEXT = f"{ALL}text"
_CLAUSE = re.compile(r"[.;!?\n]+|\bbut\b")
_INSTEAD = re.compile(
    r"\binstead\b(?! of)|\b(?:or )?rather,? (?=(?:have|see|watch|read|go for|something|anything|"
    r"an?|some|the)\b)"
)
_REFUSED = re.compile(r"\b(?:not|no|nothing|without|than|of|from|for|n't)\b")
_THING = re.compile(r"\b(?:thing|idea|wish|bit|part|stuff)\b")


_CALLED: Mapping[str, str] = {
    "maker": r"(?:who|whoever) (?:directed|wrote|made|directs|writes)(?: it)?|directors?|"
    "authors?|writers?",
    "player": r"(?:who|whoever)(?:'s| is) in it|(?:who|whoever) (?:stars|plays)(?: in it)?|"
    "actors?|cast|"
    r"stars",
    "genre": r"genres?|kind of (?:film|movie|book)",
    "mood": r"moods?|tone|feel|atmosphere",
    "topic": r"themes?|topics?|subjects?|what it(?:'s| is) about",
    "place": r"settings?|set|where it(?:'s| is| takes| was)? ?(?:is )?(?:set|place)|"
    "locations?|places?",
    "country": r"countr(?:y|ies)|where it(?:'s| is) (?:from|made)|nationality|origin",
    "language": r"languages?",
    "series": r"series|franchises?",
}
_ANEW = re.compile(
    r"^(?:[\w']+[,.!:]? ){0,3}?(?:all (?:i|we)(?: really)? (?:want|need|ask for|"
    r"'m asking for)(?: now)? "
    r"(?:is|are)\b|let me (?:say|put|repeat) (?:it|that|this)(?: again| once more| differently)?\b|"
    r"(?:i'?ll|i) (?:say it|repeat) again\b|once (?:more|again)(?= ?[:,-])|(?:again|"
    r"i repeat)(?= ?:)|"
    r"there must be (?:something|one|some)\b|(?:i|we) (?:just|only|simply) want\b|"
    r"just(?= (?:an?|some|"
    r"something|the)\b)(?! (?:an?|the) (?:bit|little|touch|few|couple|moment|second|sec|"
    r"minute|same|"
    r"first|last|one))|nothing (?:else )?but\b)"
)


def _anew(draft: Draft) -> bool:
    """Whether a message says everything again, so that no earlier wish stays."""
    one = _ANEW.match(draft.low.strip())
    return one is not None and bool(
        draft.lexicon.named(draft.tokens, draft.taken) or list(numbers.read(draft.low))
    )


def _held(before: Sequence[Intent]) -> _Held:
    """Return the wishes in force after some intents."""
    values: dict[tuple[str, str], bool] = {}
    bounds: dict[str, None] = {}
    texts: dict[str, None] = {}
    for intent in before:
        if intent.act == "forget":
            values.clear()
            bounds.clear()
            texts.clear()
        for attribute, value in intent.withdrawn:
            if attribute in (ALL, _TEXT):
                texts = {one: None for one in texts if value not in ("", one)}
            for pair in [one for one in values if one[0] == attribute and value in ("", one[1])]:
                values.pop(pair)
            bounds.pop(attribute, None)
        for wish in intent.wishes:
            if wish.operator in ("at least", "at most"):
                bounds[wish.attribute] = None
            else:
                several = wish.value if isinstance(wish.value, tuple) else (str(wish.value),)
                values.update({(wish.attribute, value): wish.away for value in several})
        if intent.text:
            texts[intent.text] = None
    return _Held(values, bounds, texts)


def _only_a_part(draft: Draft, held: _Held) -> bool:
    """Whether "forget all the horror" names a wish, so that not everything is meant."""
    one = acts.says("forget", draft.low)
    assert one is not None
    end = _END.search(draft.low, one.end())
    rest = draft.low[one.end() : end.start() if end else len(draft.low)]
    return bool(re.match(r"\s+(?:about |of |the |with )*\w", rest)) and bool(
        _named(draft, held, one.end(), end.start() if end else len(draft.low))
    )


def _named(draft: Draft, held: _Held, start: int, end: int) -> list[tuple[str, str, int, int]]:
    """Return earlier wishes that a place names: attribute, value, where."""
    found: list[tuple[str, str, int, int]] = []
    for one in draft.lexicon.named(draft.tokens, [False] * len(draft.tokens)):
        if one.start < start or one.end > end:
            continue
        for sense in one.senses:
            if (sense.attribute, sense.value) in held.values:
                found.append((sense.attribute, sense.value, one.start, one.end))
    part = draft.low[start:end]
    for attribute, value in held.values:
        name = re.escape(attribute.removesuffix("s").removesuffix("ie").casefold())
        called = _CALLED.get(kind_of(attribute), name)
        bare = re.search(rf"\b(?:{name}(?:s|ies|ie|y)?|{called})\b", part)
        if bare:
            found.append((attribute, value, start + bare.start(), start + bare.end()))
    for family, level in table("levels").items():
        name = draft.lexicon.numeric(tuple(level["names"]))
        if name not in held.numbers:
            continue
        bare = re.search(either(level["bare"]), part)
        if bare:
            found.append((name, "", start + bare.start(), start + bare.end()))
        measure = {"age": "age", "length": "length", "rating": "rating"}.get(family)
        for bounds in numbers.read(part):
            if bounds.measure == measure:
                found.append((name, "", start + bounds.start, start + bounds.end))
    return found


def _drop(draft: Draft, held: _Held, start: int, end: int) -> bool:
    """Take back the earlier wishes that a place names; return whether there were any."""
    found = [one for one in _named(draft, held, start, end) if not draft.overlaps(one[2], one[3])]
    if any(value for _, value, _, _ in found):
        plain = [one for one in found if draft.low[one[2] : one[3]] not in one[0].casefold()]
        found = plain or found
    for attribute, value, at, to in found:
        draft.withdrawn.append((attribute, value))
        draft.take(at, to)
    if found:
        _spend(draft, [(start, end)])
    return bool(found)


def _unsay(draft: Draft, held: _Held, start: int, end: int) -> bool:
    """Take back the free texts that a place names; return whether there were any."""
    named = {
        one.stem
        for one in draft.tokens
        if start <= one.start < end and one.word not in STOP_WORDS | ASKING_WORDS
    }
    found = [text for text in held.texts if named & {stem(word) for word in words(text)}]
    for text in found:
        draft.withdrawn.append((_TEXT, text))
    if found:
        _spend(draft, [(start, end)])
    return bool(found)


def _replaced(draft: Draft, held: _Held) -> bool:
    """Take back what "rather something funny", "a drama instead" replace: wishes of its kind.

    Values of other attributes stay, and so does what was wished away.
    """
    new: dict[str, set[str]] = {}
    named = draft.lexicon.named(draft.tokens, draft.taken)
    for cue in _INSTEAD.finditer(draft.low):
        marks = [one.end() for one in _CLAUSE.finditer(draft.low, 0, cue.start())]
        start = marks[-1] if marks else 0
        end = next((one.start() for one in _CLAUSE.finditer(draft.low, cue.end())), len(draft.low))
        for one in named:
            if start <= one.start < end and not _REFUSED.search(draft.low, start, one.start):
                sense = one.senses[0]
                new.setdefault(sense.attribute, set()).add(sense.value)
    old = [
        (attribute, value)
        for (attribute, value), away in held.values.items()
        if not away and attribute in new and value not in new[attribute]
    ]
    draft.withdrawn += old
    return bool(old)


def _corrected(draft: Draft, held: _Held) -> None:
    """Take back what a correction names again, or what it replaces by another of its kind."""
    again = [
        one
        for one in _named(draft, held, 0, len(draft.low))
        if one[1] and not draft.overlaps(one[2], one[3])
    ]
    for attribute, value, at, to in again:
        draft.withdrawn.append((attribute, value))
        draft.take(at, to)
        draft.low = blanked(draft.low, [(at, to)], SPENT)
    if draft.withdrawn or not re.search(
        r"\binstead\b(?! of)|\bmake (?:it|that)\b|\b(?:changed? my mind|second thoughts?)\b|"
        r"\bi meant?\b|\brather\b|\bactually\b",
        draft.low,
    ):
        return
    new = [
        one
        for one in draft.lexicon.named(draft.tokens, draft.taken)
        if one.senses[0].kind in ("genre", "country", "language")
    ]
    for one in new:
        attribute = one.senses[0].attribute
        old = [pair for pair in held.values if pair[0] == attribute]
        if len(old) == 1 and old[0][1] != one.senses[0].value and "instead" in draft.low:
            draft.withdrawn.append(old[0])
            return


def _spend(draft: Draft, spans: Sequence[tuple[int, int]]) -> None:
    """Blank out places, so that no cue or value is read in them."""
    for start, end in spans:
        draft.take(start, end)
    draft.low = blanked(draft.low, spans, SPENT)
