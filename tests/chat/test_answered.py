"""Short answers to a question, and messages that are none."""

import pytest

from tastemate.chat.answered import answered
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Question

GENRES = Question("genres", ("Crime", "Comedy", "Science Fiction"), "Rather crime or comedy?")
ONE = Question("genres", ("Comedy",), "Shall it be a comedy?")
YEARS = Question("year", ("before 1990", "since 1990"), "From before 1990, or newer?")
LENGTH = Question("runtime", ("at most 95", "at least 120"), "Rather low runtime, or high?")


def wishes(question: Question, text: str) -> tuple[Wish, ...]:
    return answered(question, Intent(text=text, picked=(1,)), text).wishes


@pytest.mark.parametrize(
    ("question", "text", "wish"),
    [
        (ONE, "yes", Wish("genres", "is", "Comedy")),
        (ONE, "Yeah, sure!", Wish("genres", "is", "Comedy")),
        (ONE, "no", Wish("genres", "is not", "Comedy")),
        (ONE, "maybe yes", Wish("genres", "is", "Comedy", firm=False)),
        (GENRES, "the first", Wish("genres", "is", "Crime")),
        (GENRES, "the second one", Wish("genres", "is", "Comedy")),
        (GENRES, "2", Wish("genres", "is", "Comedy")),
        (GENRES, "the last one please", Wish("genres", "is", "Science Fiction")),
        (GENRES, "comedies", Wish("genres", "is", "Comedy")),
        (GENRES, "science fiction!", Wish("genres", "is", "Science Fiction")),
        (GENRES, "not comedy", Wish("genres", "is not", "Comedy")),
        (GENRES, "crime or comedy", Wish("genres", "any of", ("Crime", "Comedy"))),
        (YEARS, "older", Wish("year", "at most", 1989)),
        (YEARS, "newer please", Wish("year", "at least", 1990)),
        (YEARS, "the first", Wish("year", "at most", 1989)),
        (YEARS, "not before 1990", Wish("year", "at least", 1990)),
        (LENGTH, "short", Wish("runtime", "at most", 95)),
        (LENGTH, "high", Wish("runtime", "at least", 120)),
        (LENGTH, "90", Wish("runtime", "at most", 90)),
        (LENGTH, "150", Wish("runtime", "at least", 150)),
    ],
)
def test_an_answer_is_a_wish(question: Question, text: str, wish: Wish):
    assert wishes(question, text) == (wish,)


def test_no_to_a_choice_is_none_of_it():
    assert {wish.operator for wish in wishes(GENRES, "neither")} == {"is not"}
    assert len(wishes(GENRES, "neither")) == 3


def test_a_bare_year_is_that_year():
    assert wishes(YEARS, "1994") == (Wish("year", "at least", 1994), Wish("year", "at most", 1994))


@pytest.mark.parametrize(
    "text", ["doesn't matter", "either is fine", "I don't care", "no preference", "surprise me"]
)
def test_an_open_answer_wishes_nothing_and_searches_for_nothing(text: str):
    read = answered(GENRES, Intent(text=text), text)
    assert read.wishes == ()
    assert read.text == ""
    assert read.state == "recommendation"


@pytest.mark.parametrize("question", [GENRES, YEARS])
def test_yes_to_a_choice_of_several_chooses_none(question: Question):
    read = answered(question, Intent(text="yes"), "yes")
    assert read.wishes == ()
    assert read.text == ""


@pytest.mark.parametrize(
    "intent",
    [
        Intent(text="something with a heist in it please"),
        Intent(liked=("1",)),
        Intent(act="thanks"),
        Intent(wishes=(Wish("genres", "is", "Crime"),)),
        Intent(picked=(1,), verdict="liked"),
    ],
)
def test_what_is_no_answer_comes_back_as_it_was(intent: Intent):
    assert answered(GENRES, intent, intent.text or "the first") is intent
    assert answered(None, intent, "yes") is intent
    assert answered(GENRES, Intent(), "") == Intent()


def test_an_answer_leaves_the_list_alone():
    read = answered(GENRES, Intent(picked=(1,), text="the first"), "the first")
    assert read.picked == ()
