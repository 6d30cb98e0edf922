"""The preference vector: which way each pull turns it, and what leaves it again."""

from collections.abc import Sequence

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import beliefs
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Session, Turn, undo
from tastemate.chat.vector import Preference, Rates, pulls
from tastemate.config import arguments
from tastemate.errors import ConfigError
from tastemate.types import Floats, Item

CATALOG = Catalog.of(
    Item(str(n), f"T{n}", attributes={"genres": ("Crime",) if n % 2 else ("Horror",)})
    for n in range(6)
)
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(6, 8)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


class Words:
    """Encodes a text by its letters, and counts the calls."""

    dimensions = 8

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> Floats:
        self.calls += 1
        found = np.zeros((len(texts), 8), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text:
                found[row, ord(letter) % 8] += 1
        lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return np.asarray(found / lengths, dtype=np.float32)


def session(*intents: Intent) -> Session:
    return Session("s", turns=tuple(Turn(f"m{n}", one) for n, one in enumerate(intents)))


def vector(*intents: Intent, rates: Rates | None = None) -> Floats:
    maker = Preference(CATALOG, VECTORS, Words(), rates or Rates())
    return maker.of(beliefs(session(*intents), CATALOG))


def near(found: Floats, item: str) -> float:
    return float(VECTORS[CATALOG.row(item)] @ found)


def test_nothing_said_points_nowhere():
    assert not vector().any()
    assert not vector(Intent("greeting")).any()
    assert not vector(Intent(wishes=(Wish("year", "at least", 1990),))).any()


def test_the_vector_has_length_one():
    found = vector(Intent(liked=("1", "2")), Intent(disliked=("3",), text="tense"))
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("toward", "away"),
    [
        (Intent(liked=("2",)), Intent(disliked=("2",))),
        (Intent(similar=("2",)), Intent(unlike=("2",))),
    ],
)
def test_signals_turn_it_toward_and_away(toward: Intent, away: Intent):
    liked = Intent(liked=("1",))
    plain = near(vector(liked), "2")
    assert near(vector(liked, toward), "2") > plain > near(vector(liked, away), "2")


def test_a_like_turns_it_more_than_a_question():
    liked = Intent(liked=("1",))
    asks = Intent("clarification", "detail", about=("2",))
    strong, weak = vector(liked, Intent(liked=("2",))), vector(liked, asks)
    assert near(strong, "2") > near(weak, "2") > near(vector(liked), "2")


def test_dislikes_alone_point_nowhere():
    assert not vector(Intent(disliked=("1",))).any()


def test_words_point_where_the_encoder_says():
    found = vector(Intent(text="tense"))
    assert found @ Words().encode(["tense"])[0] == pytest.approx(1.0, abs=1e-5)
    wished = vector(Intent(wishes=(Wish("genres", "is", "Crime"),)))
    assert wished @ Words().encode(["Crime"])[0] == pytest.approx(1.0, abs=1e-5)


def test_the_later_weighs_more():
    found = vector(Intent(text="aaa"), Intent(text="bbb"))
    first, second = Words().encode(["aaa", "bbb"])
    assert found @ second > found @ first > 0


def test_the_rule_itself():
    """p = 0; p <- a p + (1 - a) f, twice; then length 1."""
    rates = Rates(text=0.6)
    first, second = Words().encode(["abc", "xyz!"])
    by_hand = 0.6 * (0.4 * first) + 0.4 * second
    found = vector(Intent(text="abc"), Intent(text="xyz!"), rates=rates)
    assert found == pytest.approx(by_hand / np.linalg.norm(by_hand), abs=1e-5)


def test_what_is_taken_back_leaves_the_vector():
    said = (Intent(liked=("1",)), Intent(liked=("2",), text="tense"))
    maker = Preference(CATALOG, VECTORS, Words())
    undone = maker.of(beliefs(undo(session(*said)), CATALOG))
    assert np.array_equal(undone, maker.of(beliefs(session(said[0]), CATALOG)))
    assert not maker.of(beliefs(session(*said, Intent(act="forget")), CATALOG)).any()


def test_the_same_turns_give_the_same_vector_and_texts_are_encoded_once():
    encoder = Words()
    maker = Preference(CATALOG, VECTORS, encoder)
    now = beliefs(session(Intent(text="tense"), Intent(liked=("3",))), CATALOG)
    assert np.array_equal(maker.of(now), maker.of(now))
    assert encoder.calls == 1


def test_signals_come_in_the_order_they_were_said():
    said = session(Intent(liked=("1",)), Intent(text="tense", disliked=("2",)))
    told = [(one.turn, one.kind, one.weight) for one in pulls(beliefs(said, CATALOG))]
    assert told == [(0, "like", 1.0), (1, "text", 1.0), (1, "dislike", -1.0)]


def test_items_without_a_vector_say_nothing():
    few = VECTORS[:2].copy()
    few[0] = 0
    maker = Preference(CATALOG, few, Words())
    assert not maker.of(beliefs(session(Intent(liked=("0", "5"))), CATALOG)).any()
    none = Preference(CATALOG, VECTORS[:0], Words())
    assert not none.of(beliefs(session(Intent(liked=("1",))), CATALOG)).any()


def test_rates_come_from_a_table():
    assert Rates(**arguments(Rates, {"like": 0.5}, "[chat.rates]")) == Rates(like=0.5)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Rates(text=1.5)
    with pytest.raises(ConfigError, match="Did you mean 'like'"):
        arguments(Rates, {"liked": 0.5}, "[chat.rates]")
