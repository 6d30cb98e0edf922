"""The service: an opened project, and what stands between it and many callers at once.

Nothing here knows HTTP. Lists are answered in batches by one thread, kept while they hold, and
answered by popularity when the caller's time is over.
"""

import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from tastemate import scope
from tastemate.errors import TastemateError, Unavailable
from tastemate.people import NOBODY
from tastemate.serve import listing
from tastemate.serve.ahead import Ahead, latest
from tastemate.serve.answers import Answers, Kept
from tastemate.serve.arms import Arms, NoTrials, Trials
from tastemate.serve.batching import Batches
from tastemate.serve.freshness import Fresh
from tastemate.serve.impressions import Behind, Logged, rows_of
from tastemate.serve.listing import Prepared
from tastemate.serve.problem import Problem
from tastemate.serve.schemas import Recommend
from tastemate.serve.settings import Serving, serving
from tastemate.types import Signal, Slate

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.store.events import Recorded
    from tastemate.store.opening import Store

USUAL: tuple[tuple[str, ...], ...] = (
    (),
    ("search",),
    ("newcomer",),
    ("search", "newcomer", "opening"),
    ("vector",),
    ("vector", "newcomer"),
)
"""What most queries call for (`build.asked_for`): composed before anybody asks."""
QUIET = 0.03
"""Seconds without a list to make after which answers are made ahead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A list as it is sent: its id, the JSON, and what it was made of."""

    id: str
    body: bytes
    kept: Kept


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
            self._write, seconds=self.settings.flush, most=self.settings.impressions
        )
        size, waiting = self.settings.batch, self.settings.waiting
        self._quick: Batches[Recommend, Kept] = Batches(self._answer, size=size, waiting=waiting)
        self._slow: Batches[Recommend, Kept] = Batches(
            self._answer, size=1, waiting=waiting, name="answers that take longer"
        )
        self._fresh = Fresh(
            lambda: self.project.catch_up(),
            self.settings.fresh,
            lambda: self._count("refresh_failed"),
        )
        self._order: tuple[object, np.ndarray[Any, Any]] | None = None
        self._warm = threading.Event()
        self._failed = ""
        self._trouble = ""
        self._asked_at = 0.0
        self._ahead = Ahead(
            lambda: latest(self.project.interactions, self.settings.ahead),
            lambda users: self._make(users),
            lambda: time.monotonic() - self._asked_at > QUIET,
        )

    # life

    def start(self) -> None:
        """Load or fit what lists need, in a thread of its own; `ready` says when it is done."""
        threading.Thread(target=self.warm, name="warming", daemon=True).start()

    def warm(self) -> None:
        """Load or fit what lists need, and answer once; then what else is asked for."""
        from tastemate.serve.opening import needed

        tm = self.project
        try:
            words = tm.catalog.titles[0] if len(tm.catalog) else "anything"
            for extras in USUAL:
                tm.recommender(None, extras, llm=False)
            first = [tm.query(None, 10), tm.query(None, 10, text=words)]
            tm.recommend_all(first, llm=False)
            self.popular(tm)
            self._failed = ""
            self._warm.set()
            for name in needed(tm):
                tm.retriever(name)
            if self.settings.ahead and self.settings.cached:
                self._ahead.start()
        except TastemateError as error:
            self._failed = str(error)

    def renew(self, project: "Tastemate") -> None:
        """Serve another generation of the project from now on."""
        self.project = project
        self._ahead.again()

    def stop(self) -> None:
        """Answer what waits and write what was shown."""
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
        return self._warm.is_set()

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
        """Say why lists cannot be answered; empty where they can."""
        if not self.ready:
            return self._failed or "The models are being fitted or loaded. Ask again in a moment."
        try:
            said = self.store.check()
        except TastemateError as error:
            said = str(error)
        return "" if said == "ok" else f"The store does not answer: {said}"

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
        found = self._answer([asked])[0]
        if isinstance(found, BaseException):
            raise found
        return self.sent(found, began)

    async def answer(self, asked: Recommend) -> Answer:
        """Answer one request with others that come now, within its `budget_ms`."""
        import anyio.to_thread

        began = time.perf_counter()
        kept = self._held(asked) if self._fresh.now and not self._fresh.trouble else None
        if kept is None:
            lane = self._slow if self._is_slow(asked) else self._quick
            try:
                kept = await lane.ask(asked, asked.budget_ms / 1000)
            except TimeoutError:
                kept = await anyio.to_thread.run_sync(self._in_time, asked)
        return self.sent(kept, began)

    def sent(self, kept: Kept, began: float) -> Answer:
        """Give an answer its id and time, and log what it shows."""
        name = uuid4().hex
        took = round((time.perf_counter() - began) * 1000, 3)
        head = f'{{"recommendation_id":"{name}","took_ms":{took},'.encode()
        if kept.shown:
            self.impressions.add([(name, kept, int(time.time()))])
        if self.telemetry is not None:
            self.telemetry.shown(line.item for line in kept.shown)
        return Answer(name, head + kept.body, kept)

    def arms(self, user: str, session: str = "") -> Arms:
        """Return the arms of a user and a session; none for nobody."""
        return self.trials.arms(user, session) if user or session else []

    def popular(self, tm: "Tastemate") -> np.ndarray[Any, Any]:
        """Return all rows of a project, the most popular first."""
        key = (id(tm), len(tm.catalog))
        held = self._order
        if held is None or held[0] != key:
            held = (key, listing.popular(tm))
            self._order = held
        return held[1]

    def _is_slow(self, asked: Recommend) -> bool:
        """Whether a language model may be asked, or a model fitted first."""
        tm = self.project
        return asked.rerank == "llm" or bool(asked.model) or bool(asked.session_id and tm.language)

    def _held(self, asked: Recommend) -> Kept | None:
        tm = self.project
        person = tm.work.people.held(asked.user_id) if asked.user_id else NOBODY
        if person is None:
            return None
        asked, arms = self._assigned(asked)
        text = listing.request_text(asked, tm.name)
        key = listing.key_of(tm, asked, arms, text, person)
        return self._looked_up(key)

    def _looked_up(self, key: Hashable) -> Kept | None:
        return None if key is None else self.answers.get(key)

    def _assigned(self, asked: Recommend) -> tuple[Recommend, list[tuple[str, str]]]:
        arms = self.arms(asked.user_id, asked.session_id)
        for _, _, overrides in arms:
            asked = listing.under(asked, overrides)
        return asked, [(trial, arm) for trial, arm, _ in arms]

    def _make(self, users: Sequence[str]) -> None:
        """Answer what these users will ask for first, and keep it."""
        self._together([Recommend(user_id=user) for user in users])

    def _answer(self, batch: Sequence[Recommend]) -> list[Kept | BaseException]:
        """Answer requests together; what is wrong with one stays with it."""
        self._asked_at = time.monotonic()
        try:
            return self._together(batch)
        finally:
            self._asked_at = time.monotonic()

    def _together(self, batch: Sequence[Recommend]) -> list[Kept | BaseException]:
        self.refresh()
        tm, trouble = self.project, self._fresh.trouble
        found: list[Kept | BaseException | None] = [None] * len(batch)
        lanes: dict[tuple[str, str], list[tuple[int, Prepared]]] = {}
        for at, asked in enumerate(batch):
            try:
                ready = self._prepared(tm, asked)
                held = None if trouble else self._looked_up(ready.key)
                if held is not None:
                    found[at] = held
                else:
                    lanes.setdefault(ready.lane, []).append((at, ready))
            except (TastemateError, Problem) as error:
                found[at] = error
        for (model, rerank), mine in lanes.items():
            seconds = min(ready.asked.budget_ms for _, ready in mine) / 1000
            slates = self._slates(tm, [one for _, one in mine], model, rerank, seconds)
            for (at, ready), slate in zip(mine, slates, strict=True):
                if isinstance(slate, BaseException):
                    found[at] = slate
                    continue
                if self.telemetry is not None:
                    self.telemetry.slate(slate)
                kept = listing.kept(tm, ready, listing.said_so(tm, ready, slate, trouble))
                if ready.key is not None:
                    self.answers.put(ready.key, kept)
                found[at] = kept
        return [one if one is not None else Unavailable("No answer.") for one in found]

    def _prepared(self, tm: "Tastemate", asked: Recommend) -> Prepared:
        asked, arms = self._assigned(asked)
        seed = uuid4().int >> 96 if asked.explore else 0
        return listing.prepare(tm, asked, arms, seed)

    def _slates(
        self,
        tm: "Tastemate",
        ready: Sequence[Prepared],
        model: str,
        rerank: str,
        seconds: float,
    ) -> "list[Slate | BaseException]":
        """Answer alike queries at once; if that fails, each by itself."""
        llm = rerank == "llm"
        try:
            # a language model must leave time for the rest of the answer
            with scope.opened(0.8 * seconds) as used:
                queries = [one.query for one in ready]
                found = [*tm.recommend_all(queries, model=model or None, llm=llm)]
            if self.telemetry is not None:
                self.telemetry.spent(used.cost)
            return [*found]
        except TastemateError as error:
            if len(ready) == 1:
                return [error]
        return [self._slates(tm, [one], model, rerank, seconds)[0] for one in ready]

    def _in_time(self, asked: Recommend) -> Kept:
        """Answer by popularity, because the time is over."""
        tm = self.project
        ready = self._prepared(tm, asked)
        why = listing.told_so(tm, f"The {asked.budget_ms} ms were over")
        self._count("over_budget")
        return listing.lesser(tm, ready, why, self.popular(tm))

    def _write(self, rows: Sequence[Logged]) -> None:
        """Write what was shown into the store."""
        self.store.impressions.add(rows_of(rows))

    def _count(self, what: str) -> None:
        """Tell the telemetry, where there is one, that something happened."""
        count = getattr(self.telemetry, "count", None)
        if count is not None:
            count(what)
