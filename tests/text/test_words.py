import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.text.words import asked, bm25, fold, stem, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amélie & Co.", ["amelie", "and", "co"]),
        ("Schindler's List", ["schindlers", "list"]),
        ("L\u2019Avventura_2", ["lavventura", "2"]),
        ("\x00\x01 \u200b!?", []),
        ("", []),
    ],
)
def test_words_fold_case_accents_and_marks(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("heists", "heist"),
        ("movies", "movy"),
        ("movie", "movy"),
        ("stories", "story"),
        ("pie", "pie"),
        ("glass", "glass"),
        ("bus", "bus"),
        ("us", "us"),
        ("paris", "paris"),
    ],
)
def test_stem_takes_plurals_only(word, expected):
    assert stem(word) == expected


def test_asked_drops_asking_words_unless_nothing_would_stay():
    assert asked("please recommend heist films by Michael Mann") == ["heist", "michael", "mann"]
    assert asked("show me something like it") == ["show", "something", "like"]
    assert asked("The It") == ["the", "it"]
    assert asked("") == []


def test_long_texts_are_cut():
    assert len(fold("a" * 10_000_000)) < 100_000


@given(st.text())
def test_any_text_gives_folded_words(text):
    for word in terms(text):
        assert word
        assert not word.isspace()


def test_bm25_agrees_with_the_formula_and_counts_unknown_terms():
    texts = [{"heat": 2.0, "cop": 1.0}, {"cop": 1.0}, {}]
    index = bm25(texts)
    found = index.scores([["heat"], ["cop"], ["heat", "nowhere"], []])
    idf = np.log1p((3 - 1 + 0.5) / 1.5)
    length = 3 / (4 / 3)
    expected = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * length)) / (idf * 2.2)
    assert found[0, 0] == pytest.approx(expected, rel=1e-5)
    assert found[0, 1:].tolist() == [0.0, 0.0]
    assert found[1, 1] > found[1, 0] > 0
    assert found[2, 0] < found[0, 0]
    assert not found[3].any()
    assert found.max() <= 1


@pytest.mark.parametrize("texts", [[], [{}], [{}, {}]])
def test_bm25_without_words_finds_nothing(texts):
    found = bm25(texts).scores([["x"], []])
    assert found.shape == (2, len(texts))
    assert not found.any()
