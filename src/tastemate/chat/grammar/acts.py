"""What a message calls for: greetings, questions, asking for more, taking back."""

import re
from functools import cache

from tastemate.chat.grammar.text import TITLE, either, table


@cache
def _pattern(name: str) -> "re.Pattern[str]":
    written = [source.replace("\u0001", f"{TITLE}+") for source in table("acts")[name]]
    if name in ("clarify", "greeting", "story", "request"):
        return re.compile(either(written))
    return re.compile(either(written))


def says(name: str, low: str) -> "re.Match[str] | None":
    """Return the first place where lower-case text says what a list of `acts.toml` is about."""
    return _pattern(name).search(low)


def every(name: str, low: str) -> "list[re.Match[str]]":
    """Return every such place."""
    return list(_pattern(name).finditer(low))


_LEADING = re.compile(
    r"^(?:hi|hey|hello|hiya|ok(?:ay)?|oh|ah|so|well|right|please|um+|hmm+|and|now|yes|yeah|no|"
    r"sorry|oops|"
    r"haha|lol|actually|wait|listen|there)\b[\s,.!:;-]*"
)


def opened(low: str) -> str:
    """Return text without the words that only open it."""
    while one := _LEADING.match(low):
        low = low[one.end() :]
    return low
