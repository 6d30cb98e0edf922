"""Dialogues: reading them, learning from them, and leaving out whom one must not hear."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError, NotFitted, NotFound
from tastemate.interactions import Interactions
from tastemate.retrieve.choice import Choices, learn
from tastemate.retrieve.dialogue_corpus import Corpus, Dialogue, Line, asks_of, read_dialogues
from tastemate.retrieve.dialogue_signals import SIGNALS
from tastemate.retrieve.dialogues import Dialogues
from tastemate.text.encoder import HashedWords
from tastemate.types import Event, Item, Query, history

N = 24


def _world() -> tuple[Catalog, Interactions]:
    catalog = Catalog.of(
        Item(f"i{at}", f"Item number {at}", "", {"genres": (("War", "Comedy")[at % 2],)})
        for at in range(N)
    )
    events = [Event(f"u{at % 5}", f"i{at}", 1.0 + at % 5, at) for at in range(N)]
    return catalog, Interactions.of(events, catalog)


def _dialogues(n: int = 40) -> list[Dialogue]:
    """Return dialogues in which a war film is answered with item 4, a comedy with item 7."""
    made = []
    for at in range(n):
        asked, named, answer = [("a war film", 2, 4), ("something funny", 3, 7)][at % 2]
        lines = (
            Line(False, "hello, what do you like"),
            Line(True, f"I want {asked}", (named,) if at % 4 < 2 else ()),
            Line(False, "try this", (answer, 10 + at % 12)),
            Line(True, "thanks"),
        )
        made.append(Dialogue(f"s{at}", f"r{at}", lines))
    return made


def _fitted() -> Dialogues:
    return Dialogues(encoder=HashedWords()).learn(*_world(), _dialogues())


def test_words_find_what_such_words_were_answered_with() -> None:
    model = _fitted()
    queries = [Query(text="I want a war film"), Query(text="I want something funny")]
    found = model.retrieve(queries, 1)
    assert [line[0].row for line in found] == [4, 7]


def test_mentions_alone_find_what_was_named_with_them() -> None:
    found = _fitted().retrieve([Query(history=history([2])), Query(history=history([3]))], 1)
    assert [line[0].row for line in found] == [4, 7]


def test_a_signal_left_out_weighs_nothing() -> None:
    model = Dialogues(encoder=HashedWords(), without=("worded",)).learn(*_world(), _dialogues())
    assert model.weights[SIGNALS.index("worded")] == 0
    assert np.count_nonzero(model.weights) > 5


def test_without_dialogues_it_has_no_opinion(tmp_path: Path) -> None:
    model = Dialogues(encoder=HashedWords()).fit(*_world())
    assert np.isneginf(model.scores([Query(text="a war film")])).all()
    model.save(tmp_path / "kept")
    again = Dialogues(encoder=HashedWords()).load(tmp_path / "kept", _world()[0])
    assert again.retrieve([Query(history=history([2]))], 3) == [[]]


def test_saved_and_loaded_it_answers_alike(tmp_path: Path) -> None:
    model, queries = _fitted(), [Query(text="a war film", history=history([2, 9])), Query()]
    model.save(tmp_path / "kept")
    again = Dialogues(encoder=HashedWords()).load(tmp_path / "kept", _world()[0])
    np.testing.assert_allclose(again.scores(queries), model.scores(queries), rtol=1e-4, atol=1e-5)
    with pytest.raises(ConfigError, match="Fit again"):
        Dialogues(encoder=HashedWords(dimensions=64)).load(tmp_path / "kept", _world()[0])


def test_what_may_not_be_heard_changes_nothing() -> None:
    """The answer without some dialogues is the one of a corpus that never had them."""
    dialogues = _dialogues()
    catalog, interactions = _world()
    kept = Corpus.of(dialogues[:30])
    whole, part = Dialogues(encoder=HashedWords()), Dialogues(encoder=HashedWords())
    whole.remember(catalog, interactions, Corpus.of(dialogues))
    part.remember(catalog, interactions, kept)
    query = Query(text="I want a war film", history=history([2]))
    worth = np.linspace(0.1, 1.0, len(whole.weights)).astype(np.float32)
    heard = np.arange(len(dialogues))[None, :] < 30
    np.testing.assert_allclose(
        whole.answers([query], [worth], heard), part.answers([query], [worth]), rtol=1e-4
    )
    taught = np.arange(len(dialogues)) < 30
    own = Corpus.of(dialogues).strangers(Corpus.of(dialogues).people)
    np.testing.assert_allclose(
        whole.weighed(Corpus.of(dialogues), taught, own & heard),
        part.weighed(kept, taught[:30], kept.strangers(kept.people)),
        rtol=1e-2,
        atol=1e-2,
    )


def test_strangers_are_dialogues_without_either_person() -> None:
    pairs = [("a", "b"), ("b", "c"), ("d", "a"), ("e", "f")]
    corpus = Corpus.of([Dialogue(one, other, ()) for one, other in pairs])
    assert corpus.strangers(corpus.people).astype(int).tolist() == [
        [0, 0, 0, 1],
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [1, 1, 1, 0],
    ]


def test_an_ask_is_what_the_recommender_names_first() -> None:
    lines = (
        Line(True, "like", (1,)),
        Line(False, "", (1, 2)),
        Line(True, "more"),
        Line(False, "again", (2,)),
        Line(False, "", (3, 3)),
    )
    found = asks_of(Dialogue("a", "b", lines))
    assert [(ask.past, ask.words, ask.answer) for ask in found] == [
        ((1,), "like", (2,)),
        ((1, 2), "like more", (3,)),
    ]


def _record(**changes: Any) -> dict[str, Any]:
    return {
        "movieMentions": {"7": "Item number 7  ", "8": None, "9": "Nothing known"},
        "messages": [
            {"senderWorkerId": 1, "text": "like @7 or @8"},
            {"senderWorkerId": 2, "text": "@9 @7"},
        ],
        "initiatorWorkerId": 1,
        "respondentWorkerId": 2,
    } | changes


def test_a_file_is_read_and_titles_are_linked(tmp_path: Path) -> None:
    path = tmp_path / "dialogues.jsonl"
    path.write_text(json.dumps(_record()) + "\n\n")
    (read,) = read_dialogues(path, lambda title: {"Item number 7": 7}.get(title, -1))
    assert read == Dialogue("1", "2", (Line(True, "like or", (7,)), Line(False, "", (7,))))


@pytest.mark.parametrize("line", ["[]", "{", '"a"', "{}", json.dumps(_record(messages=[3]))])
def test_a_line_that_is_no_dialogue_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "dialogues.jsonl"
    path.write_text(json.dumps(_record()) + "\n" + line)
    with pytest.raises(FormatError, match="line 2"):
        read_dialogues(path, lambda _: -1)


def test_a_missing_file_and_a_bad_penalty_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="path"):
        Dialogues(encoder=HashedWords(), path=str(tmp_path / "none")).fit(*_world())
    with pytest.raises(ConfigError, match="penalty"):
        Dialogues(encoder=HashedWords(), penalty=0)
    with pytest.raises(ConfigError, match="no signal"):
        Dialogues(encoder=HashedWords(), without=("wordde",))
    with pytest.raises(NotFitted):
        Dialogues(encoder=HashedWords()).scores([Query()])


def test_the_logit_finds_the_weights_that_made_the_choices() -> None:
    rng = np.random.default_rng(0)
    true = np.array([1.5, -0.7, 0.0])
    signals = rng.normal(size=(3000, 10, 3)).astype(np.float32)
    utility = signals @ true + rng.gumbel(size=(3000, 10))
    taken = utility == utility.max(axis=1, keepdims=True)
    pool = np.repeat(np.arange(3000), 10)
    choices = Choices(signals.reshape(-1, 3), pool, taken.ravel())
    np.testing.assert_allclose(learn(choices, 1.0), true, atol=0.1)
    nothing = Choices(choices.signals, pool, np.zeros(30_000, dtype=np.bool_))
    assert not learn(nothing, 1.0).any()
