"""The chain of arrangers, and beliefs that are made again."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.experiment.frames import impressions, signals

from tastemate.catalog import Catalog
from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.project import Tastemate
from tastemate.rank.arranging import Chain
from tastemate.rank.beliefs import Log
from tastemate.rank.renewed import Renewed
from tastemate.stages import Arranging, explorer
from tastemate.types import Candidate, Floats, Item, Query, Rows, Signal

POOL = [Candidate(row, 1.0 - row / 10, "blend", row + 1) for row in range(5)]


class Reversed:
    def arrange(self, query: Query, candidates: list[Candidate]) -> list[Candidate]:
        return list(reversed(candidates))


class Rotated:
    def arrange(self, query: Query, candidates: list[Candidate]) -> list[Candidate]:
        return [*candidates[1:], candidates[0]]


def rows(pool: list[Candidate]) -> list[int]:
    return [one.row for one in pool]


def test_parts_arrange_one_after_the_other() -> None:
    assert rows(Chain([Reversed(), Rotated()]).arrange(Query(), POOL)) == [3, 2, 1, 0, 4]
    assert rows(Chain([Rotated(), Reversed()]).arrange(Query(), POOL)) == [0, 4, 3, 2, 1]
    assert Chain([]).arrange(Query(), POOL) == POOL


ROWS = np.array([0, 1], np.int32)
SCORES = np.array([1.0, 0.5], np.float32)


class Sure:
    """Believes one chance of everything."""

    def __init__(self, chance: float) -> None:
        self.chance = chance

    def chances(self, rows: Rows, scores: Floats, rng: np.random.Generator) -> np.ndarray:
        return np.full(len(rows), self.chance)


def believed(beliefs: Renewed) -> float:
    return float(beliefs.chances(ROWS, SCORES, np.random.default_rng(0))[0])


def test_beliefs_are_made_again_once_they_are_old() -> None:
    made, now = [], [0.0]

    def make() -> Sure:
        made.append(now[0])
        return Sure(now[0] / 100)

    beliefs = Renewed(Sure(0.99), make, 60.0, clock=lambda: now[0])
    seen = []
    for now[0] in (0.0, 59.0, 60.0, 61.0):
        believed(beliefs)
        beliefs.wait()
        seen.append(believed(beliefs))
    assert made == [0.0, 60.0]
    assert seen == [0.0, 0.0, 0.6, 0.6]


def test_nobody_waits_while_beliefs_are_made() -> None:
    go, begun = threading.Event(), threading.Event()

    def slow() -> Sure:
        begun.set()
        assert go.wait(10)
        return Sure(0.2)

    beliefs = Renewed(Sure(0.9), slow, 60.0)
    assert believed(beliefs) == 0.9
    assert begun.wait(10), "in a thread of its own"
    assert believed(beliefs) == 0.9, "what was believed before serves meanwhile"
    go.set()
    beliefs.wait()
    assert believed(beliefs) == 0.2


def test_beliefs_that_cannot_be_made_leave_those_of_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, faults = [0.0], [False, True, False]

    def make() -> Sure:
        if faults.pop(0):
            raise OSError("the disk is gone")
        return Sure(now[0] / 100)

    beliefs = Renewed(Sure(0.9), make, 60.0, clock=lambda: now[0])
    seen = []
    for now[0] in (10.0, 80.0, 150.0):
        believed(beliefs)
        beliefs.wait()
        seen.append(believed(beliefs))
    assert seen == [0.1, 0.1, 1.5]
    assert "OSError: the disk is gone" in caplog.text


def test_only_the_window_of_the_log_is_read(tmp_path: Path) -> None:
    """Learning for ten days must not read the years before them."""
    catalog, interactions, _ = checkerboard()
    said = Settings(encoder=EncoderChoice("words"), explore={"days": 10})
    tm = Tastemate(Dataset("board", catalog, interactions), tmp_path / "state", said)
    now, item = int(time.time()), catalog.ids[0]
    tm.record(
        [
            Signal("old", "eve", item, "like", timestamp=now - 400 * 86_400),
            Signal("new", "eve", item, "like", timestamp=now - 86_400),
        ]
    )
    shown, done = tm.work.logged(10)
    assert done["id"].to_list() == ["new"]
    assert shown.is_empty()
    tm.store.close()


def test_places_are_learned_from_the_log_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks fall by half from place to place; liked alike, items end up alike."""
    catalog = Catalog.of(Item(name, name) for name in "abc")
    shown, done = [], []
    for at in range(300):
        for place in (1, 2, 3):
            item = "abc"[(at + place) % 3]
            name = f"r{at}-{place}"
            shown.append({"recommendation": name, "user": f"u{at}", "item": item, "at": 10})
            shown[-1]["position"] = place
            if (at * 7) % 16 < (8 >> (place - 1)):
                done.append({"recommendation": name, "user": f"u{at}", "item": item})
                done[-1]["timestamp"] = 11
    frames = impressions(*shown), signals(*done)
    curves = []
    kept = Log.of

    def of(*said: object, examination: tuple[float, ...] = (), **more: object) -> Log:
        curves.append(examination)
        return kept(*said, examination=examination, **more)

    monkeypatch.setattr(Log, "of", of)
    for wants in ({}, {"places": True}, {"places": True, "examination": (1.0, 0.9)}):
        found = explorer(catalog, None, Arranging(explore=wants, log=lambda days: frames))
        found.beliefs.chances(ROWS, SCORES, np.random.default_rng(0))
        found.beliefs.wait()
    assert curves[0] == ()
    assert curves[1] == pytest.approx((1.0, 0.5, 0.25), abs=0.1)
    assert curves[2] == (1.0, 0.9)
