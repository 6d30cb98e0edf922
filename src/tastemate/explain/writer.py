"""Evidence into plain words: each clause is bound to the evidence it says, and says no more.

The wording varies from item to item by a hash of the item's id, so that ten reasons do not read
alike and the same item always gets the same one.
"""

import zlib
from collections.abc import Sequence

import numpy as np

from tastemate.explain.leant import ASKED, about_leanings
from tastemate.explain.marks import known
from tastemate.interactions import Scale
from tastemate.text.phrases import label, listing, number, predicate, predicate_of_one
from tastemate.types import Clause, Evidence

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
    likes = [e for e in evidence if e.kind == "liked item"]
    clauses = [Clause(f"you {known(fact)}", (fact.id,)) for fact in evidence if fact.kind == "seen"]
    clauses += [
        _about_like(like, evidence, scale, turn, first=at == 0) for at, like in enumerate(likes)
    ]
    clauses += about_leanings(evidence)
    for fact in evidence:
        if fact.kind == "neighbours":
            text = _pick(_NEIGHBOURS, turn).format(
                count=fact.count, title=fact.title, verb=_verb(scale)
            )
            clauses.append(Clause(text, (fact.id,)))
        elif fact.kind == "query":
            clauses.append(Clause(_about_query(fact), (fact.id,)))
        elif fact.kind == "popularity":
            people = "1 person" if fact.count == 1 else f"{fact.count} people"
            clauses.append(Clause(f"{people} {_verb(scale)} it", (fact.id,)))
    return tuple(clauses)


def _about_like(
    like: Evidence, evidence: Sequence[Evidence], scale: Scale, turn: int, *, first: bool
) -> Clause:
    shared = [e for e in evidence if e.kind == "shared attribute" and e.item == like.item]
    grouped: dict[str, list[str]] = {}
    for fact in shared:
        grouped.setdefault(fact.attribute, []).append(str(fact.value))
    bound = (like.id, *(fact.id for fact in shared))
    parts = [predicate(name, values) for name, values in grouped.items()]
    if not first:
        rest = f" (both {listing(parts)})" if parts else ""
        return Clause(f"{_also(like, scale)}{rest}", bound)
    rest = f": both {listing(parts)}" if parts else ""
    return Clause(f"{_opening(like, scale, turn)}{rest}", bound)


def _opening(like: Evidence, scale: Scale, turn: int) -> str:
    value = _rating(like)
    if not _liked(like, scale):
        return f"because of {like.title}" + (f", which you gave {value}" if value else "")
    if like.weight <= 0:  # no share of the score is known, so no "because"
        return _pick(_NEAR, turn).format(title=like.title, verb=_verb(scale))
    if not value:
        wordings = _CHOSEN if scale.high <= scale.low else _LIKED[:1]
        return _pick(wordings, turn).format(title=like.title)
    return _pick(_LIKED, turn).format(title=like.title, value=value)


def _also(like: Evidence, scale: Scale) -> str:
    if not _liked(like, scale):
        return f"also because of {like.title}"
    return f"you also {_verb(scale)} {like.title}"


def _about_query(fact: Evidence) -> str:
    words = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
    if fact.because == ASKED:
        return f"it {predicate_of_one(fact.attribute, words)}, {ASKED}"
    quoted = [f'"{word}"' for word in words]
    verb = "is" if len(words) == 1 else "are"
    return f"{listing(quoted)} from your request {verb} in its {label(fact.attribute)}"


def _liked(like: Evidence, scale: Scale) -> bool:
    if isinstance(like.value, int | float):
        return bool(scale.likes(np.array([like.value], dtype=np.float32))[0])
    return True


def _rating(like: Evidence) -> str:
    return number(like.value) if isinstance(like.value, int | float) else ""


def _verb(scale: Scale) -> str:
    return "liked" if scale.high > scale.low else "chose"


def _pick(wordings: Sequence[str], turn: int) -> str:
    return wordings[turn % len(wordings)]
