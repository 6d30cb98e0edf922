"""Recommendation turns of ReDial: what was said so far, and what the recommender then named.

Li et al. 2018, "Towards deep conversational recommendations". A mention in the files is a mark
("@79851") with a title; here it is a row of the catalogue. Workers hold many dialogues, so what is
learned from some of them may only be tried on dialogues with other workers: `halves`, and
`learned.Crossed` for every turn.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import FormatError
from tastemate.evaluate.titles import Titles, read_file
from tastemate.traits import split_year

Who: TypeAlias = Literal["seeker", "recommender"]
Places: TypeAlias = NDArray[np.int64]
"""Places in a list of turns."""

_KEYS = (
    *("conversationId", "initiatorWorkerId", "respondentWorkerId"),
    *("movieMentions", "messages"),
)
_MARK = re.compile(r"@(\d+)")
_SPACES = re.compile(r"\s+")
_AGAINST = re.compile(
    r"\b(?:hated?|dislike[ds]?|(?:did|do|does)(?:n['\u2019]?t| not) "
    r"(?:\w+ )?(?:like|enjoy|care for)|"
    r"(?:not|wasn['\u2019]?t) (?:\w+ )?(?:a fan of|into)|can['\u2019]?t stand)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?;]|\bbut\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    who: Who
    text: str


@dataclass(frozen=True, slots=True)
class Mention:
    """An item named in a message: its catalogue row, who named it, in which message."""

    row: int
    who: Who
    message: int
    against: bool = False
    """Whether the words before it in its sentence say that it was not liked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the recommender that names items, and everything before it."""

    dialogue: str
    number: int
    seeker: str
    """The worker who looks for something."""
    recommender: str
    messages: tuple[Said, ...]
    """The messages before, each mark replaced by its title with the year, as the file has it."""
    raw: tuple[Said, ...]
    """The same, each mark replaced by its title without a year: all that tells it is its name."""
    mentions: tuple[Mention, ...]
    """What the messages name and the catalogue has, in order, a row at its first mention only."""
    truths: tuple[int, ...]
    """Rows the recommender then names that nobody had named before, in order."""
    repeated: int = 0
    """Named titles that had been named before."""
    unlinked: tuple[str, ...] = ()
    """Named titles that the catalogue does not have."""
    plain: tuple[Said, ...] = ()
    """The messages before, marks taken out: no title is left but those typed by hand."""


def turned_down(before: str) -> bool:
    """Whether the words before a title, back to where its sentence or its "but" began, reject it.

    A short list of plain English; what stands behind a title or in a later message is not read.
    """
    return _AGAINST.search(_SENTENCE.split(before)[-1]) is not None


def read_turns(dialogues: Path, titles: Titles, *, turns: Path | None = None) -> list[Turn]:
    """Read the recommendation turns of a file of dialogues, in the order of the files.

    `turns` lists which messages recommend what (dialog_id, turn_id, rec); without it every message
    of the recommender with a mark is one. Raises `NotFound` and `FormatError`.
    """
    held = {str(one["conversationId"]): one for one in _lines(dialogues, *_KEYS)}
    named = {film: title for one in held.values() for film, title in _mentions(one).items()}
    rows = {film: titles.row(film, title) for film, title in named.items()}
    listed: list[tuple[str, int, Sequence[str] | None]]
    if turns is None:
        listed = [(name, at, None) for name, one in held.items() for at in _recommends(one)]
    else:
        listed = [
            (str(line["dialog_id"]), int(line["turn_id"]), list(line["rec"]))
            for line in _lines(turns, "dialog_id", "turn_id", "rec")
        ]
    found = []
    for name, at, wanted in listed:
        try:
            found.append(_turn(held[name], at, wanted, named, rows))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise FormatError(
                f"Turn {at} of dialogue {name} cannot be read ({error!r}). Give dialogues of the "
                "ReDial release, and the turns made from them."
            ) from error
    return found


def _turn(
    dialogue: Mapping[str, Any],
    at: int,
    wanted: Sequence[str] | None,
    named: Mapping[str, str],
    rows: Mapping[str, int],
) -> Turn:
    seeker = dialogue["initiatorWorkerId"]
    before = dialogue["messages"][:at]
    sides: list[Who] = [
        "seeker" if message["senderWorkerId"] == seeker else "recommender" for message in before
    ]
    mentions: dict[int, Mention] = {}
    for number, (who, message) in enumerate(zip(sides, before, strict=True)):
        for mark in _MARK.finditer(message["text"]):
            if (row := rows.get(mark[1], -1)) >= 0:
                against = turned_down(_MARK.sub(" ", message["text"][: mark.start()]))
                mentions.setdefault(row, Mention(row, who, number, against))
    films = list(dict.fromkeys(_MARK.findall(dialogue["messages"][at]["text"])))
    if wanted is not None:
        asked = {_clean(title) for title in wanted}
        films = [film for film in films if named.get(film) in asked]
    linked = {film: rows.get(film, -1) for film in films}
    bare = {film: split_year(title)[0].strip() for film, title in named.items()}
    return Turn(
        dialogue=str(dialogue["conversationId"]),
        number=at,
        seeker=str(seeker),
        recommender=str(dialogue["respondentWorkerId"]),
        messages=_said(sides, before, named),
        raw=_said(sides, before, bare),
        mentions=tuple(mentions.values()),
        truths=tuple(
            dict.fromkeys(row for row in linked.values() if row >= 0 and row not in mentions)
        ),
        repeated=sum(row in mentions for row in linked.values()),
        unlinked=tuple(named.get(film, "") for film, row in linked.items() if row < 0),
        plain=_said(sides, before, {}),
    )


def _said(
    sides: Sequence[Who], messages: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> tuple[Said, ...]:
    """Return messages with the marks written out; a mark without a title is taken out."""

    def written(text: str) -> str:
        told = _MARK.sub(lambda mark: f" {titles.get(mark[1], '')} ", text)
        told = _SPACES.sub(" ", told).strip()
        return re.sub(r"\s+([,.!?;:])", r"\1", told)

    return tuple(
        Said(who, written(message["text"])) for who, message in zip(sides, messages, strict=True)
    )


def _recommends(dialogue: Mapping[str, Any]) -> list[int]:
    """Return the places of the recommender's messages that hold a mark."""
    who = dialogue["respondentWorkerId"]
    return [
        at
        for at, message in enumerate(dialogue["messages"])
        if message["senderWorkerId"] == who and _MARK.search(message["text"])
    ]


def _mentions(dialogue: Mapping[str, Any]) -> dict[str, str]:
    return {
        film: _clean(title) for film, title in (dialogue["movieMentions"] or {}).items() if title
    }


def _clean(title: str) -> str:
    return _SPACES.sub(" ", title.replace("%3F", "?")).strip()


def _lines(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; each must have the keys needed."""
    for number, line in enumerate(read_file(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            for key in needed:
                value[key]
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(
                f"{path}, line {number} is not a line of ReDial ({error!r}). Give a file of the "
                f"ReDial release: one JSON object a line with {', '.join(needed)}."
            ) from error
        yield value


def halves(turns: Sequence[Turn], *, seed: int = 0) -> tuple[Places, Places]:
    """Return the turns of a development half of the workers and those of the other half.

    The workers are dealt into two halves; a dialogue between the halves belongs to neither.
    Almost all workers are connected, so who talked with whom is kept together as far as a local
    search can (a worker changes sides while that joins more dialogues than it parts, and neither
    side shrinks below 45% of the talk).
    """
    sides = _workers(turns)
    dialogues = {turn.dialogue: tuple(pair) for turn, pair in zip(turns, sides, strict=True)}
    edges = Counter(tuple(sorted(pair)) for pair in dialogues.values())
    near: dict[int, Counter[int]] = {}
    for (one, other), count in edges.items():
        near.setdefault(one, Counter())[other] += count
        near.setdefault(other, Counter())[one] += count
    order = np.random.default_rng(seed).permutation(sorted(near))
    side = {int(worker): bool(at % 2) for at, worker in enumerate(order)}
    load = {worker: sum(about.values()) for worker, about in near.items()}
    whole = sum(load.values())
    first = sum(load[worker] for worker in load if side[worker])
    moved = True
    while moved:
        moved = False
        for worker in sorted(near):
            here = sum(n for other, n in near[worker].items() if side[other] == side[worker])
            gain = load[worker] - 2 * here
            after = first + (-load[worker] if side[worker] else load[worker])
            if gain > 0 and 0.45 * whole <= after <= 0.55 * whole:
                side[worker], first, moved = not side[worker], after, True
    known = np.array([[side[int(worker)] for worker in pair] for pair in sides], dtype=np.bool_)
    known = known.reshape(len(turns), 2)
    return (
        np.flatnonzero(~known.any(axis=1)).astype(np.int64),
        np.flatnonzero(known.all(axis=1)).astype(np.int64),
    )


def _workers(turns: Sequence[Turn]) -> Places:
    """Return the code of seeker and recommender of each turn, (turns, 2)."""
    names = sorted({name for turn in turns for name in (turn.seeker, turn.recommender)})
    codes = {name: code for code, name in enumerate(names)}
    found = [(codes[turn.seeker], codes[turn.recommender]) for turn in turns]
    return np.array(found, dtype=np.int64).reshape(len(turns), 2)
