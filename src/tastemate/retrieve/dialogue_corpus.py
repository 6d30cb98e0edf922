"""What other people said when they looked for something, and what they were answered with.

The values that `dialogues` learns from: dialogues, and their asks. An ask is a moment at which one
side names something new; what it names is the answer, what was said and named before is the
question.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import FormatError, NotFound
from tastemate.types import Mask

_MARK = re.compile(r"@(\d+)")
_SPACES = re.compile(r"\s+")
CHARS = 1000
"""Characters of somebody's words that count, the latest ones."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message: whether the seeker wrote it, its words without titles, the rows it names."""

    seeks: bool
    text: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages between somebody who seeks and somebody who recommends."""

    seeker: str
    recommender: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question and its answer: rows named before, the seeker's words so far, rows then named."""

    dialogue: int
    past: tuple[int, ...]
    words: str
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Dialogues and the asks in them, with the codes of the two people of each, (dialogues, 2)."""

    dialogues: tuple[Dialogue, ...]
    asks: tuple[Ask, ...]
    people: NDArray[np.int64]

    @classmethod
    def of(cls, dialogues: Sequence[Dialogue]) -> "Corpus":
        """Collect the asks of dialogues and number the people."""
        names = sorted({name for one in dialogues for name in (one.seeker, one.recommender)})
        codes = {name: code for code, name in enumerate(names)}
        people = [(codes[one.seeker], codes[one.recommender]) for one in dialogues]
        asks = [ask for at, one in enumerate(dialogues) for ask in asks_of(one, at)]
        sides = np.array(people, dtype=np.int64).reshape(len(dialogues), 2)
        return cls(tuple(dialogues), tuple(asks), sides)

    def strangers(self, people: NDArray[np.int64]) -> Mask:
        """Return which dialogues have nobody of `people`, (n, some codes) -> (n, dialogues)."""
        met = np.zeros((len(people), len(self.dialogues)), dtype=np.bool_)
        for column in people.T:
            for side in self.people.T:
                met |= column[:, None] == side[None, :]
        return ~met


def asks_of(dialogue: Dialogue, at: int = 0) -> list[Ask]:
    """Return the messages of the recommender that name something new, as asks."""
    found: list[Ask] = []
    past: dict[int, None] = {}
    said: list[str] = []
    for line in dialogue.lines:
        fresh = tuple(dict.fromkeys(row for row in line.rows if row not in past))
        if line.seeks:
            said.append(line.text)
        elif fresh:
            found.append(Ask(at, tuple(past), latest(" ".join(said)), fresh))
        past.update(dict.fromkeys(fresh))
    return found


def latest(words: str) -> str:
    """Return the last `CHARS` characters of what somebody said."""
    return words.strip()[-CHARS:]


def read_dialogues(path: Path, link: Callable[[str], int]) -> list[Dialogue]:
    """Read dialogues in the format of ReDial (Li et al. 2018), one JSON object a line.

    `link` gives the catalogue row of a title, -1 for none. Raises `NotFound` when there is no such
    file and `FormatError` for a line that is no dialogue.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            f"The dialogues {path} cannot be read ({error}). Give another file in "
            "[retrievers.dialogues], path, or take the path out."
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_dialogue(json.loads(line), link))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise FormatError(
                    f"{path}, line {number} is not a dialogue ({error!r}). Give one JSON object a "
                    "line with messages, movieMentions, initiatorWorkerId, respondentWorkerId."
                ) from error
    return found


def _dialogue(record: Mapping[str, Any], link: Callable[[str], int]) -> Dialogue:
    titles = {
        mark: _SPACES.sub(" ", title).strip()
        for mark, title in (record["movieMentions"] or {}).items()
        if title
    }
    rows = {mark: link(title) for mark, title in titles.items()}
    seeker = str(record["initiatorWorkerId"])

    def read(message: Mapping[str, Any]) -> Line:
        text = str(message["text"])
        named = tuple(rows[mark] for mark in _MARK.findall(text) if rows.get(mark, -1) >= 0)
        bare = _SPACES.sub(" ", _MARK.sub(" ", text)).strip()
        return Line(str(message["senderWorkerId"]) == seeker, bare, named)

    lines = tuple(read(message) for message in record["messages"])
    return Dialogue(seeker, str(record["respondentWorkerId"]), lines)
