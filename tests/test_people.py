"""What is known of people: at once in this process, soon in another, and never after erasure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.edits import edited, leanings, wish
from tastemate.errors import ConfigError, Unavailable, UnknownItem, UnknownUser
from tastemate.project import Tastemate
from tastemate.store.backup import backup, restore
from tastemate.store.tastes import TasteEdit
from tastemate.types import Filter, Leaning, Signal, Statement, Taste

HASHED = Settings(encoder=EncoderChoice("words"))


@pytest.fixture
def board(tmp_path: Path) -> Tastemate:
    catalog, interactions, _ = checkerboard()
    return Tastemate(Dataset("board", catalog, interactions), tmp_path / "state", HASHED)


def again(board: Tastemate, settings: Settings = HASHED) -> Tastemate:
    return Tastemate(Dataset("board", *board.work._read), board.work.folder, settings)


def did(board: Tastemate, user: str, at: int, kind: str, row: int = 0) -> Signal:
    return Signal(f"{user}-{at}", user, board.catalog.ids[row], kind, timestamp=at)


def test_a_signal_counts_once(board: Tastemate) -> None:
    one = did(board, "eve", 1, "like")
    assert board.record([one, one]).accepted == 1
    assert board.record([one]).duplicates == 1
    assert len(board.history("eve")) == 1


def test_nothing_is_kept_of_a_batch_with_a_bad_line(board: Tastemate) -> None:
    good = did(board, "eve", 1, "like")
    with pytest.raises(UnknownItem):
        board.record([good, replace(good, id="2", item="nowhere")])
    with pytest.raises(ConfigError, match="Did you mean 'like'"):
        board.record([good, replace(good, id="2", kind="likes")])
    with pytest.raises(UnknownUser):
        board.record([replace(good, user=" ")])
    assert board.store.events.count() == 0


def test_what_was_seen_is_not_shown_and_is_no_like(board: Tastemate) -> None:
    user = board.interactions.users[0]
    first = board.recommend(user, 3).ids[0]
    board.record([did(board, user, 9, "seen", board.catalog.row(first))])
    assert first not in board.recommend(user, 3).ids
    assert first in board.recommend(user, len(board.catalog), exclude_seen=False).ids
    assert board.catalog.row(first) not in board.history(user).items


def test_an_undo_brings_an_item_back(board: Tastemate) -> None:
    user = board.interactions.users[0]
    before = board.recommend(user, 3).ids
    board.record([did(board, user, 1, "dislike", board.catalog.row(before[0]))])
    assert before[0] not in board.recommend(user, 3).ids
    board.record([did(board, user, 2, "undo", board.catalog.row(before[0]))])
    assert board.recommend(user, 3).ids == before


def test_another_process_knows_it_after_catching_up(board: Tastemate) -> None:
    other, user = again(board), board.interactions.users[0]
    before = other.recommend(user, 3).ids
    board.dislike(user, before[0])
    board.add_items([{"id": "fresh", "title": "Fresh"}])
    assert other.catch_up()
    assert before[0] not in other.recommend(user, 3).ids
    assert "fresh" in other.catalog
    assert not other.catch_up()


def test_events_of_one_query_are_kept_nowhere(board: Tastemate) -> None:
    query = board.query(None, 3, events=[did(board, "", 1, "like")])
    assert query.history.items.tolist() == [0]
    assert board.store.events.count() == 0
    with pytest.raises(UnknownUser):
        board.history("")


def test_the_operator_changes_what_a_signal_is_worth_afterwards(board: Tastemate) -> None:
    board.record([did(board, "eve", 1, "click")])
    assert len(board.history("eve")) == 0
    heavy = again(board, replace(HASHED, signals={"weights": {"click": 0.9}}))
    assert len(heavy.history("eve")) == 1


def test_somebody_erased_is_unknown_and_out_of_the_next_fit(board: Tastemate) -> None:
    user = board.interactions.users[0]
    board.like(user, board.catalog.ids[0])
    board.like("other", board.catalog.ids[0])
    board.fit(["popular"])
    key, events = board.work.key, len(board.work._now.training()[1])
    gone = board.erase(user)
    assert gone["events"] == 1
    with pytest.raises(UnknownUser):
        board.history(user)
    assert board.work.key == key  # what is fitted goes on serving
    board.fit(["popular"])
    assert board.work.key != key
    assert len(board.work._now.training()[1]) < events
    assert user not in board.interactions.users
    assert user not in again(board).interactions.users
    assert len(again(board).history("other")) == 1
    board.like(user, board.catalog.ids[1])  # somebody who comes back is new
    assert len(board.history(user)) == 1


def test_what_somebody_says_of_themselves_leans_and_is_told(board: Tastemate) -> None:
    board.store.tastes.put("eve", "parity", "even", True)
    board.like("eve", board.catalog.ids[1])
    query = board.query("eve")
    assert query.leanings == (Leaning("parity", "is", "even", 1.0, "as you said"),)
    assert board.taste("eve").statements[0].text == "like even"


def test_a_correction_takes_the_place_of_what_was_read() -> None:
    read = Statement("likes titles about war", "themes", "war", True, 2.0, ("a",))
    other = Statement("likes Crime", "genres", "Crime", True, 2.0, ("a",))
    taste = Taste((read, other), "You like war and Crime.")
    never = TasteEdit("themes", "war", None)
    assert edited(taste, [never]) == Taste((other,), "")
    assert leanings([never], checkerboard()[0]) == ()
    hates = edited(taste, [TasteEdit("themes", "war", False)])
    assert [one.likes for one in hates.statements] == [False, True]
    assert hates.text == "You say you dislike war."
    assert edited(taste, []) is taste


def test_a_decade_is_its_years_and_a_value_that_is_gone_leans_to_nothing() -> None:
    catalog = checkerboard()[0]
    assert wish("year", "1990s") == Filter(
        "year", "any of", tuple(str(year) for year in range(1990, 2000))
    )
    assert wish("year", "0s BC").value[:3] == ("0", "-1", "-2")
    assert wish("genre", "1990s") == Filter("genre", "is", "1990s")
    gone = [TasteEdit("parity", "purple", True), TasteEdit("colour", "red", False)]
    assert leanings([*gone, TasteEdit("parity", "odd", False)], catalog) == (
        Leaning("parity", "is", "odd", -1.0, "as you said"),
    )


def test_signals_pull_where_a_search_index_is(board: Tastemate) -> None:
    board.record([did(board, "eve", 1, "click", row) for row in (0,)])
    assert board.query("eve").vector is None
    board.fit(["search"])
    recent = int(board.work.people._clock())
    board.record([did(board, "eve", recent + at, "like", row) for at, row in enumerate((2, 4))])
    vector = board.query("eve").vector
    assert vector is not None
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_held_person_is_read_again_only_after_news(board: Tastemate) -> None:
    people = board.work.people
    board.like("eve", board.catalog.ids[0])
    first = people.of("eve", board.catalog, board.interactions)
    assert people.of("eve", board.catalog, board.interactions) is first
    people.forget(["adam"])
    assert people.of("eve", board.catalog, board.interactions) is first
    people.forget()
    assert people.of("eve", board.catalog, board.interactions) == first or len(first.history) == 1


KINDS = ("like", "dislike", "click", "seen", "rating", "undo", "skip")


@pytest.mark.parametrize("seed", range(6))
def test_who_was_held_is_who_would_be_read(board: Tastemate, seed: int) -> None:
    """What two processes know after any order of events is what a third reads of the store."""
    rng = np.random.default_rng(seed)
    other = again(board)
    users = [*board.interactions.users[:2], "eve"]
    asked = (board.catalog, board.interactions)
    clock = 1_000
    for turn in range(60):
        clock += int(rng.choice((0, 1, 5)))
        late = int(rng.choice((0, 0, 0, 0, -30)))
        batch = [
            Signal(
                f"{turn}-{at}",
                str(rng.choice(users)),
                str(rng.choice([*board.catalog.ids[:4], "not there"])),
                str(rng.choice(KINDS)),
                float(rng.integers(1, 6)),
                clock + late,
            )
            for at in range(int(rng.integers(1, 5)))
        ]
        (board, other)[int(rng.integers(2))].work.record(batch)
        if rng.random() < 0.5:
            one = str(rng.choice(users))
            for tm in (board, other):
                tm.catch_up()
                known = tm.work.people.of(one, *asked)
                read = again(board).work.people.of(one, *asked)
                assert str(known) == str(read)
                at_hand = tm.work.people.at_hand(one, *asked)
                assert at_hand is None or str(at_hand) == str(read)


def test_who_is_held_is_not_read_again_for_what_they_do(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, asked = board.work.people, (board.catalog, board.interactions)
    board.record([did(board, "eve", 5, "like", 0)])
    people.of("eve", *asked)
    monkeypatch.setattr(people, "_made", lambda *_: pytest.fail("read again"))
    board.record([did(board, "eve", 6, "like", 1)])
    again(board).record([did(board, "eve", 7, "like", 2)])
    assert people.held("eve") is None, "something waits to be put after what is known"
    board.catch_up()
    assert len(people.of("eve", *asked).history) == 3
    assert people.held("eve") is people.of("eve", *asked)
    monkeypatch.undo()
    board.record([did(board, "eve", 3, "dislike", 1)])  # done before, told late
    assert [one.kind for one in people.of("eve", *asked).signals][0] == "dislike"


def test_what_is_on_disk_is_acknowledged_though_it_cannot_be_read_back(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, asked = board.work.people, (board.catalog, board.interactions)
    people.of("eve", *asked)

    def gone(*_: object) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(type(board.store.events), "since", gone)
    assert board.record([did(board, "eve", 1, "like")]).accepted == 1
    assert len(people.of("eve", *asked).history) == 1


def test_after_an_older_backup_is_restored_what_people_do_counts(
    board: Tastemate, tmp_path: Path
) -> None:
    people, asked = board.work.people, (board.catalog, board.interactions)
    board.record([did(board, "eve", 1, "like", 0)])
    backup(board.store, tmp_path / "kept.db")
    for at in range(20):
        board.record([did(board, "adam", 2 + at, "like", 0)])
    people.of("eve", *asked)
    restore(tmp_path / "kept.db", board.store.url, replace=True)
    board.catch_up()
    board.record([did(board, "eve", 90, "like", 1)])
    assert len(people.of("eve", *asked).history) == 2
    board.catch_up()
    assert len(people.of("eve", *asked).history) == 2


def test_another_workspace_goes_on_with_whom_one_knows(
    board: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = (board.catalog, board.interactions)
    board.record([did(board, "eve", 5, "like", 0)])
    before = board.work.people.of("eve", *asked)
    other = again(board)
    other.work.resume(board.work)
    made = other.work.people._made
    monkeypatch.setattr(other.work.people, "_made", lambda *_: pytest.fail("read again"))
    assert other.work.people.of("eve", *asked) is before
    board.record([did(board, "eve", 6, "like", 1)])
    other.catch_up()
    assert len(other.work.people.of("eve", *asked).history) == 2
    assert len(board.work.people.of("eve", *asked).history) == 2
    monkeypatch.setattr(other.work.people, "_made", made)
    board.store.tastes.put("eve", "parity", "even", True)
    other.catch_up()
    assert len(other.work.people.of("eve", *asked).edits) == 1
    board.add_items([{"id": "fresh", "title": "Fresh"}])
    third = again(board)
    third.work.resume(other.work)
    assert third.work.people.held("eve") is None, "it is over other items"
