"""A new generation takes over without a request lost, or it does not take over at all."""

import threading
import weakref
from pathlib import Path

import pytest
from tests.serve.projects import small

from tastemate.errors import StageError
from tastemate.project import Tastemate
from tastemate.serve.opening import Opening, needed
from tastemate.serve.swap import Swap, check, settle
from tastemate.types import Signal


class Served:
    """What is served, and what is told of the newest generation."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.project = opening.open()
        self.told: list[str] = []
        model = self.project.store.versions.all()["model"]
        self.swap = Swap(
            lambda: self.project, self._put, opening, model=model, told=self.told.append
        )

    def _put(self, fresh: Tastemate) -> None:
        self.project = fresh

    def fit(self, event: str) -> None:
        """Fit a new generation in what would be another process."""
        other = self.opening.open()
        other.record([Signal(event, "new", "i1", "like", timestamp=1)])
        other.fit(needed(other))


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(small(tmp_path / "project", fitted=True))


def test_a_new_generation_is_put_in_place_once(served: Served) -> None:
    old = served.project
    assert not served.swap.look()
    served.fit("e1")
    assert served.swap.look()
    assert served.project is not old
    assert served.project.model_version != old.model_version
    assert served.told == [""]
    assert not served.swap.look()
    assert old.recommend("u1", 3).items  # a request that began with the old one ends with it


def test_the_store_of_the_old_one_is_closed_once_nothing_uses_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tastemate.serve.operator import Prompts

    closed = []
    old = served.project
    monkeypatch.setattr(old.store, "close", lambda: closed.append("once"))
    prompts = Prompts()
    assert prompts.of(old, old.query("u1", 3))["prompts"]
    served.fit("e1")
    assert served.swap.look()
    assert not closed, "a request that began with the old one goes on"
    gone = weakref.ref(old)
    del old
    settle()
    assert gone() is None
    assert closed == ["once"]
    assert prompts.of(served.project, served.project.query("u1", 3))["prompts"]


def test_a_damaged_generation_is_not_served_and_the_next_good_one_is(served: Served) -> None:
    old = served.project
    served.fit("e1")
    fresh = served.opening.open()
    place = next((fresh.work.folder / "models").glob(f"ease-{fresh.work.key}*"))
    path = (
        place / "weights.npy"
        if (place / "weights.npy").exists()
        else max(place.glob("*.npy"), key=lambda one: one.stat().st_size)
    )
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    assert not served.swap.look()
    assert served.project is old
    assert "is not served" in served.swap.trouble
    assert "checksum" in served.swap.trouble
    assert not served.swap.look()  # not tried again and again
    assert served.project.recommend("u1", 3).items
    served.fit("e2")
    assert served.swap.look()
    assert served.swap.trouble == ""
    assert served.told[-1] == ""


def test_a_project_that_cannot_be_opened_any_more_goes_on_being_served(served: Served) -> None:
    served.fit("e1")
    settings = Path(served.opening.source) / "tastemate.toml"
    settings.write_text("[recommend]\nprofil = 3\n")
    assert not served.swap.look()
    assert "profil" in served.swap.trouble
    assert served.project.recommend("u1", 3).items


def test_what_nobody_foresaw_is_no_reason_to_fall(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fit("e1")

    def broken(self: Opening, progress: object = None) -> Tastemate:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(Opening, "open", broken)
    assert not served.swap.look()
    assert "ZeroDivisionError" in served.swap.trouble


def test_an_empty_answer_is_no_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = served.opening.open()
    monkeypatch.setattr(type(fresh.dispatch), "recommend_all", lambda *a, **k: [_empty(fresh)])
    with pytest.raises(StageError, match="empty"):
        check(fresh)


def _empty(project: Tastemate) -> object:
    from dataclasses import replace

    del project
    from tastemate.types import Slate

    return replace(Slate(()))


def test_no_request_is_lost_while_generations_change(served: Served) -> None:
    failed: list[Exception] = []
    done = threading.Event()
    answered = [0]

    def ask() -> None:
        while not done.is_set():
            try:
                tm = served.project
                assert len(tm.recommend("u2", 3).items) > 0
                answered[0] += 1
            except Exception as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        for event in ("e1",):
            served.fit(event)
            assert served.swap.look()
    finally:
        done.set()
        for one in threads:
            one.join()
    assert not failed
    assert answered[0] > 10


def test_it_watches_by_itself(served: Served) -> None:
    swapped = threading.Event()
    put = served.swap.put

    def heard(fresh: Tastemate) -> None:
        put(fresh)
        swapped.set()

    served.swap.put = heard
    served.swap.seconds = 0.05
    served.swap.start()
    try:
        served.fit("e1")
        assert swapped.wait(20)
    finally:
        served.swap.close()
