"""What an id may be: one rule for HTTP, the protocols, files and the command line."""

import re

from tastemate.errors import DataError

LONGEST = 256
"""Characters of an id; in UTF-8 at most four times as many bytes, which the store can index."""
PRINTED = r"^[^\x00-\x1f\x7f]+$"
"""No control character: no store, log or header takes them all."""
PRINTED_OR_NONE = r"^[^\x00-\x1f\x7f]*$"
"""The same where an empty text means that there is none."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def wrong(value: str) -> str:
    """Return what is wrong with an id in a sentence; empty where nothing is."""
    if not value.strip():
        return "An id must not be blank. Give any text that can be read."
    if len(value) > LONGEST:
        return f"An id may have {LONGEST} characters; this has {len(value):,}. Shorten it."
    if _CONTROL.search(value):
        return "An id must not hold a control character, such as a line break. Leave it out."
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return "An id must not hold half a character (a lone surrogate). Mend it."
    return ""


def check(what: str, value: str) -> str:
    """Return an id; raise `DataError` for one that cannot be kept, `what` says whose it is."""
    if reason := wrong(value):
        shown = repr(value if len(value) <= 40 else f"{value[:40]}…")
        raise DataError(f"The {what} id {shown} cannot be used: {reason}")
    return value
