"""People who ask for films in their own words: the ReDial dialogues as wishes and later likes.

Li et al. 2018, "Towards deep conversational recommendations". A seeker opens a dialogue, says what
they want, and marks at the end which of the films talked about they like.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tastemate.errors import FormatError, NotFound
from tastemate.traits import split_year

_MENTION = re.compile(r"@\d+")
_SPACES = re.compile(r"\s+")
WORDS = 5
"""A first message below this many words is a greeting, not a wish."""


@dataclass(frozen=True, slots=True)
class Seeker:
    """One person's first wish, titles taken out, and the titles they went on to like."""

    id: str
    wish: str
    liked: tuple[str, ...]


def read_seekers(path: Path) -> list[Seeker]:
    """Read the seekers of a ReDial file, one dialogue a line; those without a wish or like are out.

    Raises `NotFound` when there is no such file and `FormatError` for a line that is no dialogue.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFound(
            f"The dialogues {path} cannot be read ({error}). Give another file."
        ) from error
    seekers = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found = _seeker(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise FormatError(
                    f"{path}, line {number} is not a ReDial dialogue ({error!r}). "
                    "Give a file of the ReDial release, one JSON dialogue a line."
                ) from error
            seekers += [found] if found.wish and found.liked else []
    return seekers


def _seeker(dialogue: Mapping[str, Any]) -> Seeker:
    """Read one dialogue; wish or liked is empty where it has none."""
    who = dialogue["initiatorWorkerId"]
    # a missing answer sheet is an empty list in the release; the other side's then stands in
    answers = dialogue["initiatorQuestions"] or dialogue["respondentQuestions"] or {}
    titles = dialogue["movieMentions"] or {}
    wish, after = "", 0
    for at, message in enumerate(dialogue["messages"]):
        text = _masked(message["text"], list(titles.values()))
        if message["senderWorkerId"] == who and len(text.split()) >= WORDS:
            wish, after = text, at + 1
            break
    before = _mentioned(dialogue["messages"][:after])
    later = [film for film in _mentioned(dialogue["messages"][after:]) if film not in before]
    liked = tuple(
        titles[film]
        for film in later
        if titles.get(film) and answers.get(film, {}).get("liked") == 1
    )
    return Seeker(str(dialogue["conversationId"]), wish, liked)


def _masked(text: str, titles: Sequence[str]) -> str:
    """Take the mentioned films out of a message: their marks, and their titles written out."""
    text = _MENTION.sub(" ", text)
    for title in titles:
        bare = split_year(title or "")[0].strip()
        if len(bare) > 3:  # a shorter one ("It", "Up") is as often just a word
            text = re.sub(rf"\b{re.escape(bare)}\b", " ", text, flags=re.IGNORECASE)
    return _SPACES.sub(" ", text).strip()


def _mentioned(messages: list[Mapping[str, Any]]) -> list[str]:
    """Return the film ids mentioned, first mention first."""
    found = [word[1:] for message in messages for word in _MENTION.findall(message["text"])]
    return list(dict.fromkeys(found))


def choosing(seeker: Seeker) -> bool:
    """Whether a seeker is of the half that weights are chosen on; the others are reported on."""
    return zlib.crc32(seeker.id.encode()) % 2 == 0
