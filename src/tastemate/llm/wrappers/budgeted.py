"""Bounds what a model may use: refused before the call, booked after it.

A call is admitted only if the most it may use (its prompt and the longest reply asked for) fits
every limit together with what else is under way; then what it really used is booked, also when it
failed.
"""

import math
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.tokens import estimate
from tastemate.llm.wrappers.around import Around, Failed, failed, failure, size, streamed
from tastemate.llm.wrappers.ledger import ROUNDING, Booking, Ledger, Spent, today
from tastemate.llm.wrappers.prices import Prices, checked, price_of
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel

REMEMBERED = 256
"""Open answers whose use is known here before it is charged to them."""


@dataclass(slots=True)
class _Answer:
    """What one answer, an open scope, used and may still use by calls under way."""

    scope: scope.Scope
    used: Spent = field(default_factory=Spent)
    reserved: Spent = field(default_factory=Spent)

    def together(self) -> Spent:
        charged = self.scope
        return self.reserved + Spent(
            max(self.used.tokens, charged.tokens), max(self.used.cost, charged.cost)
        )


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was admitted."""

    most: Spent
    answer: _Answer
    booking: Booking | None


class Budgeted(Around):
    """Refuses with the fault "budget" what would pass a limit, before anything is sent.

    Limits are tokens and costs (US dollars): `request_` holds for one answer (the open scope),
    `user_` for one user and day (UTC; the prompt's user, else the scope's; nobody's calls count
    for the day alone), `day_` for everybody; None is no limit. A model's price is
    found by its name, with or without the provider, or by the longest beginning of it; a model
    without one costs 0, which is said once. Where the file `path` cannot be used and a daily limit
    is set, calls are refused.
    """

    def __init__(
        self,
        inner: ChatModel,
        path: Path,
        *,
        prices: Prices | None = None,
        request_tokens: int | None = None,
        request_cost: float | None = None,
        user_tokens: int | None = None,
        user_cost: float | None = None,
        day_tokens: int | None = None,
        day_cost: float | None = None,
        days: int = 31,
    ) -> None:
        limits = {
            "request_tokens": request_tokens,
            "request_cost": request_cost,
            "user_tokens": user_tokens,
            "user_cost": user_cost,
            "day_tokens": day_tokens,
            "day_cost": day_cost,
        }
        for name, limit in limits.items():
            if limit is not None and not limit >= 0:
                raise ConfigError(f"{name} is {limit}; it must be at least 0.")
        super().__init__(inner)
        self.prices = checked(prices or {})
        self.limits: Mapping[str, float] = {
            name: limit for name, limit in limits.items() if limit is not None
        }
        self._ledger = Ledger(path, keep=days)
        self._daily = any(not name.startswith("request") for name in self.limits)
        self._answers: OrderedDict[int, _Answer] = OrderedDict()
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return the answers with their cost, and the fault "budget" for what was refused."""
        calls = self._admit(prompts)
        admitted = [at for at, call in enumerate(calls) if isinstance(call, _Call)]
        replies: list[Completion] = []
        try:
            if admitted:
                replies = [
                    self._priced(reply)
                    for reply in self.inner.complete([prompts[at] for at in admitted])
                ]
        finally:
            taken = [call for call in calls if isinstance(call, _Call)]
            self._settle(taken, [Spent(reply.tokens, reply.cost) for reply in replies])
        answers = iter(replies)
        return [
            next(answers) if isinstance(call, _Call) else failed(self.name, "budget", call)
            for call in calls
        ]

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply; what came before it failed or was closed is booked by an estimate."""
        call = self._admit([prompt])[0]
        if isinstance(call, str):
            raise Failed(failed(self.name, "budget", call))
        pieces = streamed(self.inner, prompt)
        came: list[str] = []
        used: Completion | None = None
        try:
            while True:
                try:
                    came.append(next(pieces))
                except StopIteration as end:
                    used = self._priced(end.value)
                    return used
                yield came[-1]
        except Unavailable as error:
            told = failure(error)
            used = self._priced(told) if told.tokens or not came else None
            raise
        finally:
            pieces.close()
            if used is None:
                used = self._priced(self._part(prompt, "".join(came)))
            self._settle([call], [Spent(used.tokens, used.cost)])

    def spent(self, user: str = "", day: str = "") -> Spent:
        """Return what a user used on a day, today unless another; without a user, everybody.

        Raises `sqlite3.Error` or `OSError` where the file cannot be read.
        """
        return self._ledger.spent(day or today(), user)

    def left(self, user: str = "") -> float:
        """Return how many tokens may still be used now, by the tightest limit; infinite without.

        What is left of a limit in dollars is counted at the model's dearer price. 0 where the book
        of a daily limit cannot be read. No call is made, nothing is reserved.
        """
        if not self.limits:
            return super().left(user)
        user = user or scope.current().user
        dearest = max(self.price(self.name) or (0.0, 0.0)) / 1e6
        try:
            rooms = list(self._rooms(user))
        except (sqlite3.Error, OSError):
            return 0.0
        tokens = [
            (math.inf if dearest == 0 else room / dearest) if name.endswith("cost") else room
            for name, room in rooms
        ]
        return max(min([*tokens, super().left(user)]), 0.0)

    def _rooms(self, user: str) -> Iterator[tuple[str, float]]:
        """Yield each limit that holds, by name, and what is left of it."""
        with self._lock:
            answer = self._answers.get(id(scope.current()))
            before = {"request": Spent() if answer is None else answer.together()}
        if self._daily:
            before["day"] = self.spent()
            if user:
                before["user"] = self.spent(user)
        for name, limit in self.limits.items():
            whose, _, unit = name.partition("_")
            if whose in before:
                yield name, limit - float(getattr(before[whose], unit))

    def close(self) -> None:
        """Close the account book."""
        self._ledger.close()
        super().close()

    def price(self, model: str) -> tuple[float, float] | None:
        """Return the price of a model's prompt and reply, None where there is none."""
        return price_of(self.prices, model, self.name)

    def _admit(self, prompts: Sequence[Prompt]) -> list[_Call | str]:
        """Reserve what each prompt may use; return the refusal for those that fit no more."""
        most = [self._most(prompt) for prompt in prompts]
        found: list[_Call | str] = []
        with self._lock:
            answer = self._answer()
            for worst in most:
                before = answer.together()
                broken = self._broken({"request": before}, worst)
                if broken:
                    name, limit, used, more = broken
                    found.append(
                        f"This answer may use {limit:g} ({name}); {used:g} are used and this call "
                        f"may need {more:g}."
                    )
                else:
                    answer.reserved += worst
                    found.append(_Call(worst, answer, None))
        return self._book(prompts, found)

    def _broken(
        self, before: Mapping[str, Spent], most: Spent
    ) -> tuple[str, float, float, float] | None:
        """Return the first limit that a call would pass: its name, itself, used, needed."""
        for name, limit in self.limits.items():
            whose, _, unit = name.partition("_")
            if whose in before:
                used, more = getattr(before[whose], unit), getattr(most, unit)
                if used + more > limit + ROUNDING:
                    return name, limit, used, more
        return None

    def _book(self, prompts: Sequence[Prompt], found: list[_Call | str]) -> list[_Call | str]:
        asked = [at for at, call in enumerate(found) if isinstance(call, _Call)]
        calls = {at: call for at in asked if isinstance(call := found[at], _Call)}
        if not calls:
            return found
        booked: Sequence[Booking | str | None]
        try:
            booked = self._ledger.book(
                [
                    (prompts[at].user or scope.current().user, call.most)
                    for at, call in calls.items()
                ],
                today(),
                self._fits,
            )
        except (sqlite3.Error, OSError) as error:
            text = (
                f"The model's account book {self._ledger.path} cannot be used ({str(error):.200})."
            )
            if self._daily:
                booked = [f"{text} Mend its permissions, or move it away to begin anew."] * len(
                    calls
                )
            else:
                self._say("book", f"{text} What the model used is not booked.")
                booked = [None] * len(calls)
        for (at, call), booking in zip(calls.items(), booked, strict=True):
            if isinstance(booking, str):
                with self._lock:
                    call.answer.reserved -= call.most
                found[at] = booking
            else:
                found[at] = replace(call, booking=booking)
        return found

    def _fits(self, day: Spent, user: Spent, most: Spent) -> str:
        broken = self._broken({"user": user, "day": day}, most)
        if broken is None:
            return ""
        name, limit, used, more = broken
        return (
            f"Of today's {limit:g} ({name}) {max(limit - used, 0):g} are left, and this call may "
            f"need {more:g}. Raise the limit or wait for tomorrow (UTC)."
        )

    def _settle(self, calls: Sequence[_Call], used: Sequence[Spent]) -> None:
        """Book what calls used; a call without a reply (its model raised) used what it might."""
        real = [*used, *(call.most for call in calls[len(used) :])]
        with self._lock:
            for call, spent in zip(calls, real, strict=True):
                call.answer.reserved -= call.most
                call.answer.used += spent
        booked = [
            (call.booking, spent)
            for call, spent in zip(calls, real, strict=True)
            if call.booking is not None
        ]
        if not booked:
            return
        try:
            self._ledger.settle(booked)
        except (sqlite3.Error, OSError) as error:
            # the booking stays: too much is booked rather than too little
            self._say(
                "book", f"The model's account book could not be put right ({str(error):.200})."
            )

    def _answer(self) -> _Answer:
        """Return the account of the open scope; the scope is held, so that its id stays its own."""
        opened = scope.current()
        found = self._answers.get(id(opened))
        if found is None:
            found = self._answers[id(opened)] = _Answer(opened)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        self._answers.move_to_end(id(opened))
        return found

    def _most(self, prompt: Prompt) -> Spent:
        """Return the most that a call may use."""
        asked = max(size(prompt), sum(self.count(turn.text) for turn in prompt.messages))
        reply = 1 if prompt.labels else max(prompt.generation.max_tokens, 0)
        return Spent(asked + reply, self._cost(self.name, asked, reply))

    def _part(self, prompt: Prompt, text: str) -> Completion:
        return Completion(
            prompt_tokens=size(prompt), completion_tokens=estimate(text), model=self.name
        )

    def _cost(self, model: str, asked: int, reply: int) -> float:
        price = self.price(model)
        if price is None:
            if self.prices or any(name.endswith("cost") for name in self.limits):
                self._say(
                    model, f"There is no price of {model}: its calls count as $0. Add it to prices."
                )
            return 0.0
        return (asked * price[0] + reply * price[1]) / 1e6

    def _priced(self, reply: Completion) -> Completion:
        if not reply.tokens:
            return reply
        cost = self._cost(reply.model or self.name, reply.prompt_tokens, reply.completion_tokens)
        return replace(reply, cost=cost or reply.cost)

    def _say(self, about: str, text: str) -> None:
        with self._lock:
            if about in self._told:
                return
            self._told.add(about)
        scope.current().note(text)
