"""What both databases can hold: checked before either is asked, so that both say the same."""

import math
from collections.abc import Iterable

from tastemate import ids
from tastemate.errors import DataError
from tastemate.store.records import LAST_TIME

LONGEST = 4 * ids.LONGEST
"""Bytes of an id, whatever its letters: PostgreSQL can index two of them together (2,704)."""
LARGEST = 2**31 - 1


def check_ids(*ids: str) -> None:
    """Raise `DataError` for an id that cannot be kept."""
    whole = "".join(ids)
    # All at once, as nearly always; one by one only to say which.
    if "\0" not in whole and len(whole) <= LONGEST and whole.isascii():
        return
    for one in ids:
        if len(one) * 4 > LONGEST or not one.isascii() or "\0" in one:
            _check_id(one)


def _check_id(one: str) -> None:
    if "\0" in one:
        raise DataError(f"{_shown(one)} holds a NUL character. Leave it out.")
    try:
        size = len(one.encode())
    except UnicodeEncodeError as error:
        raise DataError(
            f"{_shown(one)} holds half a character (a lone surrogate). Mend it."
        ) from error
    if size > LONGEST:
        raise DataError(f"{_shown(one)} has {size} bytes; an id may have {LONGEST}. Shorten it.")


def check_number(name: str, value: float) -> None:
    """Raise `DataError` for a number that is not finite."""
    if not math.isfinite(value):
        raise DataError(f"{name} is {value}; it must be a finite number.")


def check_times(times: Iterable[int]) -> None:
    """Raise `DataError` for a time no clock shows."""
    for one in times:
        if not -LAST_TIME <= one <= LAST_TIME:
            raise DataError(f"The timestamp {one} is out of range; give seconds since 1970.")


def check_places(places: Iterable[int]) -> None:
    """Raise `DataError` for a place in a list that none has."""
    for one in places:
        if not 0 <= one <= LARGEST:
            raise DataError(f"The position {one} is out of range; the first place is 1.")


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
