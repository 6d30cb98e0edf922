"""A fit on one's own feedback may undo what an item's place in a list did to its chance."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.project import Tastemate
from tastemate.store.impressions import Impression
from tastemate.types import Signal

BEGAN = int(time.time()) - 5_000
HASHED = Settings(encoder=EncoderChoice("words"))


def opened(folder: Path, **signals: Any) -> Tastemate:
    catalog, interactions, _ = checkerboard()
    settings = replace(HASHED, signals=signals)
    return Tastemate(Dataset("board", catalog, interactions), folder / "state", settings)


def lived(tm: Tastemate) -> None:
    """Let people be shown two items: the better one mostly second, where few look."""
    rng = np.random.default_rng(2)
    worse, better = tm.catalog.ids[:2]
    shown, done = [], []
    for at in range(2_000):
        order = (worse, better) if rng.random() < 0.9 else (better, worse)
        for place, item in enumerate(order, start=1):
            shown.append(Impression(f"r{at}", f"p{at}", "", item, place, at=BEGAN + at))
            chance = {1: 1.0, 2: 0.3}[place] * {worse: 0.4, better: 0.8}[item]
            if rng.random() < chance:
                done.append(
                    Signal(
                        f"s{at}-{place}",
                        f"p{at}",
                        item,
                        "like",
                        timestamp=BEGAN + 1 + at,
                        recommendation=f"r{at}",
                    )
                )
    tm.store.impressions.add(shown)
    tm.record(done)


def grew(tm: Tastemate) -> list[float]:
    """Return how much more popular a fit on feedback made the worse and the better item."""
    before = tm.retriever("popular")._fitted().popularity[:2].copy()
    lived(tm)
    tm.fit(["popular"])
    return (tm.retriever("popular")._fitted().popularity[:2] - before).tolist()


def test_the_better_item_is_learned_to_be_better_wherever_it_stood(tmp_path: Path) -> None:
    worse, better = grew(opened(tmp_path / "as it came"))
    assert worse > 1.2 * better, "the place decides"
    worse, better = grew(opened(tmp_path / "corrected", correct_places=True))
    assert better > 1.4 * worse, "what is liked once looked at decides"


def test_a_log_that_tells_nothing_of_places_is_said_and_changes_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    catalog, interactions, _ = checkerboard()
    tm = Tastemate(
        Dataset("board", catalog, interactions),
        tmp_path / "state",
        replace(HASHED, signals={"correct_places": True}),
        progress=lambda what, _: said.append(what),
    )
    tm.record([Signal("s", "eve", tm.catalog.ids[0], "click")])
    tm.fit(["popular"])
    assert any("Nothing counts as a choice" in one for one in said)
    tm.like("eve", tm.catalog.ids[0])
    tm.fit(["popular"])
    assert any("Places in lists are not corrected for" in one for one in said)
    assert tm.work._now.training()[1].weight is None


@pytest.mark.parametrize("wrong", [1, "yes"])
def test_the_setting_is_a_yes_or_a_no(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(Exception, match="correct_places"):
        opened(tmp_path, correct_places=wrong).record([])


def test_a_fit_that_corrects_is_another_generation_and_says_what_it_did(tmp_path: Path) -> None:
    said: list[str] = []
    tm = opened(tmp_path)
    lived(tm)
    tm.fit(["popular"])
    catalog, interactions, _ = checkerboard()
    again = Tastemate(
        Dataset("board", catalog, interactions),
        tmp_path / "state",
        replace(HASHED, signals={"correct_places": True}),
        progress=lambda what, _: said.append(what),
    )
    assert again.work.key == tm.work.key, "what is fitted is served as it is"
    again.fit(["popular"])
    assert again.work.key != tm.work.key
    assert any("Places in lists are corrected for (em, 4000 lines shown)" in one for one in said)
    lone = Signal("far", "eve", catalog.ids[0], "like", timestamp=2**40)
    again.record([lone])  # a clock that is ahead takes nothing from the others
    again.fit(["popular"])
    assert again.work._now.training()[1].weight is not None
