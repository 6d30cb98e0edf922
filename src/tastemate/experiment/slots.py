"""Which part of the hash belongs to which arm: ranges of slots that change as little as can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tastemate.errors import ConfigError

SLOTS = 10_000
"""Equal parts of the hash: a share is a whole number of hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class Range:
    """Slots from `start` up to `end` (not included) that an arm holds."""

    arm: str
    start: int
    end: int


def slots_of(share: float) -> int:
    """Return how many slots a share is."""
    return round(share * SLOTS)


def checked(ranges: tuple[Range, ...], shares: Mapping[str, int]) -> tuple[Range, ...]:
    """Return ranges in order; raise `ConfigError` where they overlap or miss the shares."""
    held = dict.fromkeys(shares, 0)
    end = 0
    ordered = tuple(sorted(ranges, key=lambda one: one.start))
    for one in ordered:
        if one.arm not in held or one.start < end or not one.start < one.end <= SLOTS:
            raise ConfigError(f"ranges: {one} overlaps another, or is of no arm. Leave ranges out.")
        held[one.arm] += one.end - one.start
        end = one.end
    if held != dict(shares):
        raise ConfigError("ranges do not add up to the shares. Leave ranges out, or use resized.")
    return ordered


def laid(shares: Mapping[str, int], before: Sequence[Range]) -> tuple[Range, ...]:
    """Return slots for shares that keep as many of `before` as they can."""
    kept: list[Range] = []
    missing = dict(shares)
    for one in before:
        size = min(one.end - one.start, missing[one.arm])
        if size:
            kept.append(Range(one.arm, one.start, one.start + size))
            missing[one.arm] -= size
    free = _free(kept)
    for name, wanted in missing.items():
        while wanted:
            start, end = free.pop(0)
            size = min(end - start, wanted)
            kept.append(Range(name, start, start + size))
            wanted -= size
            if start + size < end:
                free.insert(0, (start + size, end))
    return _joined(sorted(kept, key=lambda one: one.start))


def _free(kept: Sequence[Range]) -> list[tuple[int, int]]:
    free, at = [], 0
    for one in sorted(kept, key=lambda one: one.start):
        if one.start > at:
            free.append((at, one.start))
        at = one.end
    if at < SLOTS:
        free.append((at, SLOTS))
    return free


def _joined(ranges: Sequence[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for one in ranges:
        if joined and joined[-1].arm == one.arm and joined[-1].end == one.start:
            joined[-1] = Range(one.arm, joined[-1].start, one.end)
        else:
            joined.append(one)
    return tuple(joined)
