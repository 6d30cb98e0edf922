"""Reading one reply to the profile prompt: any value becomes a taste that the history bears out.

Total: whatever the model wrote, what comes out is tied to events of the history, or nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.profile import stated
from tastemate.profile.protected import refuse, sentences, trait_of_value, without_titles
from tastemate.text.named import TOKEN, Named
from tastemate.text.phrases import modifier
from tastemate.text.words import fold
from tastemate.traits import decade, is_year, split_year
from tastemate.types import History, Item, Statement, Taste

SUPPORT = 5
"""At most so many supporting items a statement."""
VALUE_WORDS = 8
TEXT_SENTENCES = 5

_WORDED = {"era": "from the {}", "person": "with {}", "people": "with {}"}
_KINDS = {"themes": "theme", "moods": "mood", "eras": "era", "genres": "genre", "people": "person"}
_FREE = ("theme", "mood")
"""Kinds whose values may be words of the items; others must be the catalogue's own."""
_ERA = re.compile(r"(?:the )?(?:(?:early|mid|late)[ -])?((?:1\d|20)\d)\d(?:'?s)?")
_ANY = ("dislike", "dislikes", "like", "likes", "other", "")
_MINUS = ("-", "\u2013", "\u2212")
_LINE = re.compile(
    r"\s*(?P<sign>[-+\u2013\u2212]?)\s*(?P<kind>[^\W\d_]{1,20}(?: [^\W\d_]{1,20})?)\s*:\s*"
    r"(?P<value>[^=]*?)\s*(?:=\s*(?P<handles>[\d\s,;\[\]()]*))?\s*"
)
"""A statement as it is asked for: sign, kind, value, and the handles after "="."""
_SIGNS = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_ADDRESS = re.compile(r"https?:|www\.|[<>{}\[\]`]|\S@\S", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c\u00ab*_]([^\"\u201d\u00bb*_]{2,80})[\"\u201d\u00bb*_]")
_DATED = re.compile(
    r"((?:[A-Z0-9][\w'\u2019:&-]*\s+(?:(?:of|the|a|and|in|to|for|with)\s+)*)+)\(\d{4}\)"
)
_NAME = re.compile(
    r"(?<=[\w,;:] )[A-Z][\w'\u2019-]+"
    r"(?:\s+(?:of|the|de|van|von|and|in)?\s*[A-Z][\w'\u2019-]+)+"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """One statement as the model made it, read but not yet checked."""

    kind: str
    value: str
    likes: bool
    handles: tuple[int, ...]


class Reading:
    """Turns replies about one history into statements and sentences; counts what it drops."""

    def __init__(
        self,
        catalog: Catalog,
        named: Named,
        history: History,
        liked: NDArray[np.bool_],
        disliked: NDArray[np.bool_],
        dropped: Counter[str],
    ) -> None:
        self.catalog = catalog
        self.named = named
        self.history = history
        self.dropped = dropped
        self._signs = {True: self._ids(liked), False: self._ids(disliked)}

    def taste(
        self, reply: Any, shown: Sequence[int], before: Sequence[Statement], limit: int
    ) -> Taste:
        """Return the taste in a reply; `shown` are the event positions behind the handles."""
        told = reply if isinstance(reply, Mapping) else {}
        claims = told.get("statements")
        earlier = {(fold(one.text), one.likes): one for one in before}
        earlier |= {(fold(str(one.value)), one.likes): one for one in before}
        found: dict[tuple[str, bool], Statement] = {}
        for raw in claims[:100] if isinstance(claims, list) else ():
            statement = self._statement(_claim(raw), shown, earlier)
            if statement is None:
                continue
            key = (fold(str(statement.value)), statement.likes)
            if key in found or (key[0], not key[1]) in found:
                self.dropped["repeated"] += 1
            elif len(found) < limit:
                found[key] = statement
        statements = tuple(found.values())
        text = told.get("text")
        kept = self._text(text if isinstance(text, str) else "", statements)
        return Taste(statements, kept or in_words(statements))

    def _statement(
        self,
        claim: _Claim | None,
        shown: Sequence[int],
        earlier: Mapping[tuple[str, bool], Statement],
    ) -> Statement | None:
        """Return a claim as a statement tied to items, or None and why in `dropped`."""
        if claim is None:
            self.dropped["malformed"] += 1
            return None
        known = earlier.get((fold(claim.value), claim.likes))
        rows = [shown[one - 1] for one in claim.handles if 1 <= one <= len(shown)]
        cited = [self.catalog.ids[int(self.history.items[at])] for at in rows]
        ids = list(dict.fromkeys([*(known.items if known else ()), *cited]))
        agreeing = self._agreeing(ids, likes=claim.likes)
        wrong = self._wrong(claim, ids, agreeing)
        bearing = [self.catalog[one] for one in agreeing]
        attribute, value, items = ("", "", []) if wrong else _carried(claim, bearing, self.catalog)
        if not wrong and not items and claim.kind in _FREE:
            attribute, value = claim.kind, claim.value
            wrong = stated.claims(claim.value)
            items = [] if wrong else [one for one in bearing if stated.bears(one, claim.value)]
        if not wrong and known is not None:
            borne = {item.id for item in items} | set(known.items)
            if kept := tuple(one for one in agreeing if one in borne)[:SUPPORT]:
                return replace(known, items=kept)
        if wrong or not items:
            self.dropped[wrong or "not in the items"] += 1
            return None
        verb = "likes" if claim.likes else "dislikes"
        text = f"{verb} titles {_modifier(attribute, value)}"
        support = tuple(item.id for item in items[:SUPPORT])
        return Statement(text, attribute, value, claim.likes, 1.0, support)

    def _wrong(self, claim: _Claim, ids: Sequence[str], agreeing: Sequence[str]) -> str:
        """Return why a claim cannot stand, or an empty text."""
        if trait_of_value(claim.kind, claim.value):
            return "protected"
        if not ids:
            return "unbound"
        if not agreeing:
            return "contradicted"
        return "title" if self._strangers(claim.value) else ""

    def _agreeing(self, ids: Sequence[str], *, likes: bool) -> list[str]:
        """Return the items that bear a sign out, those that have it first; [] where none does.

        What was neither liked nor disliked may only support, or stand in where nothing has it.
        """
        own, other = self._signs[likes], self._signs[not likes]
        agreeing = [one for one in ids if one in own]
        neutral = [one for one in ids if one not in own and one not in other]
        return agreeing + neutral if agreeing or not own else []

    def _text(self, text: str, statements: Sequence[Statement]) -> str:
        """Return the sentences that say what the statements say, and nothing of who somebody is."""
        text = _SIGNS.sub(" ", text[:4000]).strip()
        allowed, refused = refuse(text, self._titles)
        self.dropped["protected sentence"] += len(refused)
        kept: list[str] = []
        borne = {
            name: item
            for one in statements
            for item in one.items
            for name in stated.names(self.catalog[item])
        }
        for sentence in sentences(allowed):
            if _ADDRESS.search(sentence):
                self.dropped["odd sentence"] += 1
            elif self._strangers(sentence) or self._unknown_names(sentence, statements):
                self.dropped["sentence with a title"] += 1
            elif not stated.stands(sentence, statements, borne):
                self.dropped["sentence beyond the statements"] += 1
            elif len(kept) < TEXT_SENTENCES:
                kept.append(sentence)
        self.dropped += Counter()  # zero counts say nothing
        return " ".join(kept)

    def _strangers(self, text: str) -> list[str]:
        """Return the catalogue's titles that a text names and this person never met."""
        return self.named.found(without_titles(text, self._titles), cased=True)

    def _unknown_names(self, sentence: str, statements: Sequence[Statement]) -> bool:
        """Whether a sentence quotes, dates or spells a name that is not in what they met."""
        rest = without_titles(sentence, self._titles)
        names = [*_QUOTED.findall(rest), *_DATED.findall(rest), *_NAME.findall(rest)]
        stated = {fold(str(one.value)) for one in statements}
        return any(
            fold(name).strip() not in stated and fold(name).strip() not in self._words
            for name in names
            if any(sign.isalpha() for sign in name)
        )

    @cached_property
    def _titles(self) -> tuple[str, ...]:
        met = dict.fromkeys(self.history.items.tolist())
        full = [self.catalog.titles[row] for row in met]
        return tuple(dict.fromkeys([*full, *(split_year(title)[0] for title in full)]))

    @cached_property
    def _words(self) -> str:
        """Everything known about what they met, folded, as one text to look names up in."""
        met = dict.fromkeys(self.history.items.tolist())
        return "\n".join(fold(self.catalog.describe(row)) for row in list(met)[-500:])

    def _ids(self, which: NDArray[np.bool_]) -> frozenset[str]:
        return frozenset(self.catalog.ids[row] for row in self.history.items[which].tolist())


def in_words(statements: Sequence[Statement]) -> str:
    """Say statements as a plain sentence or two, for a reply whose own text did not stand."""
    parts = []
    for likes, opening in ((True, "You like"), (False, "You care less for")):
        said = [
            f"titles {_modifier(one.attribute, str(one.value))}"
            for one in statements
            if one.likes is likes
        ]
        if said:
            parts.append(f"{opening} {', '.join(said[:4])}.")
    return " ".join(parts)


def _claim(raw: Any) -> _Claim | None:
    """Read one statement of a reply, a line or an object; None where it has no value."""
    raw = _line(raw) if isinstance(raw, str) else raw
    if not isinstance(raw, Mapping) or not isinstance(raw.get("value"), str | int):
        return None
    value = " ".join(_SIGNS.sub(" ", str(raw["value"])[:200]).split()).strip(" .\"'")
    kind = " ".join(fold(str(raw.get("kind", ""))[:40]).split())
    handles = raw.get("items")
    numbers = [
        one
        for one in (handles[:200] if isinstance(handles, list) else ())
        if isinstance(one, int) and not isinstance(one, bool)
    ]
    if not value or len(TOKEN.findall(value)) > VALUE_WORDS or _ADDRESS.search(value):
        return None
    likes = raw.get("likes")
    sign = likes if isinstance(likes, bool) else True
    if kind.startswith("dislike"):
        sign = False
    kind = _KINDS.get(kind, "theme" if kind in _ANY else kind)
    return _Claim(kind, value, sign, tuple(dict.fromkeys(numbers)))


def _line(text: str) -> dict[str, Any]:
    """Read "+ genre: Crime = 1,2" as the object it stands for; nothing where it is no such line."""
    found = _LINE.fullmatch(text[:400])
    if found is None:
        return {}
    return {
        "kind": found["kind"],
        "value": found["value"],
        "likes": found["sign"] not in _MINUS,
        "items": [int(one) for one in re.findall(r"\d{1,6}", found["handles"] or "")],
    }


def _carried(claim: _Claim, items: list[Item], catalog: Catalog) -> tuple[str, str, list[Item]]:
    """Return attribute, value and the items that have it, where it is a value of the catalogue."""
    if claim.kind == "era":
        return _of_era(claim, items, catalog)
    wanted = fold(claim.value)
    for attribute in catalog.attributes:
        if catalog.is_numeric(attribute):
            continue
        at = catalog.incidence(attribute).folded.get(claim.value.casefold())
        carrying = [item for item in items if _has(item, attribute, wanted)] if at else []
        if at and carrying:
            return attribute, str(catalog.incidence(attribute).values[at[0]]), carrying
    return claim.kind, claim.value, []


def _of_era(claim: _Claim, items: list[Item], catalog: Catalog) -> tuple[str, str, list[Item]]:
    """Return the decade an era names and the items of it; other eras have none."""
    years = [name for name in catalog.attributes if catalog.is_numeric(name) and is_year(name)]
    found = _ERA.fullmatch(claim.value.casefold())
    if not years or found is None:
        return "era", claim.value, []
    wanted = f"{found.group(1)}0s"
    carrying = [
        item
        for item in items
        if isinstance(year := item.attributes.get(years[0]), int | float) and decade(year) == wanted
    ]
    return years[0], wanted, carrying


def _has(item: Item, attribute: str, wanted: str) -> bool:
    mine = item.attributes.get(attribute, ())
    return wanted in {fold(str(one)) for one in (mine if isinstance(mine, tuple) else (mine,))}


def _modifier(attribute: str, value: str) -> str:
    worded = _WORDED.get(attribute)
    return worded.format(value) if worded else modifier(attribute, [value])
