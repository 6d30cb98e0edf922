"""The service: an opened project, and what stands between it and many callers at once.

Nothing here knows HTTP. Lists are answered in batches by one thread, kept while they hold, and
answered by popularity when the caller's time is over.
"""

import logging
import math
import time
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tastemate import scope
from tastemate.errors import TastemateError, Unavailable
from tastemate.people import NOBODY
from tastemate.serve import drafting, listing, popularity
from tastemate.serve.ahead import Ahead, latest
from tastemate.serve.answers import Answer, Answers, Kept
from tastemate.serve.arms import Arms, NoTrials, Trials
from tastemate.serve.batching import Batches
from tastemate.serve.drafting import Assigned, Plan
from tastemate.serve.freshness import Fresh
from tastemate.serve.impressions import Behind, Logged, rows_of
from tastemate.serve.listing import Prepared
from tastemate.serve.popularity import Popularity
from tastemate.serve.schemas import Recommend
from tastemate.serve.settings import Serving, serving
from tastemate.serve.warming import Warming
from tastemate.types import Signal, Slate

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.store.events import Recorded
    from tastemate.store.opening import Store

_LOG = logging.getLogger("tastemate.serve")
QUIET = 0.004
"""Seconds without a list to make after which answers are made ahead."""
LATE = "The time was over."


class TakesLonger(Exception):
    """Said of a request that the quick thread must not wait for; never leaves this module."""


class Service:
    """Answers for a project; `project` is replaced as a whole when a new model comes.

    Take it once a request. `trials` says who is in which experiment.
    """

    def __init__(
        self,
        project: "Tastemate",
        settings: Serving | None = None,
        *,
        trials: Trials | None = None,
    ) -> None:
        self.project = project
        self.settings = settings or serving(project.settings.serve)
        self.trials: Trials = trials or NoTrials()
        self.telemetry: Any = None
        """What counts and times; set by what measures."""
        self.answers = Answers(self.settings.cached, self.settings.cached_bytes)
        self.impressions: Behind[Logged] = Behind(
            self._write,
            seconds=self.settings.flush,
            most=self.settings.impressions,
            failed=lambda: self.count("impressions_failed"),
        )
        size, waiting = self.settings.batch, self.settings.waiting
        self._quick: Batches[Recommend, Kept] = Batches(self._answer, size=size, waiting=waiting)
        self._slow: Batches[Recommend, Kept] = Batches(
            lambda batch: self._answer(batch, quick=False),
            size=1,
            waiting=waiting,
            threads=self.settings.slow,
            name="answers that take longer",
        )
        self._fresh = Fresh(
            self._read_others, self.settings.fresh, lambda: self.count("refresh_failed")
        )
        self._popularity = Popularity()
        self._warming = Warming(lambda: self.count("warming_failed"))
        self._trouble = ""
        self._asked_at = 0.0
        self._ahead = Ahead(
            lambda: latest(self.project.interactions, self.settings.ahead),
            lambda users: self._make(users),
            lambda: time.monotonic() - self._asked_at > QUIET,
            failed=lambda: self.count("ahead_failed"),
        )
        project.work.sealed = True

    # life

    def start(self) -> None:
        """Load or fit what lists need, in a thread of its own; `ready` says when it is done."""
        self._warming.keep_on(self.warm)

    def warm(self) -> bool:
        """Load or fit what lists need, and answer once; say whether that was done."""
        tm = self.project
        with suppress(TastemateError):  # who reads what others wrote says it
            self.trials.look()
        if not self._warming.warm(tm):
            return False
        self._popularity.order(tm)
        if self.settings.ahead and self.settings.cached:
            self._ahead.start()
        return True

    def renew(self, project: "Tastemate") -> None:
        """Serve another generation of the project from now on."""
        project.work.sealed = True
        self.project = project
        self._ahead.again()

    def stop(self) -> None:
        """Answer what waits and write what was shown."""
        self._warming.close()
        self._ahead.close()
        self._fresh.close()
        self._quick.close()
        self._slow.close()
        self.impressions.close()

    @property
    def store(self) -> "Store":
        """What people did and said, on disk."""
        return self.project.store

    @property
    def ready(self) -> bool:
        """Whether everything is fitted and loaded."""
        return self._warming.done.is_set()

    @property
    def trouble(self) -> str:
        """Why the newest generation of models is not served; empty where it is."""
        return self._trouble

    @trouble.setter
    def trouble(self, why: str) -> None:
        self._trouble = why
        if self.telemetry is not None:
            self.telemetry.trouble(why)

    def why_not(self) -> str:
        """Say why lists cannot be answered, for anybody to read; empty where they can."""
        if not self.ready:
            return self._warming.why
        try:
            said = self.store.check()
        except TastemateError as error:
            said = str(error)
        if said == "ok":
            return ""
        _LOG.warning("the store does not answer: %s", said)
        return "The store does not answer."

    def refresh(self) -> None:
        """Read what other processes wrote, if that was not done a moment ago.

        It waits a moment at most: while a model is opened, what was known before is served.
        """
        self._fresh.ask()

    # what is kept

    def record(self, signals: Sequence[Signal]) -> "Recorded":
        """Keep what people did; on disk when this returns, and the next answer knows it."""
        done = self.project.record(signals)
        if self.telemetry is not None and done.accepted:
            self.telemetry.signals(signals)
        return done

    # lists

    def recommend(self, asked: Recommend) -> Answer:
        """Answer one request in this thread, without a time limit; raises what is wrong with it."""
        began = time.perf_counter()
        found = self._answer([asked], quick=False)[0]
        if isinstance(found, BaseException):
            raise found
        return self.sent(found, began)

    async def answer(self, asked: Recommend) -> Answer:
        """Answer one request with others that come now, within its `budget_ms`."""
        began = time.perf_counter()
        kept = self._held(asked) if self._fresh.now and not self._fresh.trouble else None
        if kept is None:
            kept = await self._waited_for(asked, asked.budget_ms / 1000)
        return self.sent(kept, began)

    async def _waited_for(self, asked: Recommend, seconds: float) -> Kept:
        """Answer one request in the lane that it belongs to: what an arm sets counts too."""
        import anyio.to_thread

        end = time.monotonic() + seconds
        try:
            try:
                return await self._quick.ask(asked, seconds)
            except TakesLonger:
                return await self._slow.ask(asked, end - time.monotonic())
        except TimeoutError:
            return await anyio.to_thread.run_sync(self._in_time, asked)

    def sent(self, kept: Kept, began: float) -> Answer:
        """Give an answer its id and time, and log what it shows."""
        name = uuid4().hex
        took = round((time.perf_counter() - began) * 1000, 3)
        head = f'{{"recommendation_id":"{name}","took_ms":{took},'.encode()
        if kept.shown:
            self.impressions.add([(name, kept.bare(), int(time.time()))])
        if self.telemetry is not None:
            self.telemetry.shown(line.item for line in kept.shown)
        return Answer(name, head + kept.body, kept)

    def arms(self, user: str, session: str = "") -> Arms:
        """Return the arms of a user and a session; none for nobody."""
        return self.trials.arms(user, session) if user or session else []

    def _is_slow(self, asked: Recommend) -> bool:
        """Whether a language model may be asked, or a model has to be read from disk."""
        tm = self.project
        return asked.rerank == "llm" or bool(asked.model) or bool(asked.session_id and tm.language)

    def _held(self, asked: Recommend) -> Kept | None:
        tm = self.project
        person = tm.work.people.held(asked.user_id) if asked.user_id else NOBODY
        if person is None:
            return None
        mine = self._assigned(asked)
        text = listing.request_text(mine.asked, tm.name)
        return self._looked_up(listing.key_of(tm, mine.asked, mine.arms, text, person))

    def _looked_up(self, key: Hashable) -> Kept | None:
        return None if key is None else self.answers.get(key)

    def _assigned(self, asked: Recommend) -> Assigned:
        return drafting.assigned(asked, self.arms(asked.user_id, asked.session_id))

    def _make(self, users: Sequence[str]) -> None:
        """Answer what these users will ask for first, and keep it."""
        self._together([Recommend(user_id=user) for user in users], quick=True)

    def _answer(self, batch: Sequence[Recommend], quick: bool = True) -> list[Kept | BaseException]:
        """Answer requests together; what is wrong with one stays with it."""
        self._asked_at = math.inf  # while lists are made it is never quiet
        try:
            return self._together(batch, quick)
        finally:
            self._asked_at = time.monotonic()

    def _together(self, batch: Sequence[Recommend], quick: bool) -> list[Kept | BaseException]:
        self.refresh()
        tm = self.project
        found: list[Kept | BaseException | None] = [None] * len(batch)
        plans: dict[int, Plan] = {}
        for at, asked in enumerate(batch):
            try:
                plan = self._planned(tm, asked, quick)
                held = None if self._fresh.trouble else self._looked_up(plan.whole.key)
                if held is not None:
                    found[at] = held
                else:
                    plans[at] = plan
            except Exception as error:  # whatever it is, its neighbours are answered
                found[at] = error
        made: dict[tuple[int, int], Slate | BaseException] = {}
        for mine in drafting.laned(plans):
            slates = self._slates(tm, [ready for _, ready in mine])
            made |= {place: slate for (place, _), slate in zip(mine, slates, strict=True)}
        for at, plan in plans.items():
            try:
                found[at] = self._kept(tm, plan, [made[at, one] for one in range(len(plan.parts))])
            except Exception as error:
                found[at] = error
        return [one if one is not None else Unavailable("No answer.") for one in found]

    def _planned(self, tm: "Tastemate", asked: Recommend, quick: bool) -> Plan:
        mine = self._assigned(asked)
        if quick and any(self._is_slow(one) for one in mine.requests):
            raise TakesLonger
        trouble = self._fresh.trouble
        if trouble and asked.session_id:
            raise Unavailable(trouble)
        seed = uuid4().int >> 96 if mine.asked.explore else 0
        plan = drafting.planned(tm, mine, seed, trouble)
        if plan.whole.lacking and not trouble:
            self._fresh.broke(plan.whole.lacking)  # nobody else has to find that out
        return plan

    def _kept(self, tm: "Tastemate", plan: Plan, made: "Sequence[Slate | BaseException]") -> Kept:
        """Return a list as it is sent, and keep it where that may be done."""
        again, trouble = (lambda ready: self._slates(tm, [ready])[0]), self._fresh.trouble
        ready, slate, kept = drafting.answered(tm, plan, made, again, trouble)
        if self.telemetry is not None:
            self.telemetry.slate(slate)
        if ready.key is not None:
            self.answers.put(ready.key, kept)
        return kept

    def _slates(self, tm: "Tastemate", ready: Sequence[Prepared]) -> "list[Slate | BaseException]":
        """Answer alike queries at once; if that fails, each by itself."""
        asked = ready[0].asked
        try:
            # a language model must leave time for the rest of the answer
            with scope.opened(0.8 * asked.budget_ms / 1000) as used:
                queries = [one.query for one in ready]
                llm = asked.rerank == "llm"
                found = [*tm.recommend_all(queries, model=asked.model or None, llm=llm)]
            if self.telemetry is not None:
                self.telemetry.spent(used.cost)
            return [*found]
        except Exception as error:
            if len(ready) == 1:
                return [error]
        return [self._slates(tm, [one])[0] for one in ready]

    def _in_time(self, asked: Recommend) -> Kept:
        """Answer by popularity, because the time is over; the store is not asked any more."""
        tm, trouble = self.project, self._fresh.trouble
        why = listing.told_so(tm, f"The {asked.budget_ms} ms were over")
        mine = self._assigned(asked).alone()
        ready = listing.prepare(tm, mine.asked, mine.arms, 0, trouble or LATE)
        self.count("over_budget")
        return popularity.answered(tm, ready, why, self._popularity.order(tm), trouble)

    def _read_others(self) -> None:
        """Read what other processes wrote, and which experiments run."""
        self.project.catch_up()
        self.trials.look()

    def _write(self, rows: Sequence[Logged]) -> None:
        """Write what was shown into the store."""
        self.store.impressions.add(rows_of(rows))

    def count(self, what: str) -> None:
        """Tell the telemetry, where there is one, that something happened."""
        count = getattr(self.telemetry, "count", None)
        if count is not None:
            count(what)
