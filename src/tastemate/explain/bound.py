"""Does a clause say only what its evidence holds? A grammar of what reasons may say.

The names that the evidence allows are replaced by marks; every word left must be plain
(`vocabulary`), and what the plain words make of the marks must be true: who liked what, who gave
which value, which title has which attribute.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tastemate.explain import vocabulary as words
from tastemate.explain.marks import (
    MARKS,
    NUMBER,
    PROMOTED,
    THIS,
    TITLE,
    VALUE,
    Marked,
    known,
    mark,
    title_names,
)
from tastemate.explain.relations import AFTER_YOU, MODALS, addressed, related
from tastemate.interactions import Scale
from tastemate.text.phrases import label, number
from tastemate.types import AttributeValue, Clause, Evidence, EvidenceKind, Item

POPULAR = 20
"""People from whom on something may be called popular."""
_YOU = frozenset("you your yours yourself you'd you've you're".split())
_HOPES = frozenset("may might could should would to likely".split())
_COUNTED = words.PEOPLE | {"also", "liked", "enjoyed", "chose"}
_LOOSE = frozenset("give given gives gave score scored star stars strongly".split()) - {"gave"}


@dataclass(frozen=True, slots=True)
class Said:
    """One clause, the evidence it cites, and the item it is about."""

    marked: Marked
    facts: tuple[Evidence, ...]
    item: Item
    scale: Scale

    def of(self, *kinds: EvidenceKind) -> list[Evidence]:
        """Return the cited evidence of some kinds."""
        return [fact for fact in self.facts if fact.kind in kinds]

    def has(self, some: frozenset[str]) -> bool:
        """Whether one of these words is in the clause."""
        return not some.isdisjoint(self.marked.tokens)

    @property
    def mentioned(self) -> list[Evidence]:
        """The cited evidence of likes whose titles the clause names, one a title."""
        named = self._behind(TITLE)
        found: dict[str, Evidence] = {}
        for fact in self.of("liked item", "shared attribute", "neighbours", "contrast"):
            if named & title_names(fact.title):
                found.setdefault(fact.item, fact)
        return list(found.values())

    def _behind(self, mark: str) -> set[str]:
        return {
            name.casefold()
            for token, name in zip(self.marked.tokens, self.marked.names, strict=True)
            if token == mark
        }

    def values(self) -> set[str]:
        """Return the attribute values and words of the request that the clause names, folded."""
        return self._behind(VALUE)


def wrong(clause: Clause, facts: Sequence[Evidence], item: Item, scale: Scale) -> list[str]:
    """Return what a clause says that the facts it cites do not hold; empty for a true one."""
    promoted = [fact for fact in facts if fact.kind == "promotion"]
    if promoted:
        exact = clause.text == PROMOTED and len(facts) == 1
        return [] if exact else [f"a promotion is disclosed as {PROMOTED!r} and nothing else"]
    if any(fact.kind == "seen" for fact in facts):
        exact = len(facts) == 1 and clause.text == f"you {known(facts[0])}"
        return [] if exact else ["that an item is known is said in its own words and alone"]
    said = Said(mark(clause.text, facts, item), tuple(facts), item, scale)
    if not said.marked.tokens:
        return ["it says nothing"]
    found = _unknown(said)
    return found or [text for check in CHECKS if (text := check(said))]


def _unknown(said: Said) -> list[str]:
    """Return words that are neither plain nor in the evidence, and capitals amid a sentence."""
    found = []
    own = {word for fact in said.facts for word in label(fact.attribute).casefold().split()}
    before = "."
    for token, name in zip(said.marked.tokens, said.marked.names, strict=True):
        if token not in MARKS and token[0].isalpha():
            if token not in words.KNOWN and token not in own:
                found.append(f"it says {name!r}, which its evidence does not hold")
            elif name[0].isupper() and name != "I" and before not in ".!?:;":
                found.append(f"it names {name!r} without evidence")
        before = token
    return found


def _numbers(said: Said) -> str:
    """A count of people is that of the evidence, any other number a value the person gave."""
    tokens = said.marked.tokens
    counts = {str(fact.count) for fact in said.of("neighbours", "popularity")}
    given = [
        (fact, number(fact.value))
        for fact in said.of("liked item")
        if isinstance(fact.value, int | float)
    ]
    for at, (token, name) in enumerate(zip(tokens, said.marked.names, strict=True)):
        if token in ("one", "two") and not words.PEOPLE.isdisjoint(tokens[at + 1 : at + 3]):
            return f"it counts {name!r} people in a word"
        if token != NUMBER:
            continue
        if not _COUNTED.isdisjoint(_until_stop(tokens[at + 1 : at + 5])):
            if name.replace(",", "") not in counts:
                return f"it counts {name!r} people without evidence"
            continue
        if tokens[at - 2 : at] == ("out", "of") and name == number(said.scale.high):
            continue
        if not _of_title(tokens, at):
            return f"it gives {name!r} to something else than the liked item"
        values = {value for fact, value in given}
        if name not in values or len({v for _, v in given}) > 1:
            return f"it names {name!r} without evidence"
    return ""


def _of_title(tokens: Sequence[str], at: int) -> bool:
    """Whether a rating stands behind a liked title, or before one where nothing comes first."""
    things = (TITLE, *THIS)
    before = [one for one in tokens[:at] if one in things]
    if before:
        return before[-1] == TITLE
    then = next((at + n for n, one in enumerate(tokens[at:]) if one in things), at)
    return tokens[then] == TITLE and tokens[then - 1] in ("to", "for", "of", "on")


def _until_stop(tokens: Sequence[str]) -> list[str]:
    stop = next((at for at, one in enumerate(tokens) if one in ",;:.()"), len(tokens))
    return list(tokens[:stop])


def _opinions(said: Said) -> str:
    """What somebody liked, gave or met needs the like; strong words need a value near the top."""
    tokens = said.marked.tokens
    likes = said.of("liked item")
    if _likes(said) or (said.has(words.MET) and said.has(_YOU) and not said.has(words.PEOPLE)):
        cited = {fact.item for fact in likes}
        if not likes or any(one.item not in cited for one in said.mentioned):
            return "it says what you like or met without that item as evidence"
    if _likes(said) and any(not _liked(fact, said.scale) for fact in likes):
        return "it calls liked what was not liked"
    if (
        said.has(words.STRONG)
        and not all(_loved(fact, said.scale) for fact in likes)
        or (said.has(words.STRONG) and not likes)
    ):
        return "it praises more than the value given"
    rated = any(isinstance(fact.value, int | float) for fact in likes)
    if not rated and not words.RATING.isdisjoint(set(tokens) - _LOOSE):
        return "it speaks of a rating without one"
    return ""


def _likes(said: Said) -> bool:
    """Whether a clause says what "you" like."""
    tokens = said.marked.tokens
    liking = (words.LIKING | words.STRONG) - {"like"}
    if said.has(_YOU) and said.has(liking) and not said.has(words.PEOPLE):
        return not _only_hoped(tokens)
    for at, token in enumerate(tokens):
        if token != "you":
            continue
        after = [one for one in tokens[at + 1 : at + 4] if one not in AFTER_YOU]
        if after and after[0] in liking | {"like"}:
            return True
    return False


def _only_hoped(tokens: Sequence[str]) -> bool:
    """Whether every word of liking stands behind "may", "might" and the like."""
    liking = words.LIKING | words.STRONG
    return all(
        not _HOPES.isdisjoint(tokens[max(at - 2, 0) : at])
        for at, token in enumerate(tokens)
        if token in liking and token != "like"
    )


def _crowd(said: Said) -> str:
    """What other people did needs their count, and is said of the titles it was counted for."""
    tokens, crowd = said.marked.tokens, said.of("neighbours", "popularity")
    if not said.has(words.PEOPLE | words.CROWD):
        return ""
    if not crowd:
        return "it speaks of other people without evidence"
    if said.has(words.CROWD) and max(fact.count for fact in crowd) < POPULAR:
        return f"it calls popular what fewer than {POPULAR} people liked"
    if said.has(words.STRONG | words.RATING):
        return "it says how much other people liked it"
    for at, token in enumerate(tokens):
        hoped = not MODALS.isdisjoint(tokens[at + 1 : at + 3])
        if token == "you" and not hoped and tokens[at - 1] not in ("which", "that"):
            return "it counts you among other people"
    counted = {fact.item for fact in crowd if fact.kind == "neighbours"}
    if any(one.item not in counted for one in said.mentioned):
        return "it says of a title what was counted for another"
    if counted and (TITLE not in tokens or THIS.isdisjoint(tokens)):
        return "people liked both, and it names one"
    return ""


def _attributes(said: Said) -> str:
    """Every value named is one that each title named shares; kinds of attributes are its own."""
    tokens = said.marked.tokens
    mentioned = [fact for fact in said.mentioned if fact.kind != "contrast"]
    shared = said.of("shared attribute")
    for value in said.values():
        bearing = {fact.item for fact in shared if str(fact.value).casefold() == value}
        if bearing and any(like.item not in bearing for like in mentioned):
            return f"{value!r} is not shared by every title it names"
    own = {_singular(fact.attribute) for fact in said.facts if fact.attribute}
    for at in range(len(tokens)):
        if text := _kind(said, at, mentioned):
            return text
    if not own.isdisjoint(("year",)) and not {"year", "years"}.isdisjoint(tokens):
        return "it names a year where only the decade is known"
    for at, token in enumerate(tokens[:-1]):
        if token == "by" and tokens[at + 1] == VALUE and own.isdisjoint(_MAKERS):
            return "it says who made it without evidence"
    return ""


def _kind(said: Said, at: int, mentioned: Sequence[Evidence]) -> str:
    """Return what is wrong with a word for a kind of attribute, such as "director"."""
    tokens, word = said.marked.tokens, said.marked.tokens[at]
    if word in words.WHOLE and VALUE not in tokens and not said.has(words.RATING - _LOOSE):
        return f"it says {word!r} and names none"
    borne = words.KINDS.get(word)
    if borne is None or (word in words.ASKED and said.of("query")):
        return ""
    if word in ("star", "stars") and NUMBER in tokens:
        return ""
    of = [f for f in said.facts if _singular(f.attribute) in borne or word in label(f.attribute)]
    if not of:
        return f"it says {word!r}, which its evidence does not hold"
    own_values = {str(one).casefold() for fact in of for one in _parts(fact.value)}
    if not _beside(said, at, own_values):
        return f"it says {word!r} of what is none"
    bearing = {fact.item for fact in of if fact.kind == "shared attribute"}
    if bearing and any(like.item not in bearing for like in mentioned):
        return f"{word!r} is not shared by every title it names"
    return ""


def _beside(said: Said, at: int, values: set[str]) -> bool:
    """Whether the value named nearest to a word is one of these; true where none is named."""
    places = [place for place, token in enumerate(said.marked.tokens) if token == VALUE]
    nearest = min((abs(place - at) for place in places), default=0)
    near = [said.marked.names[p].casefold() for p in places if abs(p - at) == nearest]
    return not near or any(one in values for one in near)


_MAKERS = frozenset(
    "director author writer creator artist brand maker developer screenwriter filmmaker".split()
)


def _occasions(said: Said) -> str:
    """A request, a cause, news and a contrast each need evidence of their kind."""
    tokens = said.marked.tokens
    asked = said.of("query")
    if asked and TITLE in tokens:
        return "it gives a title what was asked of the item"
    if said.has(words.ASKED):
        wished = {str(one).casefold() for fact in asked for one in _parts(fact.value)}
        if not asked or not said.values() <= wished:
            return "it speaks of a request without one"
    if (
        said.has(words.CAUSE)
        and all(fact.weight <= 0 and _liked(fact, said.scale) for fact in said.of("liked item"))
        and not asked
        and said.of("liked item")
    ):
        return "it gives as a cause what carries no share of the score"
    if said.has(words.CAUSE) and not said.of("liked item", "query"):
        return "it gives a cause without one"
    new = said.of("new attribute")
    if said.has(words.NEW) and not new:
        return "it calls new what is not shown to be"
    if new and (TITLE in tokens or not said.values() <= {str(one.value).casefold() for one in new}):
        return "it gives something else what is new"
    if said.has(words.DIFFERENT) and not _contrasts(said):
        return "it turns its evidence round"
    contrast = said.of("contrast")
    if contrast and TITLE in tokens and not _contrasts(said):
        return "it gives one title what only the other has"
    return ""


def _parts(value: AttributeValue) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _contrasts(said: Said) -> bool:
    """Whether a contrast is put the one way that is safe: "unlike TITLE, …"."""
    tokens = said.marked.tokens
    return (
        bool(said.of("contrast"))
        and len(said.facts) == len(said.of("contrast"))
        and tokens[:2] == ("unlike", TITLE)
        and tokens.count(TITLE) == 1
        and len([t for t in tokens if t in words.DIFFERENT]) == 1
    )


CHECKS: tuple[Callable[[Said], str], ...] = (
    _numbers,
    _opinions,
    lambda said: addressed(said.marked.tokens),
    _crowd,
    _attributes,
    _occasions,
    lambda said: related(said.marked.tokens, people=said.has(words.PEOPLE)),
)


def _singular(attribute: str) -> str:
    return label(attribute).casefold().split(" ")[-1].removesuffix("s") if attribute else ""


def _liked(fact: Evidence, scale: Scale) -> bool:
    if isinstance(fact.value, int | float):
        return bool(scale.likes(np.array([fact.value], dtype=np.float32))[0])
    return True  # a choice counts as a like (`Scale`)


def _loved(fact: Evidence | None, scale: Scale) -> bool:
    if fact is None or not isinstance(fact.value, int | float) or scale.high <= scale.low:
        return False
    return fact.value >= scale.low + 0.8 * (scale.high - scale.low)
