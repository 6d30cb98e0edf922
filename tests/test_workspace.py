"""What is fitted is opened once, over what is served now, and in nobody's way."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tastemate import generation
from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.generation import Edition
from tastemate.project import Tastemate
from tastemate.protocols import Retriever
from tastemate.store.tastes import TasteEdit

HASHED = Settings(encoder=EncoderChoice("words"))
WAIT = 20.0


@pytest.fixture
def board(tmp_path: Path) -> Tastemate:
    catalog, interactions, _ = checkerboard()
    return Tastemate(Dataset("board", catalog, interactions), tmp_path / "state", HASHED)


class Held:
    """Stops the opening of one retriever until told to go on."""

    def __init__(self, board: Tastemate, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.over: list[int] = []
        models, opened = board.work._models, board.work._models.open

        def slow(one: str, now: Edition, *, fits: bool = True) -> Retriever:
            if one == name:
                self.over.append(len(now.catalog))
                self.begun.set()
                assert self.go.wait(WAIT)
            return opened(one, now, fits=fits)

        monkeypatch.setattr(models, "open", slow)


def began(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_what_others_wrote_is_read_while_a_model_is_fitted(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Held(board, "ease", monkeypatch)
    fitting = began(lambda: board.retriever("ease"))
    assert slow.begun.wait(WAIT)
    board.store.tastes.put("u1", "kind", "red", True)
    looked = began(board.catch_up)
    looked.join(WAIT)
    assert not looked.is_alive(), "it waits for no fit"
    others = began(lambda: board.retriever("popular"))
    others.join(WAIT)
    assert not others.is_alive(), "nor does another model"
    slow.go.set()
    fitting.join(WAIT)
    assert board.retriever("ease") is board.retriever("ease")


def test_what_was_opened_over_an_older_catalogue_is_not_kept(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.fit(["ease", "popular"])
    board.work._fitted.clear()
    before = len(board.catalog)
    slow = Held(board, "ease", monkeypatch)
    opening = began(lambda: board.retriever("ease"))
    assert slow.begun.wait(WAIT)
    board.add_items([{"id": "fresh", "title": "Fresh"}])
    slow.go.set()
    opening.join(WAIT)
    assert slow.over == [before, before + 1]
    assert board.retriever("ease").scores([board.query("u1", 3)]).shape == (1, before + 1)


def test_two_who_ask_for_a_model_fit_it_once(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Held(board, "ease", monkeypatch)
    both = [began(lambda: board.retriever("ease")) for _ in range(2)]
    assert slow.begun.wait(WAIT)
    slow.go.set()
    for thread in both:
        thread.join(WAIT)
    assert len(slow.over) == 1


def test_what_is_fitted_on_is_read_once_a_fit(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    absorbed = generation.absorbed
    monkeypatch.setattr(
        generation,
        "absorbed",
        lambda *said, **more: reads.append(said[3]) or absorbed(*said, **more),
    )
    board.like("eve", board.catalog.ids[0])
    board.fit(["popular", "ease", "transition"])
    board.retriever("als")  # never fitted: it is fitted on the same
    assert reads == [1]
    board.like("eve", board.catalog.ids[1])
    board.fit(["popular", "ease"])
    assert reads == [1, 2]


def test_a_taste_told_in_this_process_leaves_other_people_as_they_are(board: Tastemate) -> None:
    one, other = board.interactions.users[:2]
    people, asked = board.work.people, (board.catalog, board.interactions)
    mine, theirs = people.of(one, *asked), people.of(other, *asked)
    people.wrote(one, "tastes", board.store.tastes.put(one, "kind", "red", None))
    board.catch_up()
    assert people.held(other) is theirs
    assert people.of(one, *asked) is not mine
    assert [type(edit) for edit in people.of(one, *asked).edits] == [TasteEdit]
    people.wrote(one, "users", board.store.users.put(one, {"age": 40}))
    board.catch_up()
    assert people.held(other) is theirs
    assert people.of(one, *asked).about["age"] == 40


def test_a_taste_told_to_another_process_may_be_anybodys(board: Tastemate) -> None:
    one, other = board.interactions.users[:2]
    people, asked = board.work.people, (board.catalog, board.interactions)
    people.of(other, *asked)
    board.store.tastes.put(other, "kind", "red", None)  # what another process wrote
    people.wrote(one, "tastes", board.store.tastes.put(one, "kind", "red", None))
    board.catch_up()
    assert people.held(other) is None
    assert len(people.of(other, *asked).edits) == 1


def test_people_are_held_while_others_write(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is read while somebody else writes is held; who wrote meanwhile is read again."""
    one, other = board.interactions.users[:2]
    people, asked = board.work.people, (board.catalog, board.interactions)
    made = people._made

    def meanwhile(user: str, *said: object) -> object:
        found = made(user, *said)
        board.like("somebody", board.catalog.ids[0])
        if user == other:
            board.like(other, board.catalog.ids[1])
        return found

    monkeypatch.setattr(people, "_made", meanwhile)
    first = people.of(one, *asked)
    assert people.held(one) is first
    people.of(other, *asked)
    assert people.held(other) is None, "what was read of them may be old"
