"""How well messages are understood: slots found against slots annotated, exactly.

A message's slots are a set of (slot, value) pairs; precision, recall and F1 are micro-averaged
over messages, with intervals by drawing the messages again (Efron & Tibshirani 1993).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.intent import Intent, slots
from tastemate.chat.levels import wish_of
from tastemate.errors import FormatError, NotFound
from tastemate.evaluate.bootstrap import RESAMPLES, Interval

Pairs: TypeAlias = frozenset[tuple[str, str]]
Reader: TypeAlias = Callable[[str, Sequence[str], Sequence[Intent]], Intent]
"""Reads a message, given the ids shown last and the intents before it."""

_PLACES = ("liked", "disliked", "seen", "similar", "unlike", "about", "picked")
_VALUES = {"wanted": "wanted", "unwanted": "unwanted", "rather": "rather",
           "rather_not": "rather not"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One annotated message, as its file has it."""

    id: str
    catalog: str
    kind: str
    text: str
    slots: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one message, and what is true."""

    message: Message
    found: Pairs
    truth: Pairs


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1 of some messages, each with its 95% interval."""

    messages: int
    precision: Interval
    recall: Interval
    f1: Interval

    def as_json(self) -> dict[str, Any]:
        """Return the figures under their names."""
        return {
            "messages": self.messages,
            "precision": self.precision.as_json(),
            "recall": self.recall.as_json(),
            "f1": self.f1.as_json(),
        }


def messages(file: Path) -> list[Message]:
    """Read annotated messages, one JSON object a line; raise `NotFound` or `FormatError`."""
    if not file.is_file():
        raise NotFound(f"No file of messages {file}. Give the path of a file of JSON lines.")
    found: list[Message] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found.append(
                Message(
                    str(record["id"]),
                    str(record["catalog"]),
                    str(record["kind"]),
                    str(record["text"]),
                    dict(record["slots"]),
                    tuple(record.get("tags", ())),
                    tuple(record.get("before", ())),
                    tuple(record.get("shown", ())),
                )
            )
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(
                f"{file}, line {number}: not a message ({error!r}). Each line needs id, catalog, "
                "kind, text and slots."
            ) from error
    return found


def gold(record: Mapping[str, Any], catalog: Catalog) -> Pairs:
    """Return the pairs that the `slots` of a record stand for, in the form of `intent.slots`."""
    return frozenset(_pairs(record.get("slots", record), catalog))


def _pairs(truth: Mapping[str, Any], catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name in ("state", "act", "k", "novelty"):
        if truth.get(name):
            yield name, str(truth[name])
    for name in _PLACES:
        for value in truth.get(name, ()):
            yield name, str(value)
    for name, slot in _VALUES.items():
        for attribute, value in truth.get(name, ()):
            yield slot, f"{attribute}={value}"
    yield from _bounds(truth, catalog)
    for attribute, value in truth.get("withdrawn", ()):
        yield "withdrawn", f"{attribute}={value}"
    for axis, value in truth.get("context", {}).items():
        yield f"context {axis}", str(value)
    for name in truth.get("unknown", ()):
        yield "unknown", str(name).casefold()


def _bounds(truth: Mapping[str, Any], catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name in ("at_least", "at_most"):
        for attribute, number in truth.get(name, ()):
            yield name.replace("_", " "), f"{attribute}={number:g}"
    for attribute, level in truth.get("level", ()):
        if attribute in catalog.attributes and (wish := wish_of(catalog, attribute, level)):
            yield wish.operator, f"{attribute}={wish.value:g}"


def outcomes(asked: Iterable[Message], read: Reader, catalog: Catalog) -> list[Outcome]:
    """Read messages of one catalogue, each after its person's earlier ones."""
    found: list[Outcome] = []
    for message in asked:
        before: list[Intent] = []
        for earlier in message.before:
            before.append(read(earlier, (), tuple(before)))
        intent = read(message.text, message.shown, tuple(before))
        truth = gold({"slots": message.slots}, catalog)
        found.append(Outcome(message, slots(intent), truth))
    return found


def figures(found: Sequence[Outcome], *, seed: int = 0, slot: str = "") -> Figures:
    """Return the figures of some outcomes, of one slot or of all."""

    def of(pairs: Pairs) -> Pairs:
        return frozenset(one for one in pairs if one[0].split(" ")[0] == slot) if slot else pairs

    counts = np.array(
        [
            (
                len(of(one.found) & of(one.truth)),
                len(of(one.found)),
                len(of(one.truth)),
            )
            for one in found
        ],
        dtype=np.float64,
    ).reshape(-1, 3)
    rng = np.random.default_rng(seed)
    drawn = np.empty((RESAMPLES, 3))
    for at in range(RESAMPLES):
        rows = rng.integers(0, max(len(counts), 1), len(counts))
        drawn[at] = counts[rows].sum(axis=0) if len(counts) else 0.0
    value = _ratios(counts.sum(axis=0)[None, :])[0]
    low, high = np.quantile(_ratios(drawn), [0.025, 0.975], axis=0)
    parts = [Interval(float(value[at]), float(low[at]), float(high[at])) for at in range(3)]
    return Figures(len(found), *parts)


def _ratios(counts: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, Any]":
    """Return precision, recall and F1 of rows of (right, found, true)."""
    right, found, true = counts[:, 0], counts[:, 1], counts[:, 2]
    return np.column_stack(
        [
            right / np.maximum(found, 1),
            right / np.maximum(true, 1),
            2 * right / np.maximum(found + true, 1),
        ]
    )


def report(found: Sequence[Outcome], *, seed: int = 0) -> dict[str, Any]:
    """Return figures by kind, catalogue and slot, and every message that was not understood."""
    kinds = sorted({one.message.kind for one in found})
    names = sorted({one.message.catalog for one in found})
    kept = sorted({pair[0].split(" ")[0] for one in found for pair in (*one.found, *one.truth)})
    return {
        "protocol": "understanding",
        "messages": len(found),
        "all": figures(found, seed=seed).as_json(),
        "kinds": {
            kind: figures([one for one in found if one.message.kind == kind], seed=seed).as_json()
            for kind in kinds
        },
        "catalogs": {
            name: figures(
                [one for one in found if one.message.catalog == name], seed=seed
            ).as_json()
            for name in names
        },
        "slots": {slot: figures(found, seed=seed, slot=slot).as_json() for slot in kept},
        "errors": [
            {
                "id": one.message.id,
                "text": one.message.text,
                "extra": sorted(map(list, one.found - one.truth)),
                "missing": sorted(map(list, one.truth - one.found)),
            }
            for one in found
            if one.found != one.truth
        ],
    }
