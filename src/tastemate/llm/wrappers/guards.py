"""Puts the wrappers around a client, in the one order that holds.

Recorded          sees and charges everything, what the cache answered included
└── Cached        what is known costs nothing, and its JSON has been checked
    └── Structured    a reply that does not fit is asked for once more …
        └── Budgeted      … and that is paid for, so every call has to fit the budget
            └── Breaker       counts the calls that were too slow, too
                └── Deadline      leaves behind what hangs
                    └── Retrying      stops when the deadline's scope has no time left
                        └── the client
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.wrappers.around import Around
from tastemate.llm.wrappers.breaker import Breaker
from tastemate.llm.wrappers.budgeted import Budgeted
from tastemate.llm.wrappers.cached import Cached, emptied
from tastemate.llm.wrappers.deadline import Deadline
from tastemate.llm.wrappers.prices import checked
from tastemate.llm.wrappers.recorded import Recorded
from tastemate.llm.wrappers.retrying import Retrying
from tastemate.llm.wrappers.structured import Structured
from tastemate.protocols import ChatModel

LEAST: Mapping[str, float] = {
    "workers": 1,
    "attempts": 1,
    "failures": 1,
    "seconds": 1e-3,
    "pause": 1e-3,
    "cache_megabytes": 1e-3,
    "record_megabytes": 1e-3,
    "record_days": 1,
}
"""The least that each number may be; 0 for the others …"""
MOST: Mapping[str, float] = {
    "workers": 1000,
    "attempts": 100,
    "seconds": 86_400.0,
    "pause": 86_400.0,
    "patience": math.inf,
    "record_days": 36_500,
    "request_tokens": 1e15,
    "user_tokens": 1e15,
    "day_tokens": 1e15,
}
"""… and the most; a million for the others (megabytes, dollars, failures)."""


@dataclass(frozen=True, slots=True)
class Guards:
    """What bounds a model: time, tries, money, room on disk; None is no limit.

    Raises `ConfigError` for a number that is none or out of range.
    """

    seconds: float = 10.0
    """Longest wait for one call; the open scope may leave less."""
    workers: int = 8
    """Calls under way at once, those that hang included."""
    together: bool = False
    """Whether a batch is one call, for a model that computes it together."""
    attempts: int = 3
    """Tries of a call that the server was too busy for, failed at, or was not reached for."""
    failures: int = 5
    """Failures in a row after which the model is left alone …"""
    pause: float = 30.0
    """… for so many seconds."""
    patience: float | None = None
    """Seconds that a call must have had for its silence to be a failure; None is `seconds`."""
    cache: bool = True
    """Whether answers are kept and given again."""
    cache_megabytes: float = 256.0
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """US dollars a million tokens of prompt and of reply, by model."""
    request_tokens: int | None = None
    request_cost: float | None = None
    """US dollars, as all costs."""
    user_tokens: int | None = None
    user_cost: float | None = None
    day_tokens: int | None = None
    day_cost: float | None = None
    record: bool = False
    """Whether every call is written down, with prompt and reply."""
    record_days: int = 30
    record_megabytes: float = 256.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least, most = LEAST.get(one.name, 0), MOST.get(one.name, 1e6)
            if not least <= value <= most:
                raise ConfigError(
                    f"{one.name} of the guards is {value!s:.20}; it must lie between {least:g} "
                    f"and {most:g}."
                )


def wrapped(client: ChatModel, folder: Path, guards: Guards | None = None) -> Around:
    """Return the client within all wrappers, which keep their files in `folder`.

    There: `answers/` (the cache), `spent.sqlite` (the account book), `calls/` (the record).
    Raises `ConfigError` for a setting out of range. `close()` gives everything back.
    """
    guards = guards or Guards()
    model: ChatModel = Retrying(client, attempts=guards.attempts, longest=guards.seconds)
    model = Deadline(
        model, seconds=guards.seconds, workers=guards.workers, each=not guards.together
    )
    patience = guards.seconds if guards.patience is None else guards.patience
    model = Breaker(
        model,
        failures=guards.failures,
        seconds=guards.pause,
        patience=min(patience, guards.seconds),
    )
    model = Budgeted(
        model,
        folder / "spent.sqlite",
        prices=checked(guards.prices),
        request_tokens=guards.request_tokens,
        request_cost=guards.request_cost,
        user_tokens=guards.user_tokens,
        user_cost=guards.user_cost,
        day_tokens=guards.day_tokens,
        day_cost=guards.day_cost,
    )
    model = Structured(model)
    if guards.cache:
        model = Cached(model, folder / "answers", megabytes=guards.cache_megabytes)
    return Recorded(
        model,
        folder / "calls",
        days=guards.record_days,
        megabytes=guards.record_megabytes,
        write=guards.record,
    )


def forget(folder: Path) -> None:
    """Remove the replies and the calls that were kept: they may tell of somebody.

    Raises `Unavailable` where they cannot be removed. Accounts stay: users are hashed there.
    """
    try:
        emptied(folder / "answers")
        for path in (folder / "calls").glob("*.jsonl"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"What was kept of calls to the language model could not be removed ({error}). "
            f"Remove {folder / 'answers'} and {folder / 'calls'}."
        ) from error
