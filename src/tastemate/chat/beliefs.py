"""What a conversation makes one believe of a person: folded from its turns, nothing else.

Earlier wishes stay until they are taken back or contradicted; the newest come first. The fold is
pure and total: what a turn names that the catalogue no longer has is left out and said so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from tastemate.catalog import Catalog
from tastemate.chat.holding import Held, Kinds, admitted, hold, without
from tastemate.chat.intent import ALL, Intent, Wish
from tastemate.chat.session import Session
from tastemate.text.words import stem, words

MARK = ALL
"""Begins the name of what is no attribute where something is taken back, such as "*liked"."""
FADING = 0.8
"""What a wish weighs against the same wish said a turn later."""
PICKED = 0.5
"""How strongly a pick from a list speaks, or a question, against 1 for what is said."""
MOST_TEXTS = 20
"""Free texts in force at most: what is said before these has faded to nothing."""

Verdict: TypeAlias = Literal[
    "liked", "disliked", "seen", "similar", "unlike", "picked", "about"
]  # fmt: skip
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_ENDS: dict[Verdict, tuple[Verdict, ...]] = {
    "liked": ("disliked",),
    "disliked": ("liked", "similar", "picked", "about"),
    "similar": ("unlike", "disliked"),
    "unlike": ("similar", "picked", "about"),
    "picked": ("unlike",),
}
"""The earlier verdicts on an item that a later one replaces."""
_ASKING = frozenset(
    ("compare", "detail", "explain", "joke", "story", "self", "taste", "thanks", "goodbye")
)
"""Acts whose free text is no wish and whose picks are questions."""


@dataclass(frozen=True, slots=True)
class Sign:
    """The turn (from 0) that says something of an item, and how strongly, up to 1."""

    turn: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """Words of a turn (from 0)."""

    text: str
    turn: int


Signs: TypeAlias = Mapping[str, Sign]


def _nothing() -> Signs:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What is believed of a person by the end of a conversation; items are ids."""

    liked: Signs = field(default_factory=_nothing)
    disliked: Signs = field(default_factory=_nothing)
    seen: Signs = field(default_factory=_nothing)
    similar: Signs = field(default_factory=_nothing)
    """Items it shall be like."""
    unlike: Signs = field(default_factory=_nothing)
    picked: Signs = field(default_factory=_nothing)
    """Items chosen from a list by position, which is less than to like them."""
    about: Signs = field(default_factory=_nothing)
    """Items asked about."""
    wishes: tuple[Held, ...] = ()
    """Newest first. Several values said at once of an attribute that has one are "any of"."""
    texts: tuple[Said, ...] = ()
    """Free text in force, newest first."""
    undecided: tuple[Said, ...] = ()
    """What is wished away and nothing in the catalogue tells about."""
    context: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    k: int | None = None
    novelty: Literal["", "new", "known"] = ""
    answered: frozenset[str] = frozenset()
    """Attributes never to ask about again: asked before, or a wish says already."""
    shown: tuple[str, ...] = ()
    """Everything shown so far, in the order in which it was first shown."""
    excluded: frozenset[str] = frozenset()
    """What was shown before something else was asked for."""
    ignored: tuple[Said, ...] = ()
    """Sentences about what could not be used, with the turn that said it."""
    turns: int = 0
    """How many turns these beliefs were folded from."""

    @property
    def text(self) -> str:
        """The free text in force as one, newest first."""
        return ". ".join(one.text for one in self.texts)

    @property
    def empty(self) -> bool:
        """Whether nothing is wished or known."""
        said = (self.wishes, self.texts, self.undecided, self.context, self.k, self.novelty)
        return not any(said) and not any(getattr(self, name) for name in VERDICTS)

    def weight(self, turn: int) -> float:
        """Return what is said in a turn (from 0) weighs by now: 1 for the last, then less."""
        return float(FADING ** max(self.turns - 1 - turn, 0))


def beliefs(session: Session, catalog: Catalog) -> Beliefs:
    """Fold the turns of a conversation into what they make one believe."""
    now, kinds = Beliefs(), Kinds.of(catalog)
    before: list[tuple[Beliefs, int, int]] = []  # what each change changed, for undoing it
    listed: list[str] = []
    last: tuple[str, ...] = ()
    asked: set[str] = set()
    start = until = 0  # of `listed`: where remembering begins, where excluding ends
    ignored: list[Said] = []
    for at, turn in enumerate(session.turns):
        intent = turn.intent
        if at and (question := session.turns[at - 1].asked) is not None:
            asked.add(question.attribute)
        asked.update(name for name, _ in intent.withdrawn if not name.startswith(MARK))
        was = (now, start, until)
        if intent.act == "undo":
            if before:
                now, start, until = before.pop()
            else:
                ignored.append(Said("There was nothing to take back.", at))
        elif forgets(intent):
            now, start, until = Beliefs(), len(listed), len(listed)
            asked.clear()
            anew = replace(intent, act="", withdrawn=())  # "forget all that, I want a western"
            now = _after(now, anew, at, last, kinds, ignored)
        else:
            now = _after(now, intent, at, last, kinds, ignored)
            until = len(listed) if intent.act == "more" else until
        # a question about an item is no change that anybody would want undone
        if intent.act != "undo" and (replace(now, about=was[0].about), start, until) != was:
            before.append(was)
        listed += turn.shown
        last = turn.shown or last
    return replace(
        now,
        answered=frozenset(asked).union(held.wish.attribute for held in now.wishes),
        shown=tuple(dict.fromkeys(listed[start:])),
        excluded=frozenset(listed[start:until]),
        ignored=tuple(ignored),
        turns=len(session.turns),
    )


def forgets(intent: Intent) -> bool:
    """Whether a message takes back everything, not only what was wished for."""
    whole = not intent.withdrawn or any(name == ALL for name, _ in intent.withdrawn)
    return intent.act == "forget" and whole


def changes(intent: Intent) -> bool:
    """Whether an intent says anything that beliefs are made of."""
    return bool(
        intent.act in ("undo", "forget", "more")
        or intent.wishes
        or intent.withdrawn
        or intent.picked
        or intent.undecided
        or intent.text
        or intent.context
        or intent.k is not None
        or intent.novelty
        or any(getattr(intent, name) for name in VERDICTS)
    )


def _after(
    now: Beliefs,
    intent: Intent,
    at: int,
    last: Sequence[str],
    kinds: Kinds,
    ignored: list[Said],
) -> Beliefs:
    """Return beliefs after one more intent; what is no use goes to `ignored`."""
    if not changes(intent):
        return now
    for attribute, value in intent.withdrawn:
        now = _taken_back(now, attribute, value)
    wishes, lost = admitted(intent.wishes, kinds)
    ignored += [Said(sentence, at) for sentence in lost]
    now = _signed(now, intent, at, last, kinds.catalog, ignored)
    texts = _unsaid(now.texts, [wish for wish in wishes if wish.away])
    undecided = now.undecided
    if intent.text and intent.act not in _ASKING:
        texts = _newest(texts, intent.text, at)
    for away in reversed(intent.undecided):
        undecided = _newest(undecided, away, at)
    return replace(
        now,
        wishes=hold(now.wishes, wishes, at, kinds),
        texts=texts,
        undecided=undecided,
        context={**now.context, **intent.context} if intent.context else now.context,
        k=now.k if intent.k is None else intent.k,
        novelty=intent.novelty or now.novelty,
    )


def _signed(
    now: Beliefs,
    intent: Intent,
    at: int,
    last: Sequence[str],
    catalog: Catalog,
    ignored: list[Said],
) -> Beliefs:
    """Return beliefs with the verdicts that an intent brings."""
    changed: dict[Verdict, dict[str, Sign]] = {}

    def of(name: Verdict) -> dict[str, Sign]:
        return changed.setdefault(name, dict(getattr(now, name)))

    for name, item, weight in _verdicts(intent, at, last, ignored):
        if item not in catalog:
            ignored.append(Said(f"The catalogue has no item {item!r} any more.", at))
            continue
        for ended in _ENDS.get(name, ()):
            if item in changed.get(ended, getattr(now, ended)):
                del of(ended)[item]
        of(name).pop(item, None)  # so that the latest word stands last
        of(name)[item] = Sign(at, weight)
    return _with_signs(now, changed)


def _with_signs(now: Beliefs, changed: Mapping[Verdict, Signs]) -> Beliefs:
    """Return beliefs with other signs of some verdicts."""
    signs = {name: changed.get(name, getattr(now, name)) for name in VERDICTS}
    return replace(
        now,
        liked=signs["liked"], disliked=signs["disliked"], seen=signs["seen"],
        similar=signs["similar"], unlike=signs["unlike"], picked=signs["picked"],
        about=signs["about"],
    )  # fmt: skip


def _verdicts(
    intent: Intent, at: int, last: Sequence[str], ignored: list[Said]
) -> Iterator[tuple[Verdict, str, float]]:
    """Yield what an intent says of items; what is disliked comes last and so wins."""
    told: set[str] = {*intent.about, *intent.seen, *intent.unlike, *intent.disliked}
    told |= {*intent.liked, *intent.similar}
    asks = intent.act in _ASKING
    for position in intent.picked:
        if not 1 <= position <= len(last):
            of = f"the last list has {len(last)}" if last else "no list was shown yet"
            ignored.append(Said(f"There is no number {position}: {of}.", at))
        elif (item := last[position - 1]) not in told:
            alike = intent.state in ("recommendation", "exploration")
            if intent.verdict:
                yield intent.verdict, item, 1.0
            else:
                yield "about" if asks else "similar" if alike else "picked", item, PICKED
    for item in intent.about:
        yield "about", item, PICKED
    for name in ("seen", "liked", "similar", "unlike", "disliked"):
        for item in getattr(intent, name):
            yield name, item, 1.0


def _taken_back(now: Beliefs, attribute: str, value: str) -> Beliefs:
    """Return beliefs without what is taken back: wishes and text, or what a mark names."""
    if attribute.startswith(MARK) and attribute != MARK:
        return _unmarked(now, attribute.removeprefix(MARK), value)
    wishes = without(now.wishes, attribute, value)
    if attribute == ALL and not value:
        return replace(now, wishes=(), texts=(), undecided=())
    kept = {id(held) for held in wishes}
    gone = [held.wish for held in now.wishes if id(held) not in kept]
    named = [*gone, Wish(attribute, "is", value)] if value else gone
    return replace(
        now,
        wishes=wishes,
        texts=_unsaid(now.texts, named),
        undecided=_unsaid(now.undecided, named),
    )


def _unmarked(now: Beliefs, name: str, value: str) -> Beliefs:
    """Return beliefs without an item's verdict, a text, a circumstance, k or novelty."""
    kind, _, what = name.partition(" ")
    if kind in VERDICTS:
        signs = {one: sign for one, sign in getattr(now, kind).items() if value and one != value}
        return _with_signs(now, {kind: signs})
    if kind in ("text", "undecided"):
        said = now.texts if kind == "text" else now.undecided
        kept = tuple(one for one in said if value and one.text != value)
        return replace(now, texts=kept) if kind == "text" else replace(now, undecided=kept)
    if kind == "context":
        left = {one: said for one, said in now.context.items() if what and one != what}
        return replace(now, context=left)
    if kind == "k":
        return replace(now, k=None)
    return replace(now, novelty="") if kind == "novelty" else now


def _newest(said: tuple[Said, ...], text: str, at: int) -> tuple[Said, ...]:
    """Return texts with one more at their head; the same text said before is left out."""
    folded = text.casefold()
    older = [one for one in said if one.text.casefold() != folded]
    return (Said(text, at), *older[: MOST_TEXTS - 1])


def _unsaid(said: tuple[Said, ...], wishes: Sequence[Wish]) -> tuple[Said, ...]:
    """Return texts without the words that name the values of these wishes."""
    values = [value for wish in wishes for value in _values(wish)]
    phrases = [phrase for value in values if (phrase := [stem(one) for one in words(value)])]
    if not said or not phrases:
        return said
    left = ((one, _unnamed(one.text, phrases)) for one in said)
    return tuple(one if text == one.text else Said(text, one.turn) for one, text in left if text)


def _unnamed(text: str, phrases: Sequence[Sequence[str]]) -> str:
    """Return a text without some phrases; nothing where no word is left."""
    tokens = text.split()
    stems = [[stem(word) for word in words(token)] for token in tokens]
    for phrase in phrases:
        at = 0
        while at < len(tokens):
            end, found = at, list[str]()
            while end < len(tokens) and len(found) < len(phrase):
                found += stems[end]
                end += 1
            if found == list(phrase):
                del tokens[at:end], stems[at:end]
            else:
                at += 1
    return " ".join(tokens) if any(stems) else ""


def _values(wish: Wish) -> tuple[str, ...]:
    return wish.value if isinstance(wish.value, tuple) else (str(wish.value),)
