"""Evidence into plain words: each clause is bound to the evidence it says, and says no more.

The wording varies from item to item by a hash of the item's id, so that ten reasons do not read
alike and the same item always gets the same one.
"""

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from tastemate.explain.leant import ASKED, about_leanings
from tastemate.explain.marks import known
from tastemate.interactions import Scale
from tastemate.text.phrases import label, listing, number, predicate, predicate_of_one
from tastemate.types import AttributeValue, Clause, Evidence

PLAIN = frozenset(
    """a about also and are as because belong both by chose close feature feel from gave genre have
    here in is it its liked like likes of on one or people people's person request share so than
    that the them these they this title titles to who which with you your was were for request
    text description avoid dislike better fits fit clashes clash most more your closest scores
    score higher both each other only had has not but by right leans way at least""".split()
)
"""Words the templates use: never names, even where an item or a value is called so."""

_LIKED = (
    "because you liked {title}",
    "you gave {title} {value}",
    "because you gave {title} {value}",
)
_CHOSEN = ("because you chose {title}", "you chose {title}")
_NEAR = ("it is close to {title}, which you {verb}", "like {title}, which you {verb}")
_NEIGHBOURS = (
    "{count} people who {verb} {title} also {verb} this",
    "{count} people {verb} both {title} and this",
)


def write(evidence: Sequence[Evidence], scale: Scale, seed: str = "") -> tuple[Clause, ...]:
    """Return the clauses for one item's evidence, strongest first.

    `scale` says whether values are ratings ("liked", "gave 5") or mere choices ("chose");
    `seed` (the item's id) picks among wordings.
    """
    turn = zlib.crc32(seed.encode())
    met, likes, leanings, others = [], [], [], []
    shared: dict[str, list[Evidence]] = {}
    for fact in evidence:
        kind = fact.kind
        if kind == "shared attribute":
            shared.setdefault(fact.item, []).append(fact)
        elif kind == "liked item":
            likes.append(fact)
        elif kind == "context":
            leanings.append(fact)
        elif kind == "seen":
            met.append(Clause(f"you {known(fact)}", (fact.id,)))
        elif text := _about(fact, scale, turn):
            others.append(Clause(text, (fact.id,)))
    wanted = about_leanings(leanings) if leanings else []
    return (*met, *_about_likes(likes, shared, scale, turn), *wanted, *others)


def _about(fact: Evidence, scale: Scale, turn: int) -> str:
    """Word a fact that stands alone; "" for one that is not worded here."""
    if fact.kind == "neighbours":
        wording = _pick(_NEIGHBOURS, turn)
        return wording.format(count=fact.count, title=fact.title, verb=_verb(scale))
    if fact.kind == "query":
        return _about_query(fact)
    if fact.kind == "popularity":
        people = "1 person" if fact.count == 1 else f"{fact.count} people"
        return f"{people} {_verb(scale)} it"
    return ""


def _about_likes(
    likes: Sequence[Evidence], shared: Mapping[str, Sequence[Evidence]], scale: Scale, turn: int
) -> list[Clause]:
    clauses: list[Clause] = []
    for like in likes:
        text = _also(like, scale) if clauses else _opening(like, scale, turn)
        bound = [like.id]
        if facts := shared.get(like.item):
            grouped: dict[str, list[str]] = {}
            for fact in facts:
                grouped.setdefault(fact.attribute, []).append(str(fact.value))
                bound.append(fact.id)
            both = f"both {listing([predicate(name, held) for name, held in grouped.items()])}"
            text += f" ({both})" if clauses else f": {both}"
        clauses.append(Clause(text, tuple(bound)))
    return clauses


def _opening(like: Evidence, scale: Scale, turn: int) -> str:
    value = _rating(like)
    if value and not _liked(like.value, scale):
        return f"because of {like.title}, which you gave {value}"
    if like.weight <= 0:  # no share of the score is known, so no "because"
        return _pick(_NEAR, turn).format(title=like.title, verb=_verb(scale))
    if not value:
        wordings = _LIKED[:1] if scale.rates else _CHOSEN
        return _pick(wordings, turn).format(title=like.title)
    return _pick(_LIKED, turn).format(title=like.title, value=value)


def _also(like: Evidence, scale: Scale) -> str:
    if not _liked(like.value, scale):
        return f"also because of {like.title}"
    return f"you also {_verb(scale)} {like.title}"


def _about_query(fact: Evidence) -> str:
    words = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
    if fact.because == ASKED:
        return f"it {predicate_of_one(fact.attribute, words)}, {ASKED}"
    quoted = [f'"{word}"' for word in words]
    verb = "is" if len(words) == 1 else "are"
    return f"{listing(quoted)} from your request {verb} in its {label(fact.attribute)}"


@lru_cache(1_024)
def _liked(value: AttributeValue, scale: Scale) -> bool:
    if isinstance(value, int | float):
        return bool(scale.likes(np.array(value, dtype=np.float32)))
    return True


def _rating(like: Evidence) -> str:
    return number(like.value) if isinstance(like.value, int | float) else ""


def _verb(scale: Scale) -> str:
    return "liked" if scale.rates else "chose"


def _pick(wordings: Sequence[str], turn: int) -> str:
    return wordings[turn % len(wordings)]
