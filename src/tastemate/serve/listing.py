"""From a request for a list to a query, and from a slate to the answer that is sent and kept."""

import time
import weakref
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic_core import to_json

from tastemate import filters
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFound, Unavailable, UnknownItem
from tastemate.experiment.replay import SHAPED
from tastemate.people import HOUR, NOBODY, Person
from tastemate.serve import cards, cursor
from tastemate.serve.answers import Kept, Shown, short
from tastemate.serve.problem import Problem, problem_of
from tastemate.serve.schemas import Happened, Recommend
from tastemate.types import (
    Controls,
    Filter,
    Query,
    Signal,
    Slate,
    Step,
)

if TYPE_CHECKING:
    from tastemate.project import Tastemate

OPEN = ("diversity", "novelty", "fair", "explore", "model", "rerank", "exclude_seen")
"""What an experiment may set where the request itself says nothing."""
UNNAMED = "Nobody was named"
NEW = "Nothing is known of this user yet"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, ready to be answered."""

    asked: Recommend
    query: Query
    key: Hashable
    """None where the answer must not be kept."""
    text: str
    """All of the request but where the page begins: what a cursor belongs to."""
    before: frozenset[int] = frozenset()
    arms: tuple[tuple[str, str], ...] = ()
    fallback: str = ""
    lacking: str = ""
    """Why the store did not say what is known of the user; empty where it did."""

    @property
    def lane(self) -> tuple[str, str, int]:
        """What alike requests share, so that they are answered together."""
        return self.asked.model, self.asked.rerank, self.asked.budget_ms


def under(asked: Recommend, overrides: Mapping[str, Any]) -> Recommend:
    """Return a request with what an experiment sets; what the request says itself stays."""
    said = asked.model_fields_set
    wanted = {name: overrides[name] for name in OPEN if name in overrides and name not in said}
    return asked.model_copy(update=wanted) if wanted else asked


def request_text(asked: Recommend, name: str) -> str:
    """Return all of a request but where its page begins and how long it may take."""
    return name + asked.model_dump_json(exclude={"cursor", "budget_ms"})


class Same:
    """Equals itself only: what is known of a person stays one object until it changes."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.held is self.held

    def __hash__(self) -> int:
        return id(self.held)


def person_of(tm: "Tastemate", user: str) -> Person:
    """Return what is known of a user; of nobody, nothing."""
    if not user:
        return NOBODY
    return tm.work.people.of(user, tm.catalog, tm.interactions)


def known(tm: "Tastemate", user: str, trouble: str = "") -> tuple[Person, str]:
    """Return what is known of a user, and why the store did not say more; empty where it did.

    Where there is `trouble` with the store it is not asked: what is held or in the data counts.
    """
    if not trouble:
        try:
            return person_of(tm, user), ""
        except Unavailable as error:
            trouble = str(error)
    held = tm.work.people.at_hand(user, tm.catalog, tm.interactions) if user else NOBODY
    return (person_of_data(tm, user), trouble) if held is None else (held, "")


def person_of_data(tm: "Tastemate", user: str) -> Person:
    """Return what the data says of a user, for when the store does not answer."""
    data = tm.interactions
    return Person(data.history_of(user), about=data.about(user), known=user in data)


def key_of(
    tm: "Tastemate",
    asked: Recommend,
    arms: Sequence[tuple[str, str]],
    text: str,
    person: Person,
) -> Hashable:
    """Return everything that decides an answer; None where it is another one each time."""
    if asked.explore > 0 or asked.session_id:
        return None
    # other objects once an item was replaced or somebody erased; signals fade by the hour
    data = (tm.model_version, weakref.ref(tm.catalog), weakref.ref(tm.interactions))
    hour = int(time.time()) // HOUR if person.signals else 0
    return (data, Same(person), short(text), short(asked.cursor), tuple(arms), hour)


def prepare(
    tm: "Tastemate",
    asked: Recommend,
    arms: Sequence[tuple[str, str]],
    seed: int,
    trouble: str = "",
) -> Prepared:
    """Turn a request into a query, without the store where there is `trouble` with it.

    Raises what is wrong with the request.
    """
    text = request_text(asked, tm.name)
    person, lacking = known(tm, asked.user_id, trouble)
    before: frozenset[int] = frozenset()
    if asked.cursor:
        try:
            before = cursor.read(asked.cursor, text, len(tm.catalog))
        except ConfigError as error:
            told = [("cursor", str(error))]
            raise Problem(409, str(error), kind="other-cursor", errors=told) from error
    if asked.session_id:
        query = _session(tm, asked)
    else:
        try:
            query = query_for(tm, asked, person, alone=bool(lacking))
        except Unavailable as error:  # what was held was let go of meanwhile
            lacking = str(error)
            query = query_for(tm, asked, person, alone=True)
    leaves = {tm.catalog.row(one) for one in asked.exclude_ids if one in tm.catalog}
    query = replace(query, exclude=query.exclude | leaves | before, seed=seed)
    silent = not (len(query.history) or query.text or query.leanings or query.vector is not None)
    fallback = told_so(tm, NEW if asked.user_id else UNNAMED) if silent else ""
    key = None if lacking else key_of(tm, asked, arms, text, person)
    return Prepared(asked, query, key, text, before, tuple(arms), fallback, lacking)


def told_so(tm: "Tastemate", why: str) -> str:
    """Return why an answer is a lesser one, with what it is instead."""
    chosen = "what most people chose" if len(tm.interactions) else "the catalogue in its own order"
    return f"{why}: this is {chosen}."


def said_so(tm: "Tastemate", ready: Prepared, slate: Slate, trouble: str = "") -> Slate:
    """Return a slate that says what it lacks: a language model that was asked for, or the store.

    `trouble` is why the store cannot be read: what was known before then stands.
    """
    more = []
    if ready.asked.rerank == "llm" and tm.language is None:
        why = "No language model is set: model in [llm]. The order is the retrievers'."
        more.append(Step("rerank", 0, 0.0, error=why))
    if trouble or ready.lacking:
        more.append(Step("store", 0, 0.0, error=trouble or ready.lacking))
    return replace(slate, trace=(*slate.trace, *more)) if more else slate


def wished(tm: "Tastemate", wishes: Sequence[str]) -> tuple[Filter, ...]:
    """Return written wishes as filters.

    Raises a `Problem` naming the first that asks for what the catalogue does not have.
    """
    found = []
    for at, wish in enumerate(wishes):
        try:
            found.append(filters.parse(wish, tm.catalog))
        except ConfigError as error:
            raise missing(error, f"filters[{at}]") from error
    return tuple(found)


def missing(error: ConfigError, field: str) -> Problem:
    """Return that an attribute or a value, well written, is not in the catalogue."""
    return Problem(404, str(error), kind="not-in-catalogue", errors=[(field, str(error))])


def signals(happened: Sequence[Happened], tm: "Tastemate") -> list[Signal]:
    """Return what a visitor just did; raise `UnknownItem` for what is not in the catalogue."""
    for at, one in enumerate(happened):
        try:
            tm.work.weights_of_signals.check(one.kind)
        except ConfigError as error:
            raise problem_of(error, f"events[{at}].kind") from error
        if one.item_id not in tm.catalog:
            raise UnknownItem(f"There is no item {one.item_id!r}. GET /v1/items lists them.")
    return [
        Signal(f"now-{at}", "", one.item_id, one.kind, one.value, one.timestamp)
        for at, one in enumerate(happened)
    ]


def query_for(tm: "Tastemate", asked: Recommend, person: Person, *, alone: bool = False) -> Query:
    """Return the query of a request, of whom `person` is known; `alone`: without the store."""
    controls = Controls(asked.diversity, asked.novelty, asked.explore, asked.fair)
    said: dict[str, Any] = {
        "text": asked.query,
        "wishes": wished(tm, asked.filters),
        "exclude_seen": asked.exclude_seen,
        "controls": controls,
        "context": asked.context,
    }
    if asked.context:
        said["lean"] = tm.desk.moments.leanings
    if asked.events:
        said["events"] = signals(asked.events, tm)
    if not person.known or alone:
        nobody = tm.query(None, asked.k, **said)
        past = person.history.then(nobody.history)
        return replace(nobody, user=asked.user_id or None, history=past, about=person.about)
    return tm.query(asked.user_id, asked.k, **said)


def _session(tm: "Tastemate", asked: Recommend) -> Query:
    """Return the query of a conversation as it stands, with what the request adds."""
    from tastemate.chat import tools
    from tastemate.chat.beliefs import beliefs

    desk = tm.desk
    session = desk.sessions.open(asked.session_id)
    if asked.user_id and session.user != asked.user_id:
        raise NotFound(f"There is no conversation {asked.session_id!r} of this user.")
    now = beliefs(session, tm.catalog)
    leanings = desk.moments.leanings(now.context)
    vector = desk.preference.of(now)
    query = tools.query_of(desk, session.user, now, desk.manners, vector=vector, leanings=leanings)
    more = query_for(tm, asked.model_copy(update={"user_id": ""}), NOBODY)
    return replace(
        query,
        k=asked.k,
        text=" ".join(filter(None, (query.text, more.text))),
        filters=(*query.filters, *more.filters),
        leanings=(*query.leanings, *more.leanings),
        history=query.history.then(more.history),
        exclude_seen=asked.exclude_seen,
        controls=more.controls,
    )


def kept(tm: "Tastemate", ready: Prepared, slate: Slate) -> Kept:
    """Return the answer to a request, as it is sent and kept."""
    asked, query, before = ready.asked, ready.query, len(ready.before)
    rows = [tm.catalog.row(line.item.id) for line in slate.items]
    version = tm.model_version
    told = {
        "model_version": version,
        "experiments": [{"id": trial, "arm": arm} for trial, arm in ready.arms],
        "degraded": list(slate.degraded),
        "fallback": ready.fallback,
        "unknown": slate.unknown,
        "cursor": _next(tm, ready, rows),
        "user_id": asked.user_id,
        "items": [cards.card(line, explain=asked.explain, before=before) for line in slate.items],
    }
    shown = tuple(
        Shown(line.item.id, line.rank + before, line.propensity, line.score) for line in slate.items
    )
    return Kept(
        to_json(told)[1:],
        shown,
        slate.degraded,
        ready.fallback,
        ready.arms,
        version,
        policy_of(tm, ready, slate),
        query.user or "",
        asked.session_id,
    )


def policy_of(tm: "Tastemate", ready: Prepared, slate: Slate) -> str:
    """Return what made a list, and after it each thing besides that shaped it.

    Empty where nothing was drawn and nothing besides the user shaped it. Only lists that were drawn
    and not shaped say what another policy would have earned (`experiment.replay`).
    """
    asked = ready.asked
    shaped = {
        "words": bool(asked.query),
        "filters": bool(asked.filters or asked.exclude_ids or not asked.exclude_seen),
        "events": bool(asked.events),
        "session": bool(asked.session_id),
        "context": bool(asked.context),
        "page": bool(asked.cursor),
    }
    named = [SHAPED + name for name, is_so in shaped.items() if is_so]
    if not named and all(line.propensity == 1.0 for line in slate.items):
        return ""
    return "".join((asked.model or tm.settings.recommend.profile, "/", asked.rerank, *named))


def open_to(catalog: Catalog, query: Query) -> tuple[np.ndarray[Any, Any], int]:
    """Return which items a query may show, (items,), and how many only want of data keeps out."""
    may, unknown = filters.allowed(catalog, query.filters)
    if query.exclude_seen:
        may[query.history.items] = False
    if query.exclude:
        may[list(query.exclude)] = False
    return may, unknown


def _next(tm: "Tastemate", ready: Prepared, rows: Sequence[int]) -> str:
    """Return the cursor of the next page; empty where there is none."""
    if len(rows) < ready.query.k:
        return ""
    may, _ = open_to(tm.catalog, ready.query)
    if np.count_nonzero(may) <= len(rows):
        return ""
    return cursor.write(ready.text, [*ready.before, *rows])
