"""Cross-validation by worker: nobody is answered from their own other dialogues."""

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate.learned import Crossed, dialogues_of
from tastemate.evaluate.turns import Mention, Said, Turn
from tastemate.interactions import Interactions
from tastemate.retrieve.dialogues import Dialogues
from tastemate.text.encoder import HashedWords
from tastemate.types import Event, Item, Query

N = 30


def _world() -> tuple[Catalog, Interactions]:
    catalog = Catalog.of(Item(f"i{at}", f"Item number {at}") for at in range(N))
    return catalog, Interactions.of([Event("u", f"i{at}", 4.0, at) for at in range(N)], catalog)


def _turn(dialogue: str, seeker: str, recommender: str, truth: int) -> Turn:
    said = (Said("recommender", "hello"), Said("seeker", "a war film please"))
    return Turn(dialogue, 2, seeker, recommender, said, said, (), (truth,), plain=said)


def _turns() -> list[Turn]:
    """Return 20 dialogues in which item 5 is the answer, and two of one pair who say item 9."""
    turns = [_turn(f"d{at}", f"s{at}", f"r{at}", 5) for at in range(20)]
    return [*turns, _turn("x", "s-x", "r-x", 9), _turn("y", "s-x", "r-y", 9)]


def test_a_dialogue_is_its_last_turn_and_what_came_before() -> None:
    said = (Said("seeker", "like this"), Said("recommender", "or"))
    first = Turn("d", 1, "s", "r", said[:1], said[:1], (), (3,), plain=said[:1])
    mentions = (Mention(1, "seeker", 0), Mention(3, "recommender", 1))
    last = Turn("d", 2, "s", "r", said, said, mentions, (4,), plain=said)
    (dialogue,) = dialogues_of([last, first]).values()
    assert [line.rows for line in dialogue.lines] == [(1,), (3,), (4,)]
    assert [line.seeks for line in dialogue.lines] == [True, False, False]


def test_nobody_hears_their_own_other_dialogues() -> None:
    model = Crossed(Dialogues(encoder=HashedWords()), _turns(), groups=3).fit(*_world())
    mine, other = Query("x", text="a war film please"), Query("d0", text="a war film please")
    scores = model.scores([mine, other])
    assert not np.isfinite(scores[0][9])
    assert np.isfinite(scores[1][9])
    assert np.isfinite(scores[:, 5]).all()


def test_a_stranger_and_a_single_group_are_refused() -> None:
    model = Crossed(Dialogues(encoder=HashedWords()), _turns(), groups=3).fit(*_world())
    with pytest.raises(DataError, match="z"):
        model.scores([Query("z")])
    with pytest.raises(DataError, match="2 groups"):
        Crossed(Dialogues(encoder=HashedWords()), _turns(), groups=1)
