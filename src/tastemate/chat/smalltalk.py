"""A joke or a story about somebody's taste: made of what they like, and never in the way.

Offline it is a template whose condition holds. A model may tell it instead, within a deadline:
its words are free, what it names and counts is not. A sentence that names a title, a person, a
value or a number other than those of the likes, or speaks of who somebody is, is dropped.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from tastemate.catalog import Catalog
from tastemate.chat.jests import Likes, count, jokes, speakable, traits, year_of
from tastemate.chat.voiced import Voice, Voiced
from tastemate.explain.marks import title_names
from tastemate.llm import prompts_chat
from tastemate.llm.person import Person, Rated
from tastemate.llm.prompts_chat import Talk
from tastemate.llm.screening import screen
from tastemate.llm.screening.hidden import unseen
from tastemate.profile import protected
from tastemate.scope import current, opened
from tastemate.text.phrases import label, predicate
from tastemate.text.words import words
from tastemate.traits import split_year
from tastemate.types import Item

SECONDS = 4.0
"""What a model may take for it."""
CHAPTERS = 5
"""Items that a story goes through."""
_LONGEST = 700
_SENTENCES = {"joke": 3, "story": 6}
_NUMBER = re.compile(r"\d+")
_MARKUP = re.compile(r"\w\.\w|//|[<>{}]")
_CAPITAL = re.compile(r"(?<![.!?:\u201c\"'\u2018] )(?<!^)\b[A-Z][\w'\u2019-]*")
_OURS = frozenset(("I", "I'm", "I'd", "I'll", "I've"))
_COUNTED = re.compile(
    r"(?i)\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|"
    r"thousands?|half|twice|all|every|none|never|always|most|only|hate\w*|dislik\w+|loath\w+|"
    r"award\w*|oscars?|best|worst)\b"
)
"""Words that count or claim: they pass where a fact given has them."""
_BEGIN = (
    "It begins with {title}{year}.",
    "First there was {title}{year}.",
    "Once there was {title}{year}, and you liked it.",
)
_SHARED = (
    "From there it is not far to {title}: both {what}.",
    "Then comes {title}; both {what}.",
    "{title} is next door: both {what}.",
)
_APART = (
    "{title} shares nothing with it that I know of, so you must have turned a corner.",
    "How you came from there to {title}, nobody has written down.",
)
_END = (
    "That is as far as the story goes; the next page is yours.",
    "To be continued by you.",
    "What comes next, you have not told me yet.",
)


def joke(
    catalog: Catalog,
    liked: Sequence[str],
    disliked: Sequence[str] = (),
    *,
    turn: int = 0,
    before: Sequence[str] = (),
) -> str:
    """Return a joke that is true of these likes (ids); another one each turn while there are some.

    `before` are replies given earlier; a joke told in one of them comes last.
    """
    found = list(jokes(_likes(catalog, liked, disliked)))
    fresh = [text for text in found if not any(text in reply for reply in before)]
    chosen = fresh or found
    return chosen[turn % len(chosen)]


def story(catalog: Catalog, liked: Sequence[str], *, turn: int = 0) -> str:
    """Return a short story that goes from one liked item (ids) to the next by what they share."""
    known = _likes(catalog, liked, ())
    items = known.liked
    if not items:
        return "There is no story of your taste yet. Name something you liked, and it begins."
    path = _path(items[:CHAPTERS], known)
    year = year_of(path[0])
    dated = split_year(path[0].title)[1] is not None
    told = [
        _BEGIN[turn % len(_BEGIN)].format(
            title=path[0].title, year="" if year is None or dated else f", in {year}"
        )
    ]
    for at, (one, then) in enumerate(zip(path, path[1:], strict=False), start=turn):
        both = _both(one, then, known)
        wordings = _SHARED if both else _APART
        what = predicate(both[0], [both[1]]) if both else ""
        told.append(wordings[at % len(wordings)].format(title=then.title, what=what))
    told.append(_END[turn % len(_END)])
    return " ".join(told)


def talk(
    kind: Talk,
    catalog: Catalog,
    liked: Sequence[str],
    disliked: Sequence[str] = (),
    *,
    voice: Voice | None = None,
    turn: int = 0,
    before: Sequence[str] = (),
    seconds: float = SECONDS,
) -> Voiced:
    """Return a joke or a story, in a model's words where there is one and they stand.

    A model that fails, is late or says what it may not costs nothing but its words.
    """
    known = _likes(catalog, liked, disliked)
    ours = (
        joke(catalog, liked, disliked, turn=turn, before=before)
        if kind == "joke"
        else story(catalog, liked, turn=turn)
    )
    if voice is None or not known.liked:
        return Voiced(ours)
    facts = _facts(known)
    person = Person(tuple(Rated(item, 1.0) for item in known.liked))
    asked = prompts_chat.small_talk(kind, person, facts, voice.style, count=voice.model.count)
    with opened(min(seconds, voice.seconds)):
        got = voice.model.complete([replace(asked, user=current().user)])[0]
    if got.error:
        current().fail(f"{kind} in words: {got.error}")
        return Voiced(ours)
    text, dropped = _checked(got.text, kind, known, facts, voice)
    if dropped:
        current().note(f"left out {dropped} of the model's sentences: they name what was not given")
    return Voiced(text, voice.model.name, dropped) if text else Voiced(ours, "offline", dropped)


def _likes(catalog: Catalog, liked: Sequence[str], disliked: Sequence[str]) -> Likes:
    return Likes(
        catalog,
        tuple(catalog[one] for one in dict.fromkeys(liked) if one in catalog),
        tuple(catalog[one] for one in dict.fromkeys(disliked) if one in catalog),
    )


def _path(items: Sequence[Item], known: Likes) -> list[Item]:
    """Return items so that each shares what is rarest with the one before, from the first on."""
    left = list(items[1:])
    path = list(items[:1])
    while left:
        rare = [_rarest(path[-1], one, known) for one in left]
        path.append(left.pop(rare.index(min(rare))))
    return path


def _both(one: Item, other: Item, known: Likes) -> tuple[str, str] | None:
    """Return the rarest that two items share and that may be spoken of."""
    pairs = _shared(one, other)
    return min(pairs, key=lambda pair: known.carriers(*pair)) if pairs else None


def _rarest(one: Item, other: Item, known: Likes) -> float:
    return min((known.carriers(*pair) for pair in _shared(one, other)), default=math.inf)


def _shared(one: Item, other: Item) -> list[tuple[str, str]]:
    mine = set(traits(one))
    return [pair for pair in traits(other) if pair in mine and speakable(*pair)]


def _facts(known: Likes) -> list[str]:
    """Return true sentences on what several likes share: all that a model may count."""
    found = [
        (times, f"{count(times)} of {count(known.n)} {predicate(name, [value])}")
        for name, shown in known.counts.items()
        for value, times in shown.items()
        if times > 1
    ]
    found.sort(key=lambda one: -one[0])
    return [text for _, text in found[:4]]


def _checked(
    text: str, kind: Talk, known: Likes, facts: Sequence[str], voice: Voice
) -> tuple[str, int]:
    """Return the sentences that may stand, joined, and how many may not; a joke stands whole."""
    plain = " ".join(unseen(text[: 2 * _LONGEST]).split())
    said = protected.sentences(plain)
    kept = [one for one in said if _stands(one, known, facts, voice)]
    dropped = len(said) - len(kept)
    if not kept or len(said) > _SENTENCES[kind] or len(plain) > _LONGEST:
        return "", len(said)
    if kind == "joke" and dropped:
        return "", len(said)  # a point without its beginning is none
    return " ".join(kept), dropped


def _stands(sentence: str, known: Likes, facts: Sequence[str], voice: Voice) -> bool:
    """Whether a sentence names and counts only what was given, and speaks of nobody's traits."""
    names = {name for item in known.liked for name in title_names(item.title, fold=False)}
    values = {value for item in known.liked for _, value in traits(item)}
    rest = protected.without_titles(sentence, tuple(names))
    if (
        protected.traits(rest)
        or screen.suspicious(sentence)
        or re.search(r"\w\.\w|//|[<>{}]", rest)
    ):
        return False
    rest = protected.without_titles(rest, tuple(values))
    given = " ".join(facts)
    if any(one not in _NUMBER.findall(given) for one in _NUMBER.findall(rest)):
        return False
    counted = {one.casefold() for one in _COUNTED.findall(rest)}
    if not counted <= {*words(given)}:
        return False
    kinds = {
        word for item in known.liked for name in item.attributes for word in words(label(name))
    }
    capitals = {one for one in _CAPITAL.findall(rest) if one.casefold() not in kinds}
    return capitals <= _OURS and not voice.named.found(rest, cased=True)
