"""What people do, read as history: which signals count, which take an item off lists.

A view is no like, and a skip no dislike: every kind has a weight the operator sets (`[signals]`).
What weighs enough enters the history as an event on the scale of the data; what weighs less moves
the live vector only (`profile.live`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tastemate import config
from tastemate.errors import ConfigError, nearest
from tastemate.interactions import Scale
from tastemate.types import UNDO, UNDO_ID, Event, Signal, undo_id

RATING = "rating"
"""The kind whose value counts, not a weight."""
WEIGHTS: Mapping[str, float] = {
    "view": 0.1,
    "click": 0.3,
    "play": 0.5,
    "save": 0.7,
    "share": 0.8,
    "like": 1.0,
    "purchase": 1.0,
    "seen": 0.0,
    "skip": -0.3,
    "dislike": -1.0,
    "hide": -1.0,
}
"""What a kind of signal is worth, -1 to 1, where the operator says nothing else."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`[signals]`: what a kind of signal is worth, and what it does."""

    counts: float = 0.5
    """From this weight on, either way, a signal enters the history."""
    hides: tuple[str, ...] = ("like", "dislike", "hide", "seen", "save", "purchase", RATING)
    """Kinds that take the item off later lists."""
    half_life_hours: float = 24.0
    """After which a signal moves the live vector half as much."""
    alpha: float = 0.8
    """Share of the old live vector that stays when a signal of full weight comes in."""
    last: int = 30
    """Latest signals that the live vector is made of."""
    live: float = 1.0
    """How much the live vector counts, 0 (not at all) to 1."""
    correct_places: bool = False
    """Whether a fit undoes what an item's place in a list did to its chance of being chosen."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    """Worth by kind, -1 to 1."""

    def __post_init__(self) -> None:
        for name, value in self.weights.items():
            if not isinstance(value, int | float) or not -1 <= value <= 1:
                raise ConfigError(
                    f"{name} in [signals.weights] is {config.show(value)}; "
                    "it must be a number between -1 and 1."
                )
        for name in ("counts", "alpha", "live"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} in [signals] is {getattr(self, name)}; it must lie between 0 and 1."
                )
        if not 0 < self.half_life_hours < math.inf or not 1 <= self.last <= 1000:
            raise ConfigError(
                "half_life_hours in [signals] must be above 0, and last between 1 and 1000."
            )
        for name in self.hides:
            self.check(name)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind that is taken."""
        return (*self.weights, RATING, UNDO)

    def check(self, kind: str) -> None:
        """Raise `ConfigError` for a kind that is not taken, with the nearest one."""
        if kind not in self.weights and kind not in (RATING, UNDO):
            raise ConfigError(
                f"No signal {kind!r}.{nearest(kind, self.kinds)} Known: {', '.join(self.kinds)}; "
                "more can be added in [signals.weights]."
            )

    def weight(self, signal: Signal, scale: Scale) -> float:
        """Return what a signal is worth, -1 to 1; a rating by where it lies on the scale."""
        if signal.kind != RATING:
            return float(self.weights.get(signal.kind, 0.0))
        if not scale.rates:
            return 1.0 if signal.value >= scale.low else -1.0
        middle = (scale.low + scale.high) / 2
        share = (signal.value - middle) / ((scale.high - scale.low) / 2)
        return max(-1.0, min(1.0, share))

    def event(self, signal: Signal, scale: Scale) -> Event | None:
        """Return the event a signal is in the history; None for one that does not count."""
        if signal.kind == RATING:
            return Event(signal.user, signal.item, signal.value, signal.timestamp)
        weight = self.weights.get(signal.kind, 0.0)
        if weight == 0 or abs(weight) < self.counts:
            return None
        value = scale.high if weight > 0 else scale.worst
        return Event(signal.user, signal.item, value, signal.timestamp)


def weights(table: Mapping[str, Any]) -> Weights:
    """Check the table `[signals]`, its `weights` over the usual ones; raise `ConfigError`."""
    given = config.arguments(Weights, table, "[signals]")
    return Weights(**{**given, "weights": {**WEIGHTS, **given.get("weights", {})}})


def standing(signals: Iterable[Signal]) -> list[Signal]:
    """Return the signals that stand, in the order given: what was taken back is left out."""
    kept: list[Signal] = []
    for signal in signals:
        if signal.kind != UNDO:
            kept.append(signal)
            continue
        theirs = [
            at for at, one in enumerate(kept) if one.item == signal.item and one.user == signal.user
        ]
        if named := [at for at in theirs if undo_id(kept[at].id) == signal.id]:
            del kept[named[0]]
        elif theirs and not UNDO_ID.fullmatch(signal.id):
            del kept[theirs[-1]]
    return kept


def events(signals: Sequence[Signal], scale: Scale, said: Weights) -> list[Event]:
    """Return what stands and counts as events, the latest word on an item only, by time."""
    latest: dict[tuple[str, str], Event] = {}
    for signal in standing(signals):
        event = said.event(signal, scale)
        if event is not None:
            latest.pop((event.user, event.item), None)
            latest[event.user, event.item] = event
    return sorted(latest.values(), key=lambda event: event.timestamp)
