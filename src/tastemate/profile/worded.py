"""Taste in a language model's words, each statement tied to the items it was read from.

The model sees the most telling events under handles and answers with handles. What rests on no
event, or on events of the other sign, what names titles the person never met, and whatever says
who the person is (`protected`) does not get through. Without a usable reply the offline taste of
`base` stands in.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Scale
from tastemate.llm import parse, prompts
from tastemate.llm.person import Rated
from tastemate.messages import Completion, Prompt
from tastemate.profile.reading import Reading
from tastemate.protocols import ChatModel, Profiler
from tastemate.text.named import Named
from tastemate.types import History, Taste

_Key = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A taste that was read, and how many events were added since one was read in full."""

    taste: Taste
    since: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One prompt that waits for its reply."""

    history: History
    shown: tuple[int, ...]
    """Event positions in the order of the handles."""
    prompt: Prompt
    before: Taste = Taste()
    since: int = 0


class WordedTaste:
    """Taste by a model, tied to events; `base` stands in where the model fails.

    `limit` is how many statements a taste has at most, `kept` how many tastes are remembered,
    `fresh` how many events a known taste is carried forward over before all is read again. The
    model is shown at most `events` events, the most telling ones, in a prompt of at most `budget`
    tokens; both are small because every new person pays for them. Raises `ConfigError` for
    options out of range.
    """

    def __init__(
        self,
        base: Profiler,
        catalog: Catalog,
        scale: Scale,
        model: ChatModel,
        *,
        limit: int = 8,
        style: prompts.Style = prompts.PLAIN,
        kept: int = 1024,
        fresh: int = 10,
        events: int = 10,
        budget: int = 280,
    ) -> None:
        if events < 1 or budget < 1:
            raise ConfigError(f"events is {events} and budget {budget}; give at least 1.")
        self.base = base
        self.catalog = catalog
        self.scale = scale
        self.model = model
        self.limit = limit
        self.style = replace(style, budget=min(style.budget, budget))
        self.kept = kept
        self.fresh = fresh
        self.events = events
        self.dropped: Counter[str] = Counter()
        """What was left out of replies, by reason."""
        self._tastes: OrderedDict[_Key, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._named = Named(catalog.titles)

    def taste(self, histories: Sequence[History]) -> list[Taste]:
        """Return one taste a history; empty for an empty history."""
        keys = [_key(history) for history in histories]
        found: dict[_Key, _Kept] = {}
        asked: dict[_Key, _Asked] = {}
        for key, history in zip(keys, histories, strict=True):
            if key in found or key in asked:
                continue
            known = self._known(key) if len(history) else _Kept(Taste())
            if known is not None:
                found[key] = known
            else:
                asked[key] = self._ask(history)
        if asked:
            before = self.dropped.total()
            found |= self._answers(asked)
            if left := self.dropped.total() - before:
                scope.current().note(f"left out {left} statements of the model about tastes")
        for key in dict.fromkeys(keys):
            if found[key].failure:
                scope.current().fail(found[key].failure)
        return [found[key].taste for key in keys]

    def _answers(self, asked: dict[_Key, _Asked]) -> dict[_Key, _Kept]:
        """Ask the model once for all, read the replies, and let `base` answer the rest."""
        payer = scope.current().user
        replies = self.model.complete([replace(one.prompt, user=payer) for one in asked.values()])
        found: dict[_Key, _Kept] = {}
        for (key, one), reply in zip(asked.items(), replies, strict=True):
            found[key] = self._read(one, reply)
        failed = [key for key in asked if found[key].failure]
        stand_ins = self.base.taste([asked[key].history for key in failed]) if failed else []
        for key, taste in zip(failed, stand_ins, strict=True):
            found[key] = replace(found[key], taste=taste)
        for (key, one), reply in zip(asked.items(), replies, strict=True):
            if not reply.error:  # a failed call is tried again, an unusable reply is not
                self._keep(key, replace(found[key], since=one.since))
        return found

    def _read(self, one: _Asked, reply: Completion) -> _Kept:
        if reply.error:
            return _Kept(Taste(), failure=f"taste in words: {reply.error}")
        liked, disliked = signs(self.scale, one.history)
        reading = Reading(self.catalog, self._named, one.history, liked, disliked, self.dropped)
        taste = reading.taste(
            parse.json_value(reply.text), one.shown, one.before.statements, self.limit
        )
        if not taste.statements:
            return _Kept(Taste(), failure="taste in words: nothing in the model's reply stood.")
        return _Kept(taste)

    def _ask(self, history: History) -> _Asked:
        """Return the prompt for a history: an update where it is a known one with more events."""
        last = range(1, min(self.fresh, len(history) - 1) + 1)
        for more in last:
            earlier = len(history) - more
            known = self._known(_key(history.take(np.arange(earlier))))
            if known is None or known.failure or known.since + more > self.fresh:
                continue
            shown = tuple(range(earlier, len(history)))
            before = known.taste
            prompt = prompts.profile_update(
                before.statements,
                before.text,
                self._rated(history, shown),
                self.style,
                count=self.model.count,
            )
            return _Asked(history, shown, prompt, before, known.since + more)
        shown = self._telling(history)
        rated = self._rated(history, shown)
        return _Asked(history, shown, prompts.profile(rated, self.style, count=self.model.count))

    def _telling(self, history: History) -> tuple[int, ...]:
        """Return event positions, most telling first: three likes to one dislike, then the rest.

        Of an item met twice only the latest event counts.
        """
        _, last = np.unique(history.items[::-1], return_index=True)
        latest = np.zeros(len(history), dtype=bool)
        latest[len(history) - 1 - last] = True
        liked, disliked = signs(self.scale, history)
        newest = -np.arange(len(history))

        def ordered(which: np.ndarray[tuple[int], np.dtype[np.bool_]], sign: float) -> list[int]:
            events = np.flatnonzero(which & latest)
            order = np.lexsort((newest[events], sign * history.values[events]))
            positions: list[int] = events[order].tolist()
            return positions

        likes, dislikes = ordered(liked, -1.0), ordered(disliked, 1.0)
        if not self.style.dislikes:
            dislikes = []
        mixed: list[int] = []
        while likes or dislikes:
            mixed += [*likes[:3], *dislikes[:1]]
            del likes[:3], dislikes[:1]
        return tuple((mixed + ordered(~liked & ~disliked, -1.0))[: self.events])

    def _rated(self, history: History, shown: Sequence[int]) -> list[Rated]:
        return [
            Rated(self.catalog.item(int(history.items[at])), float(history.values[at]))
            for at in shown
        ]

    def _known(self, key: _Key) -> _Kept | None:
        with self._lock:
            known = self._tastes.get(key)
            if known is not None:
                self._tastes.move_to_end(key)
            return known

    def _keep(self, key: _Key, kept: _Kept) -> None:
        with self._lock:
            self._tastes[key] = kept
            self._tastes.move_to_end(key)
            while len(self._tastes) > self.kept:
                self._tastes.popitem(last=False)


def signs(
    scale: Scale, history: History
) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return which events are likes and which dislikes on the scale of the data, (events,) each.

    Low for this person counts as a dislike too, as it does offline.
    """
    low = np.asarray(scale.dislikes(history.values))
    if len(history) > 1 and scale.high > scale.low:
        usual = float(history.values.mean())
        low = low | (history.values <= usual - 0.3 * (scale.high - scale.low))
    return np.asarray(scale.likes(history.values)) & ~low, low


def _key(history: History) -> _Key:
    return history.items.tobytes(), history.values.tobytes()
