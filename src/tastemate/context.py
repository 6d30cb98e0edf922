"""What is known of the moment: a closed vocabulary of time, place, company and mood.

A moment is a mapping from these axes to one of their values, as `Query.context` holds it. It says
nothing yet about items: `text.moments` reads it as leanings, `profile.moments` learns from it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final

from tastemate.errors import ConfigError, nearest

AXES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("morning", "afternoon", "evening", "night"),
    "weekday": ("weekday", "weekend"),
    "season": ("spring", "summer", "autumn", "winter"),
    "place": ("home", "cinema", "travel", "outdoors", "bed"),
    "device": ("phone", "tablet", "laptop", "tv"),
    "company": ("alone", "partner", "kids", "family", "friends", "parents"),
    "mood": (
        "sad", "happy", "tired", "stressed", "bored", "angry", "anxious", "sick", "romantic",
    ),
    "occasion": ("christmas", "halloween", "birthday", "date", "party", "rainy day", "holiday"),
}  # fmt: skip
"""Axis → the values it may have."""

CLOCK: Final = ("time", "weekday", "season")
"""The axes that a clock tells."""


def checked(context: Mapping[str, str]) -> dict[str, str]:
    """Return a moment with axes and values as the vocabulary spells them.

    Case, spaces and hyphens are forgiven. Raises `ConfigError` naming the nearest for a word that
    is not in it.
    """
    found: dict[str, str] = {}
    for axis, value in context.items():
        name = _folded(axis)
        if name not in AXES:
            raise ConfigError(
                f"A context has no {str(axis)[:40]!r}.{nearest(name, AXES)} "
                f"It has: {', '.join(AXES)}."
            )
        said = _folded(value)
        if said not in AXES[name]:
            raise ConfigError(
                f"{name} cannot be {str(value)[:40]!r}.{nearest(said, AXES[name])} "
                f"Use one of: {', '.join(AXES[name])}."
            )
        found[name] = said
    return found


def read(text: str) -> dict[str, str]:
    """Read a moment as somebody types it: `company=kids,time=evening`; raise `ConfigError`."""
    found: dict[str, str] = {}
    for part in text.split(","):
        axis, sign, value = part.partition("=")
        if not part.strip():
            continue
        if not sign:
            raise ConfigError(
                f"Cannot read the context {part.strip()[:60]!r}. Write axis=value, several with "
                "commas, for example 'company=kids,time=evening'."
            )
        found |= checked({axis: value})
    return found


def show(context: Mapping[str, str]) -> str:
    """Write a moment the way `read` reads it."""
    return ",".join(f"{axis}={value}" for axis, value in context.items())


def moment(timestamp: float, zone: tzinfo = UTC, *, southern: bool = False) -> dict[str, str]:
    """Return what a clock tells: time of day, weekday or weekend, season (by whole months).

    `timestamp` is seconds since 1970, read in the time zone `zone`; `southern` turns the seasons
    round. Morning begins at 5, afternoon at 12, evening at 17 and night at 22 o'clock. Raises
    `ConfigError` for a time no calendar has.
    """
    try:
        now = datetime.fromtimestamp(timestamp, zone)
    except (OverflowError, ValueError, OSError) as error:
        raise ConfigError(
            f"{timestamp} is no time: {error}. Give seconds since 1970, as time.time() does."
        ) from error
    starts = ((22, "night"), (17, "evening"), (12, "afternoon"), (5, "morning"), (0, "night"))
    part = next(name for start, name in starts if now.hour >= start)
    turn = (now.month % 12 // 3 + (2 if southern else 0)) % 4
    return {
        "time": part,
        "weekday": "weekend" if now.weekday() >= 5 else "weekday",
        "season": ("winter", "spring", "summer", "autumn")[turn],
    }


def _folded(word: str) -> str:
    return " ".join(str(word).casefold().replace("-", " ").replace("_", " ").split())
